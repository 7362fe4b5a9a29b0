// Undo and redo over Changes, and what of it the server has not heard yet. A step may go on growing
// while a drag or a burst of typing lasts: changes with the same key join it, and a change that touches
// the same places only replaces what was applied, so that a long drag stays one move to and one move
// back. Every step, undo and redo is a Command for the log on the server; what is sent is never altered.
import { applyAll, applyStep, type Change } from "./change";
import type { FlowDocument } from "./document";

export interface Step {
  readonly label: string;
  readonly changes: Change[];
  readonly undo: Change[];
  readonly key?: string;
}

/** What was done, for the log; `joins`: it goes on the step before it. */
export interface Command extends Step {
  readonly how: "do" | "undo" | "redo" | "cancel";
  readonly joins?: boolean;
}

/** A row of the log on the server. */
export interface Row {
  how: Command["how"];
  label: string;
  joins: boolean;
  changes: Change[];
  inverse: Change[];
}

interface Stacks {
  done: Step[];
  undone: Step[];
}

/** The done and undone steps of one document. */
export class History {
  private done: Step[] = [];
  private undone: Step[] = [];
  private sealed = true;
  /** Done, and not on its way to the server yet; and what is on its way. */
  private unsent: Command[] = [];
  private sending: Command[] = [];
  /** The stacks as the server knows them, and as it will when it has what is on its way. */
  private known: Stacks = { done: [], undone: [] };
  private next: Stacks = this.known;

  constructor(
    private readonly flow: FlowDocument,
    private readonly limit = 1000,
  ) {}

  get canUndo(): boolean {
    return this.done.length > 0;
  }

  get canRedo(): boolean {
    return this.undone.length > 0;
  }

  /** The number of steps done; a place to roll back to. */
  get mark(): number {
    return this.done.length;
  }

  /** Apply changes as one step, or as more of the open step when it has the same key. */
  run(changes: readonly Change[], label: string, key = ""): void {
    if (!changes.length) return;
    const step: Step = { ...applyStep(this.flow, changes), label, key };
    const last = this.done.at(-1);
    const joins = Boolean(last && key && !this.sealed && last.key === key);
    this.undone = [];
    if (joins) this.done.splice(-1, 1, grown(last as Step, step));
    else this.done.push(step);
    if (this.done.length > this.limit) this.done.shift();
    if (!joins) this.sealed = !key;
    const told = this.unsent.at(-1);
    if (joins && told?.how === "do") this.unsent.splice(-1, 1, { ...told, ...grown(told, step) });
    else this.unsent.push({ ...step, how: "do", joins });
  }

  /** Let no further change join the last step. */
  seal(): void {
    this.sealed = true;
  }

  undo(): Step | null {
    return this.take(this.done, this.undone, "undo");
  }

  redo(): Step | null {
    return this.take(this.undone, this.done, "redo");
  }

  /** Take back everything after a mark, as if it had never been. */
  rollBack(mark: number): void {
    while (this.done.length > mark) {
      const told = this.unsent.at(-1);
      if (told?.how === "do" && !told.joins) {
        this.done.pop();
        this.unsent.pop();
        applyAll(this.flow, told.undo);
      } else this.take(this.done, [], "cancel");
    }
    this.sealed = true;
  }

  /** Apply the way back of a step and lay it on the other pile. */
  private take(from: Step[], to: Step[], how: "undo" | "redo" | "cancel"): Step | null {
    const step = from.pop();
    if (!step) return null;
    this.sealed = true;
    const ahead = how === "redo" ? step.changes : step.undo;
    const { changes, undo } = applyStep(this.flow, ahead);
    const kept = how === "redo" ? { ...step, changes, undo, key: "" } : { ...step, key: "" };
    to.push(kept);
    this.unsent.push({ how, label: step.label, changes, undo });
    return kept;
  }

  // ---- the log on the server ------------------------------------------------------------------

  /** All that the server has not said to have. */
  get untold(): Command[] {
    return [...this.sending, ...this.unsent];
  }

  /** What the server does not know yet, in order; it counts as on its way until `sent` or `kept`. */
  send(): Command[] {
    this.sending = this.untold;
    this.unsent = [];
    this.next = { done: [...this.done], undone: [...this.undone] };
    return this.sending;
  }

  /** The server has what was on its way. */
  sent(): void {
    this.sending = [];
    this.known = this.next;
  }

  /** It has not: send it again with the next. */
  kept(): void {
    this.unsent = this.untold;
    this.sending = [];
  }

  /** Lay older steps under those of this page: an undo after a reload finds them. */
  under(done: readonly Step[], undone: readonly Step[]): void {
    const isFresh = !this.done.length && !this.undone.length && !this.unsent.length && !this.sending.length;
    this.done.unshift(...done);
    this.known.done.unshift(...done);
    if (this.next !== this.known) this.next.done.unshift(...done);
    if (isFresh) this.undone.push(...undone);
  }

  /** Go by the piles that the server has, when it could not follow what it was sent. */
  restart(done: readonly Step[], undone: readonly Step[]): void {
    this.done = [...done];
    this.undone = [...undone];
    this.known = this.next = { done: [...done], undone: [...undone] };
    this.sealed = true;
  }

  /** Take back what the server does not know. */
  takeBack(): void {
    for (const each of this.untold.reverse()) applyAll(this.flow, each.undo);
    this.sending = [];
    this.unsent = [];
    this.done = [...this.known.done];
    this.undone = [...this.known.undone];
    this.sealed = true;
  }

  /** Do what somebody else did, as rows of the log say. */
  follow(rows: readonly Row[]): void {
    for (const row of rows) {
      applyAll(this.flow, row.changes);
      this.fold(row, row.inverse);
    }
    this.sealed = true;
    this.known = this.next = { done: [...this.done], undone: [...this.undone] };
  }

  /** Let the piles go on by a command that has been applied. */
  private fold({ how, label, changes, joins }: Pick<Command, "how" | "label" | "changes" | "joins">, undo: Change[]): void {
    const step: Step = { label, changes, undo };
    const last = this.done.at(-1);
    if (how === "do") {
      this.undone = [];
      if (joins && last) this.done.splice(-1, 1, { ...step, changes: [...last.changes, ...changes], undo: [...undo, ...last.undo] });
      else this.done.push(step);
    } else if (how === "redo") {
      this.undone.pop();
      this.done.push(step);
    } else {
      this.done.pop();
      if (how === "undo") this.undone.push({ label, changes: undo, undo: changes });
    }
  }
}

/** A step with more of it: what only writes to the same places takes the place of what was written. */
function grown(last: Step, more: Step): Step {
  const here = places(more.changes);
  const same = here !== null && here === places(last.changes);
  return { ...more, changes: same ? more.changes : [...last.changes, ...more.changes], undo: same ? last.undo : [...more.undo, ...last.undo] };
}

/** The places that changes write to, or null when they do more than write. (To delete what was written
 * leaves the containers that were made for it, so a deletion never stands for what came before it.) */
function places(changes: readonly Change[]): string | null {
  const seen: string[] = [];
  for (const change of changes) {
    if (change.op === "move") seen.push(`move ${change.node}`);
    else if (change.op !== "set" && change.op !== "flow") return null;
    else if (change.value === undefined) return null;
    else if (change.op === "set") seen.push(`set ${change.node} ${String(change.path)}`);
    else seen.push(`flow ${String(change.path)}`);
  }
  return seen.join("\n");
}
