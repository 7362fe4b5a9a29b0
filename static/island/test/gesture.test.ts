import assert from "node:assert/strict";
import test from "node:test";
import { edits } from "../src/gesture/edits";
import { idle } from "../src/gesture/idle";
import { Machine, type Pointer, type Stage, type WireDraft } from "../src/gesture/machine";
import { pinch, wheel } from "../src/gesture/zoom";
import type { Change } from "../src/model/change";
import { copyText, pasteText } from "../src/model/clipboard";
import type { FlowDocument } from "../src/model/document";
import type { Point, Rect } from "../src/model/geometry";
import { type Hit, hitAt } from "../src/model/hit";
import { History } from "../src/model/history";
import type { JsonObject } from "../src/model/json";
import type { Scene } from "../src/model/scene";
import { Selection } from "../src/model/selection";
import { type View, Viewport } from "../src/view/viewport";
import { sample, sceneOf } from "./fixture";

/** A canvas without a page: the real model, and notes about what would be shown. */
class Fake implements Stage {
  readonly scene: Scene;
  readonly viewport = new Viewport();
  readonly selection = new Selection();
  readonly history: History;
  readOnly = false;
  edits = edits;
  dragPans = false;
  spaceHeld = false;
  picks = false;
  marquee: Rect | null = null;
  draft: WireDraft | null = null;
  events: { event: string; detail: { [key: string]: unknown } }[] = [];
  readonly machine: Machine;
  private time = 0;

  constructor(json: JsonObject = sample()) {
    this.scene = sceneOf(json);
    this.history = new History(this.flow);
    Object.assign(this.viewport, { width: 1600, height: 1200 });
    this.viewport.set({ x: 200, y: 200, zoom: 1 });
    this.machine = new Machine(this, idle, pinch);
  }

  get flow(): FlowDocument {
    return this.scene.flow;
  }

  hit(at: Point): Hit {
    return hitAt(this.scene, this.viewport.toWorld(at), this.viewport.zoom);
  }

  setView(view: View): void {
    this.viewport.set(view);
  }

  select(nodes: Iterable<string>, wires: Iterable<string> = []): void {
    this.selection.set(nodes, wires);
  }

  run(changes: readonly Change[], label: string, key = ""): void {
    this.history.run(changes, label, key);
    this.scene.sync(this.flow.take());
  }

  mark(): number {
    this.history.seal();
    return this.history.mark;
  }

  rollBack(mark: number): void {
    this.history.rollBack(mark);
    this.scene.sync(this.flow.take());
  }

  seal(): void {
    this.history.seal();
  }

  lift(): void {}
  drop(): void {}
  hover(): void {}
  showGuides(): void {}

  duplicate(): void {
    const pasted = pasteText(this.flow, copyText(this.flow, this.selection.nodes), null, { x: 0, y: 0 });
    this.run(pasted?.changes ?? [], "Duplicate");
    this.select(pasted?.ids ?? []);
  }

  showMarquee(box: Rect | null): void {
    this.marquee = box;
  }

  showWire(draft: WireDraft | null): void {
    this.draft = draft;
  }

  emit(event: string, detail: object): void {
    this.events.push({ event, detail: detail as { [key: string]: unknown } });
  }

  // ---- a hand on a pointer --------------------------------------------------------------------

  pointer(at: Point, more: Partial<Pointer> = {}): Pointer {
    this.time += 16;
    return { id: 1, kind: "mouse", at, button: 0, shift: false, alt: false, ctrl: false, time: this.time, ...more };
  }

  world(point: Point): Point {
    return this.viewport.toScreen(point);
  }

  pin(node: string, side: "in" | "out", pin: string): Point {
    return this.world(this.scene.pinPoint(node, side, pin)!);
  }

  drag(from: Point, to: Point, more: Partial<Pointer> = {}, release = true): void {
    this.machine.down(this.pointer(from, more));
    for (let step = 1; step <= 4; step++) {
      this.machine.move(this.pointer({ x: from.x + ((to.x - from.x) * step) / 4, y: from.y + ((to.y - from.y) * step) / 4 }, more));
    }
    if (release) this.machine.up(this.pointer(to, more));
  }

  click(at: Point, more: Partial<Pointer> = {}): void {
    this.machine.down(this.pointer(at, more));
    this.machine.up(this.pointer(at, more));
  }
}

const EMPTY = { x: 30, y: 900 };

