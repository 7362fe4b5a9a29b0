// Where the document, its picture and what lies over it are held together. Every change of the flow
// goes through `run`, `undo` or `redo`, which redraw what was touched and tell the page.
import type { Catalog } from "../catalog";
import type { Edits } from "../gesture/edits";
import type { Stage, WireDraft } from "../gesture/machine";
import { calledAt } from "../model/called";
import type { Change } from "../model/change";
import { copyText, pasteText } from "../model/clipboard";
import { checker } from "../model/connect";
import type { FlowDocument, FlowNode } from "../model/document";
import type { Point, Rect } from "../model/geometry";
import type { Guide } from "../model/guides";
import { type Hit, hitAt, type PinAt } from "../model/hit";
import { History, type Step } from "../model/history";
import { Progress } from "../model/progress";
import { Scene } from "../model/scene";
import { Selection } from "../model/selection";
import { CanvasView } from "../view/canvas";
import type { Look, Problem } from "../view/look";
import type { View } from "../view/viewport";
import type { CanvasEvents, Emitter } from "./events";

export interface DeskOptions {
  icons: string;
  dragPans: boolean;
}

export class Desk implements Stage {
  readonly selection = new Selection();
  readonly look: Look;
  readonly view: CanvasView;
  history: History;
  spaceHeld = false;
  picks = false;
  edits: Edits | null = null;
  private pointed = "";
  private lifted: readonly string[] = [];
  private hovered = "";

  constructor(
    readonly root: HTMLElement,
    flow: FlowDocument,
    catalog: Catalog,
    readonly events: Emitter,
    private readonly options: DeskOptions,
  ) {
    this.history = new History(flow);
    this.look = {
      scene: new Scene(flow, catalog),
      selection: this.selection,
      progress: new Progress(),
      icons: options.icons,
      problems: new Map<string, Problem[]>(),
      running: false,
      over: false,
      foot: null,
      readOnly: false,
      following: false,
      stepsOnly: false,
      difference: null,
      wiring: null,
    };
    this.view = new CanvasView(root, this.look, (view) => events.emit("viewport", view));
  }

  get scene(): Scene {
    return this.look.scene;
  }

  get flow(): FlowDocument {
    return this.look.scene.flow;
  }

  get viewport() {
    return this.view.viewport;
  }

  get readOnly(): boolean {
    return this.look.readOnly;
  }

  get dragPans(): boolean {
    return this.options.dragPans;
  }

  /** Show another flow. */
  load(flow: FlowDocument): void {
    this.selection.set([]);
    const { curves } = this.scene;
    this.look.scene = new Scene(flow, this.scene.catalog);
    this.scene.curves = curves;
    this.look.problems = new Map();
    this.look.progress.set([]);
    this.look.running = this.look.over = false;
    this.history = new History(flow);
    this.view.reset();
  }

  // ---- changing the flow ----------------------------------------------------------------------

  run(changes: readonly Change[], label: string, key = ""): void {
    if (!changes.length || this.readOnly) return;
    try {
      this.history.run(changes, label, key);
    } finally {
      this.settle();
    }
    this.events.emit("change", { changes, label, how: "do" });
  }

  undo(): boolean {
    return !this.readOnly && this.told(this.history.undo(), "undo");
  }

  redo(): boolean {
    return !this.readOnly && this.told(this.history.redo(), "redo");
  }

  /** Let the history do what the server says, as one picture; nothing of it has to be saved. */
  follow(act: (history: History) => void): void {
    this.look.following = true;
    try {
      act(this.history);
    } finally {
      this.settle();
      this.look.following = false;
    }
    this.events.emit("change", { changes: [], label: "", how: "follow" });
  }

  mark(): number {
    this.history.seal();
    return this.history.mark;
  }

  rollBack(mark: number): void {
    this.history.rollBack(mark);
    this.settle();
    this.events.emit("change", { changes: [], label: "", how: "undo" });
  }

  seal(): void {
    this.history.seal();
  }

  private told(step: Step | null, how: "undo" | "redo"): boolean {
    if (!step) return false;
    this.settle();
    const changes = how === "undo" ? step.undo : step.changes;
    const back = changes.flatMap((change) => (change.op === "add" ? String(change.node.id).trim() : []));
    if (back.length) this.select(back);
    this.events.emit("change", { changes, label: step.label, how });
    this.say(`${how === "undo" ? "Undid" : "Redid"}: ${step.label}`);
    return true;
  }

  /** Redraw what was touched since the last time. */
  private settle(): void {
    const touched = this.flow.take();
    const { nodes, wires } = this.scene.sync(touched);
    if (this.selection.keep(this.flow.nodes, this.flow.wires)) this.selected();
    this.view.refresh(nodes, wires);
  }

  // ---- selecting ------------------------------------------------------------------------------

