import assert from "node:assert/strict";
import { test } from "node:test";
import { applyAll } from "../src/model/change";
import { collapse, type Collapsed } from "../src/model/collapse";
import { FlowDocument } from "../src/model/document";
import { expand, type Expanded } from "../src/model/expand";
import { type JsonObject } from "../src/model/json";
import type { Scene } from "../src/model/scene";
import { catalog, dice, edge, node, sceneOf } from "./fixture";
import { Scene as RealScene } from "../src/model/scene";

const exec = (id: string): JsonObject => ({ id, label: "", type: "execution" });
const pin = (id: string, type: string): JsonObject => ({ id, label: id, type });

/** begin -> ask -> each(item) -> loop: tell; done -> branch -> true: finish, false: finish; glue beside. */
function flow(): JsonObject {
  return {
    id: "f",
    name: "F",
    nodes: [
      node("begin", "begin", { outputs: [exec("exec-out"), pin("who", "string"), pin("list", "array")] }, 0, 0),
      node("ask", "ask", { pinDefaults: { prompt: "Who?" } }, 320, 0),
      node("each", "each", {}, 640, 0),
      node("tell", "ask", {}, 960, -200),
      node("glue", "glue", {}, 640, 300),
      node("after", "ask", { pinDefaults: { choices: ["a"] } }, 1280, 0),
      node("finish", "finish", { inputs: [exec("exec-in"), pin("text", "string"), pin("last", "number")] }, 1600, 0),
    ],
    edges: [
      edge("e1", "begin", "exec-out", "ask", "exec-in"),
      edge("e2", "ask", "exec-out", "each", "exec-in"),
      edge("e3", "each", "loop", "tell", "exec-in"),
      edge("e4", "each", "done", "after", "exec-in"),
      edge("e5", "after", "exec-out", "finish", "exec-in"),
      edge("e6", "begin", "list", "each", "items"),
      edge("e7", "begin", "who", "glue", "a"),
      edge("e8", "ask", "response", "glue", "b"),
      edge("e9", "glue", "result", "tell", "prompt"),
      edge("e10", "glue", "result", "after", "prompt"),
      edge("e11", "glue", "result", "finish", "text"),
      edge("e12", "each", "index", "finish", "last"),
    ],
    entryNode: "begin",
  };
}

const labels = (of: FlowDocument): Map<string, string> => new Map([...of.nodes.values()].map((each) => [each.id, String(each.data.label)]));

function ends(of: FlowDocument): string[] {
  const names = labels(of);
  return [...of.wires.values()].map((wire) => `${names.get(wire.source)}.${wire.sourcePin} > ${names.get(wire.target)}.${wire.targetPin}`).sort();
}

function taken(scene: Scene, ids: string[]): Collapsed {
  const made = collapse(scene, ids, { id: "part", name: "Part" });
  assert.ok(!("reason" in made), "reason" in made ? made.reason : "");
  return made;
}

function reason(scene: Scene, ids: string[]): string {
  const made = collapse(scene, ids, { id: "part", name: "Part" });
  assert.ok("reason" in made, "it is refused");
  return made.reason;
}

test("wires that cross become parameters and results", () => {
  const scene = sceneOf(flow());
  const { called, changes, node: id } = taken(scene, ["each", "tell"]);
  const before = JSON.stringify(scene.flow.toJSON());
  const undo = applyAll(scene.flow, changes);
  assert.deepEqual(
    ends(scene.flow).filter((wire) => wire.includes("Part")),
    ["Part.exec-out > after.exec-in", "Part.index > finish.last", "ask.exec-out > Part.exec-in", "begin.list > Part.list", "glue.result > Part.prompt"],
  );
  assert.equal(scene.flow.nodes.get(id)?.data.subflowId, "part");
  const inner = FlowDocument.fromJSON(called);
  assert.deepEqual(ends(inner), [
    "begin.exec-out > each.exec-in",
    "begin.list > each.items",
    "begin.prompt > tell.prompt",
    "each.done > finish.exec-in",
    "each.index > finish.index",
    "each.loop > tell.exec-in",
  ]);
  assert.equal(called.entryNode, [...inner.nodes.values()].find((each) => each.type === "begin")?.id);
  applyAll(scene.flow, undo);
  assert.equal(JSON.stringify(scene.flow.toJSON()), before, "one undo gives the file back to the byte");
});

