// What assistive technology hears. News of a run comes at most every two seconds, the newest first
// and the others as a number; what a person is led by is always said, what failed or was refused is said at once.
import { place } from "./parts";

const PAUSE_MS = 2000;

export class Voice {
  private readonly calm = place("editor-voice");
  private readonly alarm = place("editor-alarm");
  private waiting: string | null = null;
  private skipped = 0;
  /** What is left out by nothing that comes later. */
  private readonly kept: string[] = [];
  private timer = 0;

  say(text: string, urgent = false, keep = false): void {
    if (urgent) return put(this.alarm, text);
    if (this.timer) {
      if (keep) return void this.kept.push(text);
      if (this.waiting !== null) this.skipped += 1;
      this.waiting = text;
      return;
    }
    put(this.calm, text);
    this.timer = window.setTimeout(() => this.next(), PAUSE_MS);
  }

  private next(): void {
    this.timer = 0;
    const kept = this.kept.shift();
    if (kept !== undefined) return this.say(kept);
    if (this.waiting === null) return;
    const more = this.skipped ? ` And ${this.skipped} more before.` : "";
    const text = `${this.waiting}${more}`;
    this.waiting = null;
    this.skipped = 0;
    this.say(text);
  }
}

/** The same words twice are news too: a region that does not change stays silent. */
function put(region: HTMLElement, text: string): void {
  region.textContent = region.textContent === text ? `${text} ` : text;
}
