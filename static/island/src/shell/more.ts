// Most of what the editor can do beside the canvas: its panels and what each tool does. It comes just after the
// start; what many a visit does without is loaded from here when it is first wanted. What is typed before a part has
// come is kept for what opens.
import { readText } from "../bridge/form";
import { loadFlows, Refusal } from "../bridge/http";
import { latestRun } from "../bridge/latest";
import type { LineState } from "../bridge/live";
import type { Saver } from "../bridge/saver";
import type { CanvasEvents } from "../canvas/events";
import type { FlowCanvas } from "../canvas/flowcanvas";
import { keymap } from "../canvas/keymap";
import { nearest } from "../model/alike";
import { hasMarks } from "../model/marks";
import { normal, offers } from "../model/rank";
import { WrittenKeys } from "../model/writtenkeys";
import { toast } from "../pages/parts/toast";
import { keepVersion, loadHabits } from "../bridge/flows";
import { upgradeOf } from "../bridge/panel";
import { begin } from "./begin";
import type { Choice } from "./chooser";
import type { Coach } from "./coach";
import type { Conflict } from "./conflict";
import { Feet, usedWords } from "./feet";
import { Inspector } from "./inspector";
import { keysWait } from "./kept";
import type { KeyList } from "./keylist";
import type { Marks } from "./marks";
import type { CanvasMenu } from "./menu";
import { addFlow } from "./mine";
import type { OutlineView } from "./outline";
import { acceptDrops, Palette } from "./palette";
import { place, RUN_SHOWN } from "./parts";
import { Peek } from "./peek";
import { ProblemList } from "./problems";
import { QuickAdd } from "./quickadd";
import type { Hooks, RunPane } from "./runner";
import type { Found } from "./search";
import type { Side } from "./side";
import { Subflows } from "./subflows";
import { Sync } from "./sync";
import type { Tags } from "./tags";
import type { TextView } from "./text";
import { useTool } from "./tools";
import type { TouchBar } from "./touchbar";
import type { Voice } from "./voice";

const NARROW = 900;
const RETRY_MS = 2000;

/** What is there from the start. */
export interface Host {
  readonly canvas: FlowCanvas;
  readonly flow: string;
  readonly side: Side;
  readonly voice: Voice;
  readonly saver: Saver;
  settings(node: string, pin: string | null): void;
  /** Give the keyboard back to the canvas. */
  focusCanvas(): void;
  use(tool: string): void;
  /** The outline, or the text, was opened or closed. */
  viewed(isOutline: boolean, isText?: boolean): void;
  check(): Promise<void>;
  refuse(reason: string): void;
  line(state: LineState): void;
}

export class More {
  readonly canvas: FlowCanvas;
  readonly quick: QuickAdd;
  readonly problems: ProblemList;
  readonly panel: Inspector;
  /** The run on the canvas, once there was a first one, or its tab was opened. */
  run: RunPane | null = null;
  readonly peek: Peek;
  private readonly grid = place("editor");
  private readonly calling: Subflows;
  private readonly atLeisure = new Promise<void>((go) => (window.requestIdleCallback ?? ((act: () => void) => setTimeout(act, 2000)))(() => go(), { timeout: 2000 }));
  private resolving: Conflict | null = null;
  private text: TextView | null = null;
  private turning: Promise<void> = Promise.resolve();
  private outline: OutlineView | null = null;
  private loadingRun: Promise<RunPane | null> | null = null;
  private loadingTags: Promise<Tags | null> | null = null;
  private loadingMarks: Promise<Marks | null> | null = null;
  private opened: CanvasMenu | null = null;
  private opening: Promise<OutlineView | null> | null = null;
  private isSampled = false;
  private bar: TouchBar | null = null;
  private keyList: KeyList | null = null;
  private coaching: Coach | null = null;

