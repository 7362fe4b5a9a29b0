// What stands under a node: what it waits for, why it failed, what its models cost, and what is wrong with it, with
// the button that does something about it. It is filled anew whenever the node is marked.
import type { FlowCanvas } from "../canvas/flowcanvas";
import { titleOf } from "../model/geometry";
import type { NodeRun } from "../model/progress";
import { at, since } from "../pages/parts/time";
import { type Problem, worstOf } from "../view/look";
import { type NodeView, summary } from "../view/node";
import { fixOf } from "./fixes";
import { button, el } from "./parts";

const TICK_MS = 1000;

export interface FootActs {
  /** Make the attempt that is planned now. */
  now?(): void;
}

export class Feet {
  private readonly said = new WeakMap<NodeView, string>();
  private timer = 0;

  constructor(
    private readonly canvas: FlowCanvas,
    private readonly acts: FootActs = {},
  ) {
    canvas.desk.look.foot = (view) => this.show(view);
    canvas.desk.view.markAll();
  }

  private show(view: NodeView): void {
    const { look } = this.canvas.desk;
    const run = look.progress.nodes.get(view.node.id);
    const note = view.node.data.disabled === true ? "disabled" : run ? noteOf(run, view.shape.step, Date.now()) : "";
    if (run && isCounting(run)) this.timer ||= window.setTimeout(() => this.tick(), TICK_MS);
    const wrong = run ? null : this.wrongWith(view);
    const isPlanned = run?.state === "retry" && this.acts.now !== undefined;
    const key = JSON.stringify([view.node.id, note, wrong, isPlanned, look.readOnly]);
    if (this.said.get(view) === key) return;
    this.said.set(view, key);
    const foot = view.element.querySelector(".fc-foot");
    if (!note && !wrong) return foot?.remove();
    const rows = [...(note ? [this.noteRow(note, isPlanned)] : []), ...(wrong ? [this.problemRow(wrong, titleOf(view.node, view.shape))] : [])];
    if (foot) foot.replaceChildren(...rows);
    else view.element.append(el("div", "fc-foot", ...rows));
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
  if (run.error && run.state !== "retry") return run.error;
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
function usedWords({ tokens, cost }: NonNullable<NodeRun["used"]>): string {
  const words = `${tokens.toLocaleString("en")} ${tokens === 1 ? "token" : "tokens"}`;
  return cost ? `${words} · cost ${cost >= 1 ? cost.toFixed(2) : cost.toFixed(6).replace(/0+$/, "")}` : words;
}

/** What a value node gave, short: its value, or its values by name. */
function gist(outputs: NodeRun["outputs"]): string {
  const rows = Object.entries(outputs ?? {});
  if (rows.length === 1) return summary(rows[0]![1]);
  return rows.map(([pin, value]) => `${pin}: ${summary(value)}`).join(" · ");
}
