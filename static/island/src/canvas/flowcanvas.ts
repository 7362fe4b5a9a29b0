// The canvas as the rest of the page sees it.
//
//   const canvas = new FlowCanvas(document.querySelector("flow-canvas"), new Catalog(body), { icons });
//   canvas.load(flow);                       // the JSON of a flow; `toJSON()` gives it back, nothing lost
//   canvas.on("change", () => save(canvas.toJSON()));
//   canvas.on("request-add", ({ point, screen, from, strict }) => openQuickAdd(...));
//   canvas.addNodeAt(type, point, from);     // when the quick add has chosen
//   canvas.on("request-wire", ({ from, candidates }) => showList(...)); canvas.connect(from, chosen);
//   canvas.apply(problem.fix.changes, problem.fix.label);
//   canvas.setProblems(list); canvas.setRun(states); canvas.applyStep(event); canvas.setRunState(null);
//
// Points are {x, y}; "world" ones are the document's, "screen" ones are px from the canvas's corner.
// A pin is {node, side: "in"|"out", pin}. Events are listed in events.ts. The element gets a
// read-only `model` for tests (probe.ts).
import { type Card, type Catalog, type Json } from "../catalog";
import { describe, drawWire, tellFork } from "../gesture/drop";
import type { Change } from "../model/change";
import { copyText, pasteText } from "../model/clipboard";
import { type Candidate, candidates, cardTakes, check } from "../model/connect";
import { createNode } from "../model/create";
import { type FlowNode } from "../model/document";
import type { Point } from "../model/geometry";
import { healChanges, spliceChanges, spliceInto } from "../model/splice";
import { dropPin } from "../model/grow";
import type { PinAt } from "../model/hit";
import { type JsonObject, same } from "../model/json";
import type { NodeRun, NodeState, Planned, StepEvent } from "../model/progress";
import type { Scene } from "../model/scene";
import { flowJSON, parseFlow } from "../model/serialize";
import { carryChanges, isBookmarked, isLocked, putGroup, turnMark } from "../model/marks";
import { Wake } from "../view/wake";
import type { Problem } from "../view/look";
import { type View } from "../view/viewport";
import { Desk } from "./desk";
import { type CanvasEvents, Emitter, type Listener, type PinWords } from "./events";
import { Bodies } from "./bodies";
import { Input } from "./input";
import { keymap } from "./keymap";
import { Keys } from "./keys";
import { probe } from "./probe";

export interface CanvasOptions {
  /** The address of the sheet of icons, with one symbol per family. */
  icons?: string;
  /** Drag on empty canvas moves the view (as on a page that only shows). Default: draws a box. */
  dragPans?: boolean;
  readOnly?: boolean;
  /** What makes the bodies of nodes editable: `Fields`. Default: they can be looked at. */
  fields?: typeof Bodies;
  label?: string;
}

const BURST_MS = 1000;
/** How one goes about on the canvas, with the keys as they are now. */
function help(): string {
  const keyed = ([["add", "adds a node"], ["wire", "wires"], ["remove", "removes"]] as const).map(([act, does]) => [keymap.label(act), does]);
  const known = keyed.flatMap(([label, does]) => (label ? [`${label} ${does}`] : []));
  return `${["Arrow keys go from node to node, Tab to its pins, Enter opens the settings", ...known].join(", ")}.`;
}

export class FlowCanvas {
  readonly desk: Desk;
  readonly fields: Bodies;
  readonly input: Input;
  readonly keys: Keys;
  private readonly emitter = new Emitter();
  private readonly wake: Wake;

