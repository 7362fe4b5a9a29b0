// The editor: the canvas and what stands around it, handed to each other. One place decides what a key
// or a tool does; saving, checking and following a run go on by themselves.
import { dropDraft, findDraft, type Found } from "../bridge/draft";
import { loadCatalog, loadFlow, Refusal, validateFlow } from "../bridge/http";
import type { LineState } from "../bridge/live";
import { Saver, type SaveState } from "../bridge/saver";
import { FlowCanvas } from "../canvas/flowcanvas";
import { type Act, ACTS, chordOf, isLetter, keymap } from "../canvas/keymap";
import { Catalog } from "../catalog";
import { toast } from "../pages/parts/toast";
import { PAUSED } from "../pages/parts/updates";
import { entryOf } from "../model/entry";
import type { View } from "../view/viewport";
import type { JsonObject } from "../model/json";
import type { Inspector } from "./inspector";
import { keysWait } from "./kept";
import { More } from "./more";
import { firstStep, place, useIcons } from "./parts";
import { ProblemList } from "./problems";
import { QuickAdd } from "./quickadd";
import type { Hooks, RunPane } from "./runner";
import { Side } from "./side";
import { Voice } from "./voice";

const LINES: { [state in LineState]: string } = { live: "Live", "catching-up": "Catching up…", offline: "Offline: trying again", paused: PAUSED, over: "" };
const TAGS = { tags: "turn", follow: "follow", rename: "rename" } as const;
/** What is done to the run: the run pane knows how. */
const RUN = /^(run(-form|-to)?|go-on|tests?|breakpoint|disable|step-(over|into)|fork|(node-)?(back|forward)|pin)$/;
const NARROW = 900;
const BESIDE = 1100; // from here the text stands beside the canvas
const LOOP = "Make it a While";
const READABLE = 0.7;
const WHOLE = 0.59; // a flow that fits at this is shown whole

export class Editor {
  readonly canvas: FlowCanvas;
  private readonly grid = place("editor");
  private readonly flow: string;
  private readonly side = new Side(() => this.sideChanged());
  private readonly voice = new Voice();
  private readonly saver: Saver;
  private readonly quick: QuickAdd;
  private loading: Promise<Inspector | null> | null = null;
  private readonly problems: ProblemList;
  private run: RunPane | null = null;
  private bringing: Promise<RunPane | null> | null = null;
  private readonly more: More;

  static async open(): Promise<Editor> {
    const grid = place("editor");
    useIcons(grid.dataset["icons"] ?? "");
    const [body, loaded] = await Promise.all([loadCatalog(), loadFlow(grid.dataset["flowId"] ?? "")]);
    return new Editor(new Catalog(body), loaded.document, loaded.revision);
  }

