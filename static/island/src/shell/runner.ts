// The run tab: starts a run of the flow as it stands, follows it live on the same canvas, shows its
// questions, its story and its end. All it knows comes from the run's stream. It is loaded with the first run.
import type { readText } from "../bridge/form";
import { Refusal } from "../bridge/http";
import { type LineState, plannedOf, type Prompt, type RunEnd, type RunStateEvent, type RunStep, RunStream } from "../bridge/live";
import { askFirst, asksFirst, controlRun, startRun, type Trial, type Verb } from "../bridge/runs";
import type { FlowCanvas } from "../canvas/flowcanvas";
import { keymap } from "../canvas/keymap";
import { entryOf, type Parameter, parametersOf } from "../model/entry";
import { pinnedOf } from "../model/marks";
import type { JsonObject } from "../model/json";
import { titleOf } from "../model/geometry";
import { toast } from "../pages/parts/toast";
import type { Problem } from "../view/look";
import { Activity } from "./activity";
import type { usedWords } from "./feet";
import { type Asked, InstantPane } from "./instant";
import type { Chosen } from "./forkform";
import { keysWait } from "./kept";
import { Lead } from "./lead";
import { button, el, icon, length, place } from "./parts";
import { Scrub } from "./scrub";
import { outcomeOf, toldAs } from "./outcome";
import { PromptForm, takeAway } from "./promptform";
import { chipOf, wordOf } from "./runstates";
import { RunForm } from "./runform";
import { startExtras } from "./startextras";
import { TrialRun } from "./trial";

export interface Hooks {
  /** Save what is not saved; false when it could not be. */
  save(): Promise<boolean>;
  problems(problems: Problem[]): void;
  /** Say what keeps the flow from running; false when nothing does. */
  blocked(): boolean;
  showTab(): void;
  /** There is a question: show the tab, unless the person is at work in another. */
  offerTab(): void;
  showNode(): void;
  /** Show the values of a run with the nodes; "" for those of the last good one. */
  background(run: string): void;
  say(text: string, urgent?: boolean): void;
  line(state: LineState): void;
  changed(): void;
  /** The page is left to make a test. */
  tested(): void;
  /** Reads what is typed into a field. */
  readonly read: typeof readText;
  readonly used: typeof usedWords;
}

/** How long a replay may take to open a question and close it again. */
const SETTLE_MS = 120;

/** What keys and commands do to the run. */
const TOOLS: { [tool: string]: (run: RunPane) => unknown } = {
  run: (run) => run.again(),
  "run-form": (run) => run.begin(),
  "go-on": (run) => run.goOn(),
  test: (run) => run.test(),
  tests: (run) => run.test(true),
  breakpoint: (run) => run.trial.turn(),
  breakpoints: (run) => run.listBreaks(),
  disable: (run) => run.trial.disable(),
  "run-to": (run) => run.trial.runTo(),
  "step-over": (run) => run.trial.step(false),
  "step-into": (run) => run.trial.step(true),
  fork: (run) => run.fork(),
  back: (run) => run.entry(-1, false),
  forward: (run) => run.entry(1, false),
  "node-back": (run) => run.entry(-1, true),
  "node-forward": (run) => run.entry(1, true),
  asks: (run) => run.turnAsks(),
};

export class RunPane {
  private readonly pane = place("pane-run");
  private readonly head = el("div", "run-head");
  private readonly asks = el("div", "asks");
  private readonly result = el("div", "run-result");
  private readonly start = el("div", "run-start");
  private readonly forking = el("div", "run-fork");
  private readonly breaking = el("div", "run-breaks");
  private readonly activity: Activity;
  private readonly prompts = new Map<string, PromptForm>();
  /** The newest run of each flow that the run has called. */
  readonly calls = new Map<string, string>();
  /** The last fork that was started here. */
  forked: string | null = null;
  private stream: RunStream | null = null;
  private state: RunStateEvent | null = null;
  private ended: RunEnd | null = null;
  private isStarting = false;
  private readonly lead: Lead;
  private telling = 0;
  /** All that was told of the run, in its order. */
  private readonly steps: RunStep[] = [];
  private readonly scrub: Scrub;
  readonly trial: TrialRun;
  /** What the next run is asked beside its input. */
  private wanted: Trial = {};
  /** The canvas shows an earlier entry. */
  private isHeld = false;
  /** The questions that were told, in their order. */
  private readonly asked: Asked[] = [];
  private readonly instant: InstantPane;

