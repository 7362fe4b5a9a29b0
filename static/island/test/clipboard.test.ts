import assert from "node:assert/strict";
import test from "node:test";
import { applyAll } from "../src/model/change";
import { copyText, pasteText } from "../src/model/clipboard";
import { FlowDocument } from "../src/model/document";
import { isObject } from "../src/model/json";
import { sample } from "./fixture";

test("copied nodes come back with the wires between them, fresh ids and all their data", () => {
  const flow = FlowDocument.fromJSON(sample());
  const text = copyText(flow, ["n2", "n3", "n5"]);
  const pasted = pasteText(flow, text, null)!;
  assert.deepEqual(pasted.ids, ["node-1", "node-2", "node-3"]);
  applyAll(flow, pasted.changes);
  assert.equal(flow.nodes.size, 8);
  assert.deepEqual(flow.nodes.get("node-1")!.data, flow.nodes.get("n2")!.data);
  assert.deepEqual(flow.nodes.get("node-3")!.data.unknown, { deep: true });
  assert.equal(flow.wiresAt("node-2", "in", "exec-in")[0]?.source, "node-1");
  assert.equal(flow.wiresAt("node-3", "in", "a").length, 0, "a wire from outside does not travel");
  assert.deepEqual([flow.nodes.get("node-1")!.x, flow.nodes.get("node-1")!.y], [352, 32]);
});

test("a paste at a point has its middle there, on the grid", () => {
  const flow = FlowDocument.fromJSON(sample());
  const pasted = pasteText(flow, copyText(flow, ["n2", "n3"]), { x: 1001, y: 499 })!;
  applyAll(flow, pasted.changes);
  const [a, b] = pasted.ids.map((id) => flow.nodes.get(id)!);
  assert.equal(b!.x - a!.x, 320);
  assert.ok([a!.x, a!.y, b!.x, b!.y].every((value) => value % 8 === 0));
  assert.ok(Math.abs((a!.x + b!.x + 200) / 2 - 1001) <= 8);
});

test("the text is readable and a whole flow can be pasted too", () => {
  const flow = FlowDocument.fromJSON({ id: "empty", nodes: [], edges: [] });
  assert.ok(copyText(FlowDocument.fromJSON(sample()), ["n1"]).includes('"kind": "flowstudio/nodes"'));
  const pasted = pasteText(flow, JSON.stringify(sample()), null)!;
  applyAll(flow, pasted.changes);
  assert.equal(flow.nodes.size, 5);
  assert.equal(flow.wires.size, 5);
});

test("what holds no nodes is not pasted", () => {
  const flow = FlowDocument.fromJSON(sample());
  for (const text of ["", "hello", "{", "{}", '{"nodes":[]}', '{"nodes":[{"type":"ask"}]}', "[1]", '{"nodes":"x"}']) {
    assert.equal(pasteText(flow, text, null), null, text);
  }
});

test("hostile text does no harm", () => {
  const flow = FlowDocument.fromJSON(sample());
  const text = '{"nodes":[{"id":"a","type":"ask","position":{"x":1e999,"y":"no"},"data":{"__proto__":{"bad":1}}},{"id":"a","type":"ask"}],"edges":[{"source":"a","target":"zz"},3]}';
  const pasted = pasteText(flow, text, null)!;
  assert.equal(pasted.ids.length, 1);
  applyAll(flow, pasted.changes);
  const raw = flow.nodes.get(pasted.ids[0]!)!.raw;
  assert.ok(isObject(raw.position) && Number.isFinite(raw.position.x) && Number.isFinite(raw.position.y));
  assert.equal(({} as { bad?: number }).bad, undefined);
});
