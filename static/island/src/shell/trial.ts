// What keys do to the steps that a run comes to: breakpoints, nodes that are disabled, and leading a trial run
// from stop to stop. A stop is a question of the run: the newest one is what
// keys answer.
import { Refusal } from "../bridge/http";
import type { Prompt } from "../bridge/live";
import { answerPrompt, putBreakpoints, type Trial } from "../bridge/runs";
import type { FlowCanvas } from "../canvas/flowcanvas";
import { keymap } from "../canvas/keymap";
import type { Change } from "../model/change";
import { entryOf } from "../model/entry";
import { titleOf } from "../model/geometry";
import { EXEC } from "../catalog";
import { breakOf, breakOn, breaksOf, setBreak, type Told, toldOf } from "../model/breaks";
import type { FlowNode, FlowWire } from "../model/document";
import { hasBreakpoint } from "../model/marks";

const PLAIN = { at: "before", when: "", off: false } as const;
const [OVER, INTO] = ["Step over", "Step into"] as const;

/** The run on the canvas. */
interface Followed {
  readonly run: string | null;
  readonly isUnderWay: boolean;
  /** The newest run of each flow that the run has called. */
  readonly calls: ReadonlyMap<string, string>;
  goOn(): Promise<void>;
  beginTrial(wanted: Trial): Promise<void>;
  lookAlong(): void;
}

interface Hooks {
  save(): Promise<boolean>;
  background(run: string): void;
  say(text: string, urgent?: boolean): void;
}

export class TrialRun {
  private readonly stops = new Map<string, Prompt>();
  /** The breakpoints that the run was told of last. */
  private told = "";
  /** The stop that was answered last: a second press of the key does not mean the next one. */
  private led = "";

  constructor(
    private readonly canvas: FlowCanvas,
    private readonly flow: string,
    private readonly followed: Followed,
    private readonly hooks: Hooks,
  ) {
    this.told = JSON.stringify(this.breakpoints());
    canvas.on("change", () => void this.tell());
  }

  /** Where the run has stopped last; nothing while it has not. */
  get stop(): Prompt | null {
    return [...this.stops.values()].at(-1) ?? null;
  }

  /** Where it has stopped, and by which keys it goes on. */
  get words(): string {
    const { stop } = this;
    const ways = [["go-on", "goes on"], ["step-over", "steps over"], ["step-into", "steps into"]] as const;
    const keys = ways.slice(0, stop?.choices.length ?? 0).flatMap(([act, does]) => (keymap.label(act) ? [`${keymap.label(act)} ${does}`] : []));
    return stop ? `${this.saidOf(stop)}.${keys.length ? ` ${keys.join(", ")}.` : ""}` : "";
  }

  /** Put a breakpoint before each selected step, or on each selected wire of control; take them away when all have one. */
  turn(): void {
    const { canvas } = this;
    const wires = canvas.selection.wires.flatMap((key) => canvas.model.wires.get(key) ?? []);
    if (wires.length && !canvas.selection.nodes.length) return this.turnWires(wires);
    const chosen = canvas.selection.nodes.flatMap((id) => canvas.model.nodes.get(id) ?? []);
    const steps = chosen.filter((node) => this.isStep(node));
    if (!chosen.length) return this.hooks.say("Select a node first.", true);
    if (!steps.length) return this.refuse("A value is computed when a step reads it, so nothing stops before it: put the breakpoint on that step.");
    const off = steps.every(hasBreakpoint);
    canvas.apply(steps.map((node) => setBreak(node, null, off ? null : breakOf(node) ?? PLAIN)), off ? "Remove breakpoint" : "Breakpoint");
    this.hooks.say(off ? "Breakpoint removed" : "Breakpoint: a run from the editor stops before it");
  }

  private turnWires(wires: FlowWire[]): void {
    const { canvas } = this;
    const ways = wires.filter((wire) => wire.to && canvas.desk.scene.wireType(wire) === EXEC);
    if (!ways.length) return this.refuse("A value goes along this wire, and no control: put the breakpoint on the step that reads it.");
    const off = ways.every((wire) => breakOn(wire) !== null);
    canvas.apply(ways.map((wire) => setBreak(wire.to as FlowNode, wire, off ? null : { ...PLAIN, at: "wire" })), off ? "Remove breakpoint" : "Breakpoint");
    this.hooks.say(off ? "Breakpoint removed" : "Breakpoint: a run from the editor stops when it goes along this wire");
  }

