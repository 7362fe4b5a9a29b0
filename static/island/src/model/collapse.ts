// Taking a part out of a flow as a flow of its own: what the wires that cross carry becomes its parameters
// and results. Where the flow would not do the same afterwards, nothing is taken and the reason is said.
import { ANY, type Card, type Catalog, EXEC, type Json } from "../catalog";
import { calledAt, isCall } from "./called";
import type { Change } from "./change";
import { nodeJSON } from "./fresh";
import { FlowDocument, type FlowNode, type FlowWire } from "./document";
import { titleOf, unite } from "./geometry";
import { isObject, type JsonObject } from "./json";
import { carryChanges, pastedData } from "./marks";
import type { Scene } from "./scene";
import { bodies, exits, isEnd, isExec, isStart, looseEnds, returning, watches } from "./ways";

const GAP = 96;

/** A value that crosses: `from` gives it, `to` take it. `id` is the pin that it gets. */
interface Crossing {
  id: string;
  type: string;
  from: { node: FlowNode; pin: string };
  to: FlowWire[];
}

export interface Collapsed {
  /** The new flow, whole. */
  called: JsonObject;
  /** What the flow that it is taken from becomes; one step of undo. */
  changes: Change[];
  /** The node that stands for the part. */
  node: string;
}

export type Refused = { reason: string };

interface Cards {
  start: Card;
  end: Card;
  call: Card;
}

/** Take nodes out of a flow into one with this id; say why not when it cannot be done. */
export function collapse(scene: Scene, ids: Iterable<string>, flow: { id: string; name: string }): Collapsed | Refused {
  const cards = cardsOf(scene.catalog);
  if (!cards) return { reason: "This server has no node that runs a flow." };
  const part = partOf(scene, ids);
  const refusal = refusalOf(scene, part);
  if (refusal) return { reason: refusal };
  const entry = entriesOf(scene, part)[0] as FlowNode;
  const inward = crossings(scene, part, "in", cards);
  const outward = crossings(scene, part, "out", cards);
  const called = calledFlow(scene, part, entry, inward, outward, cards, flow);
  const { changes, node } = callerChanges(scene, part, entry, inward, outward, cards, flow);
  return { called, changes, node };
}

function cardsOf(catalog: Catalog): Cards | null {
  const [start, end, call] = [isStart, isEnd, isCall].map((test) => catalog.cards.find(test));
  return start && end && call ? { start, end, call } : null;
}

/** The nodes that go: those chosen, without the values that others read before them, with the values
 * that they read from themselves. */
function partOf(scene: Scene, ids: Iterable<string>): Set<FlowNode> {
  const part = new Set([...ids].flatMap((id) => scene.flow.nodes.get(id) ?? []));
  const isStep = (node: FlowNode): boolean => scene.shape(node).step;
  const readsPart = new Set<FlowNode>();
  const open = [...part].filter(isStep);
  for (let node = open.pop(); node; node = open.pop()) {
    for (const wire of node.wires) {
      if (wire.from !== node || isExec(wire) || !wire.to || isStep(wire.to) || readsPart.has(wire.to)) continue;
      readsPart.add(wire.to);
      open.push(wire.to);
    }
  }
  for (const node of readsPart) if (!part.has(node) && feeds(node, part, isStep)) part.add(node);
  for (let gone = true; gone; ) {
    gone = false;
    for (const node of part) {
      if (isStep(node) || readsPart.has(node) || !node.wires.some((wire) => wire.from === node && wire.to && !part.has(wire.to))) continue;
      part.delete(node);
      gone = true;
    }
  }
  return part;
}

/** Whether a value ends in the part, by other values. */
function feeds(from: FlowNode, part: ReadonlySet<FlowNode>, isStep: (node: FlowNode) => boolean): boolean {
  const seen = new Set([from]);
  for (const node of seen) {
    for (const wire of node.wires) {
      if (wire.from !== node || !wire.to) continue;
      if (part.has(wire.to) && isStep(wire.to)) return true;
      if (!isStep(wire.to)) seen.add(wire.to);
    }
  }
  return false;
}

function entriesOf(scene: Scene, part: ReadonlySet<FlowNode>): FlowNode[] {
  const steps = [...part].filter((node) => scene.shape(node).step);
  const led = steps.filter((node) => node.wires.some((wire) => wire.to === node && isExec(wire) && wire.from && !part.has(wire.from)));
  return led.length ? led : steps.filter((node) => !node.wires.some((wire) => wire.to === node && isExec(wire)));
}

const wiresOut = (part: ReadonlySet<FlowNode>): FlowWire[] => [...part].flatMap((node) => node.wires.filter((wire) => wire.from === node && wire.to && !part.has(wire.to)));

