// The flow as a tree of lines in the order it runs: a chain of steps at one level, branches and the
// bodies of loops below the step they leave, and under each step the value nodes that it reads first.
import { EXEC } from "../catalog";
import type { FlowNode, FlowWire } from "./document";
import { typeWord } from "./connect";
import { entryOf } from "./entry";
import { titleOf } from "./geometry";
import type { PinAt } from "./hit";
import { readingOrder } from "./neighbour";
import { type ShapePin, valueAt } from "./pins";
import type { Scene } from "./scene";
import { type Piece, said, sentenceOf, words } from "./sentence";
import { exits, returning } from "./ways";

export interface Line {
  /** `link` names a step that stands elsewhere; `part` begins what nothing leads to; `pin` is one of an opened node. */
  kind: "step" | "value" | "branch" | "link" | "part" | "pin";
  key: string;
  level: number;
  node: FlowNode | null;
  /** The place of a step in the order; 0 for anything else. */
  number: number;
  title: string;
  /** What is told beside the title; made when it is wanted, for the lines in view alone. */
  about: () => readonly Piece[];
  /** Whether deeper lines follow. */
  holds: boolean;
  pin?: PinAt;
}

/** Ways on that belong to the chain itself and not to a branch of it. */
const GOES_ON = new Set(["exec-out", "done", "completed"]);

/** The lines of a flow; the nodes that are `opened` show their pins. */
export function outlineOf(scene: Scene, opened: ReadonlySet<string> = new Set()): Line[] {
  return new Outline(scene, opened).lines;
}

/** What is still to be put: a step with all that follows it, a branch, or a value node. */
type Task = { kind: "chain" | "value"; node: FlowNode; level: number; inLoop?: boolean } | { kind: "branch"; node: FlowNode; level: number; inLoop?: boolean; pin: string; label: string };

class Outline {
  readonly lines: Line[] = [];
  private readonly numbers = new Map<FlowNode, number>();
  private readonly values = new Set<FlowNode>();

  constructor(
    private readonly scene: Scene,
    private readonly opened: ReadonlySet<string>,
  ) {
    const { flow, catalog } = scene;
    const order = readingOrder(scene);
    const leads = new Set(order.filter((node) => this.isStep(node) && !node.wires.some((wire) => wire.to === node && wire.targetPin === "exec-in")));
    const events = [...leads].filter((node) => catalog.card(node.type)?.kind === "event");
    const entry = entryOf(flow, catalog);
    for (const node of new Set(entry ? [entry, ...events] : events)) this.work({ kind: "chain", node, level: 1 });
    this.rest(order, leads);
    for (const [index, line] of this.lines.entries()) {
      line.holds = (this.lines[index + 1]?.level ?? 0) > line.level;
    }
  }

  /** What no event leads to. */
  private rest(order: readonly FlowNode[], leads: ReadonlySet<FlowNode>): void {
    const isNew = (node: FlowNode): boolean => !this.numbers.has(node) && !this.values.has(node);
    const rest = order.filter(isNew);
    if (!rest.length) return;
    this.put("part", "part", 1, null, "Not connected", () => [words("nothing leads here")]);
    for (const node of [...rest.filter((each) => leads.has(each)), ...rest]) {
      if (isNew(node)) this.work({ kind: this.isStep(node) ? "chain" : "value", node, level: 2 });
    }
  }

  /** Without recursion: a flow may be deeper than a stack. */
  private work(first: Task): void {
    const open = [first];
    for (let task = open.pop(); task; task = open.pop()) open.push(...this.do(task).reverse());
  }

  /** Put one line; return what comes after it. */
  private do(task: Task): Task[] {
    const { node, level } = task;
    if (task.kind === "branch") {
      const goal = wireAt(node, task.pin)?.to;
      this.put("branch", `${node.id} ${task.pin}`, level, node, task.label, () => (goal ? [] : [words(task.inLoop ? "next turn" : "leads nowhere")]));
      return goal ? [{ kind: "chain", node: goal, level: level + 1, inLoop: this.turns(node, task.pin, Boolean(task.inLoop)) }] : [];
    }
    if (task.kind === "value") {
      if (this.values.has(node)) return [];
      this.values.add(node);
      this.put("value", node.id, level, node, this.title(node), () => this.told(node));
      this.pins(node, level + 1);
      return this.sources(node, level + 1);
    }
    if (this.numbers.has(node)) {
      this.put("link", `link ${this.lines.length}`, level, node, this.title(node), () => [words(`goes on at ${this.numbers.get(node)}`)]);
      return [];
    }
    this.numbers.set(node, this.numbers.size + 1);
    this.put("step", node.id, level, node, this.title(node), () => this.told(node));
    this.pins(node, level + 1);
    return [...this.sources(node, level + 1), ...this.ways(node, level, Boolean(task.inLoop))];
  }

