import assert from "node:assert/strict";
import { test } from "node:test";
import { outlineOf } from "../src/model/outline";
import { sentenceOf, textOf } from "../src/model/sentence";
import { flowNames } from "../src/model/called";
import type { JsonObject } from "../src/model/json";
import { edge, node, sample, sceneOf } from "./fixture";

function saidOf(data: JsonObject, type = "pause"): string {
  const scene = sceneOf({ id: "s", nodes: [node("n", type, data)], edges: [] });
  return textOf(sentenceOf(scene, scene.flow.nodes.get("n")!));
}

test("a node's sentence has its values, in place of what is not there their names", () => {
  assert.equal(saidOf({}), "Wait 1 day: ‹about›");
  assert.equal(saidOf({ pinDefaults: { amount: 2, who: "Ana", about: "the  order\n" } }), "Wait 2 days for Ana: “the order”");
  assert.equal(saidOf({ config: { unit: "hours" }, pinExpressions: { about: "a + 1" } }), "Wait 1 hour: = a + 1");
});

test("a value that a wire brings is called after the node that gives it", () => {
  const nodes = [node("ask me", "ask"), node("n", "pause"), node("m", "model")];
  const scene = sceneOf({ id: "s", nodes, edges: [edge("e", "ask me", "response", "n", "about"), edge("f", "m", "answer", "n", "who")] });
  assert.equal(textOf(sentenceOf(scene, scene.flow.nodes.get("n")!)), "Wait 1 day for what m gives: what ask me gives");
});

test("a step that runs a flow names it as people do, once that is known", () => {
  const scene = sceneOf({ id: "s", nodes: [node("n", "call", { subflowId: "two-of-three" })], edges: [] });
  const told = () => textOf(sentenceOf(scene, scene.flow.nodes.get("n")!));
  assert.equal(told(), "Run two-of-three");
  flowNames.set("two-of-three", "Two of three");
  assert.equal(told(), "Run Two of three");
  flowNames.clear();
});

test("without a sentence of its type a node lists the values that are set", () => {
  assert.equal(saidOf({ pinDefaults: { prompt: "Who?", choices: ["a", "b"] } }, "ask"), "prompt “Who?”; choices a, b");
  assert.equal(saidOf({ literalValue: 3 }, "word"), "3");
});

test("a step with several ways on says where each leads, by the numbers of the lines", () => {
  const flow = sample();
  (flow.edges as unknown[]).push(edge("e9", "n3", "false", "n2", "exec-in"));
  const lines = outlineOf(sceneOf(flow));
  assert.equal(textOf(lines.find((line) => line.key === "n3")!.about()), "true → 4, false → 2");
  assert.deepEqual(lines.find((line) => line.key === "n3")!.about().filter((piece) => piece.kind).map((piece) => piece.text), ["true", "false"]);
});