test("a value that is read before stays, one that lies between comes along", () => {
  const scene = sceneOf(flow());
  applyAll(scene.flow, taken(scene, ["each", "tell", "glue"]).changes);
  assert.ok([...scene.flow.nodes.values()].some((each) => each.data.label === "glue"), "glue is read outside and needs nothing of the part");
  const whole = sceneOf(flow());
  const { called } = taken(whole, ["ask", "each", "tell", "after"]);
  assert.ok(ends(FlowDocument.fromJSON(called)).includes("ask.response > glue.b"), "glue reads ask and is read by tell");
});

test("what would not do the same is refused, with the place", () => {
  const scene = sceneOf(flow());
  assert.match(reason(scene, ["glue"]), /at least one step/);
  assert.match(reason(scene, ["begin", "ask"]), /“begin” stays/);
  assert.match(reason(scene, ["after", "finish"]), /“finish” stays/);
  assert.match(reason(scene, ["ask", "after"]), /two places, at “ask” and at “after”/);
  assert.match(reason(scene, ["each"]), /branch of “each” goes on to “tell”/);
  const forked = flow();
  (forked.nodes as JsonObject[]).push(node("if", "branch"), node("x", "ask"), node("watch", "guard"), node("var", "keep"), node("var2", "keep"));
  (forked.edges as JsonObject[]).push(
    edge("a", "finish", "exec-out", "if", "exec-in"),
    edge("b", "if", "true", "x", "exec-in"),
    edge("c", "if", "false", "watch", "exec-in"),
    edge("d", "watch", "exec-out", "var", "exec-in"),
    edge("e", "var", "exec-out", "var2", "exec-in"),
  );
  const fork = sceneOf(forked);
  assert.match(reason(fork, ["if"]), /lead on in two places, to “x” and to “watch”/);
  assert.match(reason(fork, ["if", "x"]), /may end at “x”/);
  assert.match(reason(fork, ["watch"]), /watches over/);
  assert.match(reason(fork, ["var"]), /“var” uses the variables/);
  assert.ok("changes" in collapse(fork, ["var", "var2"], { id: "p", name: "P" }), "all that use variables may go together");
});

test("taken out and put back is the flow as it was", () => {
  const roll = dice(5);
  let done = 0;
  for (let turn = 0; turn < 300; turn++) {
    const scene = sceneOf(chain(roll));
    const before = ends(scene.flow);
    const from = Math.floor(roll() * 6);
    const to = from + 1 + Math.floor(roll() * 3);
    const chosen = [...scene.flow.nodes.keys()].filter((id) => (id.startsWith("s") ? Number(id[1]) >= from && Number(id[1]) < to : id.startsWith("v") && roll() < 0.5));
    const made = collapse(scene, chosen, { id: "part", name: "Part" });
    if ("reason" in made) continue;
    done++;
    const text = JSON.stringify(scene.flow.toJSON());
    const undo = applyAll(scene.flow, made.changes);
    const after = new RealScene(scene.flow, catalog);
    const back = expand(after, scene.flow.nodes.get(made.node)!, FlowDocument.fromJSON(made.called)) as Expanded;
    assert.ok(!("reason" in back), JSON.stringify(back));
    const again = applyAll(scene.flow, back.changes);
    assert.deepEqual(ends(scene.flow), before);
    applyAll(scene.flow, again);
    applyAll(scene.flow, undo);
    assert.equal(JSON.stringify(scene.flow.toJSON()), text);
  }
  assert.ok(done > 250, `${done} of 300 could be taken out`);
});