  constructor(
    private readonly canvas: FlowCanvas,
    private readonly flow: string,
    private readonly hooks: Hooks,
  ) {
    this.lead = new Lead(canvas);
    this.scrub = new Scrub(canvas, { steps: this.steps, run: () => this.run, nameOf: (step) => this.nameOf(step), say: hooks.say, held: (at, told) => this.hold(at, told), fork: () => void this.fork() });
    this.trial = new TrialRun(canvas, flow, this, hooks);
    this.activity = new Activity((step) => this.nameOf(step), (step) => this.show(step));
    this.instant = new InstantPane(canvas, () => ({ steps: this.steps, asked: this.asked, ended: this.ended, open: this.prompts.size }), hooks.used, () => this.scrub.leave());
    const story = el("section", "run-story", el("h3", "", "Steps"), this.activity.element);
    this.pane.append(this.instant.element, this.head, this.forking, this.breaking, this.asks, this.result, this.start, story);
    this.renew();
  }

  get run(): string | null {
    return this.stream?.run ?? null;
  }

  /** The entry that is shown while it is not the newest; null: the run is shown as it is now. */
  get past(): RunStep | null {
    return this.scrub.step;
  }

  get isUnderWay(): boolean {
    return this.stream !== null && this.ended === null;
  }

  /** Begin a trial run that stops somewhere, with the input of the last time where there is one. */
  async beginTrial(wanted: Trial): Promise<void> {
    this.wanted = wanted;
    await this.again();
  }

  /** Let the view go along with what the run does next. */
  lookAlong(): void {
    this.lead.begin();
  }

  /** Do what a key or a command stands for. */
  use(tool: string): unknown {
    return TOOLS[tool]?.(this);
  }

  /** Begin: at once when the flow asks for nothing, else with its form. */
  async begin(): Promise<void> {
    await this.hooks.save(); // its answer says what is wrong with the flow as it is now
    if (this.hooks.blocked()) return;
    if (!this.parameters.length) return this.launch({});
    this.hooks.showTab();
    this.form().focus();
  }

  /** Begin with the input of the last time, in this tab; else as `begin`. */
  async again(): Promise<void> {
    const kept = sessionStorage.getItem(this.key);
    if (kept === null || this.isUnderWay) return this.begin();
    await this.hooks.save();
    if (!this.hooks.blocked()) await this.launch(JSON.parse(kept) as JsonObject);
  }

  /** Hold the run back, or let it go on. */
  async goOn(): Promise<void> {
    if (!this.isUnderWay) return this.hooks.say("No run is under way here.", true);
    await this.control(this.run ?? "", this.state?.paused || this.trial.stop ? "resume" : "pause");
  }

  /** Go through what the run did, entry by entry; `node`: those that tell of the selected one. */
  entry(by: 1 | -1, node: boolean): void {
    const [selected, ...more] = this.canvas.selection.nodes;
    if (node && (!selected || more.length)) return this.hooks.say("Select one node first.", true);
    this.scrub.go(by, node ? selected : undefined);
  }

  /** Ask what a new run is to begin with that goes on from the entry shown, or from the run as it is now. */
  async fork(chosen: Chosen = {}, run = this.scrub.step?.run_id ?? this.run, seq = this.scrub.step?.seq ?? null): Promise<void> {
    if (chosen.version) await this.hooks.save();
    if (!run) return this.hooks.say("There is no run on the canvas to fork: run the flow first.", true);
    this.hooks.showTab();
    const part = await keysWait(import("./forkform").catch(() => null));
    if (!part) return this.hooks.say("The form of a fork cannot be loaded: the server cannot be reached.", true);
    void part.openFork(run, seq, chosen, this.forking, {
      say: this.hooks.say,
      left: () => this.canvas.root.focus({ preventScroll: true }),
      started: (fork) => {
        this.forked = fork;
        this.follow(fork);
        this.hooks.say("The fork has started.");
      },
    });
  }

