import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import ELK from "elkjs/lib/elk-api.js";
import { applyAll } from "../src/model/change";
import { FOOT, overlap } from "../src/model/geometry";
import type { Scene } from "../src/model/scene";
import { arrangeable, graphOf, movesOf, type Placed } from "../src/model/tidy";
import { dice, sample, sceneOf } from "./fixture";

const { Worker } = createRequire(import.meta.url)(`${process.cwd()}/node_modules/elkjs/lib/elk-worker.min.js`) as { Worker: new (url: string) => Worker };

async function arrange(scene: Scene, ids: string[] = []): Promise<number> {
  const nodes = arrangeable(scene, ids);
  const elk = new ELK({ workerFactory: (url) => new Worker(url ?? "") });
  const laid = await elk.layout(graphOf(scene, nodes));
  const moves = movesOf(scene, nodes, (laid.children ?? []) as Placed[]);
  applyAll(scene.flow, moves);
  scene.sync(scene.flow.take());
  return moves.length;
}

test("an arranged flow runs from left to right, nothing lies on anything, and stays so", async () => {
  const flow = sample();
  const roll = dice(7);
  for (const node of flow.nodes as { position: { x: number; y: number } }[]) node.position = { x: roll() * 300, y: roll() * 300 };
  const scene = sceneOf(flow);
  assert.ok((await arrange(scene)) > 0);
  const nodes = [...scene.flow.nodes.values()];
  for (const a of nodes) for (const b of nodes) assert.ok(a === b || !overlap({ ...scene.box(a), h: scene.box(a).h + FOOT }, scene.box(b)), `${a.id} or its foot lies on ${b.id}`);
  for (const wire of scene.flow.wires.values()) assert.ok((wire.from?.x ?? 0) < (wire.to?.x ?? 0), wire.key);
  assert.equal(await arrange(scene), 0);
});

test("a locked node and what is not chosen stay where they are", async () => {
  const scene = sceneOf();
  applyAll(scene.flow, [{ op: "set", node: "n3", path: "canvas.locked", value: true }]);
  const places = () => new Map([...scene.flow.nodes.values()].map((node) => [node.id, `${node.x} ${node.y}`]));
  const before = places();
  await arrange(scene, ["n2", "n3", "n5"]);
  for (const id of ["n1", "n3", "n4"]) assert.equal(places().get(id), before.get(id));
});
