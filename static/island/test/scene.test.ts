import assert from "node:assert/strict";
import test from "node:test";
import { applyAll, applyChange } from "../src/model/change";
import { Index } from "../src/model/cull";
import { overlap, type Rect } from "../src/model/geometry";
import { hitAt, nodeAt, pinNear, wireNear } from "../src/model/hit";
import { leadWire, putNote } from "../src/model/marks";
import { along, nearest, readingOrder, sibling } from "../src/model/neighbour";
import { boundsOf } from "../src/model/route";
import { dice, edge, node, sample, sceneOf } from "./fixture";

test("the index finds what a plain search finds, while things come, move and go", () => {
  const roll = dice(7);
  const index = new Index<number>();
  const plain = new Map<number, Rect>();
  const rect = (): Rect => ({ x: roll() * 20_000 - 10_000, y: roll() * 20_000 - 10_000, w: roll() < 0.1 ? 9000 : 240, h: roll() < 0.1 ? 7000 : 100 });
  for (let step = 0; step < 3000; step++) {
    const id = Math.floor(roll() * 400);
    if (roll() < 0.2) {
      index.drop(id);
      plain.delete(id);
    } else {
      const box = rect();
      index.put(id, box);
      plain.set(id, box);
    }
    if (step % 50) continue;
    const view = { x: roll() * 10_000 - 5000, y: roll() * 10_000 - 5000, w: roll() < 0.2 ? 30_000 : 1500, h: 1000 };
    const expected = [...plain].filter(([, box]) => overlap({ x: box.x - 1, y: box.y - 1, w: box.w + 2, h: box.h + 2 }, view)).map(([id]) => id);
    assert.deepEqual([...index.within(view)].sort(), expected.sort());
  }
  assert.equal(index.size, plain.size);
  index.clear();
  assert.equal(index.within({ x: -1e6, y: -1e6, w: 2e6, h: 2e6 }).size, 0);
});

test("only what is in view is found: 20 of 5000 nodes", () => {
  const nodes = Array.from({ length: 5000 }, (_, i) => node(`n${i}`, "ask", {}, (i % 71) * 300, Math.floor(i / 71) * 240));
  const edges = Array.from({ length: 4999 }, (_, i) => edge(`e${i}`, `n${i}`, "exec-out", `n${i + 1}`, "exec-in"));
  const scene = sceneOf({ nodes, edges });
  const view = { x: 3000, y: 3000, w: 1280, h: 800 };
  const seen = scene.nodesIn(view);
  assert.ok(seen.length >= 12 && seen.length <= 35, String(seen.length));
  const plain = [...scene.flow.nodes.values()].filter((each) => overlap(scene.box(each), view));
  assert.deepEqual(new Set(seen.map((each) => each.id)), new Set([...plain.map((each) => each.id), ...seen.map((each) => each.id)]));
  const wires = [...scene.flow.wires.values()].filter((wire) => overlap({ ...boundsOf(scene.curve(wire)!), h: Math.max(1, boundsOf(scene.curve(wire)!).h) }, view));
  for (const wire of wires) assert.ok(scene.wiresIn(view).includes(wire), `${wire.key} crosses the view`);
});

test("what lies under a point: pin before node before wire", () => {
  const scene = sceneOf();
  const pin = scene.pinPoint("n2", "in", "prompt")!;
  assert.deepEqual(hitAt(scene, { x: pin.x - 8, y: pin.y }, 1), { kind: "pin", at: { node: "n2", side: "in", pin: "prompt" } });
  assert.deepEqual(hitAt(scene, { x: 400, y: 10 }, 1), { kind: "title", node: "n2" });
  assert.deepEqual(hitAt(scene, { x: 420, y: 60 }, 1), { kind: "node", node: "n2" });
  assert.deepEqual(hitAt(scene, { x: 260, y: 17 }, 1), { kind: "wire", wire: "e1" });
  assert.deepEqual(hitAt(scene, { x: 420, y: -200 }, 1), { kind: "empty" });
  assert.equal(wireNear(scene, { x: 230, y: 32 }, 7), null);
});