  private constructor(catalog: Catalog, document: JsonObject, revision: string) {
    this.flow = this.grid.dataset["flowId"] ?? "";
    if (innerWidth < NARROW) this.side.open(false); // before the canvas measures its room
    this.canvas = new FlowCanvas(place("canvas"), catalog, { icons: this.grid.dataset["icons"] ?? "", label: "Flow" });
    const draft = findDraft(this.flow, document, revision);
    this.canvas.load(document);
    this.begin();
    this.problems = new ProblemList(this.canvas, () => this.more.problems(() => this.side.show("node")), () => this.side.show("problems"));
    this.quick = new QuickAdd(this.canvas, (id, point, from) => void this.more.addFlow(id, point, from), () => this.more.takeFocus(), (type, panel) => void this.more.sample(type, panel));
    this.more = new More(this.canvas, this.flow, this.quick.chooser, {
      settings: (node, pin) => this.settings(node, pin),
      toCanvas: () => this.focusCanvas(),
      run: () => this.run?.run ?? null,
      addAt: (screen) => this.quick.at(screen),
      use: (tool) => this.use(tool),
      create: (name) => this.quick.atMiddle(name),
      habits: (follows, mine) => Object.assign(this.quick, { follows, mine }),
      viewed: (isOutline, isText) => this.viewed(isOutline, isText),
      data: (node) => {
        this.settings(node, null);
        void this.panel((panel) => panel.look({ tab: "data" }));
      },
      goOn: (newer, isChanged) => {
        this.saver.goOn(newer, isChanged);
        void this.check();
      },
      say: (text, urgent) => this.voice.say(text, urgent),
    });
    void this.panel(() => undefined);
    void this.more.palette((type) => this.quick.inView(type), (type, point) => this.quick.put(type, point));
    this.saver = new Saver(this.flow, revision, {
      read: () => this.canvas.toJSON(),
      history: () => this.canvas.desk.history,
      state: (state, words) => this.saving(state, words),
      problems: (found) => this.found(found),
      conflict: (theirs, newer, base) => void this.more.conflict().then((conflict) => conflict?.offer(theirs, newer, base)),
    });
    this.listen();
    this.takeUp(draft);
    void this.more.sync(this.saver, { say: (text) => this.voice.say(text), changed: () => this.check() });
    if (innerWidth < NARROW) void this.more.view(true, false);
    void this.check();
    void this.more.peek(() => undefined);
    void this.more.upgrade((text) => this.voice.say(text));
    void this.running((run) => void this.more.coach(run));
    void this.running((run) => this.follow(run));
    this.canvas.root.toggleAttribute("data-pointer", true);
    this.canvas.root.focus({ preventScroll: true });
  }

  /** Show the run that the address names, else the newest while it is under way. */
  private follow(run: RunPane): void {
    const named = this.grid.dataset["runId"];
    if (!named) return void run.resume();
    this.side.show("run", innerWidth >= NARROW);
    run.follow(named, !new URL(location.href).searchParams.has("at"));
  }

  /** What an earlier page could not save: done again on top of what the server has. */
  private takeUp(draft: Found): void {
    if (draft.kind === "newer") {
      for (const { changes, label } of draft.commands) this.canvas.apply(changes, label);
      this.canvas.bring(draft.document, "Bring back unsaved changes");
      this.saver.takeUp(draft.document);
    } else if (draft.kind === "apart") {
      void this.more.conflict().then((conflict) => conflict?.offerDraft(draft.document, draft.revision, () => dropDraft(this.flow)));
    }
  }

  /** Open where a person can read: everything when it fits, else the beginning. */
  private begin(): void {
    const { canvas } = this;
    const at = new URL(location.href).searchParams.get("at");
    const kept = at && sessionStorage.getItem(`flowstudio view ${this.flow}`);
    if (kept) {
      canvas.setView(JSON.parse(kept) as View);
      return canvas.select([at]);
    }
    this.beginWide();
    if (!at || !canvas.model.nodes.has(at)) return;
    canvas.select([at]);
    canvas.reveal(at);
  }

  private beginWide(): void {
    const { canvas } = this;
    const box = canvas.desk.scene.bounds();
    if (box && canvas.keys.lone) {
      const place = firstStep(box, canvas.desk.viewport.width);
      return canvas.setView(canvas.desk.viewport.fitting({ x: box.x, y: box.y, w: Math.max(box.w, place.x + place.w - box.x), h: Math.max(box.h, place.y + place.h - box.y) }, 1));
    }
    if (!box || canvas.view.zoom >= WHOLE) return;
    const { width, height } = canvas.desk.viewport;
    const from = entryOf(canvas.model, canvas.catalog);
    const x = box.w * READABLE > width - 96 && from ? from.x : box.x;
    const y = box.h * READABLE > height - 96 && from ? from.y + 60 : box.y + box.h / 2;
    const top = Math.min(48, height / 8) - box.y * READABLE; // no room above what there is
    canvas.setView({ x: Math.min(64, width / 8) - x * READABLE, y: Math.min(top, height / 2 - y * READABLE), zoom: READABLE });
  }

