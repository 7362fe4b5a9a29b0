import assert from "node:assert/strict";
import test from "node:test";
import { applyAll } from "../src/model/change";
import { bestPin, candidates, cardTakes, check, checkTypes, turnsToText } from "../src/model/connect";
import { createNode } from "../src/model/create";
import { FlowDocument } from "../src/model/document";
import type { PinAt } from "../src/model/hit";
import { boxOf, overlap } from "../src/model/geometry";
import { loopChanges } from "../src/model/loop";
import { Shapes } from "../src/model/pins";
import { forkWords, wireChanges } from "../src/model/wiring";
import { catalog, edge, node, sample } from "./fixture";

const out = (id: string, pin: string): PinAt => ({ node: id, side: "out", pin });
const into = (id: string, pin: string): PinAt => ({ node: id, side: "in", pin });

function open(json = sample()): { flow: FlowDocument; shapes: Shapes } {
  const flow = FlowDocument.fromJSON(json);
  return { flow, shapes: new Shapes(catalog) };
}

const VALUES = ["string", "number", "boolean", "object", "array", "tools", "provider", "model", "memory", "assertion", "assertions"];
const BOTH = [["tools", "array"], ["assertions", "array"], ["assertions", "object"], ["assertion", "object"], ["memory", "object"], ["provider", "string"], ["model", "string"]];
const ONE = [["array", "object"], ["tools", "object"], ["number", "string"], ["boolean", "string"]];

test("what is no text is made one on its way, and that is said", () => {
  for (const [from, to, turns] of [["number", "string", true], ["boolean", "string", true], ["string", "string", false], ["any", "string", false], ["model", "string", false], ["number", "any", false], ["array", "string", false]] as const) {
    assert.equal(turnsToText(catalog, from, to), turns, `${from} → ${to}`);
  }
  const verdict = checkTypes(catalog, "number", "string");
  assert.equal(verdict.ok && verdict.note, "number → text: adds as text");
});

test("the matrix of pin types is that of the contract", () => {
  const allowed = new Set(VALUES.flatMap((type) => [`${type} ${type}`, `${type} any`, `any ${type}`]));
  for (const [a, b] of BOTH) allowed.add(`${a} ${b}`).add(`${b} ${a}`);
  for (const [a, b] of ONE) allowed.add(`${a} ${b}`);
  for (const from of VALUES) {
    for (const to of [...VALUES, "any"]) {
      assert.equal(checkTypes(catalog, from, to).ok, allowed.has(`${from} ${to}`), `${from} → ${to}`);
    }
    assert.equal(checkTypes(catalog, "execution", from).ok, false);
    assert.equal(checkTypes(catalog, from, "execution").ok, false);
  }
});

test("the whole matrix holds for nodes too, with a reason for each refusal", () => {
  const types = ["any", ...VALUES];
  const nodes = types.flatMap((type) => [node(`m-${type}`, `make-${type}`), node(`t-${type}`, `take-${type}`)]);
  const { flow, shapes } = open({ nodes, edges: [] });
  for (const from of types) {
    for (const to of types) {
      const verdict = check(flow, shapes, out(`m-${from}`, "out"), into(`t-${to}`, "in"));
      assert.equal(verdict.ok, catalog.mayFlow(from, to), `${from} → ${to}`);
      if (!verdict.ok) assert.ok(verdict.reason.length > 10);
    }
  }
});

test("a wire needs an output and an input of two nodes", () => {
  const { flow, shapes } = open();
  const reason = (a: PinAt, b: PinAt): string => {
    const verdict = check(flow, shapes, a, b);
    return verdict.ok ? "" : verdict.reason;
  };
  assert.match(reason(out("n1", "exec-out"), out("n2", "exec-out")), /Both ends are outputs/);
  assert.match(reason(into("n2", "prompt"), into("n4", "text")), /Both ends are inputs/);
  assert.match(reason(out("n2", "response"), into("n2", "prompt")), /cannot feed itself/);
  assert.match(reason(out("n1", "exec-out"), into("n2", "prompt")), /step wire says what runs next/);
  assert.match(reason(out("n1", "name"), into("n3", "exec-in")), /cannot start a step/);
  assert.match(reason(out("n1", "name"), into("n3", "condition")), /text → yes\/no/);
  assert.match(reason(out("n1", "nothing"), into("n3", "condition")), /not there any more/);
  assert.equal(reason(into("n2", "prompt"), out("n1", "name")), "", "either end may come first");
});

