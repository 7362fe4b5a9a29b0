// Putting the steps of a called flow in the place of the node that calls it, in one step of undo. Where the
// flow would not do the same afterwards, nothing is put and the reason is said.
import type { Json } from "../catalog";
import type { Change } from "./change";
import type { FlowDocument, FlowNode, FlowWire } from "./document";
import { entryOf } from "./entry";
import { GRID, snap, titleOf, unite } from "./geometry";
import { isObject, type JsonObject } from "./json";
import { carryChanges, pastedData } from "./marks";
import type { Refused } from "./collapse";
import { Scene } from "./scene";
import { bodies, isEnd, isExec, looseEnds } from "./ways";

export interface Expanded {
  changes: Change[];
  /** The nodes that came. */
  nodes: string[];
}

/** Where a value comes from: a pin, a constant, or nowhere. */
type Source = { node: string; pin: string } | { value: Json } | null;

/** Put what a node calls in its place; say why not when it cannot be done. */
export function expand(scene: Scene, caller: FlowNode, called: FlowDocument): Expanded | Refused {
  const inner = new Scene(called, scene.catalog);
  const parts = readParts(inner);
  const reason = refusalOf(scene, caller, inner, parts);
  return reason ? { reason } : new Expansion(scene, caller, inner, parts).made();
}

interface Parts {
  entry: FlowNode | null;
  ends: FlowNode[];
  /** All other nodes: they come. */
  body: Set<FlowNode>;
  /** Those in a branch that comes back by itself. */
  inside: Set<FlowNode>;
}

function readParts(inner: Scene): Parts {
  const nodes = [...inner.flow.nodes.values()];
  const entry = entryOf(inner.flow, inner.catalog);
  const ends = nodes.filter((node) => isEnd(inner.catalog.card(node.type)));
  const body = new Set(nodes.filter((node) => node !== entry && !ends.includes(node)));
  return { entry, ends, body, inside: bodies(inner, new Set(nodes)) };
}

function refusalOf(scene: Scene, caller: FlowNode, inner: Scene, { entry, ends, body, inside }: Parts): string {
  const name = (node: FlowNode): string => `“${titleOf(node, inner.shape(node))}”`;
  if (!entry) return "The called flow has no start.";
  const other = [...body].find((node) => inner.catalog.card(node.type)?.kind === "event");
  if (other) return `The called flow also starts at ${name(other)}: it stays a flow of its own.`;
  const early = ends.find((node) => inside.has(node));
  if (early) return `The called flow may end at ${name(early)} in the middle of a loop or sequence: it stays a flow of its own.`;
  const fixed = new Set([...(scene.catalog.card(caller.type)?.inputs ?? []), ...(scene.catalog.card(caller.type)?.outputs ?? [])].map((pin) => pin.id));
  const whole = caller.wires.find((wire) => !isExec(wire) && fixed.has(wire.from === caller ? wire.sourcePin : wire.targetPin));
  if (whole) return `The wire at “${whole.from === caller ? whole.sourcePin : whole.targetPin}” takes all values at once: wire the single values first.`;
  const ways = new Set(caller.wires.flatMap((wire) => (wire.from === caller && isExec(wire) ? [wire.sourcePin] : [])));
  if (ways.size > 1) return "What follows when it fails is wired to it: a part of this flow cannot fail as a whole.";
  const results = new Set(caller.wires.flatMap((wire) => (wire.from === caller && !isExec(wire) ? [wire.sourcePin] : [])));
  const shared = [...results].find((pin) => ends.filter((end) => inner.shapes.pin(end, "in", pin)).length > 1);
  if (shared) return `The called flow gives “${shared}” at several ends: only one of them could be wired.`;
  const uses = (node: FlowNode): boolean => scene.catalog.card(node.type)?.family === "variables";
  const mine = [...body].find(uses);
  if (mine && [...scene.flow.nodes.values()].some(uses)) return `${name(mine)} uses variables, and so does this flow: they would mix.`;
  return "";
}

class Expansion {
  private readonly names = new Map<string, string>();
  private readonly wires: Change[] = [];
  private readonly values = new Map<string, JsonObject>();
  private readonly flow: FlowDocument;

  constructor(
    private readonly scene: Scene,
    private readonly caller: FlowNode,
    private readonly inner: Scene,
    private readonly parts: Parts,
  ) {
    this.flow = scene.flow;
    for (const node of parts.body) this.names.set(node.id, this.flow.freshNodeId());
  }

  made(): Expanded {
    this.control();
    this.data();
    const { caller, flow, parts } = this;
    const box = unite([...parts.body].map((node) => this.inner.box(node))) ?? { x: 0, y: 0, w: 0, h: 0 };
    const start = this.scene.box(caller);
    const by = { x: start.x - box.x, y: start.y - (parts.entry?.y ?? box.y) };
    const added: Change[] = [...parts.body].map((node) => ({ op: "add", node: this.raw(node, by) }));
    const gone = new Set([caller.id]);
    const moves = this.room(snap(Math.max(0, box.w - start.w), GRID));
    const changes: Change[] = [...added, ...carryChanges(flow, gone), { op: "remove", node: caller.id }, ...moves, ...this.wires];
    return { changes, nodes: [...this.names.values()] };
  }

