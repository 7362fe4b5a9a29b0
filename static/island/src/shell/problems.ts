// What the server found wrong: on the canvas, in its tab, and how many of it.
import type { FlowCanvas } from "../canvas/flowcanvas";
import { keymap } from "../canvas/keymap";
import type { Problem } from "../view/look";
import { el, icon, place } from "./parts";
import { ProblemRows } from "./problemrows";

const ORDER = { error: 0, risk: 1, note: 2 } as const;

export class ProblemList {
  private readonly opener = place<HTMLButtonElement>("problems-button");
  private readonly rows: ProblemRows;
  private found: readonly Problem[] = [];

  /** `showNode` leads to the settings of a node that was opened. */
  constructor(
    private readonly canvas: FlowCanvas,
    showNode: () => void,
    showTab: () => void,
  ) {
    this.rows = new ProblemRows(canvas, showNode);
    this.opener.addEventListener("click", showTab);
  }

  get errors(): number {
    return this.found.filter((problem) => problem.severity === "error").length;
  }

  show(problems: readonly Problem[]): void {
    this.found = [...problems].sort((a, b) => ORDER[a.severity] - ORDER[b.severity]);
    this.canvas.setProblems(this.found);
    this.head();
    this.rows.show(this.found);
  }

  /** Take the first fix: of the selected nodes, else of all. */
  fixFirst(say: (text: string) => void): void {
    this.rows.fixFirst(say);
  }

  /** Why the flow cannot run; empty when it can. */
  get block(): string {
    const { errors } = this;
    return errors ? `${errors} ${errors === 1 ? "error has" : "errors have"} to be mended before this flow can run.` : "";
  }

  /** Errors are told on the button that they stop, the rest beside it. */
  private head(): void {
    const [errors, others] = [this.errors, this.found.length - this.errors];
    const run = place("run-button");
    run.toggleAttribute("data-blocked", errors > 0);
    const why = errors ? [el("span", "run-word", "Run:"), ` ${errors} ${errors === 1 ? "error" : "errors"}`] : ["Run"];
    run.replaceChildren(icon(errors ? "cross" : "play"), ...why);
    run.title = this.block || keymap.hint("Run", "run");
    this.opener.hidden = others === 0;
    this.opener.replaceChildren(icon("warn"), `${others} ${others === 1 ? "remark" : "remarks"}`);
    const tab = place("tab-problems");
    tab.textContent = this.found.length ? `Problems ${this.found.length}` : "Problems";
  }
}
