// The editor: the canvas and what stands around it, handed to each other. One place decides what a key
// or a tool does; saving, checking and following a run go on by themselves.
import { dropDraft, findDraft, type Found } from "../bridge/draft";
import { loadCatalog, loadFlow, Refusal, validateFlow } from "../bridge/http";
import type { LineState } from "../bridge/live";
import { Saver, type SaveState } from "../bridge/saver";
import { Fields } from "../canvas/fields";
import { FlowCanvas } from "../canvas/flowcanvas";
import { type Act, ACTS, chordOf, isLetter, keymap } from "../canvas/keymap";
import { Catalog } from "../catalog";
import { toast } from "../pages/parts/toast";
import { PAUSED } from "../pages/parts/updates";
import { entryOf } from "../model/entry";
import type { View } from "../view/viewport";
import type { JsonObject } from "../model/json";
import { keysWait } from "./kept";
import type { Host, More } from "./more";
import { firstStep, place, useIcons } from "./parts";
import { Side } from "./side";
import { Voice } from "./voice";

const LINES: { [state in LineState]: string } = { live: "Live", "catching-up": "Catching up…", offline: "Offline: trying again", paused: PAUSED, over: "" };
const NARROW = 900;
const ROOMY = 1200; // from here the panel stands beside the canvas (editor.css)
const ABSENT = "This part of the editor cannot be loaded: the server cannot be reached.";
const BESIDE = 1100; // from here the text stands beside the canvas
const READABLE = 0.7;
const WHOLE = 0.59; // a flow that fits at this is shown whole

export class Editor implements Host {
  readonly canvas: FlowCanvas;
  readonly flow: string;
  readonly side = new Side(() => this.sideChanged());
  readonly voice = new Voice();
  readonly saver: Saver;
  private readonly grid = place("editor");
  private more: More | null = null;
  private coming: Promise<More | null> | null = null;

  static async open(): Promise<Editor> {
    const grid = place("editor");
    useIcons(grid.dataset["icons"] ?? "");
    const [body, loaded] = await Promise.all([loadCatalog(), loadFlow(grid.dataset["flowId"] ?? "")]);
    return new Editor(new Catalog(body), loaded.document, loaded.revision);
  }

  private constructor(catalog: Catalog, document: JsonObject, revision: string) {
    this.flow = this.grid.dataset["flowId"] ?? "";
    if (innerWidth < ROOMY) this.side.open(false); // before the canvas measures its room
    this.canvas = new FlowCanvas(place("canvas"), catalog, { icons: this.grid.dataset["icons"] ?? "", fields: Fields, label: "Flow" });
    const draft = findDraft(this.flow, document, revision);
    this.canvas.load(document);
    this.begin();
    this.saver = new Saver(this.flow, revision, {
      read: () => this.canvas.toJSON(),
      history: () => this.canvas.desk.history,
      state: (state, words) => this.saving(state, words),
      problems: (found) => void this.have((more) => more.found(found)),
      conflict: (theirs, newer, base) => void this.have((more) => void more.conflict((conflict) => conflict.offer(theirs, newer, base))),
    });
    this.listen();
    this.takeUp(draft);
    void this.have(() => undefined);
    if (innerWidth < NARROW) void this.have((more) => void more.view(true, false));
    void this.check();
    this.canvas.root.toggleAttribute("data-pointer", true);
    this.canvas.root.focus({ preventScroll: true });
  }

  /** Most of what the editor can do comes just after its start; `asked`: by a key, and what is typed next is meant for
   * what opens. */
  private async have(act: (more: More) => void, asked = false): Promise<void> {
    if (this.more) return act(this.more);
    this.coming ??= this.load();
    const more = await (asked ? keysWait(this.coming) : this.coming);
    if (more) act(more);
    else this.coming = null;
  }

  private async load(): Promise<More | null> {
    const part = await import("./later").catch(() => null);
    if (!part) this.refuse(ABSENT);
    return (this.more = part && new part.More(this));
  }