  constructor(
    readonly root: HTMLElement,
    readonly catalog: Catalog,
    options: CanvasOptions = {},
  ) {
    root.classList.add("fc");
    root.tabIndex = 0;
    root.setAttribute("role", "application");
    root.setAttribute("aria-roledescription", "flow canvas");
    const describeKeys = (): void => root.setAttribute("aria-description", help());
    describeKeys();
    keymap.onChange(describeKeys);
    if (!root.hasAttribute("aria-label")) root.setAttribute("aria-label", options.label ?? "Flow");
    const empty = parseFlow({ nodes: [], edges: [] });
    this.desk = new Desk(root, empty, catalog, this.emitter, { icons: options.icons ?? "/static/css/icons.svg", dragPans: options.dragPans ?? false });
    this.fields = new (options.fields ?? Bodies)(this.desk);
    this.input = new Input(this.desk, this.fields);
    this.keys = new Keys(this);
    this.wake = new Wake((ids) => this.redrawRun(ids));
    if (options.readOnly) this.setReadOnly(true);
    Object.defineProperty(root, "model", { value: probe(this), configurable: true });
  }

  on<K extends keyof CanvasEvents>(name: K, listener: Listener<K>): () => void {
    return this.emitter.on(name, listener);
  }

  // ---- the flow -------------------------------------------------------------------------------

  /** Show a flow (JSON or its text). Forgets undo, selection, problems and run. */
  load(flow: string | Json, view: View | "fit" = "fit"): void {
    this.input.cancel();
    this.desk.load(parseFlow(flow));
    if (view === "fit") this.desk.view.sized(() => this.fit({ glide: false }));
    else this.desk.setView(view);
  }

  toJSON(): JsonObject {
    return flowJSON(this.desk.flow);
  }

  /** The flow in memory. Read it; change it only through `apply`. */
  get model() {
    return this.desk.flow;
  }

  /** Apply changes as one step of undo. Steps with the same key that follow each other within a second
   * become one. */
  apply(changes: Change | readonly Change[], label: string, key = ""): void {
    const now = performance.now();
    if (now - this.applied > BURST_MS) this.desk.seal();
    this.applied = now;
    this.desk.run(Array.isArray(changes) ? changes : [changes as Change], label, key);
  }

  /** Make the flow another version of itself, in one step; nothing when it is that already. */
  bring(other: JsonObject, label: string): void {
    if (!same(this.desk.flow.toJSON(), other)) this.desk.run([{ op: "whole", document: other }], label);
  }

  undo(): boolean {
    return this.desk.undo();
  }

  redo(): boolean {
    return this.desk.redo();
  }

  get canUndo(): boolean {
    return this.desk.history.canUndo;
  }

  get canRedo(): boolean {
    return this.desk.history.canRedo;
  }

  private applied = 0;

  /** Add a node with its middle at a point; with `from`, its best pin there and wired. With `free` it
   * moves down past what stands in the way; with `into` it goes into that wire. Selects it; returns its id, or null for an unknown type. */
  addNodeAt(type: string, point: Point, from?: PinAt | null, options: { free?: boolean; into?: string | undefined; dress?: (node: FlowNode) => Change[] } = {}): string | null {
    const { desk } = this;
    const key = `create ${desk.mark()}`;
    const label = `Add ${this.catalog.card(type)?.label ?? type}`;
    const run = (changes: readonly Change[]): void => {
      desk.run(changes, label, key);
      tellFork(desk, changes);
    };
    const id = createNode(desk.flow, desk.scene.shapes, type, point, from ?? null, run);
    const node = id && desk.flow.nodes.get(id);
    if (!node) return null;
    if (options.dress) run(options.dress(node));
    const wire = desk.flow.wires.get(options.into ?? "");
    const splice = wire && spliceInto(desk.scene, node, wire);
    if (splice) run(spliceChanges(desk.flow, node, splice));
    if (options.free) this.makeRoom(node, run);
    desk.seal();
    desk.select([id]);
    desk.view.near.raise(id);
    desk.say(`${label.replace("Add", "Added")}${node.wires.length ? ", wired" : ""}`);
    return id;
  }

  private makeRoom(node: FlowNode, run: (changes: readonly Change[]) => void): void {
    const { scene } = this.desk;
    const box = { ...scene.box(node) };
    for (let tries = 0; tries < 60; tries++) {
      if (!scene.nodesIn(box).some((other) => other !== node)) break;
      box.y += 32;
    }
    if (box.y !== node.y) run([{ op: "move", node: node.id, x: box.x, y: box.y }]);
  }

