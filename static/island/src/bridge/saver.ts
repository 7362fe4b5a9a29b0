// Saving is not something a person does. Every change is sent a moment later with the revision it was
// made from and the commands that led to it; what could not be sent is kept and tried again; what
// somebody else changed meanwhile is never overwritten unasked.
import type { Command, History } from "../model/history";
import type { JsonObject } from "../model/json";
import { same } from "../model/json";
import type { Problem } from "../view/look";
import { dropDraft, keepDraft } from "./draft";
import { Refusal, type Saved, saveFlow } from "./http";

export type SaveState = "saved" | "unsaved" | "saving" | "offline" | "conflict" | "refused";

interface Hooks {
  read(): JsonObject;
  history(): History;
  state(state: SaveState, words: string): void;
  problems(problems: Problem[]): void;
  /** Somebody else saved first: their document and its revision, and what ours was made from. */
  conflict(theirs: JsonObject, revision: string, base: string): void;
}

const REST_MS = 400;
const RETRY_MS = 2000;

export class Saver {
  private timer = 0;
  private isDirty = false;
  private sending: Promise<void> | null = null;
  private isHeld = false;
  /** The document on its way to the server, and the commands with it. */
  private sent: JsonObject | null = null;
  private commands: readonly Command[] = [];
  /** What an earlier page sent while it went away. */
  private before: JsonObject | null = null;
  /** The newest row of the log that this page has written, and its first one. */
  seq = 0;
  first: number | null = null;
  /** Who wants to know of every save. */
  told: (answer: Saved, commands: readonly Command[]) => void = () => undefined;

  constructor(
    private readonly flow: string,
    public revision: string,
    private readonly hooks: Hooks,
  ) {
    addEventListener("pagehide", () => this.leave());
    addEventListener("beforeunload", (event) => {
      if (this.isDirty && this.isHeld) event.preventDefault();
    });
  }

  get isSaved(): boolean {
    return !this.isDirty && !this.sending;
  }

  /** Say that the document has changed. */
  touch(): void {
    this.isDirty = true;
    if (this.isHeld) return;
    this.hooks.state("unsaved", "Editing…");
    this.plan(REST_MS);
  }

  /** Save what is not saved yet, now; false when it could not be saved. */
  async flush(): Promise<boolean> {
    clearTimeout(this.timer);
    while (this.sending) await this.sending;
    if (this.isDirty && !this.isHeld) {
      this.sending = this.send().finally(() => (this.sending = null));
      await this.sending;
    }
    return !this.isDirty;
  }

  /** After a conflict: go on from this revision, with the page's document or with theirs. */
  goOn(revision: string, isChanged: boolean): void {
    this.revision = revision;
    this.isHeld = false;
    this.isDirty = isChanged;
    if (isChanged) this.touch();
    else this.hooks.state("saved", "Saved");
  }

  private plan(ms: number): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.flush(), ms);
  }

  private async send(): Promise<void> {
    this.isDirty = false;
    this.hooks.state("saving", "Saving…");
    const history = this.hooks.history();
    try {
      this.sent = this.hooks.read();
      this.commands = history.send();
      const answer = await saveFlow(this.flow, this.sent, this.commands, this.revision);
      history.sent();
      this.arrived(answer);
      this.hooks.problems(answer.problems);
      if (this.isDirty) return;
      dropDraft(this.flow);
      this.hooks.state("saved", "Saved");
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.isDirty = true;
      this.refused(error, history);
    }
  }

  private arrived(answer: Saved): void {
    this.revision = answer.revision;
    this.seq = answer.seq;
    if (this.commands.length) this.first ??= answer.seq - this.commands.length + 1;
    this.told(answer, this.commands);
  }

  /** The page shows what somebody else has saved. */
  follow(revision: string): void {
    this.revision = revision;
    this.hooks.state("saved", "Saved");
  }

  private refused(error: Refusal, history: History): void {
    const theirs = error.status === 412 ? (error.body.document as JsonObject | undefined) : undefined;
    const revision = String(error.body.revision ?? "");
    const isOurs = theirs && this.sent !== null && same(theirs, this.sent);
    if (isOurs) history.sent(); // it did arrive, only the answer did not
    else history.kept();
    if (isOurs || (theirs && this.before && same(theirs, this.before))) {
      this.revision = revision;
      this.before = null;
      this.plan(0);
    } else if (theirs) {
      this.isHeld = true;
      this.hooks.state("conflict", "Changed elsewhere");
      this.hooks.conflict(theirs, revision, this.revision);
    } else if (error.status === 0 || error.status >= 500) {
      this.keep();
      this.hooks.state("offline", "Not saved: trying again");
      this.plan(RETRY_MS);
    } else {
      this.hooks.state("refused", error.message);
    }
  }

  /** Go on from a document that an earlier page had kept; its last save may still be under way. */
  takeUp(document: JsonObject): void {
    this.before = document;
    this.touch();
  }

  /** A page that was only hidden goes on: what was sent while it left is saved. */
  private acknowledge(answer: Saved, said: JsonObject): void {
    this.hooks.history().sent();
    this.arrived(answer);
    if (!same(said, this.hooks.read())) return this.touch();
    dropDraft(this.flow);
    this.goOn(answer.revision, false);
  }

  private keep(): void {
    const history = this.hooks.history();
    const sent = this.sending ? this.sent : null;
    const told = { commands: history.untold, sending: sent ? this.commands.length : 0 };
    keepDraft(this.flow, { revision: this.revision, document: this.hooks.read(), sent, ...told });
  }

  /** The page goes away: keep what is not acknowledged, and send it without waiting for the answer. */
  private leave(): void {
    if (this.isSaved) return;
    this.keep();
    if (!this.isDirty || this.isHeld) return;
    const [said, history] = [this.hooks.read(), this.hooks.history()];
    this.sent = said;
    this.commands = history.send();
    const last = saveFlow(this.flow, said, this.commands, this.revision, true);
    const again = (): void => {
      history.kept();
      this.plan(RETRY_MS);
    };
    last.then((answer) => this.acknowledge(answer, said)).catch(again);
  }
}
