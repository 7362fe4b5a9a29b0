import assert from "node:assert/strict";
import { test } from "node:test";
import { breakOf, breakOn, breaksOf, setBreak, toldOf } from "../src/model/breaks";
import { applyAll } from "../src/model/change";
import type { FlowNode } from "../src/model/document";
import { isObject } from "../src/model/json";
import { pastedData } from "../src/model/marks";
import { sceneOf } from "./fixture";

test("breakpoints of nodes and wires are told as the server takes them, and leave no trace", () => {
  const { flow } = sceneOf();
  const before = JSON.stringify(flow.toJSON());
  const wire = [...flow.wires.values()][0]!;
  const [n1, end] = [flow.nodes.get("n1")!, wire.to as FlowNode];
  applyAll(flow, [setBreak(n1, null, { at: "before", when: " ", off: false })]);
  assert.deepEqual(toldOf(breaksOf(flow)), { nodes: ["n1"], places: [] });
  applyAll(flow, [setBreak(n1, null, { at: "after", when: "x > 1", off: false }), setBreak(end, wire, { at: "wire", when: "", off: false })]);
  const places = toldOf(breaksOf(flow)).places;
  assert.deepEqual(places.find((each) => each.at === "after"), { node: "n1", at: "after", when: "x > 1" });
  assert.deepEqual(places.find((each) => each.at === "wire"), { node: wire.source, at: "wire", pin: wire.sourcePin });
  applyAll(flow, [setBreak(end, wire, { at: "wire", when: "y", off: true })]);
  assert.deepEqual([breakOn(wire)?.off, breakOn(wire)?.when, toldOf(breaksOf(flow)).places.length], [true, "y", 1]);
  applyAll(flow, [setBreak(n1, null, null)]);
  applyAll(flow, [setBreak(end, wire, null)]);
  assert.equal(breakOf(n1), null);
  assert.equal(JSON.stringify(flow.toJSON()), before);
});

test("a breakpoint is not copied with a node, and a malformed mark is none", () => {
  const { flow } = sceneOf();
  const data = pastedData({ canvas: { breakpoint: { at: "after" }, breaks: { a: true }, remark: "x" } }, (id) => id, new Map());
  assert.deepEqual(isObject(data) ? data.canvas : null, { remark: "x" });
  const n1 = flow.nodes.get("n1")!;
  applyAll(flow, [{ op: "set", node: "n1", path: ["canvas"], value: { breakpoint: "yes", breaks: [1] } }]);
  assert.deepEqual([breakOf(n1), breaksOf(flow).length], [null, 0]);
});
