// Going through a run entry by entry, by a slider under the canvas: the canvas shows the run as it was after that
// entry, whatever comes in meanwhile; past the last one it is the run as it is now.
import type { RunStep } from "../bridge/live";
import type { FlowCanvas } from "../canvas/flowcanvas";
import { keymap, PAST_NAMES } from "../canvas/keymap";
import { isOfNode } from "./instant";
import { button, el, place, RUN_SHOWN, WATCHED } from "./parts";

export interface Story {
  /** All that was told of the run, in its order. */
  readonly steps: readonly RunStep[];
  nameOf(step: RunStep): string;
  say(text: string, urgent?: boolean): void;
  /** The run that is gone through. */
  run(): string | null;
  /** An entry is shown, from 0, told in these words; null: the run as it is now. */
  held(at: number | null, told: string): void;
  /** A new run is to begin at the entry that is shown. */
  fork(): void;
}

/** With fewer entries there is nothing to go through. */
const FEWEST = 2;
const FRAME = "is-past";

export class Scrub {
  readonly element = el("div", "scrub");
  private readonly words = el("span", "words small");
  private readonly slider = el("input", "scrub-slider");
  private readonly back: HTMLElement;
  private readonly now: HTMLElement;
  private readonly fork: HTMLElement;
  private readonly around: HTMLElement | null;
  /** The entry that is shown, from 0; null: the run as it is now. */
  private at: number | null = null;
  private frame = 0;

  constructor(
    private readonly canvas: FlowCanvas,
    private readonly story: Story,
  ) {
    this.element.hidden = true;
    this.element.setAttribute("role", "region");
    this.element.setAttribute("aria-label", "The run, entry by entry");
    this.slider.type = "range";
    this.slider.min = "1";
    this.slider.setAttribute("aria-label", "Entry of the run that is shown");
    this.slider.addEventListener("input", () => this.slide());
    this.now = button("small", "Back to now", null, () => this.leave());
    this.fork = button("small", "Fork here", "branch", () => this.story.fork());
    this.fork.title = keymap.hint(PAST_NAMES.fork, "fork");
    const [back, forward] = ways((by) => this.go(by)) as [HTMLElement, HTMLElement];
    this.back = back;
    this.element.append(back, this.slider, forward, this.words, this.fork, this.now);
    this.around = place("canvas").parentElement;
    this.around?.after(this.element);
    if (localStorage.getItem(`${WATCHED} ${place("editor").dataset["flowId"] ?? ""}`)) void import("./watching").then((part) => part.watching(canvas), () => undefined);
    document.addEventListener("keydown", (event) => this.escape(event));
    this.canvas.root.addEventListener("keydown", (event) => this.escape(event), { capture: true });
  }

  /** The entry that is shown; none where it is the run as it is now. */
  get step(): RunStep | null {
    return this.at === null ? null : (this.story.steps[this.at] ?? null);
  }

  /** Go by one entry, or to the one before or after that tells of a node. */
  go(by: 1 | -1, node?: string): void {
    const { steps, say } = this.story;
    if (!steps.length) return say("There is no run on the canvas.", true);
    const last = steps.length - 1; // after it the run is as it is now
    let next = (this.at ?? (node ? steps.length : last)) + by;
    while (node && next >= 0 && next < steps.length && !tellsOf(steps[next] as RunStep, node)) next += by;
    if (next < 0) return say(node ? "No earlier entry tells of this node." : "This is the first entry.", true);
    if (next < last || (node && next === last)) return this.show(next);
    if (this.at === null) return say("This is the run as it is now.", true);
    this.leave();
  }

  /** Where the address names an entry by its number, as that of a recording does, show the run as it was after it. */
  begin(): void {
    const url = new URL(location.href);
    const named = url.searchParams.get("entry");
    if (named === null) return;
    url.searchParams.delete("entry");
    history.replaceState(null, "", url);
    const { steps } = this.story;
    const number = Math.min(Math.max(parseInt(named, 10) || 1, 1), this.total(this.story.run()));
    const at = steps.findIndex((step) => step.run_id === this.story.run() && step.seq === number);
    if (steps.length >= FEWEST && at >= 0) this.show(at);
  }

