// What a run has done so far, folded from its steps: the state of every node and the count of every
// wire that was taken. A pure function of the steps, so a reload shows the same.
import type { Json } from "../catalog";

export type NodeState = "queued" | "running" | "waiting" | "stopped" | "retry" | "done" | "failed" | "cancelled";

export interface NodeRun {
  state: NodeState;
  visits: number;
  /** When the last visit began. */
  since?: string;
  /** Time of the last visit in ms, when known. */
  ms?: number;
  error?: string;
  /** For what it waits: "user", "until", "event"... */
  waits?: string;
  /** Until when it waits, for which event, and whom it asks. */
  until?: string;
  event?: string;
  person?: string;
  /** The attempt that is planned, and of how many. */
  attempt?: number;
  attempts?: number;
  /** What models used in all its visits. */
  used?: Used;
  /** It was not executed: it gave what is pinned to it, or what it gave in the run that this one is a fork of. */
  instead?: "pinned" | "reused";
  outputs?: { [pin: string]: Json } | null;
}

export interface Used {
  tokens: number;
  cost: number;
}

/** A step of the run that waits for its next attempt. */
export interface Planned {
  node: string;
  attempt: number;
  attempts: number;
  until: string | null;
}

/** One `step` event of the run's stream. */
export interface StepEvent {
  position?: number;
  node_id: string | null;
  kind: string;
  status: string;
  effect?: string | null;
  exit?: string | null;
  outputs?: { [pin: string]: Json } | null;
  /** The outputs of the value nodes that the step read, by node. */
  values?: { [node: string]: { [pin: string]: Json } } | null;
  error?: string | null;
  started_at?: string | null;
  ended_at?: string | null;
  visit?: number;
  waits?: string | null;
  wait?: { until?: string | null; event?: string; person?: string } | null;
  used?: Used | null;
  /** The nodes for which pinned outputs stood: itself, or value nodes that it read. */
  pinned?: string[] | null;
  /** It tells that a trial run stops before the node, or goes on from there. */
  stop?: boolean;
  /** Of a fork: its parent has taken this step. */
  reused?: boolean;
  /** Of a fork: an effect that took the reply which its parent got. */
  recorded?: boolean;
}

/** The states of the nodes of one flow in one run. */
export class Progress {
  readonly nodes = new Map<string, NodeRun>();
  /** How often an output's wire was taken, by `node pin`. */
  readonly exits = new Map<string, number>();
  /** Grows with every change. */
  version = 0;
  private last = -1;
  /** When the visit that is under way at a node began: from its first record to the one that ends it. */
  private readonly begun = new Map<string, string>();
  private planned: Planned | null = null;

  /** Fold one step in; a step that was seen already changes nothing. Returns the nodes touched. */
  step(event: StepEvent): string[] {
    if (event.position !== undefined && event.position <= this.last) return [];
    this.last = event.position ?? this.last;
    const id = event.node_id;
    // The run's own end is recorded at its last node, a fork's beginning at its first: they say nothing of those.
    if (!id || /^(end|status|fork)$/.test(event.kind)) return [];
    const before = this.nodes.get(id);
    if (event.stop) return this.halt(event, id, before);
    const state = stateOf(event);
    const isOpen = before?.state === "running" || before?.state === "waiting";
    const since = this.begun.get(id) ?? event.started_at ?? null;
    if (event.kind === "visit") this.begun.delete(id);
    else if (since) this.begun.set(id, since);
    const visits = Math.max(before?.visits ?? 0, event.visit ?? (before?.visits || 1));
    const run: NodeRun = { state, visits };
    if (since) run.since = since;
    const ms = between(since, event.ended_at) ?? before?.ms;
    if (ms !== undefined && state !== "running") run.ms = ms;
    if (event.error) run.error = event.error;
    if (event.waits) run.waits = event.waits;
    if (event.reused || event.recorded || (isOpen && before.instead === "reused")) run.instead = "reused";
    if (event.wait?.until) run.until = event.wait.until;
    if (event.wait?.event) run.event = event.wait.event;
    if (event.wait?.person) run.person = event.wait.person;
    const used = sum(before?.used, event.used);
    if (used) run.used = used;
    if (event.pinned?.includes(id)) run.instead = "pinned";
    run.outputs = event.outputs ?? before?.outputs ?? null;
    this.put(id, this.planned?.node === id && event.kind === "effect" ? asPlanned(run, this.planned) : run);
    if (event.kind === "visit" && event.status === "completed" && event.exit) {
      const key = `${id} ${event.exit}`;
      this.exits.set(key, (this.exits.get(key) ?? 0) + 1);
    }
    return [id, ...this.read(event)];
  }

