// One node on screen: a clone of its shape's template, filled from the model. Everything shown here
// can be thrown away and filled again; nothing of value lives in the DOM.
import type { Json } from "../catalog";
import type { FlowNode } from "../model/document";
import { chipRoom, type Rect, textWidth, titleOf, WIDTH_MOST } from "../model/geometry";
import type { NodeRun } from "../model/progress";
import { type Editor, type Shape, valueAt } from "../model/pins";
import { isBookmarked, isLocked } from "../model/marks";
import { chipsIn, chipsOf } from "../model/chips";
import { makeIcon } from "./element";
import { type Look, worstOf } from "./look";
import { nodeTemplate } from "./template";

export interface FieldView {
  element: HTMLElement;
  editor: Editor;
  path: readonly string[];
  preset: Json | undefined;
  pin: string | null;
}

/** Texts wider than this may not fit in their field. */
const LONG = 84;

const STATE_WORDS: { [state: string]: string } = {
  queued: "queued",
  running: "running",
  waiting: "waiting",
  retry: "another attempt is planned",
  done: "done",
  failed: "failed",
  cancelled: "cancelled",
};

const WORST_WORDS = { error: "an error", risk: "a risk", note: "a note" } as const;
const WAIT_WORDS: { [reason: string]: string } = { user: "asks a person", until: "waits for time", event: "waits for an event", subworkflow: "runs a subflow", stop: "stopped before it" };

/** The element of a node, and the parts of it that change. */
export class NodeView {
  readonly fields: FieldView[] = [];
  readonly pins: HTMLButtonElement[];
  node!: FlowNode;
  private readonly title: HTMLElement;
  private readonly time: HTMLElement;
  private readonly badge: HTMLElement;
  private readonly chips: HTMLElement;
  private readonly fold: HTMLElement | null;
  private label = "";
  private said = "";
  private more = "";
  private box: Rect = { x: NaN, y: NaN, w: 0, h: 0 };

  constructor(
    readonly element: HTMLElement,
    readonly shape: Shape,
  ) {
    this.title = part(element, ".fc-title");
    this.time = part(element, ".fc-time");
    this.badge = part(element, ".fc-badge");
    this.chips = part(element, ".fc-chips");
    this.fold = element.querySelector(".fc-fold");
    this.pins = [...element.querySelectorAll<HTMLButtonElement>(".fc-pin")];
    const elements = [...element.querySelectorAll<HTMLElement>(".fc-field")];
    const specs = [...shape.pins.filter((pin) => pin.editor && pin.row >= 0 && !pin.folded).sort((a, b) => a.row - b.row), ...(shape.field ? [shape.field] : [])];
    for (const [index, spec] of specs.entries()) {
      const pin = "id" in spec ? spec.id : null;
      this.fields.push({ element: elements[index] as HTMLElement, editor: spec.editor as Editor, path: spec.path, preset: spec.preset, pin });
    }
  }

  /** Fill everything in for a node. */
  show(node: FlowNode, look: Look): void {
    this.node = node;
    this.element.dataset.nodeId = node.id;
    this.place(look.scene.box(node));
    this.fill(look);
    this.mark(look);
  }

  place(box: Rect): void {
    if (box.x !== this.box.x || box.y !== this.box.y) this.element.style.transform = `translate(${box.x}px,${box.y}px)`;
    if (box.w !== this.box.w) this.element.style.width = `${box.w}px`;
    if (box.h !== this.box.h) this.element.style.height = `${box.h}px`;
    this.box = { ...box };
  }

