// Coach marks: what a newcomer may try next, one line above the canvas, and a ring around where. The server
// sends their words and remembers which is next; here it is seen that a person has done what a mark asks for.
import { Refusal } from "../bridge/http";
import { keepMark } from "../bridge/firststeps";
import type { FlowCanvas } from "../canvas/flowcanvas";
import { type Act, ACTS, keymap } from "../canvas/keymap";
import { place } from "./parts";
import type { RunPane } from "./runner";

type Say = (text: string, urgent?: boolean, keep?: boolean) => void;

/** Where a mark points at, by the act that leads on from it. */
const SPOTS: { [act: string]: string } = {
  "run ended": "#pane-run .ask-card",
  "entry shown": ".scrub",
  "test asked": "#pane-run .run-head",
  "run forked": ".scrub",
  "step opened": "#pane-run .run-story",
  "node added": '[data-tool="add"]',
  "run began": "#run-button",
  published: "#versions",
};
const RING = "data-coach-spot";

/** `{add}` in the words of a mark is the key of that act, in brackets; nothing when it has none. */
export function keyed(words: string): string {
  return words.replace(/ ?\{([\w-]+)\}/g, (all, act: string) => {
    if (!(act in ACTS)) return all;
    const label = keymap.label(act as Act);
    return label && ` (${label})`;
  });
}

export class Coach {
  private readonly bar = place("coach");
  private readonly marks = [...this.bar.querySelectorAll<HTMLElement>("[data-until]")];
  private at = Number(this.bar.dataset["at"]);
  /** What there was when the mark began. */
  private nodes = 0;
  private begun: string | null = null;

  constructor(
    private readonly canvas: FlowCanvas,
    private readonly run: () => RunPane | null,
    private readonly say: Say,
  ) {
    this.bar.querySelector("[data-next]")?.addEventListener("click", () => this.go(this.at + 1));
    this.bar.querySelector("[data-over]")?.addEventListener("click", () => this.go(this.marks.length));
    this.bar.querySelector('[data-act="published"]')?.addEventListener("click", () => this.did("published"));
    this.bar.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      canvas.root.focus({ preventScroll: true });
      event.preventDefault();
    });
    place("pane-run").addEventListener("click", (event) => (event.target as HTMLElement).closest(".act-row") && this.did("step opened"));
    document.addEventListener("input", (event) => (event.target as HTMLElement).closest(".scrub") && this.did("entry shown"));
    document.addEventListener("keyup", () => document.querySelector(".scrub.is-past") && this.did("entry shown"));
    canvas.on("change", () => this.look());
    keymap.onChange(() => this.words());
    this.words();
    this.show();
  }

  /** Keys as they are now stand in the words. */
  private words(): void {
    for (const mark of this.marks) {
      const text = mark.lastChild as Text; // after the title
      text.data = keyed((mark.dataset["words"] ??= text.data));
    }
  }

  /** See what has been done since the mark was shown. */
  look(): void {
    const followed = this.run();
    const run = followed?.run;
    if (run && !followed.isUnderWay) this.did("run ended");
    if (run && run !== this.begun && run === followed.forked) this.did("run forked");
    if (run && run !== this.begun) this.did("run began");
    if (this.canvas.model.nodes.size > this.nodes) this.did("node added");
    this.point();
  }

  did(act: string): void {
    if (this.marks[this.at]?.dataset["until"] === act) this.go(this.at + 1);
  }

  private go(at: number): void {
    this.at = at;
    keepMark(at + 1).catch((error: unknown) => {
      if (!(error instanceof Refusal)) throw error;
      this.say(error.message, true);
    });
    this.show();
  }

  private show(): void {
    const mark = this.marks[this.at];
    const hadFocus = this.bar.contains(document.activeElement);
    const held = !mark && hadFocus;
    this.bar.hidden = !mark;
    for (const each of this.marks) each.hidden = each !== mark;
    this.nodes = this.canvas.model.nodes.size;
    this.begun = this.run()?.run ?? null;
    this.point();
    if (held) this.canvas.root.focus({ preventScroll: true });
    if (!mark) return;
    const count = `${this.at + 1} of ${this.marks.length}`;
    const isLast = this.at === this.marks.length - 1;
    (this.bar.querySelector("[data-count]") as HTMLElement).textContent = count;
    const next = this.bar.querySelector("[data-next]") as HTMLElement;
    next.textContent = isLast ? "Done" : "Next";
    (this.bar.querySelector("[data-over]") as HTMLElement).hidden = isLast;
    this.say(`First steps, ${count}: ${mark.textContent}`, false, true);
    if (hadFocus && !document.activeElement?.checkVisibility()) next.focus({ preventScroll: true });
  }

  /** Draw the ring, and offer what can be done at once. */
  private point(): void {
    const act = this.marks[this.at]?.dataset["until"] ?? "";
    const spot = document.querySelector(SPOTS[act] || "#none");
    for (const old of document.querySelectorAll(`[${RING}]`)) if (old !== spot) old.removeAttribute(RING);
    spot?.setAttribute(RING, "");
    for (const offer of this.bar.querySelectorAll<HTMLElement>("[data-act]")) {
      const isNeeded = act !== "node added" || this.canvas.model.nodes.size > 1;
      offer.hidden = offer.dataset["act"] !== act || !isNeeded;
    }
  }
}

/** Begin with the marks, or begin again: the page is loaded anew with the first. */
export async function startCoach(say: Say): Promise<void> {
  try {
    await keepMark(1);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return say(error.message, true);
  }
  location.reload();
}
