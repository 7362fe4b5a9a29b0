// One run, followed live. The stream is read from a cursor: the browser reconnects by itself with the
// last id it saw, and where it gives up we open the line again after that id. A step that comes twice
// is dropped by its position, so nothing is missed and nothing is doubled.
import type { Json } from "../catalog";
import { onUpdates, updatesCome } from "../pages/parts/updates";
import type { Planned, StepEvent } from "../model/progress";

export interface RunStep extends StepEvent {
  position: number;
  seq: number;
  run_id: string;
  flow_id: string;
  root: boolean;
}

export interface Prompt {
  run_id: string;
  node_id: string | null;
  wait_key: string;
  prompt: string | null;
  choices: string[];
  allow_free_text: boolean;
  /** Calls of tools are to be allowed: the server's own form shows them with their arguments. */
  approves: boolean;
  /** Why a trial run has stopped before the node: "breakpoint", "after", "error" and others; empty for a question. */
  stop: string;
  open: boolean;
  answer?: Json;
  answered_by?: string | null;
  answered_at?: string | null;
  /** Nobody answered before the deadline. */
  timed_out?: boolean;
  timed_out_at?: string | null;
}

export interface RunStateEvent {
  run_id: string;
  status: string;
  current_node: string | null;
  paused: boolean;
  /** `run_id` is the run that waits: this one, or a child that asks. */
  waiting: { reason: string; run_id: string; until?: string | null; prompt?: string | null; stop?: string; node_id?: string; retry?: { attempt: number; attempts: number; error: string } | null } | null;
  /** How often and long the server was away meanwhile, and how many effects it began again for that. */
  away?: { times: number; seconds: number; repeated: number } | null;
}

/** The attempt at a step that the run itself waits for. */
export function plannedOf({ run_id, waiting }: RunStateEvent): Planned | null {
  if (!waiting?.retry || waiting.run_id !== run_id || !waiting.node_id) return null;
  const { attempt, attempts } = waiting.retry;
  return { node: waiting.node_id, attempt, attempts, until: waiting.until ?? null };
}

/** What a model is saying in the call of a run that is under way, its end if it is long. */
export interface Words {
  run_id: string;
  text: string;
}

export interface RunEnd {
  status: string;
  output: Json;
  error: string | null;
  failed_node?: string | null;
}

export type LineState = "live" | "catching-up" | "offline" | "paused" | "over";

export interface Listener {
  step(step: RunStep): void;
  prompt(prompt: Prompt): void;
  state(state: RunStateEvent): void;
  words(words: Words): void;
  end(end: RunEnd): void;
  line(state: LineState): void;
}

/** The longest pause between two tries: short at first, longer when the server stays away. */
const SOON_MS = 2000;
const LATE_MS = 10_000;
const PATIENT_AFTER = 60;
/** How long a hidden tab keeps its line. */
const REST_MS = 20_000;

export class RunStream {
  private source: EventSource | null = null;
  private cursor = 0;
  private failures = 0;
  private timer = 0;
  private resting = 0;
  private isOver = false;

  constructor(
    readonly run: string,
    private readonly listener: Listener,
  ) {
    for (const name of ["online", "focus"]) addEventListener(name, this.hurry);
    document.addEventListener("visibilitychange", this.seen);
    onUpdates(this.turned);
    this.open();
  }

  stop(): void {
    this.isOver = true;
    for (const name of ["online", "focus"]) removeEventListener(name, this.hurry);
    document.removeEventListener("visibilitychange", this.seen);
    clearTimeout(this.resting);
    clearTimeout(this.timer);
    this.source?.close();
  }

  /** The person pauses what renews itself, or lets it come again: it goes on from the cursor. */
  private readonly turned = (): void => {
    if (this.isOver) return;
    clearTimeout(this.timer);
    this.source?.close();
    this.open();
  };

  private open(): void {
    if (!updatesCome()) return this.listener.line("paused");
    const source = new EventSource(`/api/runs/${encodeURIComponent(this.run)}/events?after=${this.cursor}`);
    this.source = source;
    source.onopen = () => {
      this.failures = 0;
      this.listener.line("live");
    };
    source.onerror = () => this.broken(source);
    this.on(source, "step", (data) => this.take(data as unknown as RunStep));
    this.on(source, "prompt", (data) => this.listener.prompt(data as unknown as Prompt));
    this.on(source, "state", (data) => this.listener.state(data as unknown as RunStateEvent));
    this.on(source, "words", (data) => this.listener.words(data as unknown as Words));
    this.on(source, "end", (data) => {
      this.stop();
      this.listener.end(data as unknown as RunEnd);
      this.listener.line("over");
    });
  }

  private on(source: EventSource, name: string, take: (data: Json) => void): void {
    source.addEventListener(name, (event) => {
      if (!this.isOver) take(JSON.parse((event as MessageEvent<string>).data) as Json);
    });
  }

  private take(step: RunStep): void {
    if (step.position <= this.cursor) return;
    this.cursor = step.position;
    this.listener.step(step);
  }

  private broken(source: EventSource): void {
    if (this.isOver) return;
    this.failures += 1;
    this.listener.line(this.failures > 3 ? "offline" : "catching-up");
    // Never left to the browser's own pace, which may grow to minutes: close, and open a moment later.
    source.close();
    clearTimeout(this.timer);
    const longest = this.failures > PATIENT_AFTER ? LATE_MS : SOON_MS;
    const wait = Math.min(longest, 300 * 2 ** Math.min(this.failures - 1, 6)) * (0.75 + Math.random() / 2);
    this.timer = window.setTimeout(() => this.open(), wait);
  }

  /** A tab that nobody sees gives its line back, for browsers open few at a time; seen again, it goes
   * on from its cursor. */
  private readonly seen = (): void => {
    clearTimeout(this.resting);
    if (document.visibilityState === "visible") return this.hurry();
    this.resting = window.setTimeout(() => {
      clearTimeout(this.timer);
      this.source?.close();
    }, REST_MS);
  };

  /** The network is back, or somebody looks at the page again: do not wait for the next try. */
  private readonly hurry = (): void => {
    if (this.isOver || this.source?.readyState !== EventSource.CLOSED) return;
    clearTimeout(this.timer);
    this.open();
  };
}
