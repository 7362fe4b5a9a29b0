import assert from "node:assert/strict";
import test from "node:test";
import { applyChange, type Change } from "../src/model/change";
import { bestPin, choicesAt } from "../src/model/connect";
import { giveWay } from "../src/model/giveway";
import { heightOf, overlap, pinPoint } from "../src/model/geometry";
import { pinNear } from "../src/model/hit";
import { turnMark } from "../src/model/marks";
import type { Scene } from "../src/model/scene";
import { edge, node, sceneOf } from "./fixture";

const flow = (data = {}): Scene =>
  sceneOf({ nodes: [node("m", "model", data, 0, 0), node("w", "word", {}, -400, 0), node("n", "make-number", {}, -400, 200)], edges: [] });
const model = (scene: Scene) => scene.flow.nodes.get("m")!;
const seen = (scene: Scene): string[] => scene.shape(model(scene)).pins.filter((pin) => pin.row >= 0 && !pin.folded).map((pin) => pin.id);

function make(scene: Scene, change: Change): void {
  applyChange(scene.flow, change);
  scene.sync(scene.flow.take());
}

test("pins that are seldom needed fold away behind one row, and the node is as high as what is left", () => {
  const scene = flow();
  assert.deepEqual(seen(scene), ["prompt", "answer"]);
  const shape = scene.shape(model(scene));
  assert.deepEqual(shape.fold?.pins.map((pin) => pin.id), ["system", "heat", "seed", "meta"]);
  assert.equal(shape.fold?.row, 1);
  assert.equal(scene.box(model(scene)).h, heightOf({ rows: 2 }));
});

test("a wire, a value or an expression brings a pin out, in its place among the others", () => {
  const scene = flow({ pinDefaults: { seed: 4 }, pinExpressions: { heat: "1 / 2" } });
  assert.deepEqual(seen(scene), ["prompt", "heat", "seed", "answer"]);
  make(scene, { op: "connect", edge: edge("s", "w", "value", "m", "system") });
  assert.deepEqual(seen(scene), ["prompt", "system", "heat", "seed", "answer", "meta"], "one pin alone is worth no row that stands for it");
  assert.equal(scene.shape(model(scene)).fold, null);
  make(scene, { op: "disconnect", edge: "s" });
  assert.deepEqual(seen(scene), ["prompt", "heat", "seed", "answer"]);
});

test("no wire ends at a pin that is folded away, and no pointer finds one", () => {
  const scene = flow();
  const box = scene.box(model(scene));
  for (const pin of scene.shape(model(scene)).pins.filter((each) => each.folded)) {
    const near = pinNear(scene, pinPoint(box, pin), 4);
    assert.ok(!near || near.pin !== pin.id);
  }
  make(scene, { op: "connect", edge: edge("s", "n", "out", "m", "seed") });
  const pin = scene.shapes.pin(model(scene), "in", "seed")!;
  assert.equal(pin.folded, false);
  assert.deepEqual(scene.pinPoint("m", "in", "seed"), pinPoint(box, { side: "in", row: 1 }));
});

test("a wire let go on the node may go to a pin that is folded away, after those in view", () => {
  const scene = flow();
  const from = { node: "w", side: "out" as const, pin: "value" };
  assert.deepEqual(choicesAt(scene.flow, scene.shapes, from, model(scene)).map((each) => each.pin), ["prompt", "system"]);
  assert.equal(bestPin(scene.flow, scene.shapes, from, model(scene))?.id, "prompt");
  const number = { node: "n", side: "out" as const, pin: "out" };
  assert.equal(bestPin(scene.flow, scene.shapes, number, model(scene))?.id, "heat");
});

test("an opened node shows all its pins and stays of one shape, whatever is typed", () => {
  const scene = flow();
  make(scene, turnMark(model(scene), "opened", true));
  const open = scene.shape(model(scene));
  assert.deepEqual(seen(scene), ["prompt", "system", "heat", "seed", "answer", "meta"]);
  assert.equal(open.fold?.open, true);
  make(scene, { op: "set", node: "m", path: ["pinDefaults", "seed"], value: 4 });
  assert.equal(scene.shape(model(scene)), open);
  make(scene, turnMark(model(scene), "opened", false));
  assert.deepEqual(seen(scene), ["prompt", "seed", "answer"]);
});

test("a pin that a hand is at stays when its value goes, and folds when the hand is gone", () => {
  const scene = flow({ pinDefaults: { seed: 4 } });
  scene.shapes.held = { node: "m", side: "in", id: "seed" };
  make(scene, { op: "set", node: "m", path: ["pinDefaults", "seed"] });
  assert.deepEqual(seen(scene), ["prompt", "seed", "answer"]);
  scene.shapes.held = null;
  model(scene).shape = null;
  assert.deepEqual(seen(scene), ["prompt", "answer"]);
});

test("what stands below an opened node gives way, and what is below that in turn; a locked node and those beside stay", () => {
  const below = node("b", "word", {}, 40, 90);
  const scene = sceneOf({
    nodes: [node("m", "model", {}, 0, 0), below, node("c", "word", {}, 60, 170), node("beside", "word", {}, 600, 40), node("nailed", "word", { canvas: { locked: true } }, -60, 130)],
    edges: [],
  });
  for (const change of [turnMark(model(scene), "opened", true), ...giveWay(scene, [model(scene)])]) make(scene, change);
  const at = (id: string) => scene.box(scene.flow.nodes.get(id)!);
  assert.deepEqual([at("m").y, at("beside").y, at("nailed").y], [0, 40, 130]);
  for (const [a, b] of [["m", "b"], ["m", "c"], ["b", "c"]]) assert.equal(overlap(at(a!), at(b!)), false, `${a} and ${b}`);
  assert.ok(at("b").y < at("c").y);
  assert.deepEqual(giveWay(scene, [model(scene)]), []);
});