  /** What the document says: title, values, wires. */
  fill(look: Look): void {
    const title = titleOf(this.node, this.shape);
    if (this.title.textContent !== title) this.title.textContent = title;
    const long = look.scene.box(this.node).w === WIDTH_MOST;
    if (long !== this.title.hasAttribute("data-long")) this.title.toggleAttribute("data-long", long);
    if (long || this.title.title) this.title.title = long ? title : "";
    this.fillChips(look, title);
    for (const pin of this.pins) {
      const at = { side: pin.dataset.side as "in" | "out", id: pin.dataset.pin as string };
      const wired = look.scene.shapes.isWired(this.node, at);
      if (wired === pin.hasAttribute("data-wired")) continue;
      pin.toggleAttribute("data-wired", wired);
      const name = (pin.getAttribute("aria-label") as string).replace(/, wired$/, "");
      pin.setAttribute("aria-label", wired ? `${name}, wired` : name);
    }
    for (const field of this.fields) this.fillField(field, look);
    if (isLocked(this.node) !== this.element.hasAttribute("data-locked")) this.element.toggleAttribute("data-locked", isLocked(this.node));
    if (isBookmarked(this.node) !== this.element.hasAttribute("data-bookmark")) this.element.toggleAttribute("data-bookmark", isBookmarked(this.node));
  }

  /** The signs of what was set for this node. */
  private fillChips(look: Look, title: string): void {
    const chips = chipsOf(this.node, this.shape.card);
    const said = chips.map((chip) => chip.words).join(", ");
    const shown = chipsIn(chips, chipRoom(title));
    const more = shown.length < chips.length ? `+${chips.length - shown.length}` : "";
    if (said === this.said && more === this.more) return;
    [this.said, this.more] = [said, more];
    this.chips.title = said;
    this.chips.replaceChildren(...shown.flatMap((chip) => [makeIcon(look.icons, chip.icon, ""), chip.text]), more);
  }

  private fillField(field: FieldView, look: Look): void {
    const { element, editor } = field;
    element.hidden = field.pin !== null && look.scene.shapes.isWired(this.node, { side: "in", id: field.pin });
    lock(element, look.readOnly);
    const expression = field.pin === null ? undefined : valueAt(this.node, ["pinExpressions", field.pin]);
    element.toggleAttribute("data-expression", typeof expression === "string");
    if (typeof expression === "string") {
      if (element !== document.activeElement || look.following) fillText(element, expression, undefined, (value) => `= ${value as string}`);
      element.title = `= ${expression}`;
      return;
    }
    const value = valueAt(this.node, field.path);
    if (element === document.activeElement && editor !== "switch" && !look.following) return;
    if (editor === "switch") (element as HTMLInputElement).checked = truth(value ?? field.preset);
    else if (editor === "choice") fillChoice(element as HTMLSelectElement, value ?? field.preset);
    else if (editor === "value") fillSummary(element, value, field.preset);
    else fillText(element, value, field.preset, editor === "free" ? freeText : plain);
    element.toggleAttribute("data-set", value !== undefined);
    element.removeAttribute("aria-invalid");
  }

  /** What lies over the document: selection, problems, a wire being drawn, the run. */
  mark(look: Look): void {
    const { element, node } = this;
    const problems = look.problems.get(node.id);
    const chosen = look.selection.nodes.has(node.id);
    if (chosen !== element.hasAttribute("data-selected")) element.toggleAttribute("data-selected", chosen);
    put(element, "problem", worstOf(problems) ?? undefined);
    put(element, "diff", look.difference?.get(node.id));
    write(this.badge, problems?.length ? String(problems.length) : "");
    this.badge.title = problems?.length ? problems.map((problem) => problem.message).join("\n") : "";
    for (const pin of this.pins) {
      const at = { node: node.id, side: pin.dataset.side as "in" | "out", pin: pin.dataset.pin as string };
      const wrong = at.side === "in" && worstOf(problems?.filter((problem) => problem.pin === at.pin));
      put(pin, "problem", wrong || undefined);
      put(pin, "can", look.wiring ? pinRole(look.wiring, at) : undefined);
    }
    if (this.fold) this.markFold(this.fold, look);
    this.markRun(look);
  }

