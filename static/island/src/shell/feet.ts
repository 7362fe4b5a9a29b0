// What stands under a node: what it waits for, why it failed, what its models cost, and what is wrong with it, with
// the button that does something about it. It is filled anew whenever the node is marked. It takes no more lines than
// there is room for over the node below; where there is none it waits until somebody is at its node.
import type { FlowCanvas } from "../canvas/flowcanvas";
import { FOOT, titleOf } from "../model/geometry";
import type { NodeRun } from "../model/progress";
import { at, since } from "../pages/parts/time";
import { type Problem, worstOf } from "../view/look";
import { type NodeView, summary } from "../view/node";
import { fixOf } from "./fixes";
import { button, el } from "./parts";

const TICK_MS = 1000;
/** After a node was moved, what stands under others may have more room or less. */
const MOVED_MS = 150;
/** Lines of a cause, and how high one is. */
const LINES = 3;
const LINE = 15;

export interface FootActs {
  /** Make the attempt that is planned now. */
  now?(): void;
  /** The instant that the canvas shows, in ms; null: it shows the run as it is now. */
  past?(): number | null;
}

export class Feet {
  private readonly said = new WeakMap<NodeView, string>();
  private timer = 0;
  private moved = 0;

  constructor(
    private readonly canvas: FlowCanvas,
    private readonly acts: FootActs = {},
  ) {
    canvas.desk.look.foot = (view) => this.show(view);
    canvas.desk.view.markAll();
    canvas.on("change", () => (this.moved ||= window.setTimeout(() => this.again(), MOVED_MS)));
  }

  private show(view: NodeView): void {
    const { look } = this.canvas.desk;
    const run = look.progress.nodes.get(view.node.id);
    const past = this.acts.past?.() ?? null;
    const note = view.node.data.disabled === true ? "disabled" : run ? noteOf(run, view.shape.step, past ?? Date.now()) : "";
    if (run && isCounting(run)) this.timer ||= window.setTimeout(() => this.tick(), TICK_MS);
    const wrong = run ? null : this.wrongWith(view);
    const isPlanned = run?.state === "retry" && this.acts.now !== undefined && past === null;
    const lines = note || wrong ? this.roomOf(view) : LINES;
    view.element.toggleAttribute("data-tight", lines === 0);
    const key = JSON.stringify([view.node.id, note, wrong, isPlanned, look.readOnly, lines]);
    if (this.said.get(view) === key) return;
    this.said.set(view, key);
    const foot = view.element.querySelector(".fc-foot");
    if (!note && !wrong) return foot?.remove();
    const rows = [...(note ? [this.noteRow(note, isPlanned)] : []), ...(wrong ? [this.problemRow(wrong, titleOf(view.node, view.shape))] : [])];
    const shown = foot ?? view.element.appendChild(el("div", "fc-foot"));
    shown.replaceChildren(...rows);
    (shown as HTMLElement).style.setProperty("--lines", String(lines || 1));
  }

  /** How many lines have room between a node and the next one below it. */
  private roomOf({ node }: NodeView): number {
    const { scene } = this.canvas.desk;
    const { x, y, w, h } = scene.box(node);
    const most = FOOT + (LINES - 1) * LINE;
    const below = scene.nodesIn({ x, y: y + h, w, h: most }).map((other) => scene.box(other)).filter((box) => box.y >= y + h && box.x < x + w && box.x + box.w > x);
    const free = Math.min(most, ...below.map((box) => box.y - y - h));
    return free < FOOT - 4 ? 0 : 1 + Math.floor(Math.max(0, free - FOOT) / LINE);
  }

  private again(): void {
    this.moved = 0;
    for (const shown of this.canvas.desk.view.near.mounted.values()) this.show(shown);
  }

  /** The worst that is wrong with a node: an error, a risk or a remark only of a node that is selected. */
  private wrongWith(view: NodeView): Problem | null {
    const { look } = this.canvas.desk;
    const problems = look.problems.get(view.node.id);
    const worst = worstOf(problems);
    if (!worst || (worst !== "error" && !look.selection.nodes.has(view.node.id))) return null;
    const found = problems?.filter(({ severity }) => severity === worst) ?? [];
    return found.find((each) => fixOf(each)) ?? found[0] ?? null;
  }

