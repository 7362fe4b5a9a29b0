// A small catalog and flows for the tests: the shapes of the real thing, not its list.
import { Catalog, type Card, type CardPin, type Json } from "../src/catalog";
import { FlowDocument } from "../src/model/document";
import type { JsonObject } from "../src/model/json";
import { Scene } from "../src/model/scene";

const exec = (id: string, label = ""): CardPin => ({ id, label, type: "execution" });
const pin = (id: string, type: string, more: Partial<CardPin> = {}): CardPin => ({ id, label: id, type, ...more });
const card = (type: string, kind: Card["kind"], inputs: CardPin[], outputs: CardPin[], more: Partial<Card> = {}): Card => ({
  type,
  label: type,
  family: "data",
  kind,
  inputs: kind === "pure" || kind === "event" ? inputs : [exec("exec-in"), ...inputs],
  outputs: kind === "pure" || kind === "control" ? outputs : [exec("exec-out"), ...outputs],
  template: { nodeType: type, label: type },
  palette: true,
  ...more,
});

const VALUES = ["any", "string", "number", "boolean", "object", "array", "tools", "provider", "model", "memory", "assertion", "assertions"];
const INTO: { [type: string]: string[] } = {
  string: ["provider", "model"],
  number: ["string"],
  boolean: ["string"],
  object: ["assertion", "assertions", "memory"],
  array: ["object", "tools", "assertions"],
  tools: ["array", "object"],
  provider: ["string"],
  model: ["string"],
  memory: ["object"],
  assertion: ["object"],
  assertions: ["array", "object"],
};

export const catalog = new Catalog({
  families: [{ id: "data", label: "Data", icon: "braces" }],
  pin_types: [
    { id: "execution", shape: "triangle", letter: "", into: [] },
    ...VALUES.map((id) => ({ id, shape: id === "any" ? "ring" : "circle", letter: id[0] as string, into: [...(INTO[id] ?? []), "any"] })),
  ],
  error_pins: { path: "onError", outputs: { stop: [], branch: [exec("exec-error", "On error"), pin("error_message", "string")], continue: [pin("error_message", "string")] } },
  types: [
    card("begin", "event", [], [], { saved_pins: true, grows: { side: "outputs", names: "free", least: 0, type: "any" } }),
    card("finish", "control", [], [], { saved_pins: true, grows: { side: "inputs", names: "free", least: 0, type: "any" } }),
    card("ask", "effect", [pin("prompt", "string", { default: "Please:" }), pin("choices", "array", { default: [] })], [pin("response", "string")], { may_fail: true }),
    card("pause", "effect", [pin("amount", "number", { default: 1 }), pin("who", "string"), pin("about", "string")], [], { fields: [{ path: "config.unit", type: "string", default: "days" }], sentence: "Wait {amount} {config.unit|unit}[ for {who|name}]: {about}" }),
    card("call", "effect", [pin("input", "object")], [pin("output", "object")], { saved_pins: true, may_fail: true, fields: [{ path: "subflowId", type: "flow" }], sentence: "Run {subflowId|name}", template: { subflowId: "" } }),
    card("keep", "action", [pin("name", "string"), pin("value", "any")], [pin("value", "any")], { family: "variables" }),
    card("guard", "control", [], [exec("exec-out"), exec("undo", "undo")]),
    card("branch", "control", [pin("condition", "boolean")], [exec("true", "true"), exec("false", "false")]),
    card("each", "control", [pin("items", "array")], [exec("loop", "loop"), exec("done", "done"), pin("item", "any"), pin("index", "number")]),
    card("repeat", "control", [pin("condition", "boolean")], [exec("loop", "loop"), exec("done", "done"), pin("index", "number")]),
    card("parts", "control", [], [exec("then:0", "then 1"), exec("then:1", "then 2")], { grows: { side: "outputs", names: "then", least: 2, type: "execution", description: "One branch." } }),
    card("choose", "control", [], [exec("default", "default")], { shaped: true, words: { inputs: {}, outputs: { "": "One case." } } }),
    card("glue", "pure", [pin("a", "string"), pin("b", "string")], [pin("result", "string")], { grows: { side: "inputs", names: "letters", least: 2, type: "string" } }),
    card("sum", "pure", [pin("a", "number", { default: 0 }), pin("b", "number")], [pin("result", "number")]),
    card("same", "pure", [pin("a", "any"), pin("op", "string", { choices: ["==", "!="], default: "==" })], [pin("result", "boolean")]),
    card("model", "effect", [pin("prompt", "string", { required: true }), pin("system", "string"), pin("heat", "number", { default: 0.7 }), pin("seed", "number")], [pin("answer", "string"), pin("meta", "object")], { seldom: ["system", "heat", "seed", "meta"] }),
    card("word", "pure", [], [pin("value", "string")], { fields: [{ path: "literalValue", type: "string", default: "", label: "Value" }] }),
    ...VALUES.map((type) => card(`make-${type}`, "pure", [], [pin("out", type)])),
    ...VALUES.map((type) => card(`take-${type}`, "pure", [pin("in", type)], [])),
  ],
});

let placed = 0;

/** A node's JSON; far from the others unless a place is given. */
export function node(id: string, type: string, data: JsonObject = {}, x = placed++ * 400, y = 0): JsonObject {
  return { id, type, position: { x, y }, data: { nodeType: type, label: id, ...data } };
}

export function edge(id: string, source: string, sourceHandle: string, target: string, targetHandle: string): JsonObject {
  return { id, source, sourceHandle, target, targetHandle, animated: targetHandle === "exec-in" };
}

/** begin -> ask -> branch -> finish, with a value beside it. */
export function sample(): JsonObject {
  return {
    id: "sample",
    name: "Sample",
    extra: { kept: [1, 2] },
    nodes: [
      node("n1", "begin", { outputs: [exec("exec-out"), pin("name", "string")] as unknown as Json }, 0, 0),
      node("n2", "ask", { pinDefaults: { prompt: "Who?" } }, 320, 0),
      node("n3", "branch", {}, 640, 0),
      node("n4", "finish", { inputs: [exec("exec-in"), pin("text", "string")] as unknown as Json }, 960, 0),
      node("n5", "glue", { unknown: { deep: true } }, 320, 240),
    ],
    edges: [
      edge("e1", "n1", "exec-out", "n2", "exec-in"),
      edge("e2", "n2", "exec-out", "n3", "exec-in"),
      edge("e3", "n3", "true", "n4", "exec-in"),
      edge("e4", "n1", "name", "n5", "a"),
      edge("e5", "n5", "result", "n4", "text"),
    ],
    entryNode: "n1",
  };
}

export function sceneOf(json: Json = sample()): Scene {
  return new Scene(FlowDocument.fromJSON(json), catalog);
}

/** A generator that always yields the same numbers for a seed. */
export function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
