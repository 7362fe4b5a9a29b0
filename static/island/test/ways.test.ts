import assert from "node:assert/strict";
import test from "node:test";
import { applyAll, applyChange } from "../src/model/change";
import { crossings } from "../src/model/crossing";
import * as curved from "../src/model/curved";
import { CLEAR, detour, isFree, led, plain, straightened } from "../src/model/detour";
import type { FlowWire } from "../src/model/document";
import { grown, overlap, type Point, type Rect } from "../src/model/geometry";
import { leadWire, putNote } from "../src/model/marks";
import { distanceTo, endOf, startOf } from "../src/model/route";
import type { Scene } from "../src/model/scene";
import { dice, edge, node, sceneOf } from "./fixture";

const FAR = { x: -1e5, y: -1e5, w: 2e5, h: 2e5 };
const flat = (way: readonly Point[]): string => way.map(({ x, y }) => `${x},${y}`).join(" ");

/** Along the axes alone, from the right side of one pin to the left side of another. */
function assertWay(way: readonly Point[], from: Point, to: Point): void {
  assert.deepEqual([way[0], way.at(-1)], [from, to], "ends at the pins");
  for (const [index, b] of way.entries()) {
    const a = way[index - 1];
    if (a) assert.ok(a.x === b.x || a.y === b.y, `across or down: ${flat(way)}`);
  }
  assert.ok(way[1]!.y === from.y && way[1]!.x >= from.x && way.at(-2)!.y === to.y && way.at(-2)!.x <= to.x, `leaves to the right, comes from the left: ${flat(way)}`);
}

test("the plain way: straight, by one column, or round to what lies behind", () => {
  assert.equal(flat(plain({ x: 0, y: 0 }, { x: 300, y: 0 })), "0,0 300,0");
  assert.equal(flat(plain({ x: 0, y: 0 }, { x: 300, y: 80 })), "0,0 150,0 150,80 300,80");
  assert.equal(flat(plain({ x: 0, y: 0 }, { x: -300, y: 200 })), "0,0 16,0 16,100 -316,100 -316,200 -300,200");
  assert.equal(flat(plain({ x: 0, y: 0 }, { x: -300, y: 10 })), "0,0 16,0 16,74 -316,74 -316,10 -300,10");
});

test("a wire goes round what stands in its way, whenever there is a way, and twice the same", () => {
  const roll = dice(11);
  let rounds = 0;
  for (let turn = 0; turn < 400; turn++) {
    const boxes: Rect[] = Array.from({ length: 1 + Math.floor(roll() * 14) }, () => ({ x: Math.round(roll() * 900), y: Math.round(roll() * 700), w: 60 + Math.round(roll() * 200), h: 40 + Math.round(roll() * 160) }));
    const from = { x: Math.round(roll() * 400) - 200, y: Math.round(roll() * 600) };
    const to = { x: Math.round(roll() * 900), y: Math.round(roll() * 600) };
    const room = (x: number, y: number): Rect => ({ x, y: y - 1, w: 18, h: 2 });
    if (boxes.some((box) => overlap(box, room(from.x, from.y)) || overlap(box, room(to.x - 18, to.y)))) continue;
    const find = (among: Rect[]): Point[] | null => (isFree(plain(from, to), among) ? plain(from, to) : detour(from, to, among, FAR));
    const way = find(boxes);
    if (!way) continue; // an end in a room without a door
    assertWay(way, from, to);
    assert.ok(isFree(way, boxes), `clear of bodies: ${flat(way)}`);
    assert.equal(flat(find([...boxes].reverse())!), flat(way));
    rounds++;
  }
  assert.ok(rounds > 250, `${rounds} of them had a way`);
});

test("where there is no way, or too much in it, there is none", () => {
  const walls = [{ x: 100, y: -500, w: 20, h: 1000 }, { x: 100, y: -520, w: 300, h: 20 }, { x: 100, y: 500, w: 300, h: 20 }, { x: 400, y: -520, w: 20, h: 1040 }];
  assert.equal(detour({ x: 0, y: 0 }, { x: 300, y: 0 }, walls, FAR), null, "a room without a door");
  assert.equal(detour({ x: 0, y: 0 }, { x: 300, y: 0 }, Array.from({ length: 49 }, () => walls[0]!), FAR), null);
  assert.ok(detour({ x: 0, y: 0 }, { x: 300, y: 0 }, [walls[0]!], FAR));
  assert.equal(detour({ x: 0, y: 0 }, { x: 300, y: 0 }, [walls[0]!], { x: -50, y: -300, w: 400, h: 600 }), null, "only within the limits");
});