  /** The run stops before a node, or goes on there: no visit of it. */
  private halt(event: StepEvent, id: string, before: NodeRun | undefined): string[] {
    const { visits = 0, outputs = null } = before ?? {};
    if (event.status === "waiting") this.put(id, { state: "stopped", visits, outputs, waits: "stop" });
    else if (event.kind === "resume") this.put(id, { state: "running", visits, outputs });
    return [id, ...this.read(event)];
  }

  /** The value nodes that a step read; each is computed anew for every step. */
  private read(event: StepEvent): string[] {
    const values = Object.entries(event.values ?? {});
    for (const [id, outputs] of values) {
      const run: NodeRun = { state: "done", visits: 1, outputs };
      if (event.started_at) run.since = event.started_at;
      if (event.pinned?.includes(id)) run.instead = "pinned";
      this.put(id, run);
    }
    return values.map(([id]) => id);
  }

  /** Say which step waits for its next attempt; null: none does. Returns the nodes touched. */
  plan(planned: Planned | null): string[] {
    const before = [...this.nodes].filter(([id, run]) => run.state === "retry" && id !== planned?.node);
    for (const [id, { attempt: _, attempts: __, until: ___, ...run }] of before) this.put(id, { ...run, state: "failed" });
    this.planned = planned;
    const run = planned && this.nodes.get(planned.node);
    if (run) this.put(planned.node, asPlanned(run, planned));
    return [...before.map(([id]) => id), ...(run ? [planned.node] : [])];
  }

  /** The run was cancelled or has failed: nothing of it waits or runs any more. Returns the nodes touched. */
  stop(): string[] {
    const open = [...this.nodes].filter(([, run]) => ["running", "waiting", "stopped", "retry"].includes(run.state));
    for (const [id, { waits: _, ...run }] of open) this.put(id, { ...run, state: "cancelled" });
    return open.map(([id]) => id);
  }

  /** Say what a node's state is; null: it has none. */
  put(id: string, run: NodeRun | null): void {
    if (run) this.nodes.set(id, run);
    else this.nodes.delete(id);
    this.version++;
  }

  set(states: Iterable<readonly [string, NodeState | NodeRun]>): void {
    this.nodes.clear();
    this.exits.clear();
    this.begun.clear();
    this.last = -1;
    this.planned = null;
    this.version++;
    for (const [id, said] of states) this.nodes.set(id, typeof said === "string" ? { state: said, visits: 1 } : said);
  }

  taken(node: string, pin: string): number {
    return this.exits.get(`${node} ${pin}`) ?? 0;
  }
}

/** A failed attempt that another one follows is no failure yet. */
function asPlanned(run: NodeRun, { attempt, attempts, until }: Planned): NodeRun {
  if (run.state !== "failed" && run.state !== "retry") return run;
  return { ...run, state: "retry", attempt, attempts, ...(until ? { until } : {}) };
}

function sum(a: Used | null | undefined, b: Used | null | undefined): Used | null {
  return a && b ? { tokens: a.tokens + b.tokens, cost: a.cost + b.cost } : (a ?? b ?? null);
}

function stateOf(event: StepEvent): NodeState {
  if (event.status === "failed" || event.error) return "failed";
  if (event.status === "waiting") return "waiting";
  if (event.status === "started") return "running";
  if (event.status === "cancelled") return "cancelled";
  return event.kind === "resume" ? "running" : "done";
}

function between(start?: string | null, end?: string | null): number | undefined {
  if (!start || !end) return undefined;
  const ms = Date.parse(end) - Date.parse(start);
  return Number.isFinite(ms) && ms >= 0 ? ms : undefined;
}