  /** Show all breakpoints, to be changed: where, under which condition, on or off. */
  async listBreaks(): Promise<void> {
    this.hooks.showTab();
    const part = await keysWait(import("./breaklist").catch(() => null));
    if (!part) return this.hooks.say("The breakpoints cannot be listed: the server cannot be reached.", true);
    part.openBreaks(this.canvas, this.breaking, {
      flow: this.flow,
      run: () => this.run ?? "",
      turn: () => this.trial.turn(),
      told: () => void this.trial.tell(true),
      say: this.hooks.say,
      left: () => this.canvas.root.focus({ preventScroll: true }),
    });
  }

  /** Follow a run that exists. */
  follow(run: string, leads = true): void {
    this.stream?.stop();
    this.state = null;
    this.ended = null;
    this.prompts.clear();
    this.trial.end();
    this.asks.replaceChildren();
    this.forget();
    this.canvas.setRunState([]);
    if (leads) this.lead.begin();
    this.calls.clear();
    this.stream = new RunStream(run, {
      step: (step) => this.step(step),
      prompt: (prompt) => this.prompt(prompt),
      state: (state) => this.moved(state),
      words: (words) => this.activity.say(words),
      end: (end) => this.end(end),
      line: (state) => this.hooks.line(state),
    });
    this.hooks.background(run);
    const url = new URL(location.href);
    url.searchParams.set("run", run);
    history.replaceState(null, "", url);
    this.renew();
  }

  /** Take the run off the canvas. */
  dismiss(): void {
    this.stream?.stop();
    this.stream = null;
    this.ended = null;
    this.state = null;
    this.asks.replaceChildren();
    this.prompts.clear();
    this.forget();
    this.canvas.setRunState(null);
    const url = new URL(location.href);
    url.searchParams.delete("run");
    history.replaceState(null, "", url);
    this.hooks.line("over");
    this.hooks.background("");
    this.renew();
  }

  private forget(): void {
    this.forking.replaceChildren();
    this.activity.clear();
    this.steps.length = this.asked.length = 0;
    this.setHeld(null, "");
    this.scrub.end();
  }

  private async launch(inputs: JsonObject): Promise<void> {
    if (this.isStarting) return;
    this.isStarting = true;
    try {
      if (!(await this.hooks.save())) throw new Refusal(0, "unsaved", "The flow could not be saved, so it was not started.", {});
      if (this.hooks.blocked()) return;
      const run = await startRun(this.flow, inputs, this.wanted);
      sessionStorage.setItem(this.key, JSON.stringify(inputs));
      this.hooks.showTab();
      this.follow(run);
      this.hooks.say("The run has started.");
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.refused(error);
    } finally {
      this.isStarting = false;
      this.wanted = {};
    }
  }

  private refused(error: Refusal): void {
    const problems = error.body.problems;
    if (error.status === 422 && Array.isArray(problems)) this.hooks.problems(problems as unknown as Problem[]);
    this.hooks.showTab();
    this.result.replaceChildren(el("div", "note danger", icon("cross"), el("div", "words", error.message)));
    this.hooks.say(error.message, true);
  }

  /** What a run is asked for: nothing where that is pinned to the start. */
  private get parameters(): Parameter[] {
    const entry = entryOf(this.canvas.model, this.canvas.catalog);
    return entry && pinnedOf(entry) ? [] : parametersOf(this.canvas.model, this.canvas.catalog);
  }

  private get key(): string {
    return `flowstudio inputs ${this.flow}`;
  }

  private form(): RunForm {
    const kept = JSON.parse(sessionStorage.getItem(this.key) ?? "{}") as JsonObject;
    const form = new RunForm(this.parameters, kept, (inputs) => void this.launch(inputs), this.hooks.read);
    const to = this.wanted.to ? this.canvas.model.nodes.get(this.wanted.to) : undefined;
    const title = to ? `Run to “${titleOf(to, this.canvas.desk.scene.shapes.of(to))}”` : this.stream ? "Run again" : "Start a run";
    this.start.replaceChildren(el("h3", "", title), form.element, startExtras(this.canvas, this.flow, form, this.hooks.say));
    return form;
  }

