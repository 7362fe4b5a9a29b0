// What the server found wrong: on the canvas, in its tab, and how many of it.
import type { FlowCanvas } from "../canvas/flowcanvas";
import type { Problem } from "../view/look";
import { icon, place } from "./parts";
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

  private head(): void {
    const [errors, others] = [this.errors, this.found.length - this.errors];
    this.opener.hidden = this.found.length === 0;
    this.opener.dataset["worst"] = errors ? "error" : "risk";
    const count = errors || others;
    const word = errors ? (errors === 1 ? "error" : "errors") : others === 1 ? "remark" : "remarks";
    this.opener.replaceChildren(icon(errors ? "cross" : "warn"), `${count} ${word}`);
    const tab = place("tab-problems");
    tab.textContent = this.found.length ? `Problems ${this.found.length}` : "Problems";
  }
}
