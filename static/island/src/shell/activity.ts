// The story of a run as a list: one line per visit of a node, in the order in which it happened.
import type { RunStep, Words } from "../bridge/live";
import { lastWords } from "../model/words";
import { isOfNode } from "./instant";
import { brief, el, length } from "./parts";

const SHOWN = 400;
/** So many entries before one that is looked at are listed. */
const LISTED = 200;
const WAITING = "waiting";
const WORDS: { [state: string]: string } = { running: "running", waiting: "waiting", stopped: "stopped before it", done: "done", failed: "failed", cancelled: "cancelled" };

interface Line {
  row: HTMLElement;
  state: HTMLElement;
  gist: HTMLElement;
  took: HTMLElement;
  start: string | null;
  isOpen: boolean;
}

export class Activity {
  readonly element = el("ol", "activity");
  private readonly lines = new Map<string, Line>();
  private count = 0;
  private frame = 0;

  constructor(private readonly nameOf: (step: RunStep) => string, private readonly open: (step: RunStep) => void) {}

  /** Fold a step in; records of one visit share a line. */
  take(step: RunStep): void {
    if (!isOfNode(step)) return;
    const key = `${step.run_id} ${step.node_id}`;
    let line = this.lines.get(key);
    if (!line || !line.isOpen) {
      line = this.line(step);
      this.lines.set(key, line);
    }
    this.write(line, step);
  }

  /** What a model is saying stands in the line of its call until the call is over. */
  say(words: Words): void {
    const running = [...this.lines].filter(([key, line]) => key.startsWith(`${words.run_id} `) && line.isOpen && line.row.dataset["state"] === "running");
    const line = running.at(-1)?.[1];
    if (!line) return;
    line.gist.dataset["words"] = "";
    line.gist.textContent = lastWords(words.text);
  }

  /** The run is over: what was still open ended with it. */
  close(status: string): void {
    for (const line of this.lines.values()) {
      if (!line.isOpen) continue;
      line.isOpen = false;
      if (status !== "cancelled") continue;
      line.row.dataset["state"] = "cancelled";
      line.state.title = WORDS["cancelled"] ?? "";
      line.gist.textContent = "cancelled";
    }
  }

  /** List what led to an entry, from 0, and nothing after it; null: all that there is, of a run that may have `ended`.
   * It is done with the next frame, however often it is asked till then. */
  showUpto(steps: readonly RunStep[], at: number | null, ended: string | null): void {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => {
      this.clear();
      const listed = at === null ? steps.slice(-3 * SHOWN) : steps.slice(Math.max(0, at + 1 - LISTED), at + 1);
      for (const step of listed) this.take(step);
      if (at === null && ended) this.close(ended);
      const pane = this.element.closest(".side-pane");
      if (pane && at !== null) pane.scrollTop = pane.scrollHeight; // the entry that is shown is the last
    });
  }

  clear(): void {
    cancelAnimationFrame(this.frame);
    this.lines.clear();
    this.count = 0;
    this.element.replaceChildren();
  }

  private line(step: RunStep): Line {
    const [state, gist, took] = [el("span", "act-state"), el("span", "act-gist"), el("span", "act-took")];
    const row = el("button", "act-row", state, el("span", "act-words", el("span", "act-name", this.nameOf(step)), " ", gist), took);
    row.type = "button";
    row.addEventListener("click", () => this.open(step));
    const item = el("li", step.root ? "" : "is-child", row);
    this.element.append(item);
    this.count += 1;
    if (this.count > SHOWN) this.element.firstElementChild?.remove();
    return { row: item, state, gist, took, start: step.started_at ?? null, isOpen: true };
  }

  private write(line: Line, step: RunStep): void {
    const state = stateOf(step);
    line.isOpen = step.kind !== "visit" && state !== "failed" && !(step.stop && step.kind === "resume");
    line.row.dataset["state"] = state;
    line.state.title = WORDS[state] ?? state;
    if (state !== "running" && line.gist.dataset["words"] !== undefined) {
      delete line.gist.dataset["words"];
      line.gist.textContent = "";
    }
    const outputs = Object.entries(step.outputs ?? {});
    if (step.error) line.gist.textContent = step.error;
    else if (outputs.length) line.gist.textContent = outputs.map(([pin, value]) => `${pin}: ${brief(value, 60)}`).join(" · ");
    else if (state === "waiting") line.gist.textContent = WAITING;
    else if (state === "stopped") line.gist.textContent = line.isOpen ? "stopped before it" : "stopped before it, then went on";
    else if (step.exit && step.exit !== "exec-out") line.gist.textContent = `→ ${step.exit}`;
    else if (state === "done" && line.gist.textContent === WAITING) line.gist.textContent = "";
    if (step.node_id && step.pinned?.includes(step.node_id)) line.took.textContent = line.state.title = "pinned";
    else if (step.reused) line.took.textContent = line.state.title = "reused";
    else if (line.start && step.ended_at && state !== "waiting") line.took.textContent = length(Math.max(0, Date.parse(step.ended_at) - Date.parse(line.start)));
  }
}

function stateOf(step: RunStep): string {
  if (step.stop) return "stopped";
  if (step.status === "failed" || step.error) return "failed";
  if (step.status === "waiting") return "waiting";
  if (step.status === "started" || step.kind === "resume") return "running";
  return "done";
}
