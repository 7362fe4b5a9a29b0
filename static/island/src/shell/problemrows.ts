// The rows of the problems tab: each with its place, what it means and, where there is one, its fix.
import { Refusal } from "../bridge/http";
import { loadReasons, type Reasons } from "../bridge/panel";
import type { FlowCanvas } from "../canvas/flowcanvas";
import { titleOf } from "../model/geometry";
import { type Problem, PROBLEM_SIGNS } from "../view/look";
import { fixOf } from "./fixes";
import { button, el, icon, place } from "./parts";

export class ProblemRows {
  private readonly pane = place("pane-problems");
  private found: readonly Problem[] = [];
  private reasons: Promise<Reasons> | null = null;

  constructor(
    private readonly canvas: FlowCanvas,
    private readonly showNode: () => void,
  ) {}

  show(found: readonly Problem[]): void {
    this.found = found;
    if (!found.length) {
      this.pane.replaceChildren(el("div", "pane-empty", icon("check"), el("h3", "", "No problems"), el("p", "", "This flow can run.")));
      return;
    }
    this.pane.replaceChildren(el("ul", "problem-list", ...found.slice(0, 300).map((problem) => this.row(problem))));
  }

  private row(problem: Problem): HTMLElement {
    const node = problem.node ? this.canvas.model.nodes.get(problem.node) : undefined;
    const where = node ? titleOf(node, this.canvas.desk.scene.shapes.of(node)) : (problem.node ?? "The flow");
    const place = el("span", "small muted", problem.pin ? `${where} · ${problem.pin}` : where);
    const sign = el("span", "sev", icon(PROBLEM_SIGNS[problem.severity]), el("span", "unseen", problem.severity));
    sign.dataset["severity"] = problem.severity;
    const words = el("button", "problem-words", el("span", "", problem.message), place);
    words.type = "button";
    words.addEventListener("click", () => this.open(problem));
    const row = el("li", "problem", sign, words);
    row.dataset["code"] = problem.code;
    const fix = fixOf(problem);
    if (fix) row.append(button("small", fix.label, null, () => this.canvas.apply(fix.changes, fix.label)));
    row.append(this.why(problem.code, node?.type));
    return row;
  }

  /** What the code means and what to do, asked of the server when somebody wants to know. */
  private why(code: string, type = ""): HTMLElement {
    const fold = el("details", "problem-why", el("summary", "small", "Why?"));
    fold.addEventListener("toggle", () => {
      if (fold.open) this.tell(fold, code, type);
    });
    return fold;
  }

  /** Fill the fold: of the many rows of a long list nearly none is opened. */
  private tell(fold: HTMLElement, code: string, type: string): void {
    const words = el("p", "small", "…");
    const card = this.canvas.catalog.card(type);
    const about = card ? [" · ", el("a", "small", `About ${card.label}`)] : [];
    for (const each of about) if (each instanceof HTMLAnchorElement) each.href = `/nodes/${encodeURIComponent(type)}`;
    fold.replaceChildren(fold.firstElementChild as Element, words, el("code", "tiny muted", code), ...about);
    (this.reasons ??= loadReasons()).then(
      (reasons) => (words.textContent = reasons[code] ? `${capital(reasons[code].means)}. What to do: ${reasons[code].do}.` : "The sentence above says all of it."),
      (error: unknown) => {
        this.reasons = null;
        words.textContent = error instanceof Refusal ? error.message : String(error);
      },
    );
  }

  /** Take the first fix: of the selected nodes, else of all. Says what was done and how many problems have no fix. */
  fixFirst(say: (text: string) => void): void {
    const { nodes } = this.canvas.selection;
    const among = nodes.length ? this.found.filter((problem) => problem.node && nodes.includes(problem.node)) : this.found;
    const problem = among.find((each) => fixOf(each));
    const fix = problem && fixOf(problem);
    if (!problem || !fix) return say(among.length ? "What is wrong here has no fix that needs no question." : "Nothing is wrong here.");
    this.canvas.apply(fix.changes, fix.label);
    say(`${fix.label}: ${problem.message}`);
  }

  private open(problem: Problem): void {
    if (!problem.node || !this.canvas.model.nodes.has(problem.node)) return;
    this.canvas.focusNode(problem.node);
    this.showNode();
  }
}

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
