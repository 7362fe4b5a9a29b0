import assert from "node:assert/strict";
import test from "node:test";
import { canonicalText } from "../src/model/canonical";
import { applyAll } from "../src/model/change";
import { differenceTo } from "../src/model/difference";
import { FlowDocument } from "../src/model/document";
import { History } from "../src/model/history";
import type { JsonObject } from "../src/model/json";
import { lineOf, readText, TextMistake } from "../src/model/jsontext";
import { Scene } from "../src/model/scene";
import { catalog, dice, edge, node, sample } from "./fixture";
import { Hands } from "./random";

const mistake = (text: string): string => {
  try {
    readText(text);
  } catch (error) {
    if (!(error instanceof TextMistake)) throw error;
    const { line, column } = lineOf(text, error.at);
    return `${line}:${column} ${error.message}`;
  }
  return "none";
};

test("text is read as JSON is, with the place of every node and wire", () => {
  const text = canonicalText(sample());
  const { value, places } = readText(text);
  assert.deepEqual(value, JSON.parse(text));
  const place = places.get("nodes 1");
  assert.deepEqual(JSON.parse(text.slice(place?.from, place?.to)), (JSON.parse(text) as { nodes: unknown[] }).nodes[1]);
  assert.equal(text.slice(places.get("key name")?.from, places.get("key name")?.to), '"Sample"');
  for (const odd of ['{"a": -0.5e3, "b": [], "c": {}, "d": "\\u00e9\\n", "__proto__": 1}', ' [1 , true,null ] ', '"x"']) assert.deepEqual(readText(odd).value, JSON.parse(odd));
});

test("a mistake is told with its line and column", () => {
  assert.match(mistake('{\n  "a": 1,\n}'), /^3:1 A key in quotes/);
  assert.match(mistake('{\n  "a" 1\n}'), /^2:7 A colon is missing after "a"/);
  assert.match(mistake('{\n  "a": 1\n  "b": 2\n}'), /^3:3 A comma or a closing brace/);
  assert.match(mistake('{"a": [1 2]}'), /^1:10 A comma or a closing bracket/);
  assert.match(mistake('{"a": "x\n"}'), /^1:7 This text has no closing quote/);
  assert.match(mistake('{"a": 1, "a": 2}'), /^1:10 The key "a" appears twice/);
  assert.match(mistake('{"a": tru}'), /^1:7 A value is missing/);
  assert.match(mistake('{"a": 01}'), /^1:8 A comma or a closing brace/);
  assert.match(mistake('{"a": 1e999}'), /^1:7 This number is too large/);
  assert.match(mistake('{"a": "\\ud800"}'), /^1:7 This text holds half a character/);
  assert.match(mistake("{} {}"), /^1:4 Something follows/);
  assert.match(mistake('{"a":'), /^1:6 The text ends too early/);
  assert.match(mistake(`${"[".repeat(80)}${"]".repeat(80)}`), /^1:66 This is nested deeper than 64/);
});

test("the text has the keys in the order of the file", () => {
  const text = canonicalText({ zeta: 1, edges: [{ target: "b", id: "e" }], nodes: [{ data: { x: 1, label: "L", nodeType: "t" }, id: "a" }], id: "f" });
  assert.deepEqual(Object.keys(JSON.parse(text) as object), ["id", "nodes", "edges", "zeta"]);
  assert.match(text, /"id": "a",\n {6}"data": \{\n {8}"nodeType": "t",\n {8}"label": "L",\n {8}"x": 1/);
  assert.equal(canonicalText(JSON.parse(text) as JsonObject), text);
});

test("the changes to another version touch what differs and nothing else", () => {
  const flow = FlowDocument.fromJSON(sample());
  const other = structuredClone(sample());
  (other.nodes as JsonObject[])[1] = node("n2", "ask", { pinDefaults: { prompt: "Other" } }, 320, 0);
  other.name = "Other";
  assert.deepEqual(differenceTo(flow, other).map((change) => change.op), ["replace", "replace"]);
  assert.deepEqual(differenceTo(flow, structuredClone(sample())), []);
  const fewer = structuredClone(sample());
  (fewer.nodes as unknown[]).pop();
  fewer.edges = (fewer.edges as JsonObject[]).filter(({ source, target }) => source !== "n5" && target !== "n5");
  (fewer.nodes as unknown[]).unshift(node("n9", "word"));
  (fewer.edges as unknown[]).push(edge("e9", "n9", "value", "n4", "text"));
  applyAll(flow, differenceTo(flow, fewer));
  assert.equal(JSON.stringify(flow.toJSON()), JSON.stringify(fewer));
});

test("from any document to any other, and back to the byte", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const [one, two] = [FlowDocument.fromJSON(sample()), FlowDocument.fromJSON(sample())];
    for (const [flow, salt] of [[one, 1], [two, 2]] as const) {
      const [scene, history] = [new Scene(flow, catalog), new History(flow)];
      const hands = new Hands(scene, history, dice(seed * 2 + salt));
      for (let i = 0; i < 25; i++) hands.act();
    }
    const [before, wanted] = [JSON.stringify(one.toJSON()), two.toJSON()];
    const undo = applyAll(one, differenceTo(one, wanted));
    assert.equal(canonicalText(one.toJSON()), canonicalText(wanted), `seed ${seed}`);
    applyAll(one, undo);
    assert.equal(JSON.stringify(one.toJSON()), before, `seed ${seed}: back`);
  }
});