  private step(step: RunStep): void {
    if (!this.isHeld) this.activity.take(step);
    this.steps.push(step);
    this.scrub.grown();
    if (step.root) {
      if (!this.isHeld) this.canvas.applyStep(step);
      if (!this.isHeld && !step.reused) this.lead.to(step);
    } else this.calls.set(step.flow_id, step.run_id);
    if (!step.reused) this.tell(step);
    this.hooks.changed();
  }

  private prompt(prompt: Prompt): void {
    const known = this.prompts.get(prompt.run_id);
    this.asked.push({ before: this.steps.length, prompt });
    if (!prompt.open) {
      known?.close(prompt);
      this.prompts.delete(prompt.run_id);
      this.trial.leave(prompt);
      return;
    }
    if (known && known.prompt.wait_key === prompt.wait_key && known.prompt.prompt === prompt.prompt) return;
    const form = new PromptForm(prompt, prompt.stop ? this.trial.enter(prompt) : undefined);
    if (known) known.element.replaceWith(form.element);
    else this.asks.append(form.element);
    this.prompts.set(prompt.run_id, form);
    clearTimeout(this.telling);
    this.telling = window.setTimeout(() => this.ask(), SETTLE_MS);
  }

  /** Show the questions that are open; those that a replay opens and closes again never show. */
  private ask(): void {
    const last = [...this.prompts.values()].at(-1);
    if (!last) return;
    this.hooks.offerTab();
    this.hooks.say(last.prompt.stop ? this.trial.words : `The run asks: ${last.prompt.prompt ?? ""} (F6 leads to the answer)`, true);
  }

  private tell(step: RunStep): void {
    const word = toldAs(step);
    if (word) this.hooks.say(`${this.nameOf(step)}: ${word}`, step.status === "failed");
  }

  private moved(state: RunStateEvent): void {
    this.state = state;
    if (!this.isHeld) this.canvas.planAttempt(plannedOf(state));
    this.renew();
  }

  /** The canvas shows an earlier entry, from 0, or the run as it is now again: this tab does too. */
  private hold(at: number | null, told: string): void {
    this.setHeld(at, told);
    this.activity.showUpto(this.steps, at, this.ended?.status ?? null);
    if (at !== null) return;
    if (this.ended) this.canvas.endRun(this.ended.status);
    else if (this.state) this.canvas.planAttempt(plannedOf(this.state));
  }

  /** Have runs wait for a yes before each step that acts outside, or no longer. */
  turnAsks(): void {
    const asks = !asksFirst();
    askFirst(asks);
    const words = asks ? "Runs from the editor ask before each step that acts outside." : "Runs from the editor act outside without asking.";
    toast(words, undefined, 5);
    this.hooks.say(words);
  }

  private setHeld(at: number | null, told: string): void {
    this.isHeld = at !== null;
    this.instant.show(at, told);
    this.head.toggleAttribute("data-past", this.isHeld); // its buttons stay: they are for the run as it is now
    for (const part of [this.asks, this.result, this.start]) part.hidden = this.isHeld;
  }

  /** Make the attempt that is planned now. */
  now(): Promise<void> {
    return this.control(this.run ?? "", "retry");
  }

  private end(end: RunEnd): void {
    this.ended = end;
    this.trial.end();
    this.activity.close(end.status);
    this.canvas.endRun(end.status);
    for (const card of this.asks.querySelectorAll(".ask-card:not([data-busy])")) takeAway(card);
    this.prompts.clear();
    this.renew();
    this.hooks.changed();
    this.hooks.say(`The run is over: ${wordOf(end.status)}.`, end.status === "failed");
    this.scrub.begin();
  }

  /** Make a test of the run that is shown, when it has ended; else look at the tests of the flow. */
  async test(isList = false): Promise<void> {
    await this.hooks.save();
    const { run } = this;
    this.hooks.tested();
    location.assign(run && !this.isUnderWay && !isList ? `/runs/${encodeURIComponent(run)}/test` : place<HTMLAnchorElement>("tests").href);
  }

