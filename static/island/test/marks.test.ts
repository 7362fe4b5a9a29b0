import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../src/catalog";
import { applyAll } from "../src/model/change";
import { copyText, pasteText } from "../src/model/clipboard";
import { dissolve, dropNote, makeGroup } from "../src/model/grouping";
import { carryChanges, putGroup, putNote, readMarks } from "../src/model/marks";
import { sample, sceneOf } from "./fixture";

const NOTE = { id: "note-1", x: 8, y: 16, w: 240, h: 112, text: "# Why", tone: "amber" as const };

test("a note and a group leave no trace when they go", () => {
  const { flow } = sceneOf();
  const before = JSON.stringify(flow.toJSON());
  applyAll(flow, putNote(flow, NOTE));
  const [n1, n2] = [flow.nodes.get("n1")!, flow.nodes.get("n2")!];
  const { id, changes } = makeGroup(flow, [n1, n2], "Asking");
  applyAll(flow, changes);
  const { notes, groups } = readMarks(flow);
  assert.deepEqual([notes[0]?.text, groups[0]?.title, groups[0]?.nodes.map((node) => node.id), groups[0]?.id], ["# Why", "Asking", ["n1", "n2"], id]);
  applyAll(flow, dropNote(notes[0]!));
  applyAll(flow, dissolve(readMarks(flow).groups[0]!));
  assert.equal(JSON.stringify(flow.toJSON()), before);
});

test("what a removed node kept for others moves on", () => {
  const { flow } = sceneOf();
  applyAll(flow, putNote(flow, NOTE));
  applyAll(flow, makeGroup(flow, [flow.nodes.get("n1")!, flow.nodes.get("n2")!], "Asking").changes);
  const gone = new Set(["n1"]);
  applyAll(flow, [...carryChanges(flow, gone), { op: "remove", node: "n1" }]);
  const { notes, groups } = readMarks(flow);
  assert.deepEqual([notes.length, notes[0]?.carrier.id, groups[0]?.title, groups[0]?.nodes.length], [1, "n2", "Asking", 1]);
});

test("a pasted group is another group, and a note is not copied with a node", () => {
  const { flow } = sceneOf();
  applyAll(flow, putNote(flow, NOTE));
  applyAll(flow, makeGroup(flow, [flow.nodes.get("n1")!, flow.nodes.get("n2")!], "Asking").changes);
  applyAll(flow, pasteText(flow, copyText(flow, ["n1", "n2"]), null)!.changes);
  const { notes, groups } = readMarks(flow);
  assert.equal(notes.length, 1);
  assert.deepEqual(groups.map((group) => [group.title, group.nodes.length]), [["Asking", 2], ["Asking", 2]]);
  assert.notEqual(groups[0]!.id, groups[1]!.id);
});

test("nonsense in the marks of a document is no note and no group", () => {
  const flow = sample();
  const marks: Json[] = [3, null, [], { notes: [1], groups: "x", group: 7 }, { notes: { a: 1, b: { x: "no", w: -5, tone: "mauve" } } }];
  for (const [index, canvas] of marks.entries()) ((flow.nodes as { data: { [key: string]: Json } }[])[index] as { data: { [key: string]: Json } }).data.canvas = canvas;
  const { notes, groups } = readMarks(sceneOf(flow).flow);
  assert.deepEqual(notes.map(({ id, w, tone, text }) => [id, w, tone, text]), [["b", 120, "amber", ""]]);
  assert.deepEqual(groups, []);
});

test("a folded group hides its nodes, and its wires hang on the tile", () => {
  const scene = sceneOf();
  const { flow } = scene;
  const { changes } = makeGroup(flow, [flow.nodes.get("n2")!, flow.nodes.get("n3")!], "Asking");
  applyAll(flow, changes);
  applyAll(flow, putGroup({ ...readMarks(flow).groups[0]!, folded: true }));
  const { nodes, wires } = scene.sync(flow.take());
  assert.deepEqual([...nodes].map((node) => node.id).sort(), ["n2", "n3"]);
  for (const key of ["e1", "e2", "e3"]) assert.ok(wires.has(flow.wires.get(key)!), key);
  const tile = scene.tileOf("n2")!;
  assert.deepEqual(scene.nodesIn({ x: -5000, y: -5000, w: 10_000, h: 10_000 }).map((node) => node.id).sort(), ["n1", "n4", "n5"]);
  assert.equal(scene.curve(flow.wires.get("e2")!), undefined, "inside the tile");
  assert.deepEqual(scene.curve(flow.wires.get("e1")!)?.slice(-2), [tile.x, tile.y + tile.h / 2]);
  assert.ok(scene.wiresIn(tile).includes(flow.wires.get("e3")!));
  applyAll(flow, putGroup({ ...readMarks(flow).groups[0]!, folded: false }));
  scene.sync(flow.take());
  assert.equal(scene.tileOf("n2"), undefined);
  assert.ok(scene.curve(flow.wires.get("e2")!));
});