  private listen(): void {
    const { canvas } = this;
    canvas.on("change", ({ how }) => this.changed(how === "follow"));
    canvas.on("open-inspector", ({ node, pin }) => this.settings(node, pin));
    canvas.on("peek", ({ at }) => void this.more.peek((peek) => peek.ask(at)));
    canvas.on("request-paste", ({ text, point }) => void this.more.paste(text, point));
    canvas.on("request-name", ({ node }) => void this.more.rename(node));
    canvas.on("step-in", ({ node }) => void this.running((run) => void this.more.subflows((subflows) => subflows.enter(node, run))));
    canvas.on("press", () => {
      this.side.show("node", false);
      void this.panel(() => undefined); // once more, should it not have come
    });
    canvas.on("viewport", ({ zoom }) => (this.tool("zoom-reset").textContent = `${Math.round(zoom * 100)}%`));
    canvas.on("announce", ({ text, urgent, shown }) => (shown ? toast(text, undefined, 8) : this.voice.say(text, urgent)));
    canvas.on("refuse", ({ reason, back }) => toast(reason, back && { label: `${LOOP} ${keymap.label("fix")}`, run: () => void this.more.loop(back) }, back ? 10 : 5));
    this.tool("zoom-reset").textContent = `${Math.round(canvas.view.zoom * 100)}%`;
    for (const tool of document.querySelectorAll<HTMLElement>("[data-tool]")) tool.addEventListener("click", () => this.use(tool.dataset["tool"] ?? ""));
    place("run-button").addEventListener("click", () => void this.running((run) => void run.begin(), true));
    const name = place<HTMLInputElement>("flow-name");
    name.addEventListener("input", () => canvas.apply({ op: "flow", path: "name", value: name.value }, "Rename the flow", "flow name"));
    name.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === "Escape") canvas.root.focus({ preventScroll: true });
    });
    document.addEventListener("keydown", (event) => this.key(event));
    keymap.onChange(() => this.showKeys());
    this.showKeys();
    place("side").addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.defaultPrevented) return;
      this.focusCanvas();
      event.preventDefault();
    });
    place("export").addEventListener("click", (event) => void this.export(event));
  }

  /** What is exported is what is on the canvas. */
  private async export(event: Event): Promise<void> {
    if (this.saver.isSaved) return;
    event.preventDefault();
    if (await this.saver.flush()) location.assign(place<HTMLAnchorElement>("export").href);
    else this.refuse("The flow could not be saved, so it was not exported.");
  }

  /** Give the keyboard back to the canvas: to the selected node when there is one. */
  private focusCanvas(): void {
    if (this.more.takeFocus()) return;
    const { nodes } = this.canvas.selection;
    if (nodes.length === 1) this.canvas.focusNode(nodes[0] as string);
    else this.canvas.root.focus({ preventScroll: true });
  }

  /** Where the panel takes room from the canvas, what is selected stays in view. */
  private sideChanged(): void {
    if (innerWidth >= NARROW) return;
    requestAnimationFrame(() => {
      const { nodes } = this.canvas.selection;
      if (nodes.length === 1) this.canvas.reveal(nodes[0] as string);
    });
  }

  /** Where something new goes: at the pointer, else in the middle of the view. */
  private here(): { x: number; y: number } {
    const { viewport } = this.canvas.desk;
    return viewport.toWorld(this.canvas.input.pointer ?? { x: viewport.width / 2, y: viewport.height / 2 });
  }

  private settings(node: string, pin: string | null): void {
    if (this.canvas.selection.nodes.join() !== node) this.canvas.select([node]);
    this.side.show("node");
    void this.panel((panel) => panel.focus(pin));
  }

  /** The form of the node is a part of its own, asked for at once; what is wanted of it is done when it is here. */
  private async panel(act: (panel: Inspector) => void): Promise<void> {
    this.loading ??= this.more.part(import("./later")).then((part) => part && new part.Inspector(this.canvas, this.flow));
    const panel = await this.loading;
    if (panel) act(panel);
    else this.loading = null;
  }

  /** The run tab is a part of its own too; `asked`: by a key, and what is typed next is meant for what opens. */
  private async running(act: (run: RunPane) => void, asked = false): Promise<void> {
    if (this.run) return act(this.run);
    this.bringing ??= this.more.part(import("./later")).then((part) => part && new part.RunPane(this.canvas, this.flow, this.runHooks()));
    this.run = await (asked ? keysWait(this.bringing) : this.bringing);
    if (this.run) act(this.run);
    else this.bringing = null;
  }

  private runHooks(): Hooks {
    return {
      save: () => this.saver.flush(),
      problems: (found) => this.problems.show(found),
      blocked: () => this.blocked(),
      showTab: () => this.side.show("run"),
      offerTab: () => this.side.offer("run"),
      showNode: () => this.side.show("node"),
      background: (run) => void this.panel((panel) => panel.look({ background: run, visit: 0 })),
      say: (text, urgent) => this.voice.say(text, urgent),
      line: (state) => this.line(state),
      changed: () => {
        void this.panel((panel) => panel.showRun(this.run?.isUnderWay ?? false));
        this.more.refresh();
      },
    };
  }

  /** The outline lies over the canvas, which is then out of reach of the keyboard. */
  private viewed(isOutline: boolean, isText = false): void {
    this.grid.toggleAttribute("data-outline", isOutline);
    this.grid.toggleAttribute("data-text", isText);
    this.canvas.root.inert = isOutline || (isText && innerWidth < BESIDE);
    this.tool("view").setAttribute("aria-pressed", String(isOutline || isText));
  }

  private tool(name: string): HTMLElement {
    return document.querySelector<HTMLElement>(`[data-tool="${name}"]`) as HTMLElement;
  }

  private use(tool: string): void {
    switch (tool) {
      case "add":
        return this.quick.atMiddle();
      case "palette":
        return void this.grid.toggleAttribute("data-no-palette");
      case "side":
        return this.side.open(!this.side.isOpen);
      case "note":
        return void keysWait(this.more.marks()).then((marks) => marks?.addNote(this.here()));
      case "tags":
      case "follow":
      case "rename":
        return void keysWait(this.more.tags()).then((tags) => tags?.[TAGS[tool]]());
      case "group":
        return void keysWait(this.more.marks()).then((marks) => marks?.group());
      case "tidy":
      case "curves":
      case "failure":
      case "places":
        return void this.more[tool]();
      case "collapse":
      case "expand":
      case "link":
        return void this.more.subflows((subflows) => subflows[tool]());
      case "preferences":
        return location.assign("/settings");
      case "name":
        return void this.more.name(() => this.saver.flush());
      case "versions":
      case "publish":
        return void this.saver.flush().then(() => location.assign(`${place<HTMLAnchorElement>("versions").href.replace(/versions$/, "")}${tool}`));
      case "export":
        return place("export").click();
      case "problems":
        return this.side.show("problems");
      case "tab":
        return this.voice.say(this.side.next());
      case "fix":
        if (offered()) return offered()?.click();
        return void this.problems.fixFirst((text) => {
          toast(text, undefined, 5);
          this.voice.say(text);
        });
      case "find":
        return this.more.search(false);
      case "view":
      case "view-back":
        return void this.more.cycle(tool === "view-back");
      case "go":
        return this.more.search(true);
      case "keys":
        return void this.more.keys();
      default:
        return RUN.test(tool) ? void this.running((run) => run.use(tool, this.more), true) : this.useCanvas(tool);
    }
  }

  /** What tools and commands do to the canvas alone. */
  private useCanvas(tool: string): void {
    const { canvas } = this;
    const { zoom } = canvas.view;
    switch (tool) {
      case "undo":
        return void canvas.undo();
      case "redo":
        return void canvas.redo();
      case "zoom-in":
        return canvas.zoomTo(zoom * 1.25);
      case "zoom-out":
        return canvas.zoomTo(zoom / 1.25);
      case "zoom-reset":
        return canvas.zoomTo(1);
      case "fit":
        return canvas.fit();
      case "minimap":
        canvas.minimap = !canvas.minimap;
        return this.tool("minimap").setAttribute("aria-pressed", String(canvas.minimap));
      case "next-bookmark":
        return void this.more.bookmark();
    }
  }

  private key(event: KeyboardEvent): void {
    if (event.key === "Tab" || event.key === "F6") this.canvas.root.removeAttribute("data-pointer");
    const act = event.defaultPrevented ? undefined : keymap.actOf(event);
    if (!act || !ACTS[act].page || document.querySelector("dialog[open]")) return;
    if (isTyping(event) && (!ACTS[act].writing || isLetter(chordOf(event)))) return;
    if (ACTS[act].stopped ? !this.run?.trial.stop : event.key === "Enter" && (event.target as Element).closest("button, a, summary")) return;
    event.preventDefault();
    this.use(act);
  }

  /** Tools say by which key they go, too. */
  private showKeys(): void {
    for (const tool of document.querySelectorAll<HTMLElement>("[data-tool][title]")) {
      const words = (tool.dataset["words"] ??= tool.title);
      if ((tool.dataset["tool"] ?? "") in ACTS) tool.title = keymap.hint(words, tool.dataset["tool"] as Act);
    }
    if (!this.problems.errors) place("run-button").title = keymap.hint("Run", "run");
  }

  private changed(isSaved: boolean): void {
    if (!isSaved) this.saver.touch();
    (this.tool("undo") as HTMLButtonElement).disabled = !this.canvas.canUndo;
    (this.tool("redo") as HTMLButtonElement).disabled = !this.canvas.canRedo;
    const name = place<HTMLInputElement>("flow-name");
    const now = String(this.canvas.model.flow.name ?? "");
    if (name.value !== now) name.value = now;
  }

  private async check(): Promise<void> {
    try {
      this.found(await validateFlow(this.flow, this.canvas.toJSON()));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.refuse(error.message);
    }
  }

  private found(problems: Parameters<ProblemList["show"]>[0]): void {
    this.problems.show(problems);
    void this.panel((panel) => panel.showProblems());
    this.more.refresh();
    const run = place("run-button");
    run.toggleAttribute("data-blocked", this.problems.errors > 0);
    run.title = this.problems.errors ? this.block : keymap.hint("Run", "run");
  }

  private get block(): string {
    const { errors } = this.problems;
    return `${errors} ${errors === 1 ? "error has" : "errors have"} to be mended before this flow can run.`;
  }

  /** Instead of a run that would be refused: what is wrong, and where. */
  private blocked(): boolean {
    if (!this.problems.errors) return false;
    this.side.show("problems");
    this.refuse(this.block);
    return true;
  }

  private saving(state: SaveState, words: string): void {
    const sign = place("save-state");
    sign.dataset["state"] = state;
    sign.textContent = words;
  }

  private refuse(reason: string): void {
    toast(reason, undefined, 5);
    this.voice.say(reason, true);
  }

  private line(state: LineState): void {
    const sign = place("stream-state");
    sign.dataset["state"] = state;
    sign.textContent = LINES[state];
  }
}

/** What a refusal on the page offers instead. */
function offered(): HTMLElement | undefined {
  return [...document.querySelectorAll<HTMLElement>(".toast button")].find((each) => each.textContent?.startsWith(LOOP));
}

function isTyping(event: Event): boolean {
  const [target] = event.composedPath(); // inside a code field too
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(input|select|textarea)$/i.test(target.tagName);
}
