import assert from "node:assert/strict";
import { test } from "node:test";
import { outlineOf, places } from "../src/model/outline";
import { textOf } from "../src/model/sentence";
import { edge, node, sample, sceneOf } from "./fixture";

const told = (json?: Parameters<typeof sceneOf>[0]): string[] => outlineOf(sceneOf(json)).map((line) => `${"  ".repeat(line.level - 1)}${line.number ? `${line.number} ` : ""}${line.title}${line.kind === "link" || line.kind === "part" || line.kind === "branch" ? ` ${textOf(line.about())}`.trimEnd() : ""}`);

test("steps come in the order they run, branches and values below them", () => {
  assert.deepEqual(told(), ["1 n1", "2 n2", "3 n3", "  true", "    4 n4", "      n5", "  false leads nowhere"]);
});

test("a step that two ways lead to stands once; what nothing leads to comes last", () => {
  const flow = sample();
  (flow.edges as unknown[]).push(edge("e9", "n3", "false", "n4", "exec-in"));
  (flow.nodes as unknown[]).push(node("n6", "ask", {}, 9000, 0));
  const lines = told(flow);
  assert.deepEqual(lines.slice(6), ["  false", "    n4 goes on at 4", "Not connected nothing leads here", "  5 n6"]);
});

test("in the body of a loop a way that ends begins the next turn", () => {
  const nodes = [node("a", "begin", {}, 0, 0), node("b", "each", {}, 10, 0), node("c", "branch", {}, 20, 0), node("d", "parts", {}, 30, 0), node("e", "branch", {}, 40, 0), node("f", "ask", {}, 50, 0)];
  const edges = [edge("1", "a", "exec-out", "b", "exec-in"), edge("2", "b", "loop", "c", "exec-in"), edge("3", "c", "true", "d", "exec-in"), edge("4", "d", "then:0", "e", "exec-in"), edge("5", "d", "then:1", "f", "exec-in")];
  assert.deepEqual(told({ id: "turns", nodes, edges }).filter((line) => /false|true/.test(line)).map((line) => line.trim()), ["true", "true leads nowhere", "false leads nowhere", "false next turn"]);
  assert.ok(told({ id: "after", nodes: [nodes[0]!, nodes[1]!, nodes[2]!], edges: [edges[0]!, edge("2", "b", "done", "c", "exec-in")] }).includes("  false leads nowhere"));
});

test("a chain of ten thousand branches needs no stack", () => {
  const nodes = [node("b0", "begin", {}, 0, 0)];
  const edges = [];
  for (let i = 1; i <= 10_000; i++) {
    nodes.push(node(`b${i}`, "branch", {}, i * 10, 0));
    edges.push(edge(`w${i}`, `b${i - 1}`, i === 1 ? "exec-out" : "true", `b${i}`, "exec-in"));
  }
  const lines = outlineOf(sceneOf({ id: "deep", nodes, edges }));
  assert.equal(lines.filter((line) => line.kind === "step").length, 10_001);
});

test("an opened node shows its pins with what is at them", () => {
  const scene = sceneOf();
  const pins = outlineOf(scene, new Set(["n2"])).filter((line) => line.kind === "pin");
  assert.equal(pins.length, scene.shape(scene.flow.nodes.get("n2")!).pins.length);
  assert.ok(pins.every((line) => line.level === 2 && line.pin?.node === "n2"));
  assert.match(pins.find((line) => line.key === "pin n2 in exec-in")!.about().map(({ text }) => text).join(""), /^step input: from n1/);
});

test("each line knows its place among its siblings", () => {
  const told = places([1, 2, 3, 2, 1, 1, 2]).map(({ place, of }) => `${place}/${of}`);
  assert.deepEqual(told, ["1/3", "1/2", "1/1", "2/2", "2/3", "3/3", "1/1"]);
  assert.deepEqual(places([]), []);
});