test("a click selects, Shift adds, a click on nothing clears", () => {
  const fake = new Fake();
  fake.click(fake.world({ x: 60, y: 10 }));
  assert.deepEqual([...fake.selection.nodes], ["n1"]);
  fake.click(fake.world({ x: 400, y: 10 }), { shift: true });
  assert.deepEqual([...fake.selection.nodes], ["n1", "n2"]);
  fake.click(fake.world({ x: 400, y: 10 }), { shift: true });
  assert.deepEqual([...fake.selection.nodes], ["n1"]);
  fake.click(EMPTY);
  assert.equal(fake.selection.empty, true);
  assert.equal(fake.history.mark, 0, "looking changes nothing");
});

test("a drag moves on the grid and is one step of undo; Escape takes it back", () => {
  const fake = new Fake();
  const before = JSON.stringify(fake.flow.toJSON());
  fake.drag(fake.world({ x: 60, y: 10 }), fake.world({ x: 161, y: -291 }));
  assert.deepEqual([fake.flow.nodes.get("n1")!.x, fake.flow.nodes.get("n1")!.y], [104, -304]);
  assert.equal(fake.history.mark, 1);
  fake.history.undo();
  fake.scene.sync(fake.flow.take());
  assert.equal(JSON.stringify(fake.flow.toJSON()), before);
  fake.drag(fake.world({ x: 60, y: 10 }), fake.world({ x: 300, y: 300 }), {}, false);
  assert.equal(fake.machine.name, "drag");
  fake.machine.cancel();
  assert.equal(JSON.stringify(fake.flow.toJSON()), before);
  assert.equal(fake.history.mark, 0);
});

test("all selected nodes move together", () => {
  const fake = new Fake();
  fake.select(["n2", "n3"]);
  fake.drag(fake.world({ x: 400, y: 10 }), fake.world({ x: 400, y: 510 }));
  assert.deepEqual(["n1", "n2", "n3"].map((id) => fake.flow.nodes.get(id)!.y), [0, 504, 504]);
});

test("a drag with Alt leaves the node and moves a copy", () => {
  const fake = new Fake();
  fake.drag(fake.world({ x: 400, y: 10 }), fake.world({ x: 400, y: 660 }), { alt: true });
  assert.equal(fake.flow.nodes.get("n2")!.y, 0);
  assert.equal(fake.flow.nodes.get("node-1")!.y, 648);
  assert.deepEqual([...fake.selection.nodes], ["node-1"]);
});

test("a box selects what it touches; with Shift it adds", () => {
  const fake = new Fake();
  fake.drag(fake.world({ x: -50, y: -50 }), fake.world({ x: 330, y: 60 }), {}, false);
  assert.ok(fake.marquee);
  fake.machine.up(fake.pointer(fake.world({ x: 330, y: 60 })));
  assert.deepEqual([...fake.selection.nodes].sort(), ["n1", "n2"]);
  assert.equal(fake.marquee, null);
  fake.drag(fake.world({ x: 940, y: -50 }), fake.world({ x: 980, y: 60 }), { shift: true });
  assert.deepEqual([...fake.selection.nodes].sort(), ["n1", "n2", "n4"]);
});

test("the middle button and the space bar move the view, and so does a drag where that is asked for", () => {
  for (const [button, space, pans] of [[1, false, false], [0, true, false], [0, false, true]] as const) {
    const fake = new Fake();
    fake.spaceHeld = space;
    fake.dragPans = pans;
    fake.drag(EMPTY, { x: EMPTY.x + 100, y: EMPTY.y - 40 }, { button });
    assert.deepEqual(fake.viewport.view, { x: 300, y: 160, zoom: 1 });
  }
});

test("a wire is drawn from pin to pin, in either direction", () => {
  for (const back of [false, true]) {
    const fake = new Fake();
    const ends = [fake.pin("n2", "out", "response"), fake.pin("n5", "in", "b")] as const;
    fake.drag(ends[back ? 1 : 0], ends[back ? 0 : 1]);
    assert.equal(fake.flow.wiresAt("n5", "in", "b")[0]?.source, "n2");
    assert.equal(fake.draft, null);
    assert.equal(fake.history.mark, 1);
  }
});

test("a wire snaps to the nearest possible pin within 32 px and says what it does", () => {
  const fake = new Fake();
  const at = fake.pin("n5", "in", "b");
  fake.drag(fake.pin("n2", "out", "response"), { x: at.x - 22, y: at.y + 8 }, {}, false);
  assert.deepEqual(fake.draft?.target, { node: "n5", side: "in", pin: "b" });
  assert.equal(fake.draft?.words, "text");
  fake.machine.move(fake.pointer(fake.pin("n3", "in", "condition")));
  assert.match(fake.draft!.words, /text → yes\/no/);
  assert.equal(fake.draft!.ok, false);
  fake.machine.up(fake.pointer(fake.pin("n3", "in", "condition")));
  assert.equal(fake.history.mark, 0);
  assert.equal(fake.events.at(-1)?.event, "refuse");
});

