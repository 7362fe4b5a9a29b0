import assert from "node:assert/strict";
import test from "node:test";
import { applyChange } from "../src/model/change";
import { boxOf, fitText, GRID, heightOf, pinPoint, pinY, textWidth, titleOf, widthOf } from "../src/model/geometry";
import { align } from "../src/model/guides";
import type { JsonObject } from "../src/model/json";
import { curve } from "../src/model/curved";
import { boundsOf, distanceTo, endOf, pathOf, pointAt, startOf } from "../src/model/route";
import { Viewport } from "../src/view/viewport";
import { node, sample, sceneOf } from "./fixture";

test("a node is a header of 32, rows of 24, and 200 to 360 wide on the grid", () => {
  const scene = sceneOf();
  const shape = (id: string) => scene.shape(scene.flow.nodes.get(id)!);
  assert.equal(shape("n2").rows, 2);
  assert.equal(heightOf(shape("n2")), 32 + 2 * 24 + 8);
  assert.equal(heightOf(shape("n3")), 32 + 2 * 24 + 8, "two branches, one input beside the first");
  for (const each of scene.flow.nodes.values()) {
    const { w } = boxOf(each, scene.shape(each));
    assert.ok(w >= 200 && w <= 360 && w % GRID === 0);
  }
  assert.equal(widthOf(shape("n2"), "A title that is far too long to fit on any node of this canvas, ever"), 360);
});

test("exec pins stand in the header, all others in rows, outputs at the right edge", () => {
  const scene = sceneOf();
  const box = { x: 320, y: 0, w: 248, h: 88 };
  const pins = scene.shape(scene.flow.nodes.get("n2")!).pins;
  const where = (id: string, side: "in" | "out") => pinPoint(box, pins.find((pin) => pin.id === id && pin.side === side)!);
  assert.deepEqual(where("exec-in", "in"), { x: 320, y: 16 });
  assert.deepEqual(where("exec-out", "out"), { x: 568, y: 16 });
  assert.deepEqual(where("prompt", "in"), { x: 320, y: 48 });
  assert.deepEqual(where("choices", "in"), { x: 320, y: 72 });
  assert.deepEqual(where("response", "out"), { x: 568, y: 48 });
  assert.equal(pinY(0), 48);
});

test("wiring an input does not move anything", () => {
  const scene = sceneOf();
  const before = { ...scene.box(scene.flow.nodes.get("n2")!) };
  applyChange(scene.flow, { op: "connect", edge: { id: "new", source: "n1", sourceHandle: "name", target: "n2", targetHandle: "prompt" } });
  scene.sync(scene.flow.take());
  assert.deepEqual(scene.box(scene.flow.nodes.get("n2")!), before);
});

test("a wired pin that nobody declares is shown as a ghost, and goes with its wire", () => {
  const json = sample();
  (json.edges as object[]).push({ id: "old", source: "n1", sourceHandle: "name", target: "n2", targetHandle: "task" });
  const scene = sceneOf(json);
  const ask = scene.flow.nodes.get("n2")!;
  assert.equal(scene.shapes.pin(ask, "in", "task")?.ghost, true);
  assert.equal(scene.shape(ask).rows, 3);
  applyChange(scene.flow, { op: "disconnect", edge: "old" });
  scene.sync(scene.flow.take());
  assert.equal(scene.shape(ask).rows, 2);
});

test("a node of an unknown type keeps the pins of the document", () => {
  const pins = { inputs: [{ id: "exec-in", type: "execution" }, { id: "q", type: "string" }, "junk", { id: "" }], outputs: [{ id: "answer" }] };
  const scene = sceneOf({ nodes: [node("u", "martian", pins as unknown as JsonObject)], edges: [] });
  const martian = scene.flow.nodes.get("u")!;
  const shape = scene.shape(martian);
  assert.equal(shape.card, null);
  assert.deepEqual(shape.pins.map((pin) => `${pin.side} ${pin.id} ${pin.type}`), ["in exec-in execution", "in q string", "out answer any"]);
  assert.equal(titleOf(martian, shape), "u");
});