  /** What an earlier page could not save: done again on top of what the server has. */
  private takeUp(draft: Found): void {
    if (draft.kind === "newer") {
      for (const { changes, label } of draft.commands) this.canvas.apply(changes, label);
      this.canvas.bring(draft.document, "Bring back unsaved changes");
      this.saver.takeUp(draft.document);
    } else if (draft.kind === "apart") {
      void this.have((more) => void more.conflict((conflict) => conflict.offerDraft(draft.document, draft.revision, () => dropDraft(this.flow))));
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
    canvas.on("request-add", (wish) => void this.have((more) => more.quick.add(wish), true));
    canvas.on("request-wire", (wish) => void this.have((more) => more.quick.wire(wish), true));
    canvas.on("request-paste", ({ text, point }) => void this.have((more) => void more.paste(text, point), true));
    canvas.on("request-name", ({ node }) => void this.have((more) => more.rename(node), true));
    canvas.on("peek", ({ at }) => void this.have((more) => more.peek.ask(at)));
    canvas.on("step-in", ({ node }) => void this.have((more) => void more.enter(node)));
    canvas.on("menu", (spot) => void this.have((more) => void more.menu(spot)));
    canvas.on("select", () => canvas.root.hasAttribute("data-touch") && void this.have((more) => void more.touched()));
    canvas.on("press", () => {
      this.side.show("node", false);
      void this.have(() => undefined); // once more, should it not have come
    });
    canvas.on("viewport", ({ zoom }) => (this.tool("zoom-reset").textContent = `${Math.round(zoom * 100)}%`));
    canvas.on("announce", ({ text, urgent, shown }) => (shown ? toast(text, undefined, 8) : this.voice.say(text, urgent)));
    canvas.on("refuse", ({ reason, back }) => (back ? void this.have((more) => more.offer(reason, back)) : toast(reason, undefined, 5)));
    this.tool("zoom-reset").textContent = `${Math.round(canvas.view.zoom * 100)}%`;
    for (const tool of document.querySelectorAll<HTMLElement>("[data-tool]")) tool.addEventListener("click", () => this.use(tool.dataset["tool"] ?? ""));
    place("run-button").addEventListener("click", () => void this.have((more) => void more.running((run) => run.begin(), true), true));
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
  focusCanvas(): void {
    if (this.more?.takeFocus()) return;
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

  settings(node: string, pin: string | null): void {
    if (this.canvas.selection.nodes.join() !== node) this.canvas.select([node]);
    this.side.show("node");
    void this.have((more) => more.panel.focus(pin));
  }

  /** The outline lies over the canvas, which is then out of reach of the keyboard. */
  viewed(isOutline: boolean, isText = false): void {
    this.grid.toggleAttribute("data-outline", isOutline);
    this.grid.toggleAttribute("data-text", isText);
    this.canvas.root.inert = isOutline || (isText && innerWidth < BESIDE);
    this.tool("view").setAttribute("aria-pressed", String(isOutline || isText));
  }

  private tool(name: string): HTMLElement {
    return document.querySelector<HTMLElement>(`[data-tool="${name}"]`) as HTMLElement;
  }

  /** What tools and commands do: to the canvas alone here, all else in `More`. */
  use(tool: string): void {
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
      case "palette":
        return void this.grid.toggleAttribute("data-no-palette");
      case "side":
        return this.side.open(!this.side.isOpen);
      default:
        return void this.have((more) => more.use(tool), true);
    }
  }

  private key(event: KeyboardEvent): void {
    if (event.key === "Tab" || event.key === "F6") this.canvas.root.removeAttribute("data-pointer");
    const act = event.defaultPrevented ? undefined : keymap.actOf(event);
    if (!act || !ACTS[act].page || document.querySelector("dialog[open]")) return;
    if (isTyping(event) && (!ACTS[act].writing || isLetter(chordOf(event)))) return;
    if (ACTS[act].stopped ? !this.more?.run?.trial.stop : event.key === "Enter" && (event.target as Element).closest("button, a, summary")) return;
    event.preventDefault();
    this.use(act);
  }

  /** Tools say by which key they go, too. */
  private showKeys(): void {
    for (const tool of document.querySelectorAll<HTMLElement>("[data-tool][title]")) {
      const words = (tool.dataset["words"] ??= tool.title);
      if ((tool.dataset["tool"] ?? "") in ACTS) tool.title = keymap.hint(words, tool.dataset["tool"] as Act);
    }
    if (!place("run-button").hasAttribute("data-blocked")) place("run-button").title = keymap.hint("Run", "run");
  }

  private changed(isSaved: boolean): void {
    if (!isSaved) this.saver.touch();
    (this.tool("undo") as HTMLButtonElement).disabled = !this.canvas.canUndo;
    (this.tool("redo") as HTMLButtonElement).disabled = !this.canvas.canRedo;
    const name = place<HTMLInputElement>("flow-name");
    const now = String(this.canvas.model.flow.name ?? "");
    if (name.value !== now) name.value = now;
  }

  /** Ask what is wrong with the flow as it stands. */
  async check(): Promise<void> {
    try {
      const found = await validateFlow(this.flow, this.canvas.toJSON());
      void this.have((more) => more.found(found));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.refuse(error.message);
    }
  }

  private saving(state: SaveState, words: string): void {
    const sign = place("save-state");
    sign.dataset["state"] = state;
    sign.ariaLive = /saving|unsaved/.test(state) ? "off" : "polite"; // every change is saved: that alone is said
    sign.textContent = words;
  }

  refuse(reason: string): void {
    toast(reason, undefined, 5);
    this.voice.say(reason, true);
  }

  line(state: LineState): void {
    const sign = place("stream-state");
    sign.dataset["state"] = state;
    sign.textContent = LINES[state];
  }
}

function isTyping(event: Event): boolean {
  const [target] = event.composedPath(); // inside a code field too
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(input|select|textarea)$/i.test(target.tagName);
}