  select(nodes: Iterable<string>, wires: Iterable<string> = []): void {
    if (!this.selection.set(nodes, wires)) return;
    this.selected();
    this.view.markAll();
  }

  private selected(): void {
    if (this.selection.empty) this.picks = false;
    this.events.emit("select", { nodes: [...this.selection.nodes], wires: [...this.selection.wires] });
  }

  // ---- what gestures ask for ------------------------------------------------------------------

  hit(at: Point): Hit {
    const { near, viewport } = this.view;
    const point = viewport.toWorld(at);
    const hit = hitAt(this.scene, point, viewport.zoom, near.top);
    return viewport.far && hit.kind === "pin" ? { kind: "node", node: hit.at.node } : hit;
  }

  setView(view: View): void {
    this.view.setView(view);
  }

  lift(ids: readonly string[]): void {
    this.scene.lift(ids);
    this.lifted = ids.slice(0, 100);
    for (const id of this.lifted) this.view.near.pinned.add(id);
    if (ids.length <= 20) for (const id of ids) this.view.near.raise(id);
    this.root.toggleAttribute("data-dragging", true);
  }

  drop(): void {
    for (const id of this.lifted) this.view.near.pinned.delete(id);
    this.lifted = [];
    this.root.toggleAttribute("data-dragging", false);
    this.view.refresh([], this.scene.drop());
  }

  /** Copy the selected nodes in place and select the copies. */
  duplicate(by: Point = { x: 0, y: 0 }, key = ""): void {
    const pasted = pasteText(this.flow, copyText(this.flow, this.selection.nodes), null, by);
    if (!pasted) return;
    this.run(pasted.changes, "Duplicate", key);
    this.select(pasted.ids);
  }

  showMarquee(box: Rect | null): void {
    this.view.showMarquee(box);
  }

  showGuides(guides: readonly Guide[]): void {
    this.view.showGuides(guides);
  }

  showWire(draft: WireDraft | null): void {
    const was = this.look.wiring?.from;
    const same = was && draft && was.node === draft.from.node && was.pin === draft.from.pin && was.side === draft.from.side;
    if (!same && (was || draft)) {
      this.look.wiring = draft && { from: draft.from, test: checker(this.flow, this.scene.shapes, draft.from) };
      this.root.toggleAttribute("data-wiring", Boolean(draft));
      this.view.markAll();
    }
    this.view.showWire(draft);
    if (!draft) this.letFold();
  }

  /** What stayed in view while a hand was at it may fold away. */
  letFold(): void {
    const { shapes } = this.scene;
    const { held } = shapes;
    shapes.held = null;
    if (held) this.reshape(held.node);
  }

  /** Look again at which pins a node shows. */
  reshape(id: string): void {
    const node = this.flow.nodes.get(id);
    if (!node) return;
    node.shape = null;
    const { nodes, wires } = this.scene.sync({ nodes: new Set([id]), wires: new Set(), flow: false });
    this.view.refresh(nodes, wires);
  }

  hover(hit: Hit | null): void {
    const wire = hit?.kind === "wire" ? hit.wire : "";
    const cursor = this.spaceHeld ? "grab" : hit?.kind === "pin" ? "crosshair" : hit && hit.kind !== "empty" ? "pointer" : "";
    if (this.root.dataset.cursor !== cursor) this.root.dataset.cursor = cursor;
    this.point(hit);
    if (wire === this.hovered) return;
    this.hovered = wire;
    this.view.near.wires.hover(this.flow.wires.get(wire) ?? null);
  }

  /** Tell when the pointer comes to another pin, or to a wire: that is the pin which it leaves. */
  private point(hit: Hit | null): void {
    const wire = hit?.kind === "wire" ? this.flow.wires.get(hit.wire) : undefined;
    const at: PinAt | null = hit?.kind === "pin" ? hit.at : wire ? { node: wire.source, side: "out", pin: wire.sourcePin } : null;
    const key = at ? `${at.node} ${at.side} ${at.pin}` : "";
    if (key === this.pointed) return;
    this.pointed = key;
    this.events.emit("point", { at });
  }

  emit(event: string, detail: object): void {
    if (event === "request-add") detail = { strict: true, ...detail };
    this.events.emit(event as keyof CanvasEvents, detail as never);
    if (event === "refuse") this.say((detail as CanvasEvents["refuse"]).reason, true);
  }

  /** Open a node: the flow that it runs, else its settings. */
  open(node: FlowNode): void {
    const path = calledAt(this.scene.catalog.card(node.type));
    if (path && node.data[path]) this.events.emit("step-in", { node: node.id });
    else this.events.emit("open-inspector", { node: node.id, pin: null });
  }

  say(text: string, urgent = false): void {
    this.events.emit("announce", { text, urgent });
  }
}
