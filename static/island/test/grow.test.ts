import assert from "node:assert/strict";
import test from "node:test";
import { applyAll, applyChange } from "../src/model/change";
import { wireTo } from "../src/model/create";
import { dropPin, growPin, nextName } from "../src/model/grow";
import { edge, node, sceneOf } from "./fixture";

test("pins are named by letters, then by number; branches by count; free ones by wish", () => {
  const letters = { side: "inputs", names: "letters", least: 2, type: "string" } as const;
  const taken: string[] = [];
  for (let i = 0; i < 28; i++) taken.push(nextName(letters, taken));
  assert.deepEqual([taken[0], taken[25], taken[26], taken[27]], ["a", "z", "p26", "p27"]);
  assert.equal(nextName({ ...letters, names: "then" }, ["then:0", "then:1"]), "then:2");
  const free = { ...letters, names: "free" } as const;
  assert.equal(nextName(free, ["value"], ""), "value2");
  assert.equal(nextName(free, [], "first name!"), "first_name_");
});

test("a pin is added after the others and can be taken back to the byte", () => {
  const scene = sceneOf({ nodes: [node("g", "glue")], edges: [] });
  const glue = scene.flow.nodes.get("g")!;
  const before = JSON.stringify(scene.flow.toJSON());
  const grown = growPin(scene.shapes, glue)!;
  assert.deepEqual([grown.pin, grown.side], ["c", "in"]);
  const undo = applyChange(scene.flow, grown.change);
  assert.deepEqual(scene.shape(glue).pins.filter((pin) => pin.side === "in").map((pin) => pin.id), ["a", "b", "c"]);
  applyAll(scene.flow, undo);
  assert.equal(JSON.stringify(scene.flow.toJSON()), before);
});

test("adding a branch keeps the exec pins that the card declares", () => {
  const scene = sceneOf({ nodes: [node("s", "parts")], edges: [] });
  const parts = scene.flow.nodes.get("s")!;
  applyChange(scene.flow, growPin(scene.shapes, parts)!.change);
  assert.deepEqual(scene.shape(parts).pins.map((pin) => pin.id), ["exec-in", "then:0", "then:1", "then:2"]);
  assert.equal(scene.shapes.pin(parts, "out", "then:2")?.label, "then 3");
  assert.equal(scene.shapes.pin(parts, "out", "then:2")?.description, "One branch.");
});

test("an added pin whose author described it keeps those words", () => {
  const data = { outputs: [{ id: "then:5", label: "last", type: "execution", description: "Mine." }, { id: "x", label: "x", type: "any", description: "" }] };
  const scene = sceneOf({ nodes: [node("s", "parts", data)], edges: [] });
  const parts = scene.flow.nodes.get("s")!;
  assert.equal(scene.shapes.pin(parts, "out", "then:5")?.description, "Mine.");
  assert.equal(scene.shapes.pin(parts, "out", "x")?.description, "", "no branch, so not the words of one");
});

test("a pin that a setting brings has the words of its kind, or those of its own id", () => {
  const outputs = ["case:1", "default"].map((id) => ({ id, label: id, type: "execution" }));
  const scene = sceneOf({ nodes: [node("c", "choose", { outputs })], edges: [] });
  const choose = scene.flow.nodes.get("c")!;
  assert.equal(scene.shapes.pin(choose, "out", "case:1")?.description, "One case.");
  assert.equal(scene.shapes.pin(choose, "out", "default")?.description, "", "it is the card's own");
});

test("a pin goes with its wires and its value, but not below the least number", () => {
  const data = { inputs: ["a", "b", "c"].map((id) => ({ id, label: id, type: "string" })), pinDefaults: { c: "x", a: "y" } };
  const scene = sceneOf({ nodes: [node("g", "glue", data), node("w", "word")], edges: [edge("e", "w", "value", "g", "c")] });
  const glue = scene.flow.nodes.get("g")!;
  applyAll(scene.flow, dropPin(scene.flow, scene.shapes, glue, "in", "c")!);
  assert.equal(scene.flow.wires.size, 0);
  assert.deepEqual(glue.data.pinDefaults, { a: "y" });
  assert.equal(dropPin(scene.flow, scene.shapes, glue, "in", "b"), null, "two inputs have to stay");
  assert.equal(dropPin(scene.flow, scene.shapes, glue, "out", "result"), null);
  assert.equal(growPin(scene.shapes, scene.flow.nodes.get("w")!), null, "a constant does not grow");
});

test("a wire to a full node grows a pin that is named after its source", () => {
  const scene = sceneOf({ nodes: [node("w", "word"), node("f", "finish")], edges: [] });
  const finish = scene.flow.nodes.get("f")!;
  const pin = wireTo(scene.flow, scene.shapes, { node: "w", side: "out", pin: "value" }, finish, (changes) => applyAll(scene.flow, changes));
  assert.deepEqual([pin?.id, pin?.type], ["value", "string"]);
  assert.equal(scene.flow.wiresAt("f", "in", "value").length, 1);
});

test("what a step says of its failure brings outputs that are not saved with it", () => {
  const scene = sceneOf({ nodes: [node("a", "ask"), node("b", "ask")], edges: [] });
  const ask = scene.flow.nodes.get("a")!;
  const outs = (id: string) => scene.shape(scene.flow.nodes.get(id)!).pins.filter((pin) => pin.side === "out").map((pin) => pin.id);
  applyChange(scene.flow, { op: "set", node: "a", path: "onError", value: "branch" });
  assert.deepEqual(outs("a"), ["exec-out", "response", "exec-error", "error_message"]);
  assert.deepEqual(outs("b"), ["exec-out", "response"]);
  assert.equal(ask.data.outputs, undefined);
  applyChange(scene.flow, { op: "set", node: "a", path: "onError", value: "continue" });
  assert.deepEqual(outs("a"), ["exec-out", "response", "error_message"]);
});
