// The parts of the editor that are loaded when they are first wanted, or at leisure: search and the
// outline. What is typed before a part has come is kept by the field that is already there.
import { loadFlows } from "../bridge/http";
import type { Saver } from "../bridge/saver";
import type { FlowCanvas } from "../canvas/flowcanvas";
import type { Chooser, Choice } from "./chooser";
import type { CanvasEvents } from "../canvas/events";
import type { Coach } from "./coach";
import type { Conflict } from "./conflict";
import type { KeyList } from "./keylist";
import type { CanvasMenu } from "./menu";
import { keysWait } from "./kept";
import type { OutlineView } from "./outline";
import { place } from "./parts";
import type { Peek } from "./peek";
import type { PinAt } from "../model/hit";
import { hasMarks } from "../model/marks";
import type { ProblemRows } from "./problemrows";
import type { QuickAdd } from "./quickadd";
import type { RunPane } from "./runner";
import type { Marks } from "./marks";
import type { Subflows } from "./subflows";
import type { Tags } from "./tags";
import type { TouchBar } from "./touchbar";
import type { Found } from "./search";
import type { TextView } from "./text";

export interface Acts {
  settings(node: string, pin: string | null): void;
  /** Show the values of a node in the panel. */
  data(node: string): void;
  /** Give the keyboard back to the canvas. */
  toCanvas(): void;
  /** The run on the canvas. */
  run(): string | null;
  addAt(screen: { x: number; y: number }): void;
  use(tool: string): void;
  /** Ask what a new step of this name is to do, and add it. */
  create(name: string): void;
  /** What follows what in the person's own flows, and those that can be steps. */
  habits(follows: QuickAdd["follows"], mine: QuickAdd["mine"]): void;
  /** The outline was opened or closed. */
  viewed(isOutline: boolean, isText?: boolean): void;
  /** After a conflict: go on from a revision; `isChanged`: what is on the canvas still has to be saved. */
  goOn(revision: string, isChanged: boolean): void;
  say(text: string, urgent?: boolean): void;
}

export class More {
  private readonly atLeisure: Promise<typeof import("./later") | null>;
  private resolving: Conflict | null = null;
  private text: TextView | null = null;
  private turning: Promise<void> = Promise.resolve();
  private outline: OutlineView | null = null;
  private loadingTags: Promise<Tags | null> | null = null;
  private loadingMarks: Promise<Marks | null> | null = null;
  private opened: CanvasMenu | null = null;
  private opening: Promise<OutlineView | null> | null = null;

  private peeking: Peek | null = null;
  private isSampled = false;
  private bar: TouchBar | null = null;
  private listed: ProblemRows | null = null;
  private keyList: KeyList | null = null;
  private calling: Subflows | null = null;
  private coaching: Coach | null = null;

  constructor(
    private readonly canvas: FlowCanvas,
    private readonly flow: string,
    private readonly chooser: Chooser,
    private readonly acts: Acts,
  ) {
    if (hasMarks(canvas.model)) void this.marks();
    if (this.hasTags()) void this.tags();
    canvas.on("change", () => this.loadingTags || (this.hasTags() && void this.tags()));
    canvas.on("change", () => this.loadingMarks || (hasMarks(canvas.model) && void this.marks()));
    const later = window.requestIdleCallback ?? ((act: () => void) => setTimeout(act, 2000));
    // What could not be had at leisure is asked for again when it is wanted.
    this.atLeisure = new Promise((go) => later(() => go(import("./later").catch(() => null)), { timeout: 2000 }));
    canvas.on("select", () => canvas.root.hasAttribute("data-touch") && void this.touched());
    canvas.on("menu", (spot) => void this.menu(spot));
    void this.part(import("./later")).then((part) => part?.begin(canvas, acts.toCanvas));
  }

  /** Open the field at once; what it searches comes with it or just after. */
  search(everywhere: boolean): void {
    let find = (_words: string): Found[] => [];
    let found: Found[] = [];
    let isHere = false;
    this.chooser.open({
      x: (innerWidth - 340) / 2,
      y: Math.min(96, innerHeight / 8),
      label: everywhere ? "Go to, or do, anything" : "Find in this flow",
      placeholder: everywhere ? "Go to, or do, anything" : "Find in this flow",
      none: everywhere ? "Nothing is called that." : "No node of this flow holds these words.",
      find: (words): Choice[] => (found = find(words)),
      isComing: () => !isHere,
      chosen: (id) => found.find((each) => each.id === id)?.act(),
      closed: () => this.takeFocus() || this.canvas.root.focus({ preventScroll: true }),
    });
    void this.load(everywhere).then((fresh) => {
      find = fresh;
      isHere = true;
      this.chooser.refresh();
    });
  }