  /** Have runs go past each selected node, or come to it again when all are disabled. */
  disable(): void {
    const { canvas } = this;
    const nodes = canvas.selection.nodes.flatMap((id) => canvas.model.nodes.get(id) ?? []);
    if (!nodes.length) return this.hooks.say("Select a node first.", true);
    const begins = nodes.find((node) => this.isBegin(node));
    if (begins) return this.refuse(`The flow begins with “${titleOf(begins, canvas.desk.scene.shapes.of(begins))}”: it cannot be passed over.`);
    const off = nodes.every((node) => node.data.disabled === true);
    canvas.apply(nodes.map((node): Change => ({ op: "set", node: node.id, path: ["disabled"], ...(off ? {} : { value: true }) })), off ? "Enable" : "Disable");
    this.hooks.say(off ? "Enabled" : "Disabled: runs go past it");
  }

  /** Run to the selected node, and stop before it: the run that has stopped, else a new one. */
  async runTo(): Promise<void> {
    const [id, ...more] = this.canvas.selection.nodes;
    const node = id === undefined ? undefined : this.canvas.model.nodes.get(id);
    if (!node || more.length) return this.hooks.say("Select one node first.", true);
    if (!this.isStep(node)) return this.refuse("A value is computed when a step reads it: run to that step.");
    const { run, isUnderWay } = this.followed;
    if (!isUnderWay) return this.followed.beginTrial({ to: node.id });
    if (!this.stop || !run) return this.refuse("A run is under way. It can be led from where it stops: put a breakpoint there.");
    await this.refused(async () => {
      await this.hooks.save();
      await putBreakpoints(run, this.flow, this.breakpoints(), node.id);
      await this.followed.goOn();
    });
  }

  /** Let the run go on to the next node, or into the flow that this one runs; without a run, begin one so. */
  async step(into: boolean): Promise<void> {
    const { stop } = this;
    if (!stop && !this.followed.isUnderWay) return this.followed.beginTrial({ step: true });
    if (!stop) return this.refuse("The run has not stopped: a breakpoint stops it.");
    if (this.led === stop.wait_key) return;
    this.led = stop.wait_key;
    this.followed.lookAlong();
    await this.refused(() => answerPrompt(stop.run_id, stop.wait_key, into && stop.choices.includes(INTO) ? INTO : OVER));
  }

  /** The run has stopped; says before what. */
  enter(prompt: Prompt): string {
    this.stops.delete(prompt.run_id);
    this.stops.set(prompt.run_id, prompt);
    if (prompt.run_id === this.followed.run) this.hooks.background(prompt.run_id);
    const words = this.saidOf(prompt).replace(/^Stopped (at a breakpoint )?/, "");
    return words.charAt(0).toUpperCase() + words.slice(1);
  }

  /** A question is closed. */
  leave(prompt: Prompt): void {
    this.stops.delete(prompt.run_id);
  }

  /** The run is over, or no more on the canvas. */
  end(): void {
    this.stops.clear();
  }

  /** Where it has stopped; of what is no stop before a node, in the words of the run, with nodes by their titles. */
  private saidOf(prompt: Prompt): string {
    if (/^(breakpoint|step|to)$/.test(prompt.stop) && !prompt.prompt?.includes("”, ")) return `Stopped before ${this.nameOf(prompt)}`;
    const { model, desk } = this.canvas;
    return (prompt.prompt ?? "Stopped").replace(/“([^”]+)”/g, (all, id: string) => {
      const node = model.nodes.get(id);
      return node ? `“${titleOf(node, desk.scene.shapes.of(node))}”` : all;
    });
  }

  private nameOf({ run_id, node_id }: Prompt): string {
    const flow = [...this.followed.calls].find(([, run]) => run === run_id)?.[0];
    const node = flow === undefined ? this.canvas.model.nodes.get(node_id ?? "") : undefined;
    return `“${node ? titleOf(node, this.canvas.desk.scene.shapes.of(node)) : node_id ?? ""}”${flow === undefined ? "" : ` of ${flow}`}`;
  }

  private breakpoints(): Told {
    return toldOf(breaksOf(this.canvas.model));
  }

  /** A run under way goes by the breakpoints as they are now. */
  async tell(isNews = false): Promise<void> {
    const breaks = this.breakpoints();
    const now = JSON.stringify(breaks);
    const { run, isUnderWay } = this.followed;
    if (now === this.told && !isNews) return;
    this.told = now;
    if (isUnderWay && run) await this.refused(() => putBreakpoints(run, this.flow, breaks));
  }

  private isBegin(node: FlowNode): boolean {
    return node.id === entryOf(this.canvas.model, this.canvas.catalog)?.id;
  }

  private isStep(node: FlowNode): boolean {
    return this.canvas.desk.scene.shape(node).step;
  }

  private refuse(reason: string): void {
    this.canvas.desk.events.emit("refuse", { reason });
    this.hooks.say(reason, true);
  }

  private async refused(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.led = "";
      if (!(error instanceof Refusal)) throw error;
      this.hooks.say(error.message, true);
    }
  }
}

