import assert from "node:assert/strict";
import test from "node:test";
import { roomBeside, WORDS_HIGH } from "../src/model/beside";
import { FOOT, overlap, type Rect } from "../src/model/geometry";
import { rounded } from "../src/model/route";
import { edge, node, sceneOf } from "./fixture";

const at = { x: 200, y: 16 };
const high = sceneOf({ nodes: [node("b", "sum", {}, 0, 0)], edges: [] }).bounds()!.h - FOOT;
const room = (more: ReturnType<typeof node>[], way: { x: number; y: number }[], taken: Rect[] = []): Rect | null =>
  roomBeside(sceneOf({ nodes: more, edges: [] }), at, rounded(way), taken);

test("words stand over a wire that runs straight on or turns down, and under one that turns up", () => {
  const straight = room([], [at, { x: 320, y: 16 }])!;
  assert.ok(straight.x > at.x && straight.x + straight.w < 320, "clear of both pins");
  assert.ok(straight.y + WORDS_HIGH < at.y);
  assert.ok(room([], [at, { x: 260, y: 16 }, { x: 260, y: 200 }, { x: 320, y: 200 }])!.y < at.y);
  assert.ok(room([], [at, { x: 260, y: 16 }, { x: 260, y: -200 }, { x: 320, y: -200 }])!.y > at.y);
});

test("words end where a node begins, or what stands under one", () => {
  const way = [at, { x: 600, y: 16 }];
  const beside = room([node("b", "ask", {}, 300, -20)], way)!;
  assert.ok(beside.x + beside.w < 300);
  const foot = room([node("b", "sum", {}, 300, -high - 4)], way)!;
  assert.ok(foot.x + foot.w < 300, "its foot counts");
  assert.ok(room([node("b", "sum", {}, 300, -high - FOOT - 4)], way)!.w > 300, "beyond that it is free");
});

test("where there is no room, there is none", () => {
  assert.equal(room([], [at, { x: 220, y: 16 }]), null);
  const first = room([], [at, { x: 320, y: 16 }])!;
  assert.equal(room([], [at, { x: 320, y: 16 }], [first]), null, "other words stand there");
  assert.ok(!overlap(first, { x: 0, y: 0, w: 200, h: 300 }));
});

test("in a flow no words lie on a node", () => {
  const scene = sceneOf({
    nodes: [node("a", "ask", {}, 0, 0), node("b", "ask", {}, 240, 0), node("c", "ask", {}, 240, 140)],
    edges: [edge("e1", "a", "exec-out", "b", "exec-in"), edge("e2", "a", "response", "c", "prompt")],
  });
  for (const wire of scene.flow.wires.values()) {
    const found = roomBeside(scene, scene.pinPoint(wire.source, "out", wire.sourcePin)!, scene.curve(wire)!, []);
    for (const each of scene.flow.nodes.values()) assert.ok(!found || !overlap(found, scene.box(each)), `${wire.key} on ${each.id}`);
  }
});

test("words keep clear of a line that goes up or down there: before it, past it, or nowhere", () => {
  const way = (to: number): { x: number; y: number }[] => [at, { x: to, y: 16 }];
  const crossed = (x: number, to: number): Rect | null => {
    const scene = sceneOf({ nodes: [node("a", "ask", {}, x - 300, -400), node("b", "ask", {}, x + 90, 400)], edges: [edge("e", "a", "exec-out", "b", "exec-in")] });
    const line = scene.curve([...scene.flow.wires.values()][0]!)!;
    const up = [...line.keys()].filter((i) => i % 6 === 0 && i + 7 < line.length && line[i] === line[i + 6] && line[i + 1]! < 0 && line[i + 7]! > 16).map((i) => line[i]!);
    assert.equal(up.length, 1, "one line goes down through the wire");
    const found = roomBeside(scene, at, rounded(way(to)), []);
    assert.ok(!found || found.x > up[0]! || found.x + found.w < up[0]!, `${JSON.stringify(found)} lies on ${up[0]}`);
    return found;
  };
  assert.ok(crossed(420, 600)!.x < 220, "near the pin, where there is enough");
  assert.ok(crossed(200, 600)!.x > 220, "past the line");
  const tight = crossed(230, 300);
  assert.ok(!tight || tight.w < 80, "what is left of it");
});
