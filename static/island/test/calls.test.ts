import assert from "node:assert/strict";
import test from "node:test";
import { applyAll } from "../src/model/change";
import { followFlow, resultsOf } from "../src/model/calls";
import { FlowDocument } from "../src/model/document";
import { catalog, edge, node } from "./fixture";

const exec = (id: string) => ({ id, label: "", type: "execution" });
const pin = (id: string, type: string) => ({ id, label: id, type });

test("a calling node gets the parameters and results of the flow it runs", () => {
  const called = FlowDocument.fromJSON({
    nodes: [
      node("s", "begin", { outputs: [exec("exec-out"), pin("who", "string"), pin("times", "number")] as never }),
      node("e", "finish", { inputs: [exec("exec-in"), pin("said", "string")] as never }),
      node("f", "finish", { inputs: [exec("exec-in"), pin("said", "string"), pin("why", "any")] as never }),
    ],
    edges: [edge("1", "s", "exec-out", "e", "exec-in")],
  });
  assert.deepEqual(resultsOf(called, catalog).map(({ id }) => id), ["said", "why"]);
  const caller = FlowDocument.fromJSON({ nodes: [node("c", "begin", { outputs: [exec("exec-out"), pin("old", "any")] as never }), node("t", "take-any")], edges: [edge("w", "c", "old", "t", "in")] });
  const changes = followFlow(catalog, caller.nodes.get("c")!, called);
  applyAll(caller, changes);
  const data = caller.nodes.get("c")!.data as { outputs: { id: string }[]; inputs: { id: string }[] };
  assert.deepEqual(data.outputs.map(({ id }) => id), ["exec-out", "said", "why"]);
  assert.deepEqual(data.inputs.map(({ id }) => id), ["who", "times"]);
  assert.equal(caller.wires.size, 0, "the wire of a pin that is gone is gone");
});
