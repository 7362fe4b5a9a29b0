// The page and the edit log of the server: after a reload the earlier steps come back under those of this
// page, and a page without changes of its own follows what other tabs and people save.
import { loadEdits, loadSteps } from "../bridge/edits";
import { loadFlow, Refusal, type Saved } from "../bridge/http";
import type { Saver } from "../bridge/saver";
import type { FlowCanvas } from "../canvas/flowcanvas";
import type { Command } from "../model/history";

const FIRST = 60;
const MORE = 200;
const FEW = 20;
const LOOK_MS = 4000;

export class Sync {
  private readonly news: BroadcastChannel;
  /** The newest row that this page shows; null while that is not known. */
  private seq: number | null = null;
  /** The oldest step that was asked for, and whether there are older ones. */
  private oldest: number | null = null;
  private hasMore = false;
  private isBusy = false;

  constructor(
    private readonly canvas: FlowCanvas,
    private readonly flow: string,
    private readonly saver: Saver,
    private readonly hooks: { say(text: string): void; changed(): void },
  ) {
    this.news = new BroadcastChannel(`flowstudio ${flow}`);
    this.news.onmessage = () => void this.look();
    addEventListener("focus", () => void this.look());
    document.addEventListener("visibilitychange", () => void this.look());
    setInterval(() => void this.look(), LOOK_MS);
    canvas.on("change", () => void this.deepen());
    saver.told = (answer, commands) => this.saved(answer, commands);
    void this.alone(() => this.begin());
  }

  /** Get the steps of earlier pages. What this page has saved already is among the server's: not twice. */
  private async begin(): Promise<void> {
    const own = this.saver.first;
    const found = await loadSteps(this.flow, own, FIRST);
    if (own !== this.saver.first) return this.begin();
    if (own === null && found.revision !== this.saver.revision) return; // following finds out
    this.canvas.desk.follow((history) => history.under(found.done, own === null ? found.undone : []));
    this.seq = Math.max(this.saver.seq, own === null ? found.seq : 0);
    this.oldest = found.done[0]?.seq ?? null;
    this.hasMore = found.more > 0;
  }

  /** Have some older steps ready before the last one is undone. */
  private async deepen(): Promise<void> {
    if (!this.hasMore || this.isBusy || this.canvas.desk.history.mark > FEW) return;
    await this.alone(async () => {
      const found = await loadSteps(this.flow, this.oldest, MORE);
      this.canvas.desk.follow((history) => history.under(found.done, []));
      this.oldest = found.done[0]?.seq ?? null;
      this.hasMore = found.more > 0;
    });
  }

  private saved(answer: Saved, commands: readonly Command[]): void {
    if (this.seq !== null || commands.length) this.seq = answer.seq;
    this.news.postMessage(answer.revision);
    if (!answer.is_told) void this.alone(() => this.restart());
  }

  /** The server has the document but could not follow the commands: its log decides what can be undone. */
  private async restart(): Promise<void> {
    const found = await loadSteps(this.flow, null, FIRST);
    if (!this.saver.isSaved || found.revision !== this.saver.revision) return;
    this.canvas.desk.follow((history) => history.restart(found.done, found.undone));
    this.seq = found.seq;
  }

  /** Look whether somebody else has saved. With changes of its own the page waits: saving them tells. */
  private async look(): Promise<void> {
    if (document.hidden || this.isBusy || !this.saver.isSaved) return;
    await this.alone(() => this.follow());
  }

  private async follow(): Promise<void> {
    const mine = this.saver.revision;
    const found = await loadEdits(this.flow, this.seq ?? 0).catch((error: unknown) => {
      if (error instanceof Refusal && error.code === "edit.not_found") return null;
      throw error;
    });
    const fresh = found?.edits ?? [];
    if (!this.saver.isSaved || this.saver.revision !== mine || found?.revision === mine) return;
    const leads = this.seq !== null && fresh.length && fresh[0]?.before === mine && fresh.at(-1)?.after === found?.revision;
    if (found && leads) {
      this.canvas.desk.follow((history) => history.follow(fresh));
      this.go(found.revision, found.seq, fresh.at(-1)?.label ?? "");
    } else await this.reload(mine);
  }

  /** The log does not lead from here to there: take the document as it is. */
  private async reload(mine: string): Promise<void> {
    const [flow, steps] = await Promise.all([loadFlow(this.flow), loadSteps(this.flow, null, FIRST)]);
    if (!this.saver.isSaved || this.saver.revision !== mine || flow.revision !== steps.revision) return;
    this.canvas.desk.follow((history) => {
      history.follow([{ how: "do", label: "", joins: false, changes: [{ op: "whole", document: flow.document }], inverse: [] }]);
      history.restart(steps.done, steps.undone);
    });
    this.go(flow.revision, steps.seq, "");
  }

  private go(revision: string, seq: number, label: string): void {
    this.saver.follow(revision);
    this.seq = seq;
    this.hooks.changed();
    this.hooks.say(`Changed elsewhere${label ? `: ${label}` : ""}`);
  }

  /** One errand at a time; a server that is away is asked again with the next look. */
  private async alone(errand: () => Promise<void>): Promise<void> {
    if (this.isBusy) return;
    this.isBusy = true;
    try {
      await errand();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    } finally {
      this.isBusy = false;
    }
  }
}