/** Why these nodes cannot be a flow of their own, in words; nothing when they can. */
function refusalOf(scene: Scene, part: ReadonlySet<FlowNode>): string {
  const { catalog } = scene;
  const name = (node: FlowNode | undefined | null): string => (node ? `“${titleOf(node, scene.shape(node))}”` : "");
  const steps = [...part].filter((node) => scene.shape(node).step);
  if (!steps.length) return "Select at least one step: a value alone is computed where it is needed.";
  const kept = steps.find((node) => catalog.card(node.type)?.kind === "event" || isEnd(catalog.card(node.type)));
  if (kept) return `${name(kept)} stays: a flow begins and ends in itself. Select what lies between.`;
  const entries = entriesOf(scene, part);
  if (!entries.length) return "Nothing leads to these steps.";
  if (entries.length > 1) return `These steps are reached in two places, at ${name(entries[0])} and at ${name(entries[1])}. Select what leads to both.`;
  const watcher = steps.find((node) => watches(scene, node));
  if (watcher) return `${name(watcher)} watches over what comes after it, and a subflow would end that. Leave it out.`;
  const inside = bodies(scene, part);
  const out = wiresOut(part).filter(isExec);
  const early = out.find((wire) => inside.has(wire.from as FlowNode) || returning(scene, wire.from as FlowNode).has(wire.sourcePin));
  if (early) return `The branch of ${name(early.from)} goes on to ${name(early.to)}. Select that too.`;
  const goals = new Map(out.map((wire) => [wire.target, wire]));
  if (goals.size > 1) {
    const [first, second] = [...goals.values()];
    return `These steps lead on in two places, to ${name(first?.to)} and to ${name(second?.to)}. Select what lies between.`;
  }
  const [loose] = out.length ? looseEnds(scene, part, inside) : [];
  if (loose) return `The flow may end at ${name(loose.node)}, while other ways lead on. Wire that end, or leave the step out.`;
  return variablesIn(scene, part);
}

/** Variables belong to one flow; those that both sides use cannot be divided. */
function variablesIn(scene: Scene, part: ReadonlySet<FlowNode>): string {
  const uses = (node: FlowNode): boolean => scene.catalog.card(node.type)?.family === "variables";
  const inside = [...part].find(uses);
  const outside = [...scene.flow.nodes.values()].some((node) => !part.has(node) && uses(node));
  if (!inside || !outside) return "";
  return `“${titleOf(inside, scene.shape(inside))}” uses the variables of this flow, and a subflow has its own. Select all steps that use them, or none.`;
}

function crossings(scene: Scene, part: ReadonlySet<FlowNode>, side: "in" | "out", cards: Cards): Crossing[] {
  const found = new Map<string, Crossing>();
  const used = new Set([...(side === "in" ? [...cards.call.inputs, ...cards.start.outputs] : [...cards.call.outputs, ...cards.end.inputs])].map((pin) => pin.id));
  for (const node of part) {
    for (const wire of node.wires) {
      if (isExec(wire) || !wire.from || !wire.to || part.has(wire.from) === part.has(wire.to) || part.has(wire.from) !== (side === "out")) continue;
      const key = JSON.stringify([wire.source, wire.sourcePin]);
      const known = found.get(key);
      if (known) {
        known.to.push(wire);
        continue;
      }
      const given = scene.shapes.pin(wire.from, "out", wire.sourcePin);
      const taken = scene.shapes.pin(wire.to, "in", wire.targetPin);
      const type = given && given.type !== ANY ? given.type : (taken?.type ?? ANY);
      const id = freeName(nameOf(scene, wire), used);
      found.set(key, { id, type, from: { node: wire.from, pin: wire.sourcePin }, to: [wire] });
    }
  }
  return [...found.values()];
}

/** What a value is called: by the pin that gives it, or by what takes it where that says more. */
function nameOf(scene: Scene, wire: FlowWire): string {
  const given = scene.shapes.pin(wire.from as FlowNode, "out", wire.sourcePin);
  const plain = ["", "result", "value", "output"].includes(given?.label ?? "");
  return plain ? (scene.shapes.pin(wire.to as FlowNode, "in", wire.targetPin)?.label ?? "") || wire.targetPin : (given?.label as string);
}

function freeName(wish: string, used: Set<string>): string {
  const name = wish.trim().replace(/\s+/g, "_").replace(/[^\p{L}\p{N}_-]/gu, "") || "value";
  let free = name;
  for (let number = 2; used.has(free); number++) free = `${name}_${number}`;
  used.add(free);
  return free;
}

const pinRow = ({ id, type }: Crossing): JsonObject => ({ id, label: id, type });
const execRow = (id: string): JsonObject => ({ id, label: "", type: EXEC });