/** A chain of steps and loops with values between them. */
function chain(roll: () => number): JsonObject {
  const nodes = [node("begin", "begin", { outputs: [exec("exec-out"), pin("who", "string")] })];
  const edges: JsonObject[] = [];
  const texts: [string, string][] = [["begin", "who"]];
  let at: [string, string] = ["begin", "exec-out"];
  const wire = (from: [string, string], to: string, toPin: string): number => edges.push(edge(`e${edges.length}`, from[0], from[1], to, toPin));
  const some = (): [string, string] => texts[Math.floor(roll() * texts.length)] as [string, string];
  for (let number = 0; number < 7; number++) {
    const id = `s${number}`;
    const kind = roll() < 0.3 ? "each" : "ask";
    nodes.push(node(id, kind));
    wire(at, id, "exec-in");
    if (kind === "ask") {
      if (roll() < 0.7) wire(some(), id, "prompt");
      texts.push([id, "response"]);
      at = [id, "exec-out"];
    } else {
      nodes.push(node(`${id}b`, "ask"));
      wire([id, "loop"], `${id}b`, "exec-in");
      wire([id, "item"], `${id}b`, "prompt");
      at = [id, "done"];
    }
    if (roll() < 0.5) {
      nodes.push(node(`v${number}`, "glue"));
      wire(some(), `v${number}`, "a");
      wire(some(), `v${number}`, "b");
      texts.push([`v${number}`, "result"]);
    }
  }
  nodes.push(node("finish", "finish", { inputs: [exec("exec-in"), pin("text", "string")] }));
  wire(at, "finish", "exec-in");
  wire(some(), "finish", "text");
  return { id: "c", name: "C", nodes, edges, entryNode: "begin" };
}

test("an expanded flow gets the constants it was called with, and its loose ends lead on", () => {
  const scene = sceneOf({
    id: "f",
    nodes: [
      node("begin", "begin", {}, 0, 0),
      node("call", "call", { subflowId: "g", pinDefaults: { who: "Ana" }, inputs: [exec("exec-in"), pin("who", "string"), pin("mood", "string")], outputs: [exec("exec-out"), pin("said", "string")] }, 320, 0),
      node("next", "ask", {}, 640, 0),
    ],
    edges: [edge("1", "begin", "exec-out", "call", "exec-in"), edge("2", "call", "exec-out", "next", "exec-in"), edge("3", "call", "said", "next", "prompt")],
  });
  const called = FlowDocument.fromJSON({
    id: "g",
    nodes: [
      node("b", "begin", { outputs: [exec("exec-out"), pin("who", "string"), pin("mood", "string")], pinDefaults: { who: "nobody", mood: "fine" } }, 0, 0),
      node("if", "branch", {}, 300, 0),
      node("hi", "ask", {}, 600, 0),
      node("mood", "ask", {}, 600, 200),
      node("e", "finish", { inputs: [exec("exec-in"), pin("said", "string")] }, 900, 0),
    ],
    edges: [edge("1", "b", "exec-out", "if", "exec-in"), edge("2", "if", "true", "hi", "exec-in"), edge("3", "hi", "exec-out", "e", "exec-in"), edge("4", "b", "who", "hi", "prompt"), edge("5", "hi", "response", "e", "said"), edge("6", "b", "mood", "mood", "prompt"), edge("7", "if", "false", "mood", "exec-in")],
  });
  const made = expand(scene, scene.flow.nodes.get("call")!, called) as Expanded;
  assert.ok(!("reason" in made), JSON.stringify(made));
  applyAll(scene.flow, made.changes);
  assert.deepEqual(ends(scene.flow), [
    "begin.exec-out > if.exec-in",
    "hi.exec-out > next.exec-in",
    "hi.response > next.prompt",
    "if.false > mood.exec-in",
    "if.true > hi.exec-in",
    "mood.exec-out > next.exec-in",
  ]);
  const given = new Map([...scene.flow.nodes.values()].map((each) => [String(each.data.label), (each.data.pinDefaults as JsonObject | undefined)?.prompt]));
  assert.equal(given.get("hi"), "Ana");
  assert.equal(given.get("mood"), "fine");
  assert.ok((scene.flow.nodes.get("next")?.x ?? 0) > 640, "what stands to the right makes room");
});
