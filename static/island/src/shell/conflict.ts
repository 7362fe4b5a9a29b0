// Two tabs or two people changed one flow. What only one of them changed is merged per node and field; where
// both changed the same place, both values are shown side by side and a person chooses. Nothing is lost:
// theirs is one undo away, and what mine was before a choice is kept among the versions.
import { type Clash, type Merge, mergeFlow } from "../bridge/merge";
import { Refusal } from "../bridge/http";
import type { FlowCanvas } from "../canvas/flowcanvas";
import type { JsonObject } from "../model/json";
import { brief, button, el, icon, place } from "./parts";

interface Hooks {
  /** Go on from a revision; `isChanged`: what is on the canvas still has to be saved. */
  goOn(revision: string, isChanged: boolean): void;
  say(text: string, urgent?: boolean): void;
}

type Choices = { [clash: string]: "mine" | "theirs" };
/** What is to be merged: a document and what it was made from; `back`: it is on the canvas, unsaved. */
interface Mine {
  base: string;
  read(): JsonObject;
  isOnCanvas: boolean;
  done(): void;
}

const AGAIN_MS = 2000;

export class Conflict {
  private readonly bar = place("conflict");
  private readonly flow = place("editor").dataset["flowId"] ?? "";

  constructor(
    private readonly canvas: FlowCanvas,
    private readonly hooks: Hooks,
  ) {}

  /** Somebody else saved first, while this page had changes made from `base`. */
  offer(theirs: JsonObject, revision: string, base: string): void {
    const mine: Mine = { base, read: () => this.canvas.toJSON(), isOnCanvas: true, done: () => undefined };
    void this.merge(mine, {}, () => this.offerWhole(theirs, revision));
  }

  /** What an earlier page could not save, when somebody has saved since. The canvas shows theirs. */
  offerDraft(draft: JsonObject, base: string, drop: () => void): void {
    const use = (): void => {
      this.canvas.bring(draft, "Bring back unsaved changes");
      this.close();
    };
    const mine: Mine = { base, read: () => draft, isOnCanvas: false, done: drop };
    const leave = (): void => {
      drop();
      this.close();
    };
    const acts = [
      button("small primary", "Bring them in", null, () => void this.merge(mine, {}, use)),
      button("small", "Drop them", null, leave),
    ];
    this.ask("Changes made here earlier could not be saved.", "The flow was changed since. Bring them in beside what is here (Undo takes that back), or drop them.", [], acts);
  }

  private async merge(mine: Mine, choices: Choices, otherwise: () => void): Promise<void> {
    let found: Merge;
    try {
      found = await mergeFlow(this.flow, mine.base, mine.read(), choices);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.status === 0 || error.status >= 500) setTimeout(() => void this.merge(mine, choices, otherwise), AGAIN_MS);
      else otherwise();
      return;
    }
    if (found.clashes.length) this.choose(found.clashes, mine, otherwise);
    else this.take(found, mine);
  }

  private take(found: Merge, mine: Mine): void {
    const { canvas } = this;
    if (mine.isOnCanvas) {
      canvas.desk.follow((history) => {
        history.takeBack();
        history.follow(found.edits);
      });
      this.hooks.goOn(found.revision, found.changes.length > 0);
    }
    mine.done();
    if (found.changes.length) canvas.apply(found.changes, mine.isOnCanvas ? "My changes, merged with theirs" : "Bring back unsaved changes");
    this.close();
    this.hooks.say("Merged with what was changed elsewhere. Undo shows only theirs.");
  }

  /** Both values of each place that both changed, side by side; mine until theirs is chosen. */
  private choose(clashes: readonly Clash[], mine: Mine, otherwise: () => void): void {
    const rows = clashes.map((clash, index) => side(clash, index));
    const pick = (word: "mine" | "theirs"): void => {
      for (const row of rows) row.element.querySelector<HTMLInputElement>(`[value=${word}]`)?.click();
    };
    const merge = (): void => {
      const choices = Object.fromEntries(rows.map(({ clash, element }): [string, "mine" | "theirs"] => [clash.id, element.querySelector<HTMLInputElement>("[value=theirs]")?.checked ? "theirs" : "mine"]));
      void this.merge(mine, choices, otherwise);
    };
    const acts = [button("small primary", "Merge", null, merge), button("small", "All mine", null, () => pick("mine")), button("small", "All theirs", null, () => pick("theirs"))];
    const count = clashes.length === 1 ? "One place was" : `${clashes.length} places were`;
    this.ask(`${count} changed here and elsewhere.`, "All else is merged. Choose what stands; what is not chosen stays among the versions.", rows.map(({ element }) => element), acts);
  }

  /** The log does not reach back to what both began with: one version or the other, an undo apart. */
  private offerWhole(theirs: JsonObject, revision: string): void {
    const { canvas } = this;
    const over = (isChanged: boolean): void => {
      this.hooks.goOn(revision, isChanged);
      this.close();
    };
    const base = (): void => canvas.desk.follow((history) => {
      history.takeBack();
      history.follow([{ how: "do", label: "", joins: false, changes: [{ op: "whole", document: theirs }], inverse: [] }]);
      history.restart([], []);
    });
    const mine = canvas.toJSON();
    const keep = (): void => {
      base();
      canvas.bring(mine, "Keep my version");
      over(true);
    };
    const take = (): void => {
      base();
      canvas.bring(mine, "Keep my version");
      canvas.undo();
      over(true);
    };
    this.ask("This flow was also changed elsewhere.", "Your last changes are not saved. Keep one version; Undo or Redo brings the other one back.", [], [button("small primary", "Keep mine", null, keep), button("small", "Take theirs", null, take)]);
  }

  private ask(what: string, more: string, rows: HTMLElement[], acts: HTMLElement[]): void {
    const words = el("div", "conflict-words", el("p", "", el("strong", "", what), ` ${more}`), ...rows);
    this.bar.replaceChildren(icon("warn"), words, el("div", "acts", ...acts));
    this.bar.hidden = false;
    this.hooks.say(`${what} ${more}`, true);
  }

  private close(): void {
    const held = this.bar.contains(document.activeElement);
    this.bar.hidden = true;
    this.bar.replaceChildren();
    if (held) this.canvas.root.focus({ preventScroll: true });
  }
}

function side(clash: Clash, index: number): { clash: Clash; element: HTMLElement } {
  const option = (word: "mine" | "theirs", label: string, value: unknown, has: boolean): HTMLElement => {
    const input = el("input", "");
    input.type = "radio";
    input.name = `clash-${index}`;
    input.value = word;
    input.checked = word === "mine";
    const said = !has ? "removed" : clash.field === "the node" ? "kept, with changes" : brief(value, 400) || "empty text";
    return el("label", "conflict-side", input, el("span", "", el("strong", "", label), el("span", "conflict-value", said)));
  };
  const element = el("fieldset", "conflict-row", el("legend", "", `${clash.title}: ${clash.field}`), option("mine", "Mine", clash.mine, clash.has_mine), option("theirs", "Theirs", clash.theirs, clash.has_theirs));
  return { clash, element };
}