test("a wire that is led goes through its points, across and down, with as few corners as that takes", () => {
  const through = (...points: [number, number][]): string => flat(straightened(led(points.map(([x, y]) => ({ x, y }))).flat()));
  assert.equal(through([0, 0], [100, 80], [300, 80]), "0,0 58,0 58,80 300,80");
  assert.equal(through([0, 0], [150, 40], [300, 80]), "0,0 150,0 150,80 300,80", "down through the point");
  const roll = dice(5);
  for (let turn = 0; turn < 200; turn++) {
    const points = Array.from({ length: 3 + Math.floor(roll() * 3) }, () => ({ x: Math.round(roll() * 800), y: Math.round(roll() * 400) }));
    const legs = led(points);
    assert.equal(legs.length, points.length - 1);
    for (const [index, leg] of legs.entries()) assert.deepEqual([leg[0], leg.at(-1)], [points[index], points[index + 1]]);
    const way = legs.flat();
    for (const [index, b] of way.entries()) assert.ok(!index || way[index - 1]!.x === b.x || way[index - 1]!.y === b.y, flat(way));
  }
});

/** A wire of a scene with its corners. */
const ways = (scene: Scene): [FlowWire, readonly Point[]][] => [...scene.flow.wires.values()].map((wire) => [wire, scene.corners(wire)]);

/** Two columns of nodes, each of the first wired to two of the second. */
function columns(): Scene {
  const nodes = Array.from({ length: 12 }, (_, i) => node(`n${i}`, i % 2 ? "take-string" : "make-string", {}, (i % 2) * 400, Math.floor(i / 2) * 120));
  const edges = Array.from({ length: 6 }, (_, i) => edge(`e${i}`, `n${i * 2}`, "out", `n${((i * 5 + 3) % 6) * 2 + 1}`, "in"));
  return sceneOf({ nodes, edges });
}

test("wires that would lie on one another have lanes of their own, and all agree about them", () => {
  const scene = columns();
  const downs = ways(scene).flatMap(([, way]) => (way.length > 2 ? [{ x: way[1]!.x, lo: Math.min(way[1]!.y, way[2]!.y), hi: Math.max(way[1]!.y, way[2]!.y) }] : []));
  assert.equal(downs.length, 6);
  for (const [index, a] of downs.entries()) {
    for (const b of downs.slice(index + 1)) assert.ok(a.lo > b.hi || b.lo > a.hi || Math.abs(a.x - b.x) >= 8, JSON.stringify([a, b]));
  }
  for (const [wire, way] of ways(scene)) assertWay(way, ...scene.ends(wire)!);
  const again = columns();
  for (const wire of [...again.flow.wires.values()].reverse()) assert.equal(flat(again.corners(wire)), flat(scene.corners(scene.flow.wires.get(wire.key)!)), "in whatever order they are asked for");
});

test("wires from one output lie on one another, as do steps that meet", () => {
  const nodes = [node("a", "make-string", {}, 0, 0), node("b", "take-string", {}, 400, 100), node("c", "take-string", {}, 400, 200)];
  const scene = sceneOf({ nodes, edges: [edge("e1", "a", "out", "b", "in"), edge("e2", "a", "out", "c", "in")] });
  const [one, two] = ways(scene).map(([, way]) => way[1]!.x);
  assert.equal(one, two);
});

test("a wire goes round the nodes and notes between its ends; those that it hangs on, too", () => {
  const nodes = [node("a", "ask", {}, 0, 0), node("b", "ask", {}, 800, 0), node("wall", "ask", {}, 400, -20), node("back", "ask", {}, -600, 0)];
  const scene = sceneOf({ nodes, edges: [edge("e1", "a", "exec-out", "b", "exec-in"), edge("e2", "b", "exec-out", "back", "exec-in")] });
  const clear = (key: string, ids: string[]): void => {
    const way = scene.corners(scene.flow.wires.get(key)!);
    assert.ok(isFree(way, ids.map((id) => grown(scene.box(scene.flow.nodes.get(id)!), -1))), `${key}: ${flat(way)}`);
  };
  clear("e1", ["a", "b", "wall"]);
  clear("e2", ["a", "b", "wall", "back"]);
  applyAll(scene.flow, putNote(scene.flow, { id: "note", x: 360, y: -260, w: 320, h: 200, text: "", tone: "amber" }));
  scene.sync(scene.flow.take());
  assert.ok(isFree(scene.corners(scene.flow.wires.get("e1")!), [{ x: 360, y: -260, w: 320, h: 200 }]), "a note is not written over");
});