  constructor(readonly host: Host) {
    const { flow, side } = host;
    const canvas = (this.canvas = host.canvas);
    begin(canvas, () => host.focusCanvas());
    this.quick = new QuickAdd(canvas, (id, point, from) => void addFlow(canvas, id, point, from), () => this.takeFocus(), (type, panel) => void this.sample(type, panel));
    this.problems = new ProblemList(canvas, () => side.show("node"), () => side.show("problems"));
    this.panel = new Inspector(canvas, flow);
    this.calling = new Subflows(canvas, flow);
    this.peek = new Peek(canvas, (node) => this.data(node), () => this.run?.run ?? null, () => pastOf(this.run) !== null);
    new Feet(canvas, { now: () => void this.run?.now(), past: () => pastOf(this.run) });
    document.addEventListener(RUN_SHOWN, () => this.instant());
    place("pane-node").addEventListener("click", (event) => this.runAct(event));
    if (hasMarks(canvas.model)) void this.marks();
    if (this.hasTags()) void this.tags();
    canvas.on("change", () => this.loadingTags || (this.hasTags() && void this.tags()));
    canvas.on("change", () => this.loadingMarks || (hasMarks(canvas.model) && void this.marks()));
    void this.palette();
    void this.sync();
    void this.upgrade();
    this.follow();
  }

  say(text: string, urgent?: boolean, keep?: boolean): void {
    this.host.voice.say(text, urgent, keep);
  }

  use(tool: string): void {
    useTool(this, tool);
  }

  /** Show the run that the address names, else the newest while it is under way. */
  private follow(): void {
    const named = this.grid.dataset["runId"];
    const { side } = this.host;
    if (named) side.show("run", innerWidth >= NARROW);
    side.shown = (tab) => tab === "run" && void this.running(() => undefined, true);
    if (!named) {
      side.shown(side.tab); // it may be open already
      return void this.resume();
    }
    void this.running((run) => run.follow(named, !new URL(location.href).searchParams.has("at")));
  }

