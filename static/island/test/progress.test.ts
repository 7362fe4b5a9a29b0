import assert from "node:assert/strict";
import test from "node:test";
import { Progress, type StepEvent } from "../src/model/progress";

const at = "2026-01-01T00:00:00Z";
const step = (position: number, node_id: string, status: string, more: Partial<StepEvent> = {}): StepEvent => ({ position, node_id, kind: "visit", status, visit: 1, ...more });

test("the states of a run are folded from its steps", () => {
  const run = new Progress();
  run.step(step(1, "a", "completed", { exit: "exec-out", started_at: at, ended_at: "2026-01-01T00:00:00.250Z", outputs: { x: 1 } }));
  run.step(step(2, "b", "started", { kind: "effect" }));
  assert.deepEqual([run.nodes.get("a")?.state, run.nodes.get("a")?.ms, run.nodes.get("b")?.state], ["done", 250, "running"]);
  run.step(step(3, "b", "waiting", { kind: "effect" }));
  assert.equal(run.nodes.get("b")?.state, "waiting");
  run.step(step(4, "b", "failed", { kind: "effect", error: "no" }));
  assert.deepEqual([run.nodes.get("b")?.state, run.nodes.get("b")?.error], ["failed", "no"]);
  assert.equal(run.taken("a", "exec-out"), 1);
});

test("a step that comes twice is seen once", () => {
  const run = new Progress();
  const visit = step(5, "a", "completed", { exit: "loop" });
  assert.deepEqual(run.step(visit), ["a"]);
  assert.deepEqual(run.step(visit), []);
  assert.deepEqual(run.step(step(4, "a", "failed")), []);
  assert.equal(run.taken("a", "loop"), 1);
  assert.equal(run.nodes.get("a")?.state, "done");
});

test("the value nodes that a step read have its values", () => {
  const run = new Progress();
  assert.deepEqual(run.step(step(1, "a", "completed", { values: { sum: { result: 3 } } })), ["a", "sum"]);
  assert.deepEqual(run.nodes.get("sum"), { state: "done", visits: 1, outputs: { result: 3 } });
});

test("visits are counted, and a snapshot starts over", () => {
  const run = new Progress();
  for (let visit = 1; visit <= 3; visit++) run.step(step(visit, "loop", "completed", { exit: "loop", visit }));
  assert.deepEqual([run.nodes.get("loop")?.visits, run.taken("loop", "loop")], [3, 3]);
  run.set([["x", "waiting"], ["y", { state: "done", visits: 2 }]]);
  assert.deepEqual([run.nodes.size, run.nodes.get("x")?.visits, run.taken("loop", "loop")], [2, 1, 0]);
  assert.deepEqual(run.step(step(1, "x", "completed")), ["x"], "positions count from the start again");
});

test("the run's end says nothing of the node it is recorded at, and a wait counts as time", () => {
  const progress = new Progress();
  progress.step({ position: 1, node_id: "a", kind: "effect", status: "started", started_at: "2026-01-01T00:00:00Z" });
  progress.step({ position: 2, node_id: "a", kind: "effect", status: "waiting", waits: "until", started_at: "2026-01-01T00:00:00Z", ended_at: "2026-01-01T00:00:00Z" });
  assert.equal(progress.nodes.get("a")?.waits, "until");
  progress.step({ position: 3, node_id: "a", kind: "visit", status: "completed", started_at: "2026-01-01T00:00:09Z", ended_at: "2026-01-01T00:00:10Z" });
  assert.equal(progress.nodes.get("a")?.ms, 10_000);
  assert.equal(progress.nodes.get("a")?.waits, undefined, "it waits no more");
  progress.step({ position: 4, node_id: "b", kind: "visit", status: "failed", error: "no" });
  progress.step({ position: 5, node_id: "b", kind: "status", status: "completed" });
  progress.step({ position: 6, node_id: "b", kind: "end", status: "completed" });
  assert.equal(progress.nodes.get("b")?.state, "failed");
});