  private noteRow(note: string, isPlanned: boolean): HTMLElement {
    const words = el("span", "fc-note", note);
    words.title = note;
    const row = el("div", "fc-foot-row", words);
    if (isPlanned) row.append(this.act("Now", "Make the next attempt now", () => this.acts.now?.()));
    return row;
  }

  private problemRow(problem: Problem, title: string): HTMLElement {
    const own = `${title} (${problem.node}): `; // it stands there already
    const words = el("span", "fc-wrong-words", problem.message.startsWith(own) ? problem.message.slice(own.length) : problem.message);
    words.title = problem.message;
    const row = el("div", "fc-wrong", words);
    row.dataset["severity"] = problem.severity;
    const fix = this.canvas.desk.readOnly ? null : fixOf(problem);
    if (fix) row.append(this.act("Fix", `Fix: ${fix.label}`, () => this.canvas.apply(fix.changes, fix.label)));
    return row;
  }

  private act(name: string, words: string, act: () => void): HTMLButtonElement {
    const made = button("fc-act", name, null, act);
    made.dataset["own"] = "";
    made.tabIndex = -1; // Tab goes through what is in a node by itself
    made.title = words;
    made.setAttribute("aria-label", words);
    return made;
  }

  /** What counts down says another second. */
  private tick(): void {
    this.timer = 0;
    const { look, view } = this.canvas.desk;
    for (const [node, shown] of view.near.mounted) if (look.progress.nodes.get(node.id)?.until) this.show(shown);
  }
}

/** Whether the words of a state change with time. */
function isCounting({ state, until, waits }: NodeRun): boolean {
  return until !== undefined && (state === "retry" || (state === "waiting" && waits === "until"));
}

/** How a run stands at a node, in words. */
function noteOf(run: NodeRun, isStep: boolean, now: number): string {
  if (run.error && run.state !== "retry") return causeOf(run.error);
  switch (run.state) {
    case "retry":
      return `attempt ${run.attempt ?? 2} of ${run.attempts ?? "more"}${run.until ? ` ${soon(run.until, now)}` : " is planned"}`;
    case "waiting":
      return waitOf(run, now);
    case "stopped":
      return "stopped before it";
    case "cancelled":
      return "cancelled";
    default:
      return run.used ? usedWords(run.used) : isStep ? "" : gist(run.outputs);
  }
}

/** Why a step failed: without what the engine says before it, and how often it was tried at the end. */
export function causeOf(error: string): string {
  let tries = "1";
  const cause = error.replace(/^(?:Subworkflow '[^']*' failed: |Effect failed after (\d+) attempts: )+/, (_, count: string | undefined) => ((tries = count ?? "1"), ""));
  const told = cause.replace(/^[a-z]+(?:_[a-z]+)+: (?=.)/, "");
  return tries === "1" ? told : `${told} (${tries} attempts)`;
}

function waitOf({ waits, until, event, person }: NodeRun, now: number): string {
  const due = until ? Date.parse(until) : NaN;
  if (waits === "until") return Number.isNaN(due) ? "waits for time" : `until ${at(due, now)} · ${since(now, Math.max(now, due))}`;
  if (waits === "event") return event ? `waits for ${event}` : "waits for an event";
  if (waits === "user") return [person || "asks a person", ...(Number.isNaN(due) ? [] : [`due ${at(due, now)}`])].join(" · ");
  return "";
}

function soon(until: string, now: number): string {
  const left = Date.parse(until) - now;
  return left > 0 ? `in ${since(now, now + left)}` : "now";
}

/** What models used at a node, as the pages of runs write it. */
export function usedWords({ tokens, cost }: NonNullable<NodeRun["used"]>): string {
  const words = `${tokens.toLocaleString("en")} ${tokens === 1 ? "token" : "tokens"}`;
  return cost ? `${words} · cost ${cost >= 1 ? cost.toFixed(2) : cost.toFixed(6).replace(/0+$/, "")}` : words;
}

/** What a value node gave, short: its value, or its values by name. */
function gist(outputs: NodeRun["outputs"]): string {
  const rows = Object.entries(outputs ?? {});
  if (rows.length === 1) return summary(rows[0]![1]);
  return rows.map(([pin, value]) => `${pin}: ${summary(value)}`).join(" · ");
}
