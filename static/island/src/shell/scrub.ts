// Going through a run entry by entry: the canvas shows the run as it was after that entry, whatever comes in
// meanwhile; past the last one it is the run as it is now.
import type { RunStep } from "../bridge/live";
import type { FlowCanvas } from "../canvas/flowcanvas";
import { ACTS, keymap } from "../canvas/keymap";
import { button, el, place } from "./parts";

export interface Story {
  /** All that was told of the run, in its order. */
  readonly steps: readonly RunStep[];
  nameOf(step: RunStep): string;
  say(text: string, urgent?: boolean): void;
  /** Whether the canvas follows the run again, or stays where it is. */
  held(isHeld: boolean): void;
}

export class Scrub {
  readonly element = el("div", "scrub");
  /** The entry that is shown, from 0; null: the run as it is now. */
  private at: number | null = null;

  constructor(
    private readonly canvas: FlowCanvas,
    private readonly story: Story,
  ) {
    this.element.hidden = true;
    this.element.setAttribute("role", "region");
    this.element.setAttribute("aria-label", "An earlier entry of the run");
    place("canvas").parentElement?.before(this.element);
  }

  /** Go by one entry, or to the one before or after that tells of a node. */
  go(by: 1 | -1, node?: string): void {
    const { steps, say } = this.story;
    if (!steps.length) return say("There is no run on the canvas.", true);
    const last = steps.length - 1; // after it the run is as it is now
    let next = (this.at ?? (node ? steps.length : last)) + by;
    while (node && next >= 0 && next < steps.length && !(steps[next]?.root && steps[next]?.node_id === node)) next += by;
    if (next < 0) return say(node ? "No earlier entry tells of this node." : "This is the first entry.", true);
    if (next < last || (node && next === last)) return this.show(next);
    if (this.at === null) return say("This is the run as it is now.", true);
    this.leave();
  }

  /** Back to the run as it is now. */
  leave(): void {
    if (this.at === null) return;
    const had = this.element.contains(document.activeElement);
    this.draw(this.story.steps.length - 1);
    this.end();
    if (had) this.canvas.root.focus({ preventScroll: true });
    this.story.held(false);
    this.story.say("The run as it is now.");
  }

  /** Another run, or none: there is nothing to come back to. */
  end(): void {
    this.at = null;
    this.element.hidden = true;
  }

  private show(at: number): void {
    this.at = at;
    this.story.held(true);
    this.draw(at);
    const { steps } = this.story;
    const step = steps[at] as RunStep;
    const words = `Entry ${at + 1} of ${steps.length}: ${this.story.nameOf(step)}, ${step.error ? "failed" : step.kind === "visit" ? "done" : step.status}`;
    const held = this.element.contains(document.activeElement) ? (document.activeElement as HTMLElement).title : "";
    const now = button("small", "Back to now", null, () => this.leave());
    this.element.replaceChildren(el("span", "words small", words), ...ways((by) => this.go(by)), now);
    if (held) this.element.querySelector<HTMLElement>(`[title="${CSS.escape(held)}"]`)?.focus();
    this.element.hidden = false;
    if (step.root && step.node_id && this.canvas.model.nodes.has(step.node_id)) this.bring(step.node_id);
    this.story.say(words);
  }

  /** The node of the entry is selected and in view; the keyboard goes along when it is on the canvas. */
  private bring(node: string): void {
    if (this.canvas.root.contains(document.activeElement)) return this.canvas.focusNode(node);
    this.canvas.select([node]);
    this.canvas.reveal(node);
  }

  private draw(last: number): void {
    this.canvas.setRunState([]);
    for (const step of this.story.steps.slice(0, last + 1)) if (step.root) this.canvas.applyStep(step);
  }
}

/** The two ways through the entries, for a pointer. */
export function ways(go: (by: 1 | -1) => void): HTMLElement[] {
  return ([["back", -1], ["forward", 1]] as const).map(([act, by]) => {
    const way = button("quiet only small", "", act === "back" ? "back" : "chevron", () => go(by));
    way.setAttribute("aria-label", ACTS[act].name);
    way.title = keymap.hint(ACTS[act].name, act);
    return way;
  });
}
