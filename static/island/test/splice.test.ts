import assert from "node:assert/strict";
import { test } from "node:test";
import { applyAll } from "../src/model/change";
import { healChanges, spliceAt, spliceChanges, spliceInto } from "../src/model/splice";
import { edge, node, sample, sceneOf } from "./fixture";

const ends = (scene: ReturnType<typeof sceneOf>): string[] => [...scene.flow.wires.values()].map((wire) => `${wire.source}.${wire.sourcePin} > ${wire.target}.${wire.targetPin}`).sort();

test("a step on a wire goes between its ends, and out again", () => {
  const flow = sample();
  (flow.nodes as unknown[]).push(node("n6", "ask", {}, 470, 10));
  const scene = sceneOf(flow);
  const fresh = scene.flow.nodes.get("n6")!;
  const splice = spliceAt(scene, fresh)!;
  assert.equal(splice.wire.key, "e2");
  applyAll(scene.flow, spliceChanges(scene.flow, fresh, splice));
  assert.deepEqual(ends(scene).slice(2, 4), ["n2.exec-out > n6.exec-in", "n3.true > n4.exec-in"]);
  assert.ok(ends(scene).includes("n6.exec-out > n3.exec-in"));
  const gone = new Set(["n6"]);
  const heal = healChanges(scene.flow, scene.shapes, gone);
  applyAll(scene.flow, [{ op: "remove", node: "n6" }, ...heal]);
  assert.ok(ends(scene).includes("n2.exec-out > n3.exec-in"));
  const again = sceneOf(flow);
  assert.equal(spliceInto(again, again.flow.nodes.get("n5")!, again.flow.wires.get("e2")!), null, "a value node is no step");
});

test("a chain is joined over its gap, a branch is not", () => {
  const scene = sceneOf();
  assert.deepEqual(healChanges(scene.flow, scene.shapes, new Set(["n2", "n3"])).length, 1, "n1 goes on to n4");
  const flow = sample();
  (flow.edges as unknown[]).push(edge("e6", "n3", "false", "n2", "exec-in"));
  const branch = sceneOf(flow);
  assert.deepEqual(healChanges(branch.flow, branch.shapes, new Set(["n3"])), []);
});

test("a value passes where a node of one input stood", () => {
  const scene = sceneOf();
  const [change] = healChanges(scene.flow, scene.shapes, new Set(["n5"]));
  assert.ok(change?.op === "connect" && change.edge.sourceHandle === "name" && change.edge.targetHandle === "text");
});
