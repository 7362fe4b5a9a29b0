// The run tab while an earlier entry is looked at: how the run stood then, what it asked, and what it had used by then.
import type { Prompt, RunEnd, RunStep } from "../bridge/live";
import type { FlowCanvas } from "../canvas/flowcanvas";
import type { Used } from "../model/progress";
import { button, el, icon } from "./parts";
import { chipOf } from "./runstates";

/** A question as it was told: before which entry, from 0, and whether it was opened or closed there. */
export interface Asked {
  readonly before: number;
  readonly prompt: Prompt;
}

export interface Story {
  readonly steps: readonly RunStep[];
  readonly asked: readonly Asked[];
  readonly ended: RunEnd | null;
  /** How many questions are open now. */
  readonly open: number;
}

/** Entries that tell of no node: a run's end, its last word, a fork's beginning. */
export const isOfNode = ({ node_id, kind }: RunStep): boolean => Boolean(node_id) && !/^(status|end|fork)$/.test(kind);

export class InstantPane {
  readonly element = el("section", "run-instant");

  constructor(
    private readonly canvas: FlowCanvas,
    private readonly story: () => Story,
    private readonly usedWords: (used: Used) => string,
    private readonly leave: () => void,
  ) {
    this.element.hidden = true;
    this.element.setAttribute("aria-label", "The run at the instant shown");
  }

  /** Show the run as it was after an entry, from 0; `told`: the entry in words. null: it is shown as it is now. */
  show(at: number | null, told: string): void {
    this.element.hidden = at === null;
    if (at === null) return this.element.replaceChildren();
    const story = this.story();
    const [status, waits] = this.standing(at, story);
    const used = usedBy(story.steps, at);
    const back = button("small", "Back to now", null, this.leave);
    this.element.replaceChildren(
      el("div", "run-instant-head", chipOf(status, waits), el("span", "spacer"), back),
      el("p", "small run-instant-told", icon("clock"), told),
      el("p", "small muted", used.tokens || used.cost ? `Used by then: ${this.usedWords(used)}` : "No model was called by then."),
      ...openAt(story.asked, at).map(question),
      ...(story.open ? [el("p", "note info", el("span", "words", "The run asks something now: go back to now to answer it."))] : []),
    );
  }

  /** How the run stood: how it ended, once none of its nodes comes any more; else what its nodes were at. */
  private standing(at: number, { steps, ended }: Story): [status: string, waits: string] {
    if (ended && !steps.some((step, place) => place > at && step.root && isOfNode(step))) return [ended.status, ""];
    const nodes = [...this.canvas.desk.look.progress.nodes.values()];
    if (nodes.some(({ state }) => state === "stopped")) return ["stopped", ""];
    if (nodes.some(({ state }) => state === "running")) return ["running", ""];
    const waiting = nodes.find(({ state }) => state === "waiting" || state === "retry");
    return waiting ? ["waiting", waiting.waits ?? "until"] : ["running", ""];
  }
}

/** What models had used in the run itself and in what it called. */
export function usedBy(steps: readonly RunStep[], at: number): Used {
  const sum = { tokens: 0, cost: 0 };
  for (let place = 0; place <= at; place++) {
    const step = steps[place];
    if (!step?.used || step.reused) continue;
    sum.tokens += step.used.tokens;
    sum.cost += step.used.cost;
  }
  return sum;
}

/** The questions that were open after an entry. */
export function openAt(asked: readonly Asked[], at: number): Prompt[] {
  const last = new Map<string, Prompt>();
  for (const { before, prompt } of asked) if (before <= at) last.set(prompt.run_id, prompt);
  return [...last.values()].filter(({ open }) => open);
}

function question(prompt: Prompt): HTMLElement {
  const head = el("p", "ask-head small", icon(prompt.stop ? "breakpoint" : "person"), prompt.stop ? "It was stopped here" : "The run asked then");
  return el("section", "ask-card", head, el("p", "ask-words", prompt.prompt || "A question without words"));
}