  /** One more was told: the slider grows with it. */
  grown(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      if (this.at !== null) this.story.held(this.at, this.told());
      this.write();
    });
  }

  /** Back to the run as it is now. */
  leave(): void {
    if (this.at === null) return;
    const lost = this.now.contains(document.activeElement);
    this.draw(this.story.steps.length - 1);
    this.at = null;
    this.story.held(null, "");
    this.write();
    if (lost) this.canvas.root.focus({ preventScroll: true });
    this.story.say("The run as it is now.");
  }

  /** Another run, or none: there is nothing to come back to. */
  end(): void {
    this.at = null;
    this.write();
  }

  /** The past is what Escape leaves first on the canvas, but for a gesture or a field there. */
  private escape(event: KeyboardEvent): void {
    if (event.key !== "Escape" || event.defaultPrevented || this.at === null) return;
    if (event.target instanceof HTMLInputElement && event.target !== this.slider) return;
    if (!this.canvas.input.cancel()) this.leave();
    event.preventDefault();
    event.stopPropagation();
  }

  private slide(): void {
    const at = Number(this.slider.value) - 1;
    if (at < this.story.steps.length - 1) this.show(at);
    else this.leave();
  }

  private show(at: number): void {
    this.at = at;
    this.draw(at);
    this.story.held(at, this.told());
    const step = this.story.steps[at] as RunStep;
    this.write();
    if (step.root && step.node_id && isOfNode(step) && this.canvas.model.nodes.has(step.node_id)) this.bring(step.node_id);
    this.story.say(this.told());
  }

  /** What the strip says; it is there while a run is on the canvas. */
  private write(): void {
    const count = this.story.steps.length;
    this.element.hidden = count < FEWEST;
    const isPast = this.at !== null;
    this.slider.max = String(Math.max(count, 1));
    this.slider.value = String((this.at ?? count - 1) + 1);
    this.words.textContent = this.told();
    this.slider.setAttribute("aria-valuetext", this.words.textContent);
    this.now.hidden = this.fork.hidden = !isPast;
    (this.back as HTMLButtonElement).disabled = this.at === 0;
    this.around?.classList.toggle(FRAME, isPast);
    this.element.classList.toggle(FRAME, isPast);
    document.dispatchEvent(new CustomEvent(RUN_SHOWN));
  }

  private told(): string {
    const { steps } = this.story;
    if (this.at === null) return `Now, after ${count(this.total(this.story.run()), "entry", "entries")}`;
    const step = steps[this.at] as RunStep;
    const moment = step.ended_at ?? step.started_at;
    const clock = moment ? `At ${new Date(moment).toLocaleTimeString()} · entry` : "Entry";
    return `${clock} ${this.numbered(this.at)} · ${this.what(step)} · looking only`;
  }

  private what(step: RunStep): string {
    if (step.kind === "fork") return "the fork begins";
    if (!isOfNode(step)) return "the run is over";
    return `${this.story.nameOf(step)}, ${step.error ? "failed" : step.kind === "visit" ? "done" : step.status}`;
  }

  /** An entry by its number in the ledger of the run; one of a call, by that of the run and its own in its ledger. */
  private numbered(at: number): string {
    const { steps } = this.story;
    const step = steps[at] as RunStep;
    const run = this.story.run();
    if (step.run_id === run) return `${step.seq} of ${this.total(run)}`;
    if (step.reused) return `${step.seq} of the run that it goes on from`;
    const own = steps.slice(0, at).findLast((each) => each.run_id === run);
    return `${own?.seq ?? 0} of ${this.total(run)}, in its call ${step.seq} of ${this.total(step.run_id)}`;
  }

  /** How many entries the ledger of a run has. */
  private total(run: string | null): number {
    return this.story.steps.findLast((step) => step.run_id === run)?.seq ?? 0;
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

const count = (number: number, one: string, many: string): string => `${number} ${number === 1 ? one : many}`;

const tellsOf = (step: RunStep, node: string): boolean => step.root && step.node_id === node && isOfNode(step);

/** The two ways through the entries, for a pointer. */
function ways(go: (by: 1 | -1) => void): HTMLElement[] {
  return ([["back", -1], ["forward", 1]] as const).map(([act, by]) => {
    const way = button("quiet only small", "", act === "back" ? "back" : "chevron", () => go(by));
    way.setAttribute("aria-label", PAST_NAMES[act]);
    way.title = keymap.hint(PAST_NAMES[act], act);
    return way;
  });
}