  /** Whether a branch that ends begins the next turn of a loop, and does not come back to a step within it. */
  private turns(node: FlowNode, pin: string, inLoop: boolean): boolean {
    if (pin === "loop" && exits(this.scene, node).includes("done")) return true;
    return inLoop && !returning(this.scene, node).has(pin);
  }

  private isStep(node: FlowNode): boolean {
    return this.scene.shape(node).step;
  }

  private sources(node: FlowNode, level: number): Task[] {
    const found = node.wires.flatMap((wire) => (wire.to === node && wire.from && !this.isStep(wire.from) ? [wire.from] : []));
    return found.map((source) => ({ kind: "value", node: source, level }));
  }

  /** The branches of a step, and the step that the chain goes on with. */
  private ways(node: FlowNode, level: number, inLoop: boolean): Task[] {
    const pins = this.scene.shape(node).pins.filter((pin) => pin.side === "out" && pin.type === EXEC);
    const next = pins.length === 1 ? pins[0] : pins.find((pin) => GOES_ON.has(pin.id));
    const tasks: Task[] = pins.filter((pin) => pin !== next).map((pin) => ({ kind: "branch", node, level: level + 1, inLoop, pin: pin.id, label: pin.label || pin.id }));
    const goal = next && wireAt(node, next.id)?.to;
    return goal ? [...tasks, { kind: "chain", node: goal, level, inLoop }] : tasks;
  }

  private told(node: FlowNode): Piece[] {
    const sentence = sentenceOf(this.scene, node);
    const ways = this.waysOn(node);
    return sentence.length && ways.length ? [...sentence, words("; "), ...ways] : [...sentence, ...ways];
  }

  /** Where a step with several ways on leads, by the numbers of the lines. */
  private waysOn(node: FlowNode): Piece[] {
    const pins = this.scene.shape(node).pins.filter((pin) => pin.side === "out" && pin.type === EXEC);
    const told = pins.length < 2 ? [] : pins.flatMap((pin) => {
      const goal = wireAt(node, pin.id)?.to;
      return goal && this.numbers.has(goal) ? [{ text: pin.label || "then", kind: "way" as const }, words(` → ${this.numbers.get(goal)}, `)] : [];
    });
    const last = told.pop();
    return last ? [...told, words(last.text.replace(", ", ""))] : [];
  }

  private pins(node: FlowNode, level: number): void {
    if (!this.opened.has(node.id)) return;
    for (const pin of this.scene.shape(node).pins) {
      const at: PinAt = { node: node.id, side: pin.side, pin: pin.id };
      const title = pin.label || (pin.side === "in" ? "start" : "then");
      this.lines.push({ kind: "pin", key: `pin ${node.id} ${pin.side} ${pin.id}`, level, node, number: 0, title, about: () => [words(this.aboutPin(node, pin))], holds: false, pin: at });
    }
  }

  /** The type of a pin, and what is at it: its wires, else the value that is set. */
  private aboutPin(node: FlowNode, pin: ShapePin): string {
    const { flow, shapes, catalog } = this.scene;
    const ends = flow.wiresAt(node.id, pin.side, pin.id).flatMap((wire) => {
      const [other, side, id] = pin.side === "in" ? [wire.from, "out" as const, wire.sourcePin] : [wire.to, "in" as const, wire.targetPin];
      return other ? [[this.title(other), shapes.pin(other, side, id)?.label].filter(Boolean).join(" · ")] : [];
    });
    const value = valueAt(node, pin.path);
    const set = pin.side === "in" && value !== undefined ? said(value) : "";
    const there = ends.length ? `${pin.side === "in" ? "from" : "to"} ${ends.join(", ")}` : set;
    return [`${typeWord(pin.type, catalog)} ${pin.side === "in" ? "input" : "output"}`, there].filter(Boolean).join(": ");
  }

  private title(node: FlowNode): string {
    return titleOf(node, this.scene.shape(node));
  }

  private put(kind: Line["kind"], key: string, level: number, node: FlowNode | null, title: string, about: Line["about"]): void {
    const number = kind === "step" && node ? (this.numbers.get(node) ?? 0) : 0;
    this.lines.push({ kind, key, level, node, number, title, about, holds: false });
  }
}

const wireAt = (node: FlowNode, pin: string): FlowWire | undefined => node.wires.find((wire) => wire.from === node && wire.sourcePin === pin);

/** For lines by their levels: the place of each among its siblings, from 1, and how many these are. */
export function places(levels: readonly number[]): { place: number; of: number }[] {
  const told: { place: number; of: number }[] = [];
  /** By level: the lines of the siblings that are being counted. */
  const open: number[][] = [];
  const close = (depth: number): void => {
    for (const siblings of open.splice(depth)) for (const index of siblings ?? []) (told[index] as { of: number }).of = siblings.length;
  };
  levels.forEach((level, index) => {
    close(level + 1);
    const siblings = (open[level] ??= []);
    siblings.push(index);
    told.push({ place: siblings.length, of: 0 });
  });
  close(0);
  return told;
}
