import assert from "node:assert/strict";
import test from "node:test";
import { freePlace, liesOnSomething } from "../src/model/freeplace";
import type { Rect } from "../src/model/geometry";
import { dice, node, sceneOf } from "./fixture";

const view: Rect = { x: -500, y: -500, w: 2000, h: 1500 };

test("a place that is free is taken as it is", () => {
  assert.deepEqual(freePlace(sceneOf({ nodes: [node("a", "ask", {}, 0, 0)], edges: [] }), { x: 600, y: 8, w: 240, h: 72 }, view), { x: 600, y: 8 });
});

test("a place on a node gives way to the nearest that is free, in view before out of it", () => {
  const scene = sceneOf({ nodes: [node("a", "ask", {}, 0, 0)], edges: [] });
  const place = freePlace(scene, { x: 8, y: 8, w: 240, h: 72 }, view);
  assert.ok(!liesOnSomething(scene, { ...place, w: 240, h: 72 }));
  assert.ok(Math.hypot(place.x - 8, place.y - 8) < 160);
  const low = freePlace(scene, { x: 8, y: 8, w: 240, h: 72 }, { x: -100, y: -20, w: 800, h: 900 });
  assert.ok(low.y >= -20 || low.x > 0, "not above, where nobody sees it");
});

test("among many nodes it lies on none", () => {
  const roll = dice(3);
  const nodes = Array.from({ length: 80 }, (_, i) => node(`n${i}`, "ask", {}, Math.round(roll() * 200) * 8, Math.round(roll() * 150) * 8));
  const scene = sceneOf({ nodes, edges: [] });
  for (let tries = 0; tries < 30; tries++) {
    const wanted = { x: roll() * 1600, y: roll() * 1200, w: 240, h: 112 };
    assert.ok(!liesOnSomething(scene, { ...wanted, ...freePlace(scene, wanted, view) }));
  }
});
