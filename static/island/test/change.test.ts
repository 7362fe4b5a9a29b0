import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import test from "node:test";
import type { Json } from "../src/catalog";
import { applyAll, applyChange, type Change, ChangeError } from "../src/model/change";
import { FlowDocument } from "../src/model/document";
import { History } from "../src/model/history";
import { dice, edge, node, sample } from "./fixture";

const textOf = (flow: FlowDocument): string => JSON.stringify(flow.toJSON());

/** A change that fits the flow as it is, chosen by dice. */
function anyChange(flow: FlowDocument, roll: () => number): Change {
  const ids = [...flow.nodes.keys()];
  const keys = [...flow.wires.keys()];
  const pick = <T>(list: readonly T[]): T => list[Math.floor(roll() * list.length)] as T;
  const value = pick([1, "text", null, true, { a: [1] }, [1, 2], undefined]);
  const kind = Math.floor(roll() * 9);
  if (!ids.length || kind === 0) return { op: "add", node: node(flow.freshNodeId(), pick(["ask", "glue", "word"])) };
  if (kind === 1 && ids.length > 3) return { op: "remove", node: pick(ids) };
  if (kind === 2 || kind === 3) return { op: "move", node: pick(ids), x: Math.round(roll() * 1000), y: Math.round(roll() * 1000) };
  if (kind === 4) return { op: "connect", edge: edge(flow.freshWireId(), pick(ids), "exec-out", pick(ids), "exec-in") };
  if (kind === 5 && keys.length) return { op: "disconnect", edge: pick(keys) };
  if (kind === 6) return { op: "flow", path: pick(["name", "description", "extra.kept", "extra.more.deep", "entryNode"]), value };
  const path = pick(["label", "pinDefaults.prompt", "pinDefaults.x", "deep.er.still", "literalValue", ["pinDefaults", "a.b"], "unknown"]);
  return { op: "set", node: pick(ids), path, value };
}

test("random sequences of 500 changes are undone to the byte, and redone", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const roll = dice(seed);
    const flow = FlowDocument.fromJSON(sample());
    const history = new History(flow);
    const before = textOf(flow);
    for (let step = 0; step < 500; step++) {
      const size = roll() < 0.2 ? 3 : 1;
      for (let i = 0; i < size; i++) history.run([anyChange(flow, roll)], "change", roll() < 0.3 ? `key ${Math.floor(roll() * 3)}` : "");
      if (roll() < 0.1) history.seal();
    }
    const after = textOf(flow);
    while (history.undo());
    assert.equal(textOf(flow), before, `seed ${seed}: undone`);
    while (history.redo());
    assert.equal(textOf(flow), after, `seed ${seed}: redone`);
  }
});

test("the maps agree with the document after random changes", () => {
  const roll = dice(99);
  const flow = FlowDocument.fromJSON(sample());
  for (let step = 0; step < 800; step++) {
    const undo = applyChange(flow, anyChange(flow, roll));
    if (roll() < 0.4) applyAll(flow, undo);
  }
  const fresh = FlowDocument.fromJSON(JSON.parse(textOf(flow)));
  assert.deepEqual([...flow.nodes.keys()].sort(), [...fresh.nodes.keys()].sort());
  for (const [id, each] of flow.nodes) {
    const wires = [...each.wires].map((wire) => wire.key).sort();
    assert.deepEqual(wires, [...(fresh.nodes.get(id)?.wires ?? [])].map((wire) => wire.key).sort(), `wires of ${id}`);
  }
});

test("a removed node comes back with its wires, at the same places", () => {
  const flow = FlowDocument.fromJSON(sample());
  const before = textOf(flow);
  const undo = applyChange(flow, { op: "remove", node: "n2" });
  assert.equal(flow.wires.has("e1"), false);
  assert.equal(flow.wires.has("e2"), false);
  applyAll(flow, undo);
  assert.equal(textOf(flow), before);
});

test("setting keeps key order and unknown fields; deleting what is not there changes nothing", () => {
  const flow = FlowDocument.fromJSON(sample());
  applyChange(flow, { op: "set", node: "n2", path: "pinDefaults.prompt", value: "New" });
  assert.equal(JSON.stringify(flow.nodes.get("n2")?.data), '{"nodeType":"ask","label":"n2","pinDefaults":{"prompt":"New"}}');
  const before = textOf(flow);
  applyChange(flow, { op: "set", node: "n2", path: "pinDefaults.nothing" });
  applyChange(flow, { op: "set", node: "n5", path: "a.b.c" });
  assert.equal(textOf(flow), before);
});