test("a wire dropped on empty canvas asks for a new node there", () => {
  const fake = new Fake();
  fake.drag(fake.pin("n3", "out", "false"), { x: 1200, y: 800 });
  const { event, detail } = fake.events.at(-1)!;
  assert.equal(event, "request-add");
  assert.deepEqual(detail.point, { x: 1000, y: 600 });
  assert.deepEqual(detail.from, { node: "n3", side: "out", pin: "false", type: "execution", label: "false" });
});

test("a wire dropped on a node takes its best pin, and on the place for new pins grows one", () => {
  const fake = new Fake();
  const box = fake.scene.box(fake.flow.nodes.get("n5")!);
  fake.drag(fake.pin("n2", "out", "response"), fake.world({ x: box.x + 140, y: box.y + 10 }));
  assert.equal(fake.flow.wiresAt("n5", "in", "b").length, 1);
  fake.drag(fake.pin("n2", "out", "response"), fake.world({ x: box.x + 40, y: box.y + 32 + 4 + 48 + 12 }));
  assert.equal(fake.flow.wiresAt("n5", "in", "c").length, 1);
  fake.history.undo();
  assert.deepEqual(fake.flow.nodes.get("n5")!.data.inputs, undefined, "pin and wire are one step");
});

test("a wire dropped on a node of which several free pins fit asks which; one taken off its pin takes the best", () => {
  const fake = new Fake();
  const body = (id: string): Point => {
    const box = fake.scene.box(fake.flow.nodes.get(id)!);
    return fake.world({ x: box.x + box.w / 2, y: box.y + 10 });
  };
  fake.run([{ op: "disconnect", edge: fake.flow.wiresAt("n5", "in", "a")[0]!.key }], "free");
  const mark = fake.history.mark;
  fake.drag(fake.pin("n2", "out", "response"), body("n5"), {}, false);
  assert.match(fake.draft!.words, /2 pins fit/);
  fake.machine.up(fake.pointer(body("n5")));
  const { event, detail } = fake.events.at(-1)!;
  assert.equal(event, "request-wire");
  assert.deepEqual((detail.candidates as { pin: string }[]).map((each) => each.pin), ["a", "b"]);
  assert.equal((detail.from as { pin: string }).pin, "response");
  assert.equal(fake.history.mark, mark, "nothing is drawn before it is chosen");
  fake.drag(fake.pin("n4", "in", "text"), body("n5"));
  assert.equal(fake.history.mark, mark + 1);
});

test("a click on a pin and a click on another wire them, without a drag", () => {
  const fake = new Fake();
  fake.click(fake.pin("n2", "out", "response"));
  assert.equal(fake.machine.name, "wire");
  fake.machine.move(fake.pointer({ x: 700, y: 700 }));
  assert.ok(fake.draft);
  fake.click(fake.pin("n5", "in", "b"));
  assert.equal(fake.machine.name, "idle");
  assert.equal(fake.flow.wiresAt("n5", "in", "b").length, 1);
  fake.click(fake.pin("n2", "out", "response"));
  fake.machine.cancel();
  assert.equal(fake.draft, null);
});

test("dragging a wired input takes the wire off; it can be put elsewhere, or left off, or given back", () => {
  const fake = new Fake();
  fake.drag(fake.pin("n5", "in", "a"), fake.pin("n5", "in", "b"));
  assert.equal(fake.flow.wiresAt("n5", "in", "a").length, 0);
  assert.equal(fake.flow.wiresAt("n5", "in", "b")[0]?.source, "n1");
  assert.equal(fake.history.mark, 1, "one step");
  fake.drag(fake.pin("n5", "in", "b"), { x: 60, y: 1000 });
  assert.equal(fake.flow.wiresAt("n5", "in", "b").length, 0);
  assert.notEqual(fake.events.at(-1)?.event, "request-add");
  fake.history.undo();
  fake.scene.sync(fake.flow.take());
  fake.drag(fake.pin("n5", "in", "b"), { x: 60, y: 1000 }, {}, false);
  fake.machine.cancel();
  assert.equal(fake.flow.wiresAt("n5", "in", "b").length, 1);
});

test("Alt+click unwires a pin, and takes off a wire", () => {
  const fake = new Fake();
  fake.click(fake.pin("n4", "in", "exec-in"), { alt: true });
  assert.equal(fake.flow.wiresAt("n4", "in", "exec-in").length, 0);
  fake.click(fake.world({ x: 260, y: 17 }), { alt: true });
  assert.equal(fake.flow.wires.has("e1"), false);
});

