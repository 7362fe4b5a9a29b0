import assert from "node:assert/strict";
import { test } from "node:test";
import { Catalog, type Card } from "../src/catalog";
import { applyAll } from "../src/model/change";
import { chipsIn, chipsOf, chipsWidth } from "../src/model/chips";
import { pasteText, copyText } from "../src/model/clipboard";
import { FlowDocument, type FlowNode } from "../src/model/document";
import { boxOf, chipRoom, textWidth, WIDTH_MOST } from "../src/model/geometry";
import type { JsonObject } from "../src/model/json";
import { pinnedOf, setPinned, tagOf } from "../src/model/marks";
import { nameWires } from "../src/model/tagging";
import { Shapes } from "../src/model/pins";
import { hitAt } from "../src/model/hit";
import { catalog, node, sceneOf } from "./fixture";

const web = { ...(catalog.card("ask") as Card), type: "web", fields: ["webConfig.retries", "webConfig.secretHeaders", "onError"].map((path) => ({ path, type: "any" })) };
const known = new Catalog({ ...catalog.body, types: [...catalog.cards, web] });
const made = (data: JsonObject): FlowNode => FlowDocument.fromJSON({ nodes: [node("w", "web", data, 0, 0)], edges: [] }).nodes.get("w")!;
const words = (data: JsonObject): string[] => chipsOf(made(data), web).map((chip) => chip.words);

test("a chip stands only for what is set", () => {
  assert.deepEqual(words({}), []);
  assert.deepEqual(words({ webConfig: { retries: 0, secretHeaders: " " }, onError: "stop", pinDefaults: { timeout: 0 } }), []);
  const all = words({ webConfig: { retries: 3, secretHeaders: "Authorization: KEY" }, onError: "branch", pinDefaults: { timeout: 5 }, canvas: { own: "f", remark: "why\nmore" } });
  assert.deepEqual(all, ["3 retries", "needs a secret", "goes on by “On error” when it fails", "at most 5 s", "has a copy of its own of its flow", "note: why"]);
  assert.deepEqual(words({ webConfig: { retries: 1 } }), ["1 retry"]);
  assert.deepEqual(words({ policy: { retries: 2 } }), ["2 retries"]);
  assert.deepEqual(words({ policy: { retries: 2, key: " order " } }), ["2 retries", "done once for each order"]);
  assert.deepEqual(words({ policy: { key: " " } }), []);
  const call = { ...web, fields: [{ path: "subflowVersion", type: "string" }] };
  const said = (version: string): string[] => chipsOf(made({ subflowVersion: version }), call).map((chip) => chip.words);
  assert.deepEqual([said(""), said("published"), said("12")], [[], ["runs the published version"], ["bound to version 12"]]);
});

test("a step that leaves the machine says so", () => {
  assert.deepEqual(chipsOf(made({}), { ...web, leaves: true }), [{ icon: "external", text: "", words: "leaves this machine" }]);
});

test("a chip has room in the header", () => {
  const shapes = new Shapes(known);
  const [plain, full] = [made({ label: "A node with a title that is longer" }), made({ label: "A node with a title that is longer", webConfig: { retries: 3 }, onError: "branch" })];
  const more = boxOf(full, shapes.of(full)).w - boxOf(plain, shapes.of(plain)).w;
  assert.ok(more >= chipsWidth(chipsOf(full, web)) - 8 && more > 0, String(more));
});

test("a wire behind a name is drawn by its tags alone, and comes back by undo to the byte", () => {
  const scene = sceneOf();
  const wire = scene.flow.wires.get("e4")!;
  const line = scene.curve(wire)!;
  const middle = { x: ((line[0] as number) + (line[line.length - 2] as number)) / 2, y: ((line[1] as number) + (line[line.length - 1] as number)) / 2 };
  assert.equal(hitAt(scene, middle, 1).kind, "wire");
  const before = JSON.stringify(scene.flow.toJSON());
  const undo = applyAll(scene.flow, nameWires([wire], () => "name"));
  scene.sync(scene.flow.take());
  assert.equal(wire.tag, "name");
  assert.equal(scene.curve(wire), undefined);
  assert.equal(hitAt(scene, middle, 1).kind, "empty");
  assert.deepEqual(scene.flow.nodes.get("n5")?.data.canvas, { tags: { '["n1","name","a"]': "name" } });
  const pasted = pasteText(scene.flow, copyText(scene.flow, ["n1", "n5"]), null)!;
  const back = applyAll(scene.flow, pasted.changes);
  const copy = [...scene.flow.wires.values()].find((each) => each.target === pasted.ids[1])!;
  assert.equal(tagOf(copy), "name", "a copy keeps its names");
  applyAll(scene.flow, back);
  applyAll(scene.flow, undo);
  scene.sync(scene.flow.take());
  assert.equal(JSON.stringify(scene.flow.toJSON()), before);
  assert.ok(scene.curve(scene.flow.wires.get("e4")!));
});

test("pinned outputs are a chip, are undone to the byte, and come along with a copy", () => {
  const flow = sceneOf().flow;
  const before = JSON.stringify(flow.toJSON());
  const node = flow.nodes.get("n1")!;
  assert.equal(pinnedOf(node), null);
  const back = applyAll(flow, [setPinned(node, { outputs: { "a.b": null }, exit: "exec-out" })]);
  assert.deepEqual(pinnedOf(flow.nodes.get("n1")!), { outputs: { "a.b": null }, exit: "exec-out" });
  assert.equal(chipsOf(flow.nodes.get("n1")!, null)[0]?.icon, "pin");
  const pasted = pasteText(flow, copyText(flow, ["n1"]), null)!;
  const gone = applyAll(flow, pasted.changes);
  assert.deepEqual(pinnedOf(flow.nodes.get(pasted.ids[0]!)!)?.outputs, { "a.b": null });
  applyAll(flow, gone);
  applyAll(flow, back);
  assert.equal(JSON.stringify(flow.toJSON()), before);
  const odd = [{ outputs: {} }, { outputs: [1] }, true];
  for (const pinned of odd) assert.equal(pinnedOf(made({ canvas: { pinned } } as JsonObject)), null);
});

test("chips leave a long title some twelve signs, and a short one as much as it has", () => {
  const chips = Array.from({ length: 10 }, (_, i) => ({ icon: "clock", text: "", words: `chip ${i}` }));
  const room = chipRoom("A title that is much too long for all of its signs");
  assert.ok(WIDTH_MOST - room >= textWidth("Twelve signs", 13, true) + 84);
  assert.ok(chipRoom("Sum") > room);
  assert.equal(chipsIn(chips, room).length, 8);
  assert.ok(chipsWidth(chipsIn(chips, room)) + 18 <= room, "with room for +1");
  assert.equal(chipsIn(chips.slice(0, 9), room).length, 9);
  assert.equal(chipsIn(chips, chipsWidth(chips)), chips);
  assert.deepEqual(chipsIn(chips, 0), []);
});