test("circles are refused: of steps, and of values", () => {
  const { flow, shapes } = open({
    nodes: [node("a", "ask"), node("b", "ask"), node("g", "glue"), node("h", "glue")],
    edges: [edge("1", "a", "exec-out", "b", "exec-in"), edge("2", "g", "result", "h", "a")],
  });
  const steps = check(flow, shapes, out("b", "exec-out"), into("a", "exec-in"));
  assert.ok(!steps.ok && /circle/.test(steps.reason));
  const values = check(flow, shapes, out("h", "result"), into("g", "a"));
  assert.ok(!values.ok && /itself/.test(values.reason));
  assert.equal(check(flow, shapes, out("b", "response"), into("a", "prompt")).ok, true, "a step may be fed by a later one");
});

test("a data input and an exec output hold one wire; an exec input and a data output many", () => {
  const { flow, shapes } = open();
  const replaced = wireChanges(flow, shapes, out("n2", "response"), into("n4", "text"));
  assert.deepEqual(replaced.map((change) => change.op), ["disconnect", "connect"]);
  applyAll(flow, replaced);
  assert.equal(flow.wiresAt("n4", "in", "text").length, 1);
  applyAll(flow, wireChanges(flow, shapes, out("n3", "false"), into("n4", "exec-in")));
  assert.equal(flow.wiresAt("n4", "in", "exec-in").length, 2);
  applyAll(flow, wireChanges(flow, shapes, out("n3", "true"), into("n2", "exec-in")));
  assert.deepEqual(flow.wiresAt("n3", "out", "true").map((wire) => wire.to?.type), ["parts"], "a step that leads on already gets a node that leads to both");
  assert.deepEqual(wireChanges(flow, shapes, out("n1", "exec-out"), into("n2", "exec-in")), [], "the same wire again is nothing new");
});

test("a step that leads on already gets a sequence for both: in order, with room, undone in one", () => {
  const { flow, shapes } = open();
  const before = JSON.stringify(flow.toJSON());
  const goals = (): (string | undefined)[] => flow.nodes.get("node-1")!.wires.filter((wire) => wire.source === "node-1").map((wire) => `${wire.sourcePin} ${wire.target}`);
  const first = wireChanges(flow, shapes, out("n1", "exec-out"), into("n3", "exec-in"));
  const back = applyAll(flow, first);
  assert.deepEqual(goals(), ["then:0 n2", "then:1 n3"]);
  assert.deepEqual(flow.wiresAt("n1", "out", "exec-out").map((wire) => wire.target), ["node-1"]);
  const boxes = [...flow.nodes.values()].map((each) => boxOf(each, shapes.of(each)));
  for (const [index, box] of boxes.entries()) assert.ok(!boxes.slice(index + 1).some((other) => overlap(box, other)), "nothing lies on another");
  assert.match(forkWords(shapes, first), /A parts leads to both now/);
  const third = wireChanges(flow, shapes, out("n1", "exec-out"), into("n4", "exec-in"));
  assert.equal(forkWords(shapes, third), "");
  const shrink = applyAll(flow, third);
  assert.deepEqual(goals(), ["then:0 n2", "then:1 n3", "then:2 n4"], "the sequence that is there gets one more branch");
  assert.deepEqual(wireChanges(flow, shapes, out("n1", "exec-out"), into("n2", "exec-in")), [], "it leads there already");
  applyAll(flow, shrink);
  applyAll(flow, back);
  assert.equal(JSON.stringify(flow.toJSON()), before);
});

