import assert from "node:assert/strict";
import { test } from "node:test";
import { applyAll } from "../src/model/change";
import { copyText, pasteText } from "../src/model/clipboard";
import { hitAt } from "../src/model/hit";
import { leadWire, wirePoints } from "../src/model/marks";
import { through } from "../src/model/curved";
import { distanceTo, pointAt, segmentAt } from "../src/model/route";
import { sceneOf } from "./fixture";

test("a curve goes through its points and begins and ends flat", () => {
  const points = [{ x: 0, y: 0 }, { x: 100, y: 80 }, { x: 40, y: 160 }, { x: 300, y: 20 }];
  const line = through(points);
  assert.equal(line.length, 3 * 6 + 2);
  for (const point of points) assert.ok(distanceTo(line, point) < 0.001);
  assert.deepEqual([line[3], line.at(-3)], [0, 20]);
  assert.equal(segmentAt(line, pointAt(line, 1, 0.5)), 1);
});

test("points of a wire are found, follow its end, are pasted with it and leave no trace", () => {
  const scene = sceneOf();
  const { flow } = scene;
  const before = JSON.stringify(flow.toJSON());
  const wire = flow.wires.get("e2")!;
  applyAll(flow, leadWire(wire, [{ x: 500, y: -200 }]));
  scene.sync(flow.take());
  const hit = hitAt(scene, { x: 504, y: -200 }, 1);
  assert.deepEqual([hit.kind, hit.kind === "wire" && hit.point], ["wire", 0]);
  assert.ok(scene.wiresIn({ x: 490, y: -210, w: 20, h: 20 }).includes(wire));
  applyAll(flow, [{ op: "move", node: "n3", x: 740, y: 16 }]);
  assert.deepEqual(wirePoints(wire), [{ x: 604, y: -184 }], "on the grid, and with n3");
  applyAll(flow, pasteText(flow, copyText(flow, ["n2", "n3"]), null)!.changes);
  const pasted = [...flow.wires.values()].find((each) => each.source !== "n2" && each.sourcePin === "exec-out" && each.to?.type === "branch");
  assert.equal(wirePoints(pasted!).length, 1);
  const again = sceneOf();
  applyAll(again.flow, leadWire(again.flow.wires.get("e2")!, [{ x: 500, y: -200 }]));
  again.sync(again.flow.take());
  applyAll(again.flow, leadWire(again.flow.wires.get("e2")!, []));
  assert.equal(JSON.stringify(again.flow.toJSON()), before);
});