  /** Wire two pins; a refusal is told by the event "refuse". */
  connect(a: PinAt, b: PinAt): boolean {
    const { flow, scene } = this.desk;
    const verdict = check(flow, scene.shapes, a, b);
    if (!verdict.ok) {
      this.desk.emit("refuse", verdict);
      return false;
    }
    this.desk.say(`Wired: ${verdict.note}`);
    drawWire(this.desk, a, b, "Add wire");
    this.desk.seal();
    return true;
  }

  /** The pins that could take a wire from this one, nearest first; then those that a loop could lead back to. */
  candidates(from: PinAt): Candidate[] {
    return candidates(this.desk.flow, this.desk.scene.shapes, from, undefined, true);
  }

  /** Whether a new node of this type could take a wire from a pin. */
  takes(card: Card, from: { side: "in" | "out"; type: string }): boolean {
    return cardTakes(this.catalog, card, from);
  }

  describe(at: PinAt): PinWords {
    return describe(this.desk, at);
  }

  /** Take a pin away that was added to a growing node; false when it has to stay. */
  removePin(at: PinAt): boolean {
    const node = this.desk.flow.nodes.get(at.node);
    const changes = node && dropPin(this.desk.flow, this.desk.scene.shapes, node, at.side, at.pin);
    if (changes) this.desk.run(changes, "Remove pin");
    return Boolean(changes);
  }

  /** Remove the selected nodes and wires, or those given; with `heal` what came before a node leads on
   * to what came after it. */
  remove(nodes: Iterable<string> = this.desk.selection.nodes, wires: Iterable<string> = this.desk.selection.wires, heal = false): void {
    const ids = [...nodes].filter((id) => this.desk.flow.nodes.has(id));
    const keys = [...wires].filter((key) => this.desk.flow.wires.has(key));
    const joins = heal ? healChanges(this.desk.flow, this.desk.scene.shapes, new Set(ids)) : [];
    const kept = carryChanges(this.desk.flow, new Set(ids));
    const changes: Change[] = [...kept, ...keys.map((edge): Change => ({ op: "disconnect", edge })), ...ids.map((node): Change => ({ op: "remove", node })), ...joins];
    if (!changes.length || this.desk.readOnly) return;
    if (ids.includes(String(this.model.flow.entryNode ?? ""))) changes.push({ op: "flow", path: "entryNode" });
    const what = ids.length ? `${ids.length} node${ids.length > 1 ? "s" : ""}` : `${keys.length} wire${keys.length > 1 ? "s" : ""}`;
    this.root.focus({ preventScroll: true });
    this.desk.run(changes, `Remove ${what}`);
    this.desk.say(`Removed ${what}${joins.length ? ", its wires joined" : ""}`);
  }

  isLocked(id: string): boolean {
    const node = this.desk.flow.nodes.get(id);
    return Boolean(node && isLocked(node));
  }

  /** Lock the selected nodes where they stand, so that neither a drag nor an arrangement moves them; or
   * free them, when all are locked. */
  lock(): void {
    const { nodes } = this.selection;
    const locked = nodes.every((id) => this.isLocked(id));
    this.desk.run(nodes.flatMap((id) => this.desk.flow.nodes.get(id) ?? []).map((node) => turnMark(node, "locked", !locked)), locked ? "Unlock place" : "Lock place");
    if (nodes.length) this.desk.say(locked ? "Place unlocked" : "Place locked");
  }

  /** Mark the selected nodes as places to come back to; or no longer, when all are. */
  bookmark(): void {
    const nodes = this.selection.nodes.flatMap((id) => this.desk.flow.nodes.get(id) ?? []);
    const off = nodes.every(isBookmarked);
    this.desk.run(nodes.map((node) => turnMark(node, "bookmark", !off)), off ? "Remove bookmark" : "Bookmark");
    if (nodes.length) this.desk.say(off ? "Bookmark removed" : "Bookmarked");
  }