test("the place for a new pin is hit on growing nodes", () => {
  const scene = sceneOf();
  const box = scene.box(scene.flow.nodes.get("n5")!);
  assert.deepEqual(hitAt(scene, { x: box.x + 12, y: box.y + 32 + 4 + 2 * 24 + 12 }, 1), { kind: "grow", node: "n5" });
});

test("of nodes that overlap the raised one is hit", () => {
  const scene = sceneOf({ nodes: [node("a", "ask", {}, 0, 0), node("b", "ask", {}, 40, 20)], edges: [] });
  assert.equal(nodeAt(scene, { x: 100, y: 40 }, (id) => (id === "a" ? 1 : 0))?.id, "a");
  assert.equal(nodeAt(scene, { x: 100, y: 40 }, (id) => (id === "b" ? 1 : 0))?.id, "b");
});

test("the nearest pin that passes the test is found within reach", () => {
  const scene = sceneOf();
  const at = scene.pinPoint("n3", "in", "condition")!;
  assert.deepEqual(pinNear(scene, { x: at.x - 20, y: at.y - 2 }, 32)?.pin, "condition");
  assert.deepEqual(pinNear(scene, { x: at.x - 20, y: at.y - 2 }, 50, (_, pin) => pin.type === "execution")?.pin, "exec-in");
  assert.equal(pinNear(scene, { x: at.x - 200, y: at.y + 300 }, 32), null);
});

test("the picture follows every change", () => {
  const scene = sceneOf();
  const undo = applyChange(scene.flow, { op: "move", node: "n4", x: 5000, y: 5000 });
  const moved = scene.sync(scene.flow.take());
  assert.deepEqual([...moved.nodes].map((each) => each.id), ["n4"]);
  assert.deepEqual([...moved.wires].map((wire) => wire.key).sort(), ["e3", "e5"]);
  assert.equal(nodeAt(scene, { x: 5010, y: 5010 })?.id, "n4");
  applyAll(scene.flow, undo);
  scene.sync(scene.flow.take());
  assert.equal(nodeAt(scene, { x: 5010, y: 5010 }), null);
  applyChange(scene.flow, { op: "remove", node: "n2" });
  scene.sync(scene.flow.take());
  assert.equal(nodeAt(scene, { x: 400, y: 10 }), null);
  assert.equal(wireNear(scene, { x: 260, y: 17 }, 7), null);
});

test("arrows go to the nearest node; with Ctrl along the flow and among branches", () => {
  const json = sample();
  (json.nodes as object[]).push(node("n6", "finish", {}, 960, 400));
  (json.edges as object[]).push(edge("e6", "n3", "false", "n6", "exec-in"));
  const scene = sceneOf(json);
  const at = (id: string) => scene.flow.nodes.get(id)!;
  assert.equal(nearest(scene, at("n1"), "right")?.id, "n2");
  assert.equal(nearest(scene, at("n2"), "down")?.id, "n5");
  assert.equal(nearest(scene, at("n1"), "left"), null);
  assert.equal(along(at("n3"), "right")?.id, "n4");
  assert.equal(along(at("n3"), "left")?.id, "n2");
  assert.equal(sibling(at("n4"), "down")?.id, "n6");
  assert.equal(sibling(at("n4"), "up"), null);
  assert.equal(readingOrder(scene)[0]?.id, "n1");
});

test("what is fitted holds the notes and the points that wires are led through", () => {
  const scene = sceneOf();
  const { flow } = scene;
  const before = scene.bounds()!;
  const wire = [...flow.wires.values()].find((each) => each.from && each.to)!;
  applyAll(flow, leadWire(wire, [{ x: before.x, y: before.y - 800 }]));
  scene.sync(flow.take());
  assert.deepEqual(scene.bounds(), { ...before, y: before.y - 800, h: before.h + 800 });
  assert.equal(scene.bounds([wire.from!, wire.to!])!.y, before.y - 800, "its own nodes bring a wire along");
  const others = [...flow.nodes.values()].filter((node) => node !== wire.from);
  assert.ok(scene.bounds(others)!.y >= before.y, "one end does not");
  applyAll(flow, putNote(flow, { id: "note-1", x: before.x - 480, y: before.y, w: 240, h: 80, text: "Look", tone: "amber" }));
  scene.sync(flow.take());
  assert.equal(scene.bounds()!.x, before.x - 480);
});