test("a visit takes as long as from the begin of its effect until it lands, and the next one counts anew", () => {
  const progress = new Progress();
  const time = (from: string, to: string): Partial<StepEvent> => ({ started_at: `2026-01-01T00:00:${from}Z`, ended_at: `2026-01-01T00:00:${to}Z` });
  const visit = (position: number, number: number, from: string, to: string, landed: string): void => {
    progress.step(step(position, "ask", "started", { kind: "effect", visit: number, started_at: `2026-01-01T00:00:${from}Z` }));
    progress.step(step(position + 1, "ask", "completed", { kind: "effect", visit: number, ...time(from, to) }));
    progress.step(step(position + 2, "ask", "completed", { visit: number, ...time(to, landed) }));
  };
  visit(1, 1, "01", "02.500", "02.508");
  assert.equal(progress.nodes.get("ask")?.ms, 1508);
  visit(4, 2, "30", "30.500", "30.600");
  assert.deepEqual([progress.nodes.get("ask")?.ms, progress.nodes.get("ask")?.visits], [600, 2]);
  progress.set([]);
  progress.step(step(1, "ask", "completed", time("40", "40.020")));
  assert.equal(progress.nodes.get("ask")?.ms, 20, "without an effect it is the visit's own time");
});

test("of a run that was cancelled nothing waits any more", () => {
  const run = new Progress();
  run.step(step(1, "a", "completed", { exit: "exec-out" }));
  run.step(step(2, "b", "waiting", { kind: "effect", waits: "user" }));
  assert.deepEqual(run.stop(), ["b"]);
  assert.deepEqual([run.nodes.get("a")?.state, run.nodes.get("b")?.state, run.nodes.get("b")?.waits], ["done", "cancelled", undefined]);
  assert.deepEqual(run.stop(), []);
});

test("what gave pinned outputs says so, a value node too, until it is executed again", () => {
  const run = new Progress();
  run.step(step(1, "a", "completed", { exit: "exec-out", outputs: { x: 1 }, values: { v: { result: 2 } }, pinned: ["a", "v"] }));
  assert.deepEqual([run.nodes.get("a")?.state, run.nodes.get("a")?.instead, run.nodes.get("v")?.instead], ["done", "pinned", "pinned"]);
  run.step(step(2, "a", "completed", { exit: "exec-out", values: { v: { result: 3 } } }));
  assert.deepEqual([run.nodes.get("a")?.instead, run.nodes.get("v")?.instead], [undefined, undefined]);
});

test("a failed attempt that another one follows is no failure yet", () => {
  const run = new Progress();
  const planned = { node: "ask", attempt: 2, attempts: 5, until: at };
  run.step(step(1, "ask", "started", { kind: "effect" }));
  run.step(step(2, "ask", "failed", { kind: "effect", error: "busy" }));
  assert.equal(run.nodes.get("ask")?.state, "failed");
  assert.deepEqual(run.plan(planned), ["ask"]);
  assert.deepEqual(run.nodes.get("ask"), { state: "retry", visits: 1, error: "busy", outputs: null, attempt: 2, attempts: 5, until: at });
  run.step(step(3, "ask", "completed", { kind: "resume" }));
  assert.equal(run.nodes.get("ask")?.state, "running");
  run.step(step(4, "ask", "failed", { kind: "effect", error: "busy" }));
  assert.equal(run.nodes.get("ask")?.state, "retry", "the state of the run comes after its steps");
  assert.deepEqual(run.plan(null), ["ask"]);
  assert.deepEqual([run.nodes.get("ask")?.state, run.nodes.get("ask")?.until], ["failed", undefined]);
});

test("what models used is added up over the visits of a node", () => {
  const run = new Progress();
  run.step(step(1, "ask", "completed", { kind: "effect", used: { tokens: 12, cost: 0.5 } }));
  run.step(step(2, "ask", "completed"));
  run.step(step(3, "ask", "completed", { kind: "effect", visit: 2, used: { tokens: 30, cost: 0.25 } }));
  assert.deepEqual(run.nodes.get("ask")?.used, { tokens: 42, cost: 0.75 });
});