test("lists in settings can be set, appended to and cut by index", () => {
  const flow = FlowDocument.fromJSON(sample());
  applyChange(flow, { op: "set", node: "n3", path: "cases", value: [{ id: "a" }] });
  applyChange(flow, { op: "set", node: "n3", path: "cases.1.id", value: "b" });
  applyChange(flow, { op: "set", node: "n3", path: "cases.0" });
  assert.deepEqual(flow.nodes.get("n3")?.data.cases, [{ id: "b" }]);
  assert.throws(() => applyChange(flow, { op: "set", node: "n3", path: "cases.7", value: 1 }), /"7" is no place/);
});

test("keys that look like a prototype's are ordinary keys", () => {
  const flow = FlowDocument.fromJSON(sample());
  applyChange(flow, { op: "set", node: "n2", path: ["pinDefaults", "__proto__"], value: { polluted: true } });
  applyChange(flow, { op: "set", node: "n2", path: "constructor.prototype.x", value: 1 });
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
  assert.equal(({} as { x?: number }).x, undefined);
  assert.match(textOf(flow), /"__proto__":\{"polluted":true\}/);
});

test("a change that does not fit names the place, and a list of changes is all or nothing", () => {
  const flow = FlowDocument.fromJSON(sample());
  const before = textOf(flow);
  assert.throws(() => applyChange(flow, { op: "move", node: "gone", x: 0, y: 0 }), /no node "gone"/);
  assert.throws(() => applyChange(flow, { op: "add", node: node("n1", "ask") }), /already has a node "n1"/);
  assert.throws(() => applyChange(flow, { op: "connect", edge: edge("x", "n1", "exec-out", "gone", "exec-in") }), /target "gone" is no node/);
  assert.throws(() => applyChange(flow, { op: "flow", path: "nodes", value: [] }), /not set by hand/);
  assert.throws(() => applyChange(flow, { op: "spin" } as unknown as Change), ChangeError);
  assert.throws(() => applyAll(flow, [{ op: "remove", node: "n1" }, { op: "remove", node: "n1" }]), ChangeError);
  assert.equal(textOf(flow), before);
});

test("steps with one key become one, and a mark can be rolled back to", () => {
  const flow = FlowDocument.fromJSON(sample());
  const history = new History(flow);
  const before = textOf(flow);
  for (let x = 1; x <= 50; x++) history.run([{ op: "move", node: "n1", x, y: 0 }], "Move", "drag");
  assert.equal(history.mark, 1);
  history.seal();
  history.run([{ op: "move", node: "n1", x: 99, y: 0 }], "Move", "drag");
  assert.equal(history.mark, 2);
  history.rollBack(1);
  assert.equal(flow.nodes.get("n1")?.x, 50);
  assert.equal(history.undo()?.label, "Move");
  assert.equal(textOf(flow), before);
  assert.equal(history.undo(), null);
});

// The same names as the server gives (tests/compiler/test_fixes.py), so that a fix means the same wire on both sides.
const named = JSON.parse(readFileSync(resolve(process.cwd(), "test/wire_names.json"), "utf8")) as { ids: Json[]; names: string[] }[];
const wired = (ids: readonly Json[]): FlowDocument =>
  FlowDocument.fromJSON({
    id: "f",
    nodes: [node("a", "ask"), node("b", "ask")],
    edges: ids.map((id, at) => ({ ...(id === null ? {} : { id }), source: "a", sourceHandle: `o${at}`, target: "b", targetHandle: `i${at}` })),
  });

test("wires without an id of their own have names that are free, and a fix takes the wire at its place", () => {
  for (const { ids, names } of named) {
    assert.deepEqual([...wired(ids).wires.keys()], names);
    for (const [at, edge] of names.entries()) {
      const flow = wired(ids);
      const before = textOf(flow);
      const back = applyAll(flow, [{ op: "disconnect", edge, at }]);
      assert.deepEqual([...flow.wires.values()].map((wire) => wire.targetPin), ["i0", "i1", "i2", "i3"].filter((pin) => pin !== `i${at}`));
      applyAll(flow, back);
      assert.equal(textOf(flow), before);
    }
  }
});

test("a place counts only for a wire of that name; a wire that is left alone with its id is found by it", () => {
  const flow = wired(["a", "w", "w", null]);
  applyAll(flow, [{ op: "disconnect", edge: "a" }]);
  applyAll(flow, [{ op: "disconnect", edge: "~3", at: 3 }]); // the name is the same, though the place is not
  assert.deepEqual([...flow.wires.keys()], ["w", "w~2"]);
  assert.throws(() => applyAll(flow, [{ op: "disconnect", edge: "~0", at: 0 }]), ChangeError);
  applyAll(flow, [{ op: "disconnect", edge: "w" }]);
  applyAll(flow, [{ op: "disconnect", edge: "w" }]);
  assert.equal(flow.wires.size, 0);
});