  /** What is true of a pin that is folded away shows at the row that stands for it. */
  private markFold(row: HTMLElement, look: Look): void {
    const away = this.shape.pins.filter((pin) => pin.folded).map((pin) => ({ node: this.node.id, side: pin.side, pin: pin.id }));
    put(row, "can", look.wiring && away.some((at) => look.wiring?.test(at).ok) ? "yes" : undefined);
    put(row, "problem", worstOf(look.problems.get(this.node.id)?.filter((problem) => away.some((at) => at.pin === problem.pin))) || undefined);
  }

  /** How the run stands here. */
  markRun(look: Look): void {
    const { element, node } = this;
    const run = look.progress.nodes.get(node.id);
    const off = node.data.disabled === true;
    const idle = off || (look.running && !run && this.shape.step);
    if (idle !== element.hasAttribute("data-idle")) element.toggleAttribute("data-idle", idle);
    put(element, "state", run?.state);
    put(element, "waits", run?.waits);
    put(element, "instead", run?.instead);
    if (run?.state !== "running" && element.hasAttribute("data-turning")) element.removeAttribute("data-turning");
    write(this.time, run ? timeOf(run) : "");
    look.foot?.(this);
    const problems = look.problems.get(node.id);
    const worst = worstOf(problems);
    const count = problems?.length ?? 0;
    const wrong = worst ? `, ${count > 1 ? `${count} problems, the worst is ` : ""}${WORST_WORDS[worst]}` : "";
    const label = titleOf(node, this.shape) + (this.said && `, ${this.said}`) + (run ? `, ${run.instead ?? WAIT_WORDS[run.waits ?? ""] ?? STATE_WORDS[run.state]}` : idle && look.over && !off ? ", not taken" : "") + wrong + (look.selection.nodes.has(node.id) ? ", selected" : "");
    if (label === this.label) return;
    this.label = label;
    element.setAttribute("aria-label", label);
  }

  /** Let the sign of a running node turn. */
  turn(look: Look): void {
    const running = look.progress.nodes.get(this.node.id)?.state === "running";
    if (running !== this.element.hasAttribute("data-turning")) this.element.toggleAttribute("data-turning", running);
  }

  /** Let Tab stop at this node, or not. */
  open(stops: boolean): void {
    const index = stops ? 0 : -1;
    if (this.element.tabIndex !== index) this.element.tabIndex = index;
  }

  /** Where Tab goes inside: the node itself, its pins and its fields, in reading order. */
  stops(): HTMLElement[] {
    const inner = [...this.element.querySelectorAll<HTMLElement>("button, .fc-field")];
    return [this.element, ...inner.filter((stop) => stop.checkVisibility({ visibilityProperty: true }))];
  }

  fieldOf(element: Element): FieldView | undefined {
    return this.fields.find((field) => field.element === element);
  }
}

/** Elements kept for the next node of the same shape. */
export class NodePool {
  private readonly templates = new Map<string, HTMLElement>();
  private readonly free = new Map<string, NodeView[]>();

  take(shape: Shape, look: Look): NodeView {
    const spare = this.free.get(shape.key)?.pop();
    if (spare) return spare;
    let template = this.templates.get(shape.key);
    if (!template) {
      template = nodeTemplate(shape, look.scene.catalog, look.icons);
      this.templates.set(shape.key, template);
    }
    return new NodeView(template.cloneNode(true) as HTMLElement, shape);
  }

  give(view: NodeView): void {
    const spare = this.free.get(view.shape.key);
    if (!spare) this.free.set(view.shape.key, [view]);
    else if (spare.length < 64) spare.push(view);
  }

  clear(): void {
    this.templates.clear();
    this.free.clear();
  }
}

function part(element: HTMLElement, query: string): HTMLElement {
  return element.querySelector(query) as HTMLElement;
}

function put(element: HTMLElement, name: string, value: string | undefined): void {
  if (element.dataset[name] === value) return;
  if (value === undefined) delete element.dataset[name];
  else element.dataset[name] = value;
}