  private async load(everywhere: boolean): Promise<(words: string) => Found[]> {
    const part = await this.part(import("./seldom"));
    if (!part) return () => [];
    const { commandsOf, Search } = part;
    const flows = everywhere ? await loadFlows().catch(() => []) : [];
    const search = new Search(this.canvas, commandsOf(this.canvas, this.acts.use, this.acts.say), flows, this.acts.create);
    return (words) => (everywhere ? search.everything(words) : search.here(words));
  }

  get isOutline(): boolean {
    return this.outline?.isOpen ?? false;
  }

  /** Show the flow as a tree, or the canvas. */
  async view(isOutline: boolean, focus = true): Promise<void> {
    if (!isOutline && !this.outline) return;
    const outline = await (this.opening ??= this.made());
    if (!outline) this.opening = null;
    if (!outline || isOutline === outline.isOpen) return;
    this.acts.viewed(isOutline);
    outline.open(isOutline, focus);
    if (!isOutline) this.canvas.root.focus({ preventScroll: true });
  }

  /** Go on to the next of the flow's three editors, or to the one before: canvas, outline, text. */
  cycle(back: boolean): Promise<void> {
    return (this.turning = this.turning.then(() => this.turn(back)));
  }

  private async turn(back: boolean): Promise<void> {
    const now = this.isOutline ? 1 : this.text?.isOpen ? 2 : 0;
    const next = (now + (back ? 2 : 1)) % 3;
    if (now === 2) {
      this.text?.open(false);
      this.acts.viewed(false);
      this.canvas.root.focus({ preventScroll: true });
    }
    await this.view(next === 1);
    if (next !== 2) return;
    const part = this.text ? null : await this.part(import("./text"));
    if (part) {
      this.text = new part.TextView(this.canvas, (words, urgent) => this.acts.say(words, urgent));
      place("outline-place").append(this.text.element);
    }
    if (!this.text) return;
    this.acts.viewed(false, true);
    this.text.open(true);
  }

  /** What two people changed at once. */
  async conflict(): Promise<Conflict | null> {
    const part = await this.part(import("./seldom"));
    return part && (this.resolving ??= new part.Conflict(this.canvas, this.acts));
  }

  /** Earlier steps, and what others save. */
  async sync(saver: Saver, hooks: { say(text: string): void; changed(): void }): Promise<void> {
    const part = await this.atLeisure;
    if (part) new part.Sync(this.canvas, place("editor").dataset["flowId"] ?? "", saver, hooks);
  }

  /** Notes and groups, once there is a first one. */
  async marks(): Promise<Marks | null> {
    this.loadingMarks ??= this.part(import("./marks")).then((part) => part && new part.Marks(this.canvas));
    const marks = await this.loadingMarks;
    if (!marks) this.loadingMarks = null;
    return marks;
  }

  /** A part of the editor, or nothing and a word about it when the server cannot be reached. */
  async part<Part>(loading: Promise<Part>): Promise<Part | null> {
    return loading.catch(() => {
      this.canvas.desk.events.emit("refuse", { reason: "This part of the editor cannot be loaded: the server cannot be reached." });
      return null;
    });
  }

  private async menu(spot: CanvasEvents["menu"]): Promise<void> {
    const part = await this.part(import("./seldom"));
    if (!part) return;
    this.opened ??= new part.CanvasMenu(this.canvas, this.acts.addAt, this.acts.use);
    this.opened.open(spot);
  }

  /** What can be done about the selection by a finger alone. */
  private async touched(): Promise<void> {
    const part = await this.part(import("./seldom"));
    if (part) (this.bar ??= new part.TouchBar(this.canvas)).draw();
  }

  /** Show what goes by which key, to be changed there. */
  async keys(): Promise<void> {
    const part = await keysWait(this.part(import("./seldom")));
    if (part) (this.keyList ??= new part.KeyList((words) => this.acts.say(words))).open();
  }

  /** A look at the values of the run on the canvas. */
  async peek(act: (peek: Peek) => void): Promise<void> {
    const part = await this.part(import("./later"));
    if (part) act((this.peeking ??= new part.Peek(this.canvas, this.acts.data, this.acts.run)));
  }

  /** Show what comes from elsewhere before it is pasted. */
  async paste(text: string, point: { x: number; y: number } | undefined): Promise<void> {
    (await keysWait(this.part(import("./seldom"))))?.lookAtPaste(this.canvas, text, point);
  }

  /** Show an example of a node type beside the list where it is chosen. */
  async sample(type: string | null, panel: HTMLElement): Promise<void> {
    if (type || this.isSampled) (await this.part(import("./seldom")))?.showSample(type, panel);
    this.isSampled = type !== null;
  }

  /** The rows of the problems tab; `showNode` leads to the settings of the node that was opened. */
  async problems(showNode: () => void): Promise<ProblemRows | null> {
    const part = await this.part(import("./later"));
    return part && (this.listed ??= new part.ProblemRows(this.canvas, showNode));
  }