  // ---- clipboard ------------------------------------------------------------------------------

  /** Takes written keys out of what is copied; comes with the editor's second part, and nothing is copied before. */
  cover: ((node: JsonObject) => JsonObject) | null = null;
  /** The text that was copied last, and the same with its keys, which stay in this page. */
  private held = { text: "", whole: "" };

  /** The selected nodes with the wires between them, as text without keys; empty when nothing is selected. */
  copy(): string {
    const { flow, selection } = this.desk;
    if (!selection.nodes.size || !this.cover) return "";
    this.held = { text: copyText(flow, selection.nodes, this.cover), whole: copyText(flow, selection.nodes) };
    const isCovered = this.held.text !== this.held.whole;
    const text = `Copied ${selection.nodes.size} nodes${isCovered ? ", without the keys written into them" : ""}`;
    this.desk.events.emit("announce", { text, urgent: false, shown: isCovered });
    return this.held.text;
  }

  /** Whether a key was left out of a text, and is not in this page either. */
  isHoled(text: string): boolean {
    return text !== this.held.text && text.includes(this.catalog.body.written_keys?.hole ?? "\0");
  }

  /** Paste such a text (or a whole flow) with its middle at a point; false when it holds no nodes. */
  paste(text: string, point?: Point): boolean {
    const pasted = pasteText(this.desk.flow, text === this.held.text ? this.held.whole : text, point ?? null);
    if (!pasted || this.desk.readOnly) return false;
    this.desk.seal();
    this.desk.run(pasted.changes, pasted.ids.length > 1 ? `Paste ${pasted.ids.length} nodes` : "Paste node");
    this.desk.select(pasted.ids);
    this.desk.say(`Pasted ${pasted.ids.length} nodes`);
    return true;
  }

  // ---- selection and view ---------------------------------------------------------------------

  get selection(): { nodes: string[]; wires: string[] } {
    return { nodes: [...this.desk.selection.nodes], wires: [...this.desk.selection.wires] };
  }

  select(nodes: Iterable<string>, wires: Iterable<string> = []): void {
    this.desk.select(nodes, wires);
  }

  get view(): View {
    return this.desk.viewport.view;
  }

  /** Show everything, or some nodes. */
  fit(options: { nodes?: Iterable<string>; glide?: boolean } = {}): void {
    const nodes = options.nodes && [...options.nodes].map((id) => this.desk.flow.nodes.get(id)).filter((node) => node !== undefined);
    const box = this.desk.scene.bounds(nodes);
    const view = box ? this.desk.viewport.fitting(box, 1) : { x: this.desk.viewport.width / 2, y: this.desk.viewport.height / 2, zoom: 1 };
    this.go(view, options.glide ?? true);
  }

  /** Zoom to a factor about a point of the screen (the middle, when none is given). */
  zoomTo(zoom: number, at?: Point): void {
    const { width, height } = this.desk.viewport;
    this.go(this.desk.viewport.zoomedAt(at ?? { x: width / 2, y: height / 2 }, zoom), true);
  }

  setView(view: View): void {
    this.desk.setView(view);
  }

  /** Bring a node in, when it is not fully in view; from the far view, near enough to read. */
  reveal(id: string): void {
    const { flow, viewport, scene } = this.desk;
    const node = flow.nodes.get(id);
    if (!node) return;
    const box = scene.box(node);
    this.go(viewport.far ? viewport.fitting(box, 0.8) : viewport.revealing(box), true);
  }

  /** Select a node, bring it in, and put the keyboard on it (or on one of its pins); `keep` leaves the selection as it is. */
  focusNode(id: string, pin?: { side: "in" | "out"; pin: string }, keep = false): void {
    const node = this.desk.flow.nodes.get(id);
    if (!node) return;
    const tile = this.desk.scene.tileOf(id);
    if (tile) this.desk.run(putGroup({ ...tile.group, folded: false }), "Unfold a group");
    if (!keep) this.desk.select([id]);
    this.reveal(id);
    const { element } = this.desk.view.near.ensure(node);
    const stop = pin && element.querySelector<HTMLElement>(`.fc-pin[data-pin="${CSS.escape(pin.pin)}"][data-side="${pin.side}"]`);
    (stop ?? element).focus({ preventScroll: true });
  }