  /** Follow the newest run of the flow when it is still under way; ask again while nobody answers. */
  private async resume(): Promise<void> {
    let newest: Awaited<ReturnType<typeof latestRun>>;
    try {
      newest = await latestRun(this.host.flow);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.status === 0 && !this.run?.run) window.setTimeout(() => void this.resume(), RETRY_MS);
      else if (error.status !== 0) this.say(error.message, true);
      return;
    }
    if (newest && !/completed|failed|cancelled/.test(newest.status)) await this.running((run) => run.run || run.follow(newest.run_id));
  }

  /** What starts a run and follows it comes with the first one; `asked`: by a person, and what is typed next is meant
   * for it. */
  async running(act: (run: RunPane) => unknown, asked = false): Promise<void> {
    if (this.run) return void act(this.run);
    this.loadingRun ??= this.part(import("./runner")).then((part) => part && (this.run = new part.RunPane(this.canvas, this.host.flow, this.runHooks())));
    const done = this.loadingRun.then(async (run) => {
      if (run) await act(run);
      return run;
    });
    if (!(await (asked ? keysWait(done) : done))) this.loadingRun = null;
  }

  private runHooks(): Hooks {
    const { host } = this;
    return {
      save: () => host.saver.flush(),
      problems: (found) => this.problems.show(found),
      blocked: () => this.blocked(),
      showTab: () => host.side.show("run"),
      offerTab: () => host.side.offer("run"),
      showNode: () => host.side.show("node"),
      background: (run) => this.panel.background(run),
      say: (text, urgent) => this.say(text, urgent),
      line: (state) => host.line(state),
      changed: () => {
        this.panel.showRun(this.run?.isUnderWay ?? false);
        this.refresh();
      },
      tested: () => this.coaching?.did("test asked"),
      read: readText,
      used: usedWords,
    };
  }

  /** What begins a run from the node tab: to the node, or again for its visits that failed. */
  private runAct(event: Event): void {
    const at = (event.target as Element).closest<HTMLElement>("[data-do=run-to], [data-do=again-failed]");
    if (at?.dataset["do"] === "run-to") this.use("run-to");
    else if (at) {
      event.preventDefault();
      void this.running((run) => run.fork({ effects: "recorded" }, at.dataset["run"], Number(at.dataset["seq"])), true);
    }
  }

  /** The canvas shows the run at another instant: so does all else. */
  private instant(): void {
    this.panel.instant(this.run?.run ?? "", this.run?.past?.position ?? 0);
    this.refresh();
  }

  /** Show the values of a node in the panel. */
  private data(node: string): void {
    this.host.settings(node, null);
    this.panel.look({ tab: "data" });
  }

  /** What is wrong with the flow as it stands. */
  found(problems: Parameters<ProblemList["show"]>[0]): void {
    this.problems.show(problems);
    this.panel.showProblems();
    this.refresh();
  }

  /** Instead of a run that would be refused: what is wrong, and where. */
  private blocked(): boolean {
    const { block } = this.problems;
    if (!block) return false;
    this.host.side.show("problems");
    this.host.refuse(block);
    return true;
  }

  /** Say why a wire is refused, and offer what it may be meant to do. */
  /** Say why something cannot be done, and what can be done instead. */
  offer(reason: string, back: NonNullable<CanvasEvents["refuse"]["back"]>): void {
    const run = async (): Promise<void> => (await this.part(import("./seldom")))?.doInstead(this.canvas, back);
    const words = back.by ? `Put ${back.by.label} between` : "Make it a While";
    toast(reason, { label: `${words} ${keymap.label("fix")}`, run: () => void run() }, 10);
  }

  /** Open the field at once; what it searches comes with it or just after. */
  search(everywhere: boolean): void {
    let find = (_words: string): Found[] => [];
    let found: Found[] = [];
    let isHere = false;
    this.quick.chooser.open({
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
      this.quick.chooser.refresh();
    });
  }

  private async load(everywhere: boolean): Promise<(words: string) => Found[]> {
    const part = await this.part(import("./seldom"));
    if (!part) return () => [];
    const flows = everywhere ? await loadFlows().catch(() => []) : [];
    const commands = part.commandsOf(this.canvas, (tool) => this.host.use(tool), (text, urgent) => this.say(text, urgent));
    const search = new part.Search(this.canvas, commands, flows, (name) => this.quick.atMiddle(name), { normal, offers, nearest }, this.host.flow);
    return (words) => (everywhere ? search.everything(words) : search.inFlow(words));
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
    this.host.viewed(isOutline);
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
      this.host.viewed(false);
      this.canvas.root.focus({ preventScroll: true });
    }
    await this.view(next === 1);
    if (next !== 2) return;
    const part = this.text ? null : await this.part(import("./text"));
    if (part) {
      const rule = this.canvas.catalog.body.written_keys;
      this.text = new part.TextView(this.canvas, (words, urgent) => this.say(words, urgent), rule ? new WrittenKeys(rule) : null);
      place("outline-place").append(this.text.element);
    }
    if (!this.text) return;
    this.host.viewed(false, true);
    this.text.open(true);
  }

  /** What two people changed at once. */
  async conflict(act: (conflict: Conflict) => void): Promise<void> {
    const part = await this.part(import("./seldom"));
    if (part) act((this.resolving ??= new part.Conflict(this.canvas, this)));
  }

  /** After a conflict: go on from a revision; `isChanged`: what is on the canvas still has to be saved. */
  goOn(newer: string, isChanged: boolean): void {
    this.host.saver.goOn(newer, isChanged);
    void this.host.check();
  }

  /** Earlier steps, what others save, and what a newcomer may try next, when the page has it. */
  private async sync(): Promise<void> {
    const { host, canvas } = this;
    await this.atLeisure;
    new Sync(canvas, host.flow, host.saver, { say: (text) => this.say(text), changed: () => void host.check() });
    const part = document.getElementById("coach") && (await this.part(import("./coach")));
    if (part) this.coaching = new part.Coach(canvas, () => this.run, (text, urgent, keep) => this.say(text, urgent, keep));
  }

  /** Offer to write an older document in today's words; others need no such part. */
  private async upgrade(): Promise<void> {
    const ask = async (): Promise<Awaited<ReturnType<typeof upgradeOf>> | null> => {
      try {
        return await upgradeOf(this.host.flow, this.canvas.toJSON());
      } catch (error) {
        if (error instanceof Refusal) return null; // what cannot be read is told among the problems
        throw error;
      }
    };
    if (!(await ask())?.changes.length) return;
    const part = await this.part(import("./upgrade"));
    if (part) await new part.UpgradeBar(this.canvas, ask, (text) => this.say(text)).look();
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

  /** What many a visit does without; what is typed until it is here is for what opens. */
  seldom(): Promise<typeof import("./seldom") | null> {
    return keysWait(this.part(import("./seldom")));
  }

  async menu(spot: CanvasEvents["menu"]): Promise<void> {
    const part = await this.part(import("./seldom"));
    if (!part) return;
    this.opened ??= new part.CanvasMenu(this.canvas, (screen) => this.quick.at(screen), (tool) => this.host.use(tool));
    this.opened.open(spot);
  }

  /** What can be done about the selection by a finger alone. */
  async touched(): Promise<void> {
    const part = await this.part(import("./seldom"));
    if (part) (this.bar ??= new part.TouchBar(this.canvas)).draw();
  }

  /** Show what goes by which key, to be changed there. */
  async keys(): Promise<void> {
    const part = await this.seldom();
    if (part) (this.keyList ??= new part.KeyList((words) => this.say(words))).open();
  }

  /** Show what comes from elsewhere before it is pasted. */
  async paste(text: string, point: { x: number; y: number } | undefined): Promise<void> {
    (await this.seldom())?.lookAtPaste(this.canvas, text, point);
  }

  /** Show an example of a node type beside the list where it is chosen. */
  private async sample(type: string | null, panel: HTMLElement): Promise<void> {
    if (type || this.isSampled) (await this.part(import("./seldom")))?.showSample(type, panel);
    this.isSampled = type !== null;
  }

  /** Go to the next node that failed, or that has an error. */
  async failure(): Promise<void> {
    (await this.seldom())?.nextFailure(this.canvas, (text, urgent) => this.say(text, urgent));
    this.takeFocus();
  }

  /** Pin to the selected nodes what they gave in the run on the canvas, or unpin it. */
  async pin(run: string | null): Promise<void> {
    await (await keysWait(this.part(import("./pinning"))))?.turnPins(this.canvas, run, (text, urgent) => this.say(text, urgent));
  }

  /** Ask for the name of a node, where the canvas does not show. */
  async rename(node: string): Promise<void> {
    await (await this.seldom())?.renameNode(this.canvas, node);
  }

  async nameVersion(): Promise<void> {
    const { flow, saver } = this.host;
    await (await this.seldom())?.nameVersion({ flow, save: () => saver.flush(), say: (text, urgent) => this.say(text, urgent), keep: keepVersion });
  }

  private hasTags(): boolean {
    for (const wire of this.canvas.model.wires.values()) if (wire.tag) return true;
    return false;
  }

  /** Wires behind names, once there is a first one. */
  async tags(): Promise<Tags | null> {
    this.loadingTags ??= this.part(import("./tags")).then((part) => part && new part.Tags(this.canvas, async (asked) => (await this.seldom())?.askLine(asked) ?? null));
    const tags = await this.loadingTags;
    if (!tags) this.loadingTags = null;
    return tags;
  }

  /** The list of node types, where there is room for it. */
  private async palette(): Promise<void> {
    acceptDrops(this.canvas, (type, point) => this.quick.put(type, point));
    const palette = new Palette(this.canvas.catalog, (type) => this.quick.inView(type), this.quick.recent);
    await this.atLeisure;
    const habits = await loadHabits().catch(() => null); // no habits, no order by them
    if (!habits) return;
    const mine = habits.mine.filter((own) => own.id !== this.host.flow);
    palette.offer(mine);
    Object.assign(this.quick, { follows: habits.follows, mine, starters: habits.starters });
  }

  /** Go into the flow that a node runs. */
  enter(node: string): Promise<void> {
    return this.calling.enter(node, this.run ?? { run: null, calls: new Map() });
  }

  /** Take steps out into a flow of their own, put them back, or give a node its own copy. */
  subflow(tool: "collapse" | "expand" | "link"): Promise<void> {
    return this.calling[tool]();
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
    this.outline = new part.OutlineView(this.canvas, (node, pin) => this.host.settings(node, pin));
    place("outline-place").append(this.outline.element);
    return this.outline;
  }
}

/** The instant that a run is shown at, in ms; null: it is shown as it is now. */
function pastOf(run: RunPane | null): number | null {
  const step = run?.past;
  return step ? Date.parse(step.ended_at ?? step.started_at ?? "") || Date.now() : null;
}
