// A random sequence of 500 commands, undone, is the same file to the byte; redone, the same end.
//
//   node build.mjs --test undo                       a quick share
//   FLOWSTUDIO_SEQUENCES=1000 node build.mjs --test undo     the long form (poe undo-long)
//   FLOWSTUDIO_SEQUENCES_FILE=out.jsonl ...          writes what the editor would send, for tests/web/test_undo.py
import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import test from "node:test";
import { History, type Row } from "../src/model/history";
import { FlowDocument } from "../src/model/document";
import { Scene } from "../src/model/scene";
import { flowText } from "../src/model/serialize";
import { catalog, dice, sample } from "./fixture";
import { Hands } from "./random";

const COUNT = Number(process.env.FLOWSTUDIO_SEQUENCES ?? 12);
const FIRST = Number(process.env.FLOWSTUDIO_FIRST_SEED ?? 1);
const FILE = process.env.FLOWSTUDIO_SEQUENCES_FILE;
const COMMANDS = 500;

/** A flow with what files may hold beside plain nodes: rows without ids, ids used twice, unknown keys. */
function odd(): ReturnType<typeof sample> {
  const flow = sample();
  const [first] = flow.edges as { [key: string]: string }[];
  (flow.nodes as unknown[]).splice(2, 0, { type: "lost", data: {} });
  (flow.edges as unknown[]).push({ ...first, id: "e1", animated: null }, { source: "n1", target: "gone", sourceHandle: "name", targetHandle: "a" }, { ...first, id: "" });
  return flow;
}

interface Sent {
  document: object;
  commands: object[];
}

/** Work until 500 commands are done; `save` is called now and then, as by the saver. */
function work(scene: Scene, history: History, roll: () => number, save: () => void): void {
  const hands = new Hands(scene, history, roll);
  let done = 0;
  for (let tries = 0; done < COMMANDS && tries < COMMANDS * 20; tries++) {
    const before = history.untold.length;
    if (roll() < 0.08) history.undo();
    else if (roll() < 0.06) history.redo();
    else hands.act();
    scene.sync(scene.flow.take());
    done += Math.max(0, history.untold.length - before);
    if (roll() < 0.06) save();
  }
  assert.ok(done >= COMMANDS, `only ${done} commands were found to do`);
  save();
}

test(`${COUNT} random sequences of ${COMMANDS} commands are undone to the byte, and redone`, () => {
  for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
    const start = seed % 3 ? sample() : odd();
    const flow = FlowDocument.fromJSON(structuredClone(start));
    const [scene, history] = [new Scene(flow, catalog), new History(flow)];
    const before = flowText(flow);
    const sent: Sent[] = [];
    const roll = dice(seed);
    work(scene, history, roll, () => {
      const commands = history.send().map(({ how, label, changes, joins }) => (how === "do" ? { how, label, changes, joins } : { how }));
      if (commands.length) sent.push({ document: structuredClone(flow.toJSON()), commands: structuredClone(commands) });
      history.sent();
    });
    const after = flowText(flow);
    const again = FlowDocument.fromJSON(JSON.parse(after));
    assert.equal(flowText(again), after, `seed ${seed}: reading back`);
    const steps = history.mark;
    while (history.undo());
    assert.equal(flowText(flow), before, `seed ${seed}: undone`);
    for (let step = 0; step < steps; step++) history.redo();
    assert.equal(flowText(flow), after, `seed ${seed}: redone`);
    if (FILE) appendFileSync(FILE, `${JSON.stringify({ seed, start, sent })}\n`);
  }
});

/** The log as the server keeps it, in memory: rows with what they changed and what takes that back. */
function rowsOf(history: History): Row[] {
  const rows = history.send().map(({ how, label, changes, undo, joins }): Row => ({ how, label, joins: Boolean(joins), changes, inverse: undo }));
  history.sent();
  return rows;
}

test("a page that was loaded again goes on undoing where the last one was", () => {
  for (let seed = 1; seed <= 4; seed++) {
    const roll = dice(seed * 77);
    const first = FlowDocument.fromJSON(odd());
    const before = flowText(first);
    const history = new History(first);
    const rows: Row[] = [];
    work(new Scene(first, catalog), history, roll, () => rows.push(...rowsOf(history)));

    const other = FlowDocument.fromJSON(odd());
    const follower = new History(other);
    follower.follow(structuredClone(rows));
    assert.equal(flowText(other), flowText(first), "following comes to the same document");
    while (follower.undo());
    assert.equal(flowText(other), before, `seed ${seed}: undone by a page that only followed`);
  }
});

test("what the server does not know is taken back to the byte, and the piles with it", () => {
  const roll = dice(5);
  const flow = FlowDocument.fromJSON(sample());
  const [scene, history] = [new Scene(flow, catalog), new History(flow)];
  const hands = new Hands(scene, history, roll);
  for (let turn = 0; turn < 40; turn++) {
    for (let i = 0; i < 5; i++) hands.act();
    history.send();
    history.sent();
    const [known, steps] = [flowText(flow), history.mark];
    for (let i = 0; i < 8; i++) {
      if (roll() < 0.3) history.undo();
      else hands.act();
      if (i === 4) history.send();
      scene.sync(flow.take());
    }
    history.kept();
    history.takeBack();
    scene.sync(flow.take());
    assert.equal(flowText(flow), known);
    assert.equal(history.mark, steps);
  }
});