  /** Wait for the letter of a page. */
  async places(): Promise<void> {
    (await keysWait(this.part(import("./seldom"))))?.awaitPlace(this.acts.say);
  }

  /** Go to the next node that failed, or that has an error. */
  async failure(): Promise<void> {
    (await keysWait(this.part(import("./seldom"))))?.nextFailure(this.canvas, this.acts.say);
    this.takeFocus();
  }

  /** Pin to the selected nodes what they gave in the run on the canvas, or unpin it. */
  async pin(run: string | null): Promise<void> {
    await (await keysWait(this.part(import("./pinning"))))?.turnPins(this.canvas, run, this.acts.say);
  }

  /** Make a loop of what a wire back was meant to repeat. */
  async loop(back: { from: PinAt; to: PinAt }): Promise<void> {
    (await this.part(import("./seldom")))?.loopBack(this.canvas, back);
  }

  /** Arrange the selection, or the whole flow. */
  async tidy(): Promise<void> {
    await (await this.part(import("./seldom")))?.tidy(this.canvas);
  }

  /** Go to the next bookmark. */
  async bookmark(): Promise<void> {
    (await keysWait(this.part(import("./seldom"))))?.nextBookmark(this.canvas);
  }

  /** Draw wires as curves, or in right angles. */
  async curves(): Promise<void> {
    (await this.part(import("./seldom")))?.turnCurves(this.canvas);
  }

  /** Ask for the name of a node, where the canvas does not show. */
  async rename(node: string): Promise<void> {
    await (await keysWait(this.part(import("./later"))))?.renameNode(this.canvas, node);
  }

  /** Keep what the flow is now as a version with a name. */
  async name(save: () => Promise<boolean>): Promise<void> {
    await (await keysWait(this.part(import("./later"))))?.nameVersion(this.flow, save, (text, urgent) => this.acts.say(text, urgent));
  }

  private hasTags(): boolean {
    for (const wire of this.canvas.model.wires.values()) if (wire.tag) return true;
    return false;
  }

  /** Wires behind names, once there is a first one. */
  async tags(): Promise<Tags | null> {
    this.loadingTags ??= this.part(import("./later")).then((part) => part && new part.Tags(this.canvas));
    const tags = await this.loadingTags;
    if (!tags) this.loadingTags = null;
    return tags;
  }

  /** The list of node types, where there is room for it. */
  async palette(add: (type: string) => void, put: (type: string, point: { x: number; y: number }) => void): Promise<void> {
    const part = await this.part(import("./later"));
    if (!part) return;
    part.acceptDrops(this.canvas, put);
    const palette = new part.Palette(this.canvas.catalog, add);
    await this.atLeisure;
    const habits = await part.loadHabits().catch(() => null); // no habits, no order by them
    if (!habits) return;
    const mine = habits.mine.filter((own) => own.id !== this.flow);
    palette.offer(mine);
    this.acts.habits(habits.follows, mine);
  }

  /** Put a node that runs one of the person's flows on the canvas. */
  async addFlow(id: string, point: { x: number; y: number } | null, from: PinAt | null = null): Promise<void> {
    await (await this.part(import("./later")))?.addFlow(this.canvas, id, point, from);
  }

  /** Offer to write an older document in today's words. */
  async upgrade(say: (text: string) => void): Promise<void> {
    const part = await this.part(import("./later"));
    if (part) await new part.UpgradeBar(this.canvas, this.flow, say).look();
  }

  /** Take steps out into a flow of their own, put them back, or go into a flow that a node runs. */
  async subflows(act: (subflows: Subflows) => Promise<void>): Promise<void> {
    const part = await this.part(import("./later"));
    if (part) await act((this.calling ??= new part.Subflows(this.canvas, this.flow)));
  }

  /** What a newcomer may try next, when the page has it. */
  async coach(run: RunPane): Promise<void> {
    const part = document.getElementById("coach") && (await this.atLeisure);
    if (part) this.coaching = new part.Coach(this.canvas, run, this.acts.say);
  }

  /** Take the keyboard, when the outline is what is seen. */
  takeFocus(): boolean {
    if (this.isOutline) this.outline?.focus();
    else if (this.text?.isOpen) this.text.focus();
    return this.isOutline || Boolean(this.text?.isOpen);
  }

  /** The run has news. */
  refresh(): void {
    this.outline?.refresh();
    this.text?.mark();
    this.coaching?.look();
  }

  private async made(): Promise<OutlineView | null> {
    const part = await this.part(import("./outline"));
    if (!part) return null;
    this.outline = new part.OutlineView(this.canvas, this.acts.settings);
    place("outline-place").append(this.outline.element);
    return this.outline;
  }
}
