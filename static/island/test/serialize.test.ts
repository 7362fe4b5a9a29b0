import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import test from "node:test";
import type { Json } from "../src/catalog";
import { Scene } from "../src/model/scene";
import { flowJSON, flowText, parseFlow } from "../src/model/serialize";
import { catalog, sample } from "./fixture";

const CORPUS = resolve(process.cwd(), "../../../shared/corpus/flows");

test("a flow comes back as it went in, unknown fields and key order included", () => {
  const text = JSON.stringify(sample());
  assert.equal(JSON.stringify(parseFlow(text).toJSON()), text);
});

test("what is no node and no wire is kept where it stands", () => {
  const odd = {
    nodes: [null, 7, { id: "" }, { id: " a " }, { id: "a", type: "second" }, { type: "no id" }, { id: "b", type: { value: "ask" } }],
    edges: ["x", { source: "a" }, { id: "e", source: "a", target: "b", sourceHandle: "", targetHandle: "in" }, { id: "e", source: "a", target: "zzz", sourceHandle: "o", targetHandle: "i" }],
    last: 1,
  };
  const flow = parseFlow(structuredClone(odd) as unknown as Json);
  assert.deepEqual(flow.toJSON(), odd);
  assert.deepEqual([...flow.nodes.keys()], ["a", "b"]);
  assert.equal(flow.nodes.get("b")?.type, "ask");
  assert.equal(new Scene(flow, catalog).wiresIn({ x: -1e6, y: -1e6, w: 2e6, h: 2e6 }).length, 0);
});

test("a document without nodes or edges stays without", () => {
  assert.deepEqual(parseFlow({ id: "x" }).toJSON(), { id: "x" });
});

test("what is no flow is refused in words", () => {
  assert.throws(() => parseFlow("{"), /This is no JSON/);
  assert.throws(() => parseFlow("[]"), /A flow is a JSON object/);
});

test("the text ends with a line break and the copy is nobody else's", () => {
  const flow = parseFlow(sample());
  assert.ok(flowText(flow).endsWith("}\n"));
  const copy = flowJSON(flow);
  (copy.nodes as { id: string }[])[0]!.id = "changed";
  assert.ok(flow.nodes.has("n1"));
});

test("every real flow comes back without loss, and has a picture", (t) => {
  if (!existsSync(CORPUS)) {
    t.diagnostic(`the corpus is absent (${CORPUS}): real flows were not tried`);
    assert.equal(existsSync(CORPUS), false);
    return;
  }
  const files = readdirSync(CORPUS).filter((name) => name.endsWith(".json"));
  assert.ok(files.length > 0);
  for (const name of files) {
    const json = JSON.parse(readFileSync(join(CORPUS, name), "utf8"));
    const flow = parseFlow(json);
    assert.equal(JSON.stringify(flow.toJSON()), JSON.stringify(json), name);
    const scene = new Scene(flow, catalog);
    for (const node of flow.nodes.values()) {
      const box = scene.box(node);
      assert.ok(box.w >= 200 && box.w <= 360 && box.h >= 32, `${name}: box of ${node.id}`);
    }
    for (const wire of flow.wires.values()) {
      if (!wire.from || !wire.to) continue;
      assert.ok(scene.shapes.pin(wire.from, "out", wire.sourcePin), `${name}: ${wire.key} starts at a pin that is shown`);
      assert.ok(scene.shapes.pin(wire.to, "in", wire.targetPin), `${name}: ${wire.key} ends at a pin that is shown`);
    }
  }
});