function calledFlow(scene: Scene, part: ReadonlySet<FlowNode>, entry: FlowNode, inward: Crossing[], outward: Crossing[], cards: Cards, named: { id: string; name: string }): JsonObject {
  const box = unite([...part].map((node) => scene.box(node))) ?? { x: 0, y: 0, w: 0, h: 0 };
  const names = new Map([...part].map((node) => [node.id, node.id]));
  const flow = FlowDocument.fromJSON({ nodes: [...part].map((node) => plainNode(node, names)), edges: [] });
  const [start, end] = [flow.freshNodeId(), flow.freshNodeId()];
  const begin = nodeJSON(cards.start, start, { x: box.x - 200 - GAP, y: entry.y });
  begin.data = { ...(begin.data as JsonObject), outputs: [execRow("exec-out"), ...inward.map(pinRow)] };
  const last = nodeJSON(cards.end, end, { x: box.x + box.w + GAP, y: entry.y });
  last.data = { ...(last.data as JsonObject), inputs: [execRow("exec-in"), ...outward.map(pinRow)] };
  const edges: JsonObject[] = [...scene.flow.wires.values()].filter((wire) => wire.from && wire.to && part.has(wire.from) && part.has(wire.to)).map((wire) => wire.raw);
  const wire = (source: string, sourceHandle: string, target: string, targetHandle: string): void => {
    edges.push({ id: scene.flow.freshWireId(), source, sourceHandle, target, targetHandle, animated: targetHandle === "exec-in" });
  };
  wire(start, "exec-out", entry.id, "exec-in");
  for (const { id, to } of inward) for (const each of to) wire(start, id, each.target, each.targetPin);
  const out = wiresOut(part).filter(isExec);
  const ends = out.length ? out.map((each) => ({ node: each.from as FlowNode, pin: each.sourcePin })) : looseEnds(scene, part, bodies(scene, part));
  for (const { node, pin } of ends) wire(node.id, pin, end, "exec-in");
  for (const { id, from } of outward) wire(from.node.id, from.pin, end, id);
  return { id: named.id, name: named.name, description: "", interfaces: [], nodes: [begin, ...[...flow.nodes.values()].map((node) => node.raw), last], edges, entryNode: start };
}

/** A node without what it keeps for the flow that it leaves: its notes and its group. */
function plainNode(node: FlowNode, names: ReadonlyMap<string, string>): JsonObject {
  const data = pastedData(node.data, (group) => group, names);
  if (!isObject(data) || !isObject(data.canvas)) return data === undefined ? node.raw : { ...node.raw, data };
  const { group: _group, groups: _groups, ...canvas } = data.canvas;
  const { canvas: _old, ...rest } = data;
  return { ...node.raw, data: Object.keys(canvas).length ? { ...rest, canvas } : rest };
}

function callerChanges(scene: Scene, part: ReadonlySet<FlowNode>, entry: FlowNode, inward: Crossing[], outward: Crossing[], cards: Cards, named: { id: string; name: string }): { changes: Change[]; node: string } {
  const { flow } = scene;
  const id = flow.freshNodeId();
  const raw = nodeJSON(cards.call, id, { x: entry.x, y: entry.y });
  const data = raw.data as JsonObject;
  const path = calledAt(cards.call) ?? "";
  const rows = (pins: Json | undefined): Json[] => (Array.isArray(pins) ? pins : []);
  raw.data = { ...data, label: named.name, inputs: [...rows(data.inputs), ...inward.map(pinRow)], outputs: [...rows(data.outputs), ...outward.map(pinRow)], [path]: named.id };
  const wires: Change[] = [];
  const wire = (source: string, sourceHandle: string, target: string, targetHandle: string): void => {
    wires.push({ op: "connect", edge: { id: flow.freshWireId(), source, sourceHandle, target, targetHandle, animated: targetHandle === "exec-in" } });
  };
  for (const each of entry.wires) if (each.to === entry && isExec(each) && each.from && !part.has(each.from)) wire(each.source, each.sourcePin, id, "exec-in");
  for (const { id: pin, from } of inward) wire(from.node.id, from.pin, id, pin);
  const [on] = wiresOut(part).filter(isExec);
  const way = cards.call.outputs.find((pin) => pin.type === EXEC)?.id ?? exits(scene, entry)[0];
  if (on && way) wire(id, way, on.target, "exec-in");
  for (const { id: pin, to } of outward) for (const each of to) wire(id, pin, each.target, each.targetPin);
  const gone = new Set([...part].map((node) => node.id));
  const removed: Change[] = [...gone].map((node) => ({ op: "remove", node }));
  return { changes: [{ op: "add", node: raw }, ...carryChanges(flow, gone), ...removed, ...wires], node: id };
}