  private go(view: View, glide: boolean): void {
    if (glide) this.desk.view.glideTo(view);
    else this.desk.setView(view);
  }

  set minimap(shown: boolean) {
    const { minimap } = this.desk.view;
    if (!minimap) return;
    minimap.element.hidden = !shown;
    minimap.paint();
  }

  get minimap(): boolean {
    return this.desk.view.minimap?.element.hidden === false;
  }

  setReadOnly(readOnly: boolean): void {
    this.desk.look.readOnly = readOnly;
    this.root.toggleAttribute("data-readonly", readOnly);
    this.input.cancel();
    this.desk.view.near.fillAll();
  }

  /** Draw wires as curves (model/curved.ts), or in right angles. */
  set curves(curves: Scene["curves"]) {
    this.desk.scene.curves = curves;
    this.desk.view.refresh([], this.desk.flow.wires.values());
  }

  get curves(): Scene["curves"] {
    return this.desk.scene.curves;
  }

  /** Draw only the steps and the wires between them; a value node is seen while it is selected. */
  set stepsOnly(on: boolean) {
    this.desk.look.stepsOnly = on;
    this.root.toggleAttribute("data-steps", on);
    this.desk.view.markAll();
  }

  get stepsOnly(): boolean {
    return this.desk.look.stepsOnly;
  }

  // ---- what lies over the flow ----------------------------------------------------------------

  /** Show what the server found wrong; replaces what it found before. */
  setProblems(problems: readonly Problem[]): void {
    const byNode = new Map<string, Problem[]>();
    for (const problem of problems) {
      if (!problem.node) continue;
      const list = byNode.get(problem.node);
      if (list) list.push(problem);
      else byNode.set(problem.node, [problem]);
    }
    this.desk.look.problems = byNode;
    this.desk.view.markAll();
  }

  /** Show a run: the states of its nodes so far. `null` shows no run. */
  setRunState(states: Iterable<readonly [string, NodeState | NodeRun]> | { [node: string]: NodeState | NodeRun } | null): void {
    const { look } = this.desk;
    look.running = states !== null;
    this.turnOver(false);
    look.progress.set(states === null ? [] : Symbol.iterator in states ? states : Object.entries(states));
    this.root.toggleAttribute("data-run", look.running);
    this.desk.view.markAll();
  }

  /** Fold one `step` event of the run's stream in; drawn with the next frame. */
  applyStep(step: StepEvent): void {
    const { look } = this.desk;
    if (!look.running) this.setRunState([]);
    for (const id of look.progress.step(step)) this.wake.add(id);
  }

  /** A step of the run waits for its next attempt; null: none does. */
  planAttempt(planned: Planned | null): void {
    for (const id of this.desk.look.progress.plan(planned)) this.wake.add(id);
  }

  private turnOver(over: boolean): void {
    this.desk.look.over = over;
    this.root.toggleAttribute("data-over", over);
  }

  /** The run is over; unless it has come to its end, what was open in it was stopped. */
  endRun(status: string): void {
    if (status !== "completed") for (const id of this.desk.look.progress.stop()) this.wake.add(id);
    this.turnOver(true);
    this.desk.view.markAll();
  }

  private redrawRun(ids: ReadonlySet<string>): void {
    for (const id of ids) {
      const node = this.desk.flow.nodes.get(id);
      if (node) this.desk.view.near.markRun(node);
    }
    this.desk.view.near.wires.tell();
    this.desk.view.minimap?.changed();
    if (this.desk.viewport.far) this.desk.view.invalidate();
  }

  /** Take the canvas out of the page. */
  destroy(): void {
    this.input.cancel();
    this.input.stop();
    this.keys.stop();
    this.wake.stop();
    this.desk.view.stop();
    this.root.replaceChildren();
  }
}