  private renew(): void {
    const isStopped = !this.ended && Boolean(this.state?.waiting?.stop);
    const status = this.ended?.status ?? (this.state?.paused ? "paused" : isStopped ? "stopped" : this.state?.status) ?? "running";
    this.head.replaceChildren();
    if (this.stream) {
      const more = el("a", "button quiet only small", icon("external"));
      more.href = `/runs/${encodeURIComponent(this.stream.run)}`;
      more.title = "Open the run's own page";
      more.setAttribute("aria-label", more.title);
      this.head.append(chipOf(status, this.state?.waiting?.reason), this.waits(), this.away(), el("span", "spacer"), more, ...this.controls(status));
    }
    this.result.replaceChildren(...(this.ended ? outcomeOf(this.canvas, this.ended, this.ways) : []));
    if (this.isUnderWay) this.start.replaceChildren();
    else this.form();
  }

  /** What can be done about a run that has failed. */
  private readonly ways = {
    again: () => void this.control(this.run ?? "", "retry"),
    mended: () => void this.fork({ version: "draft" }),
    fork: () => void this.fork(),
    reveal: (node: string) => this.reveal(node),
  };

  private waits(): HTMLElement {
    const waiting = this.ended ? null : this.state?.waiting;
    if (waiting?.reason === "until" && waiting.until) return el("span", "small muted", `until ${new Date(waiting.until).toLocaleString()}`);
    if (waiting?.reason === "event") return el("span", "small muted", "for an event");
    return el("span", "");
  }

  /** What a restart of the server has done to the run: nothing, as a rule. */
  private away(): HTMLElement {
    const away = this.state?.away;
    if (!away) return el("span", "");
    const again = away.repeated ? `${away.repeated} begun again` : "nothing repeated";
    const times = away.times > 1 ? `${away.times} times, ` : "";
    return el("span", "away small muted", `server away ${times}${length(away.seconds * 1000)} · ${again}`);
  }

  private controls(status: string): HTMLElement[] {
    const run = this.stream?.run ?? "";
    if (this.ended) {
      const away = button("quiet only small", "", "cross", () => this.dismiss());
      away.setAttribute("aria-label", "Take the run off the canvas");
      if (status === "cancelled") return [away];
      const test = button("small", "Save as test…", "check", () => void this.test());
      test.title = keymap.hint("Play this run again whenever the flow is changed", "test");
      return [test, away];
    }
    const unasked = (): void => this.hooks.say("Not cancelled: the server cannot be reached.", true);
    const ask = (): void => void import("./cancelling").then((part) => part.askCancel(() => void this.control(run, "cancel")), unasked);
    const cancel = button("small danger", "Cancel", "stop", ask);
    // A run that waits for an answer rests already: there is nothing to hold back.
    if (this.state?.waiting?.stop || (this.state?.waiting?.reason === "user" && this.state.waiting.run_id === run)) return [cancel];
    const paused = status === "paused";
    const hold = button("small", paused ? "Go on" : "Pause", paused ? "play" : "pause", () => void this.control(run, paused ? "resume" : "pause"));
    return [hold, cancel];
  }

  private async control(run: string, verb: Verb): Promise<void> {
    try {
      await controlRun(run, verb);
      if (verb === "retry" && this.ended) this.follow(run);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.hooks.say(error.message, true);
    }
  }

  private nameOf(step: RunStep): string {
    const node = step.root && step.node_id ? this.canvas.model.nodes.get(step.node_id) : undefined;
    if (node) return titleOf(node, this.canvas.desk.scene.shapes.of(node));
    return step.root ? (step.node_id ?? "") : `${step.flow_id} › ${step.node_id ?? ""}`;
  }

  private show(step: RunStep): void {
    if (step.root && step.node_id) this.reveal(step.node_id);
  }

  private reveal(node: string): void {
    if (!this.canvas.model.nodes.has(node)) return;
    this.canvas.focusNode(node);
    this.hooks.showNode();
  }
}