test("nodes that look alike share one shape", () => {
  const scene = sceneOf({ nodes: [node("a", "ask"), node("b", "ask"), node("c", "glue"), node("d", "glue", { inputs: [{ id: "a" }, { id: "b" }, { id: "c" }] })], edges: [] });
  const [a, b, c, d] = ["a", "b", "c", "d"].map((id) => scene.shape(scene.flow.nodes.get(id)!));
  assert.equal(a, b);
  assert.notEqual(c, d);
  assert.equal(d!.pins.filter((pin) => pin.side === "in").length, 3);
});

test("texts are cut to a width", () => {
  assert.equal(fitText("Short", 12, 200), "Short");
  const cut = fitText("A rather long sentence that cannot stay", 12, 80);
  assert.ok(cut.endsWith("…") && textWidth(cut, 12) <= 80);
  assert.equal(fitText("wide", 12, 2), "");
});

test("a wire starts and ends at its pins, and lies in its bounds", () => {
  for (const to of [{ x: 400, y: 120 }, { x: 20, y: 60 }, { x: -600, y: 20 }, { x: -300, y: 500 }]) {
    const line = curve({ x: 0, y: 0 }, to);
    assert.deepEqual(startOf(line), { x: 0, y: 0 });
    assert.deepEqual(endOf(line), to);
    const bounds = boundsOf(line);
    for (let segment = 0; segment * 6 + 2 < line.length; segment++) {
      for (let t = 0; t <= 1; t += 0.1) {
        const point = pointAt(line, segment, t);
        assert.ok(point.x >= bounds.x - 1e-6 && point.x <= bounds.x + bounds.w + 1e-6 && point.y >= bounds.y - 1e-6 && point.y <= bounds.y + bounds.h + 1e-6);
        assert.ok(distanceTo(line, point) < 3);
      }
    }
    assert.match(pathOf(line), /^M0 0C/);
  }
  assert.ok(distanceTo(curve({ x: 0, y: 0 }, { x: 400, y: 0 }), { x: 200, y: 50 }) > 49);
});

test("a wire to a node behind leaves to the right and arrives from the left", () => {
  const line = curve({ x: 0, y: 0 }, { x: -400, y: 200 });
  assert.ok(line[2]! > 0, "the first handle is right of the start");
  assert.ok(line[line.length - 4]! < -400, "the last handle is left of the end");
});

test("a dragged box aligns with its neighbours within reach", () => {
  const others = [{ x: 100, y: 400, w: 200, h: 80 }];
  const near = align({ x: 104, y: 0, w: 200, h: 80 }, others, 6);
  assert.equal(near.dx, -4);
  assert.deepEqual(near.guides, [{ axis: "x", at: 100, from: 0, to: 480 }]);
  assert.deepEqual(align({ x: 130, y: 0, w: 220, h: 90 }, others, 6), { dx: 0, dy: 0, guides: [] });
});

test("the view turns screen into world and back, and keeps the point under the pointer when zooming", () => {
  const view = new Viewport();
  Object.assign(view, { width: 1000, height: 600 });
  view.set({ x: 40, y: -20, zoom: 0.5 });
  const point = { x: 123, y: 456 };
  assert.deepEqual(view.toScreen(view.toWorld(point)), point);
  const world = view.toWorld(point);
  view.set(view.zoomedAt(point, 2));
  assert.deepEqual(view.toWorld(point), world);
  assert.equal(view.zoomedAt(point, 99).zoom, 4);
  const fit = view.fitting({ x: -500, y: 0, w: 40_000, h: 100 });
  view.set(fit);
  assert.ok(fit.zoom < 0.1 && view.zoom === fit.zoom, "a large flow may be fitted below the least zoom");
  view.set({ x: 0, y: 0, zoom: 1 });
  assert.deepEqual(view.revealing({ x: 2000, y: 100, w: 200, h: 100 }), { x: 1000 - 40 - 2200, y: 0, zoom: 1 });
});