function write(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

function pinRole(wiring: NonNullable<Look["wiring"]>, at: { node: string; side: "in" | "out"; pin: string }): string {
  const { from } = wiring;
  if (from.node === at.node && from.side === at.side && from.pin === at.pin) return "from";
  return wiring.test(at).ok ? "yes" : "no";
}

function truth(value: Json | undefined): boolean {
  return typeof value === "string" ? value.toLowerCase() === "true" : Boolean(value);
}

function fillText(element: HTMLElement, value: Json | undefined, preset: Json | undefined, say: (value: Json) => string): void {
  const text = value === undefined ? "" : say(value);
  const hint = preset === undefined || preset === null ? "" : say(preset);
  write(element, text);
  put(element, "hint", hint || undefined);
  const shown = text || hint;
  const long = shown.includes("\n") || textWidth(shown, 12) > LONG;
  if (long !== element.hasAttribute("data-long")) element.toggleAttribute("data-long", long);
  if (long || element.title) element.title = long ? shown : "";
}

function lock(element: HTMLElement, locked: boolean): void {
  if (element instanceof HTMLInputElement || element instanceof HTMLSelectElement) element.disabled = locked;
  else if (element.isContentEditable === locked && element.role === "textbox") element.contentEditable = locked ? "false" : "plaintext-only";
}

function fillChoice(element: HTMLSelectElement, value: Json | undefined): void {
  const text = value === undefined ? "" : plain(value);
  const known = [...element.options].some((option) => option.value === text);
  if (!known) element.prepend(new Option(text || "–", text));
  element.value = text;
}

function fillSummary(element: HTMLElement, value: Json | undefined, preset: Json | undefined): void {
  const shown = value === undefined ? preset : value;
  write(element, shown === undefined || shown === null ? "" : summary(shown));
  element.hidden ||= !element.textContent && !element.dataset.hint;
  const label = `${element.dataset.name}: ${element.textContent || "not set"}`;
  if (element.getAttribute("aria-label") !== label) element.setAttribute("aria-label", label);
}

/** The text that `readFree` reads back as this value. */
export function freeText(value: Json): string {
  return typeof value === "string" && readFree(value) === value ? value : JSON.stringify(value);
}

/** What somebody means by a text: a number, true, false, null or other JSON, else the text itself. */
export function readFree(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

const plain = (value: Json): string => (typeof value === "string" ? value : JSON.stringify(value));

/** How many parts a list or an object has: of the short picture that a record keeps, those of the value itself. */
export function countOf(value: Json[] | { [key: string]: Json }): number {
  const { length } = Object.keys(value);
  const told = Array.isArray(value) ? value.at(-1) : value["…"];
  const more = typeof told === "string" && /^(?:… )?([\d,]+) more (?:items|keys)$/.exec(told)?.[1];
  return more ? length - 1 + Number(more.replaceAll(",", "")) : length;
}

/** A value in a few signs: `[3]`, `{2}`, or the text itself. */
export function summary(value: Json): string {
  if (Array.isArray(value)) return `[${countOf(value) || " "}]`;
  if (typeof value === "object" && value !== null) return `{${countOf(value) || " "}}`;
  return typeof value === "string" ? (value.split("\n", 1)[0] as string) || '""' : String(value);
}

/** `3× 42 ms`: how often and how long. */
export function timeOf(run: NodeRun): string {
  const times = run.visits > 1 ? `${run.visits}×` : "";
  if (run.instead) return `${times} ${run.instead}`.trim();
  const ms = run.ms;
  if (ms === undefined || ["running", "waiting", "stopped", "retry"].includes(run.state)) return times;
  const text = ms < 1 ? "< 1 ms" : ms < 1000 ? `${Math.round(ms)} ms` : ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`;
  return times ? `${times} ${text}` : text;
}