  private raw(node: FlowNode, by: { x: number; y: number }): JsonObject {
    const id = this.names.get(node.id) as string;
    const data = pastedData(node.data, (group) => `${this.caller.id} ${group}`, this.names);
    const values = this.values.get(node.id);
    const given = isObject(data) ? data : {};
    const whole = values ? { ...given, pinDefaults: { ...(isObject(given.pinDefaults) ? given.pinDefaults : {}), ...values } } : given;
    return { ...node.raw, id, position: { x: snap(node.x + by.x), y: snap(node.y + by.y) }, data: whole };
  }

  /** What stands to the right makes room. */
  private room(by: number): Change[] {
    const edge = this.scene.box(this.caller);
    if (!by) return [];
    return [...this.flow.nodes.values()].flatMap((node): Change[] => (node !== this.caller && node.x >= edge.x + edge.w / 2 ? [{ op: "move", node: node.id, x: node.x + by, y: node.y }] : []));
  }

  private wire(source: string, sourceHandle: string, target: string, targetHandle: string): void {
    this.wires.push({ op: "connect", edge: { id: this.flow.freshWireId(), source, sourceHandle, target, targetHandle, animated: targetHandle === "exec-in" } });
  }

  private control(): void {
    const { caller, inner, parts, names } = this;
    const before = caller.wires.filter((wire) => wire.to === caller && isExec(wire));
    const after = caller.wires.find((wire) => wire.from === caller && isExec(wire));
    const first = parts.entry?.wires.find((wire) => wire.from === parts.entry && isExec(wire))?.to ?? null;
    const goesOn = (source: string, pin: string): void => {
      if (after) this.wire(source, pin, after.target, "exec-in");
    };
    for (const wire of before) {
      const goal = first && names.get(first.id);
      if (goal) this.wire(wire.source, wire.sourcePin, goal, "exec-in");
      else goesOn(wire.source, wire.sourcePin);
    }
    for (const wire of inner.flow.wires.values()) {
      if (!wire.from || !wire.to || !isExec(wire) || wire.from === parts.entry) continue;
      const source = names.get(wire.source);
      const target = names.get(wire.target);
      if (source && target) this.wire(source, wire.sourcePin, target, "exec-in");
      else if (source && parts.ends.includes(wire.to)) goesOn(source, wire.sourcePin);
    }
    if (first) {
      const reached = new Set([...parts.body].filter((node) => node === first || node.wires.some((wire) => wire.to === node && isExec(wire))));
      for (const { node, pin } of looseEnds(inner, reached, parts.inside)) goesOn(names.get(node.id) as string, pin);
    }
  }

  private data(): void {
    const { caller, inner, parts, names } = this;
    for (const node of parts.body) {
      for (const wire of node.wires) {
        if (wire.to !== node || isExec(wire)) continue;
        this.give(this.sourceOf(wire), { node: names.get(node.id) as string, pin: wire.targetPin }, node);
      }
    }
    for (const wire of caller.wires) {
      if (wire.from !== caller || isExec(wire)) continue;
      const end = parts.ends.find((each) => inner.shapes.pin(each, "in", wire.sourcePin));
      const inward = end?.wires.find((each) => each.to === end && each.targetPin === wire.sourcePin);
      const preset = end && isObject(end.data.pinDefaults) ? end.data.pinDefaults[wire.sourcePin] : undefined;
      const source: Source = inward ? this.sourceOf(inward) : preset === undefined ? null : { value: preset };
      if (source && "node" in source) this.wire(source.node, source.pin, wire.target, wire.targetPin);
      else if (source) this.wires.push({ op: "set", node: wire.target, path: ["pinDefaults", wire.targetPin], value: source.value });
    }
  }

  /** Where the value of a wire of the called flow comes from, seen from the caller's. */
  private sourceOf(wire: FlowWire): Source {
    const { caller, parts, names } = this;
    if (wire.from !== parts.entry) {
      const node = names.get(wire.source);
      return node ? { node, pin: wire.sourcePin } : null;
    }
    const outer = caller.wires.find((each) => each.to === caller && each.targetPin === wire.sourcePin);
    if (outer) return { node: outer.source, pin: outer.sourcePin };
    for (const node of [caller, parts.entry]) {
      const value = isObject(node?.data.pinDefaults) ? node.data.pinDefaults[wire.sourcePin] : undefined;
      if (value !== undefined) return { value };
    }
    return null;
  }

  private give(source: Source, to: { node: string; pin: string }, node: FlowNode): void {
    if (!source) return;
    if ("node" in source) return this.wire(source.node, source.pin, to.node, to.pin);
    this.values.set(node.id, { ...this.values.get(node.id), [to.pin]: source.value });
  }
}
