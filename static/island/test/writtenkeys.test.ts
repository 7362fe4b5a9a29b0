import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import test from "node:test";
import type { KeyRule } from "../src/catalog";
import { copyText } from "../src/model/clipboard";
import { FlowDocument } from "../src/model/document";
import type { JsonObject } from "../src/model/json";
import { WrittenKeys } from "../src/model/writtenkeys";
import { sample } from "./fixture";

// The same rule and cases as tests/nodes/test_written_keys.py, which holds the rule equal to the server's.
const shared = JSON.parse(readFileSync(resolve(process.cwd(), "test/written_keys.json"), "utf8")) as {
  rule: KeyRule;
  cases: { name: string; data: JsonObject; left: JsonObject }[];
};
const keys = new WrittenKeys(shared.rule);

for (const { name, data, left } of shared.cases) {
  test(`written keys: ${name}`, () => {
    assert.deepEqual(keys.cover({ id: "a", data }), { id: "a", data: left });
  });
}

test("no key is in the text of copied nodes, nor in a text of a flow; all else is as it was", () => {
  const document = sample();
  const [first] = document.nodes as JsonObject[];
  first!.data = { ...(first!.data as JsonObject), pinDefaults: { headers: { Authorization: "Bearer abc-def" }, rate: 2 }, code: "x = 'sk-12345678'" };
  const flow = FlowDocument.fromJSON(document);
  const id = String(first!.id);
  const text = copyText(flow, [id], (node) => keys.cover(node));
  assert.ok(!text.includes("abc-def") && !text.includes("sk-12345678"));
  assert.ok(text.includes('"Authorization": "Bearer [key left out: Authorization]"') && text.includes('"rate": 2'));
  assert.ok(copyText(flow, [id]).includes("sk-12345678"), "what stays in the page is whole");
  const whole = keys.text(JSON.stringify(document, null, 2));
  assert.ok(!whole.includes("abc-def") && !whole.includes("sk-12345678"));
  assert.ok(whole.includes("Bearer [key left out: Authorization]") && whole.includes("[key left out: a key]"));
});