test("only what is near a change looks for its way again", () => {
  const nodes = Array.from({ length: 40 }, (_, i) => node(`n${i}`, "ask", {}, (i % 4) * 360, Math.floor(i / 4) * 1200));
  const edges = Array.from({ length: 39 }, (_, i) => edge(`e${i}`, `n${i}`, "exec-out", `n${i + 1}`, "exec-in"));
  const scene = sceneOf({ nodes, edges });
  const before = new Map([...scene.flow.wires.values()].map((wire) => [wire.key, scene.curve(wire)]));
  applyChange(scene.flow, { op: "move", node: "n1", x: 360, y: 90 });
  const { wires } = scene.sync(scene.flow.take());
  assert.ok(wires.size < 10, String(wires.size));
  const kept = [...scene.flow.wires.values()].filter((wire) => scene.curve(wire) === before.get(wire.key));
  assert.ok(kept.length > 30, String(kept.length));
});

test("while a node is dragged only its own wires move; when it is let go the others make way", () => {
  const nodes = [node("a", "ask", {}, 0, 0), node("b", "ask", {}, 900, 0), node("c", "make-string", {}, 400, 400), node("d", "ask", {}, 900, 400)];
  const scene = sceneOf({ nodes, edges: [edge("e1", "a", "exec-out", "b", "exec-in"), edge("e2", "c", "out", "d", "prompt")] });
  const [through, own] = [scene.flow.wires.get("e1")!, scene.flow.wires.get("e2")!];
  const [wasThrough, wasOwn] = [scene.curve(through), scene.curve(own)];
  scene.lift(["c"]);
  applyChange(scene.flow, { op: "move", node: "c", x: 400, y: 0 });
  assert.deepEqual([...scene.sync(scene.flow.take()).wires], [own]);
  assert.equal(scene.curve(through), wasThrough, "so that the node can be put into it");
  assert.notDeepEqual(scene.curve(own), wasOwn);
  const whole = sceneOf({ nodes, edges: [edge("e2", "c", "out", "d", "prompt")] });
  const corners = whole.corners(whole.flow.wires.get("e2")!);
  whole.curve(whole.flow.wires.get("e2")!);
  whole.lift(["c", "d"]);
  applyAll(whole.flow, [{ op: "move", node: "c", x: 410, y: 430 }, { op: "move", node: "d", x: 910, y: 430 }]);
  whole.sync(whole.flow.take());
  assert.deepEqual(whole.flow.wires.get("e2")!.way, corners.map(({ x, y }) => ({ x: x + 10, y: y + 30 })), "between two dragged nodes it comes along as it is");
  assert.ok(scene.drop().has(through));
  assert.ok(isFree(scene.way(through)!, [grown(scene.box(scene.flow.nodes.get("c")!), CLEAR - 1)]));
  applyChange(scene.flow, { op: "move", node: "c", x: 400, y: 400 });
  scene.sync(scene.flow.take());
  assert.deepEqual(scene.curve(through), wasThrough, "and go back");
});

test("curves are a choice: without corners where the way is free, with soft ones round bodies", () => {
  const scene = sceneOf();
  const wire = scene.flow.wires.get("e4")!;
  const corners = scene.curve(wire)!;
  scene.curves = curved;
  assert.notDeepEqual(scene.curve(wire), corners);
  assert.equal(scene.curve(wire)!.length, 8, "one piece");
  applyAll(scene.flow, leadWire(wire, [{ x: 260, y: 140 }]));
  scene.sync(scene.flow.take());
  assert.equal(scene.curve(wire)!.length, 14, "two, through its point");
  assert.deepEqual([scene.legAt(wire, { x: 230, y: 90 }), scene.legAt(wire, { x: 300, y: 280 })], [0, 1]);
  scene.curves = null;
  assert.deepEqual([startOf(scene.curve(wire)!), endOf(scene.curve(wire)!)], scene.ends(wire));
  assert.deepEqual([scene.legAt(wire, { x: 230, y: 60 }), scene.legAt(wire, { x: 300, y: 290 })], [0, 1]);
  assert.ok(distanceTo(scene.curve(wire)!, wire.points[0]!) < 0.01, "through its point");
});

test("bridges stand where one line crosses another", () => {
  const over = [{ x: 0, y: 0 }, { x: 100, y: 0 }];
  assert.deepEqual(crossings(over, [{ x: 50, y: -20 }, { x: 50, y: 20 }, { x: 60, y: 20 }, { x: 60, y: 5 }]), [[{ x: 46, y: 0 }, { x: 54, y: 0 }]]);
  assert.deepEqual(crossings(over, [{ x: 0, y: 10 }, { x: 100, y: 10 }]), []);
  assert.deepEqual(crossings(over, [{ x: 1, y: -20 }, { x: 1, y: 20 }]), [[{ x: 0, y: 0 }, { x: 5, y: 0 }]], "not beyond its end");
});