test("a flow that is only shown cannot be dragged or wired, but moved about", () => {
  const fake = new Fake();
  fake.readOnly = true;
  fake.drag(fake.world({ x: 60, y: 10 }), fake.world({ x: 160, y: 110 }));
  fake.drag(fake.pin("n2", "out", "response"), fake.pin("n5", "in", "b"));
  assert.equal(fake.history.mark, 0);
  assert.notDeepEqual(fake.viewport.view, { x: 200, y: 200, zoom: 1 });
});

test("a finger moves the view; resting first, it drags the node; a tap selects", () => {
  const fake = new Fake();
  const touch = { kind: "touch" as const };
  fake.drag(EMPTY, { x: EMPTY.x + 60, y: EMPTY.y }, touch);
  assert.equal(fake.viewport.x, 260);
  fake.drag(fake.world({ x: 60, y: 10 }), fake.world({ x: 160, y: 10 }), touch);
  assert.equal(fake.history.mark, 0, "moved at once: the view");
  const from = fake.world({ x: 60, y: 10 });
  fake.machine.down(fake.pointer(from, { ...touch, time: 1000 }));
  fake.machine.move(fake.pointer({ x: from.x, y: from.y + 200 }, { ...touch, time: 1400 }));
  fake.machine.up(fake.pointer({ x: from.x, y: from.y + 200 }, { ...touch, time: 1500 }));
  assert.equal(fake.flow.nodes.get("n1")!.y, 200);
  fake.click(fake.world({ x: 700, y: 10 }), touch);
  assert.deepEqual([...fake.selection.nodes], ["n3"]);
});

test("two fingers zoom about their middle, and a drag that was going on is taken back", () => {
  const fake = new Fake();
  const touch = { kind: "touch" as const };
  const before = JSON.stringify(fake.flow.toJSON());
  fake.machine.down(fake.pointer(fake.world({ x: 60, y: 10 }), { ...touch, id: 1, time: 0 }));
  fake.machine.move(fake.pointer(fake.world({ x: 60, y: 90 }), { ...touch, id: 1, time: 400 }));
  fake.machine.down(fake.pointer({ x: 460, y: 290 }, { ...touch, id: 2 }));
  assert.equal(fake.machine.name, "pinch");
  assert.equal(JSON.stringify(fake.flow.toJSON()), before);
  const middle = fake.viewport.toWorld({ x: 360, y: 290 });
  fake.machine.move(fake.pointer({ x: 160, y: 290 }, { ...touch, id: 1 }));
  fake.machine.move(fake.pointer({ x: 560, y: 290 }, { ...touch, id: 2 }));
  assert.ok(Math.abs(fake.viewport.zoom - 2) < 0.01);
  const now = fake.viewport.toWorld({ x: 360, y: 290 });
  assert.ok(Math.hypot(now.x - middle.x, now.y - middle.y) < 0.5);
  fake.machine.up(fake.pointer({ x: 560, y: 290 }, { ...touch, id: 2 }));
  fake.machine.up(fake.pointer({ x: 160, y: 290 }, { ...touch, id: 1 }));
  assert.equal(fake.machine.name, "idle");
});

test("the wheel moves, Shift sideways, Ctrl zooms at the pointer", () => {
  const fake = new Fake();
  const turn = (more: object) => wheel(fake, { at: { x: 400, y: 300 }, dx: 0, dy: 100, mode: 0, ctrl: false, shift: false, ...more });
  turn({});
  assert.deepEqual(fake.viewport.view, { x: 200, y: 100, zoom: 1 });
  turn({ shift: true });
  assert.deepEqual(fake.viewport.view, { x: 100, y: 100, zoom: 1 });
  turn({ mode: 1, dy: -2 });
  assert.equal(fake.viewport.y, 132);
  const under = fake.viewport.toWorld({ x: 400, y: 300 });
  turn({ ctrl: true, dy: -30 });
  assert.ok(fake.viewport.zoom > 1.3);
  const still = fake.viewport.toWorld({ x: 400, y: 300 });
  assert.ok(Math.hypot(still.x - under.x, still.y - under.y) < 1e-6);
});

test("a drag held at the edge moves the view along", () => {
  const fake = new Fake();
  fake.drag(fake.world({ x: 60, y: 10 }), { x: 1590, y: 600 }, {}, false);
  assert.equal(fake.machine.atEdge, true);
  const { x } = fake.flow.nodes.get("n1")!;
  for (let frame = 0; frame < 20; frame++) fake.machine.tick();
  assert.ok(fake.viewport.x < 0);
  assert.ok(fake.flow.nodes.get("n1")!.x > x + 100, "the node stays under the pointer");
});