test("a wire back to an earlier step can be a loop of the steps between, undone in one", () => {
  const { flow, shapes } = open({
    nodes: [node("a", "begin", {}, 0), node("b", "ask", {}, 320), node("c", "ask", {}, 640), node("d", "finish", {}, 960)],
    edges: [edge("1", "a", "exec-out", "b", "exec-in"), edge("2", "b", "exec-out", "c", "exec-in"), edge("3", "c", "exec-out", "d", "exec-in")],
  });
  const before = JSON.stringify(flow.toJSON());
  const verdict = check(flow, shapes, into("b", "exec-in"), out("c", "exec-out"));
  assert.deepEqual(!verdict.ok && verdict.back, { from: out("c", "exec-out"), to: into("b", "exec-in") });
  assert.deepEqual(candidates(flow, shapes, out("c", "exec-out"), undefined, true).map((each) => `${each.node} ${each.back}`), ["d false", "b true"]);
  const made = loopChanges(flow, shapes, out("c", "exec-out"), into("b", "exec-in"))!;
  const back = applyAll(flow, made.changes);
  const wires = [...flow.wires.values()].map((wire) => `${wire.source}.${wire.sourcePin} ${wire.target}`);
  assert.deepEqual(wires.sort(), ["a.exec-out node-1", "b.exec-out c", "node-1.done d", "node-1.loop b"]);
  assert.deepEqual([made.pin, flow.nodes.get(made.node)!.type], ["condition", "repeat"]);
  assert.deepEqual([flow.nodes.get("node-1")!.x, flow.nodes.get("a")!.x < 320, flow.nodes.get("b")!.x > 560], [320, true, true], "it stands where the first step was");
  applyAll(flow, back);
  assert.equal(JSON.stringify(flow.toJSON()), before);
});

test("new wires look like the reference editor's", () => {
  const { flow, shapes } = open();
  const [, change] = wireChanges(flow, shapes, out("n2", "response"), into("n4", "text"));
  assert.deepEqual(change, { op: "connect", edge: { id: "edge-1", source: "n2", sourceHandle: "response", target: "n4", targetHandle: "text", animated: false } });
});

test("the list for wiring by keyboard is nearest first and holds what fits", () => {
  const { flow, shapes } = open();
  const list = candidates(flow, shapes, out("n1", "name"));
  assert.deepEqual(list.map((each) => `${each.node}.${each.pin}`), ["n2.prompt", "n5.a", "n5.b", "n4.text"]);
  assert.equal(list.find((each) => each.node === "n5" && each.pin === "a")?.taken, true);
  assert.deepEqual(candidates(flow, shapes, into("n3", "condition")), []);
});

test("a wire dropped on a node takes the pin that suits it best", () => {
  const { flow, shapes } = open();
  const glue = flow.nodes.get("n5")!;
  assert.equal(bestPin(flow, shapes, out("n2", "response"), glue)?.id, "b", "the free one");
  assert.equal(bestPin(flow, shapes, out("n1", "exec-out"), glue), null);
});

test("the quick add can tell which types take a wire", () => {
  const takes = (type: string, side: "in" | "out", pinType: string): boolean => cardTakes(catalog, catalog.card(type)!, { side, type: pinType });
  assert.equal(takes("ask", "out", "string"), true);
  assert.equal(takes("word", "out", "string"), false);
  assert.equal(takes("word", "in", "string"), true);
  assert.equal(takes("finish", "out", "object"), true, "grows an input for it");
  assert.equal(takes("sum", "out", "execution"), false);
});

test("a node added at the end of a wire stands with its pin there and is wired", () => {
  const { flow, shapes } = open();
  const id = createNode(flow, shapes, "ask", { x: 2000, y: 500 }, out("n3", "false"), (changes) => applyAll(flow, changes));
  assert.equal(id, "node-1");
  assert.equal(flow.wiresAt("node-1", "in", "exec-in").length, 1);
  assert.deepEqual([flow.nodes.get("node-1")!.x, flow.nodes.get("node-1")!.y], [2000, 488], "on the grid");
  const end = createNode(flow, shapes, "finish", { x: 0, y: 0 }, out("n2", "response"), (changes) => applyAll(flow, changes));
  assert.equal(flow.wiresAt(end!, "in", "response").length, 1, "a pin was grown for the value");
  assert.equal(createNode(flow, shapes, "nothing", { x: 0, y: 0 }, null, () => {}), null);
});
