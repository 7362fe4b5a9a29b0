// May this pin meet that one, and who could take this wire? Every refusal has a reason in words.
import { ANY, type Card, type Catalog, EXEC } from "../catalog";
import type { FlowDocument, FlowNode, FlowWire } from "./document";
import { titleOf } from "./geometry";
import type { PinAt } from "./hit";
import type { ShapePin, Shapes, Side } from "./pins";

/** The ends of a wire that cannot be, where something else can stand for it: a node between that converts, else a loop. */
export interface Instead {
  from: PinAt;
  to: PinAt;
  by?: Card;
}

/** `back`: steps would run in a circle, which a loop node does, or a node could convert the value. */
export type Verdict = { ok: true; note: string } | { ok: false; reason: string; back?: Instead };

const TEXT = "string";
const no = (reason: string): { ok: false; reason: string } => ({ ok: false, reason });

/** What a pin type is called on screen. */
export function typeWord(type: string, catalog?: Catalog): string {
  const label = catalog?.pinType(type).id === type ? catalog.pinType(type).label : undefined;
  if (label) return label;
  if (type === EXEC) return "step";
  if (type === "string") return "text";
  if (type === "boolean") return "yes/no";
  if (type === "array") return "list";
  return type.replaceAll("_", " ");
}

/** Put the two ends in the order of a wire: output first. Null when both are on one side. */
export function inOrder(a: PinAt, b: PinAt): { from: PinAt; to: PinAt } | null {
  if (a.side === b.side) return null;
  return a.side === "out" ? { from: a, to: b } : { from: b, to: a };
}

/** Say whether a wire may join two pins, and if not, why not. */
export function check(flow: FlowDocument, shapes: Shapes, a: PinAt, b: PinAt): Verdict {
  return checker(flow, shapes, a)(b);
}

/** The same for many second ends: what lies behind the first is looked up once. */
export function checker(flow: FlowDocument, shapes: Shapes, a: PinAt): (b: PinAt) => Verdict {
  const circle = circleOf(flow, shapes, a);
  return (b) => {
    const ends = inOrder(a, b);
    if (!ends) return no(a.side === "out" ? "Both ends are outputs; a wire needs an input." : "Both ends are inputs; a wire needs an output.");
    const source = flow.nodes.get(ends.from.node);
    const target = flow.nodes.get(ends.to.node);
    const from = source && shapes.pin(source, "out", ends.from.pin);
    const to = target && shapes.pin(target, "in", ends.to.pin);
    if (!source || !target || !from || !to) return no("This pin is not there any more.");
    if (source === target) return no("A node cannot feed itself.");
    const types = checkTypes(shapes.catalog, from.type, to.type);
    if (!types.ok) {
      const by = shapes.catalog.converter(from.type, to.type);
      return by ? { ...types, back: { ...ends, by } } : types;
    }
    if (circle.has(b.node)) {
      return from.type === EXEC ? { ...no("This would run in a circle; use a loop node."), back: ends } : no("This value would depend on itself.");
    }
    const taken = from.type === EXEC ? flow.wiresAt(source.id, "out", from.id) : flow.wiresAt(target.id, "in", to.id);
    if (taken.some((wire) => joins(wire, ends.from, ends.to))) return { ok: true, note: "already wired" };
    if (!taken.length) return types;
    return { ok: true, note: `${types.note}, ${from.type === EXEC ? "runs after what is wired here" : "replaces the wire that is there"}` };
  };
}

export function joins(wire: FlowWire, from: PinAt, to: PinAt): boolean {
  return wire.source === from.node && wire.sourcePin === from.pin && wire.target === to.node && wire.targetPin === to.pin;
}

/** The nodes that a wire from this pin may not reach, because they lead back to it. */
function circleOf(flow: FlowDocument, shapes: Shapes, at: PinAt): Set<string> {
  const seen = new Set<string>();
  const home = flow.nodes.get(at.node);
  const pin = home && shapes.pin(home, at.side, at.pin);
  if (!home || !pin) return seen;
  const exec = pin.type === EXEC;
  if (!exec && shapes.of(home).step) return seen;
  const open = [home];
  for (let node = open.pop(); node; node = open.pop()) {
    for (const wire of node.wires) {
      if ((wire.targetPin === "exec-in") !== exec) continue;
      const next = at.side === "out" ? wire.to === node && wire.from : wire.from === node && wire.to;
      if (!next || seen.has(next.id) || (!exec && shapes.of(next).step)) continue;
      seen.add(next.id);
      open.push(next);
    }
  }
  return seen;
}

/** Whether a value that is no text is made one on its way. */
export function turnsToText(catalog: Catalog, from: string, to: string): boolean {
  return to === TEXT && from !== to && catalog.mayFlow(from, to) && !catalog.mayFlow(to, from);
}

/** Say whether a value of one type may go where another is expected. */
export function checkTypes(catalog: Catalog, from: string, to: string): Verdict {
  const [a, b] = [typeWord(from, catalog), typeWord(to, catalog)];
  if (catalog.mayFlow(from, to)) return { ok: true, note: from === to ? a : `${a} → ${b}${turnsToText(catalog, from, to) ? ": adds as text" : ""}` };
  if (from === EXEC) return no(`A step wire says what runs next; it carries no ${b}.`);
  if (to === EXEC) return no(`A value (${a}) cannot start a step.`);
  return no(`${a} → ${b}: ${b.endsWith("s") ? `${b} are` : `${/^[aeiou]/.test(b) ? "an" : "a"} ${b} is`} expected here.`);
}

export function wireJSON(flow: FlowDocument, from: PinAt, to: PinAt, exec: boolean): { [key: string]: string | boolean } {
  const edge = { id: flow.freshWireId(), source: from.node, sourceHandle: from.pin, target: to.node, targetHandle: to.pin };
  return { ...edge, animated: exec };
}

/** A pin that could take a wire, with words for a list. */
export interface Candidate extends PinAt {
  title: string;
  label: string;
  type: string;
  note: string;
  /** Whether it has the one wire that it holds. */
  taken: boolean;
  /** Whether it takes the wire only with a node between: steps would run in a circle, or the value does not fit. */
  back: boolean;
}

/** Every pin of the flow, or of one node, that could take a wire from this one, nearest first; with
 * `backs` then those of earlier steps, to which a loop could lead, and those for which a node could convert the value. */
export function candidates(flow: FlowDocument, shapes: Shapes, from: PinAt, nodes: Iterable<FlowNode> = flow.nodes.values(), backs = false): Candidate[] {
  const home = flow.nodes.get(from.node);
  if (!home) return [];
  const side: Side = from.side === "out" ? "in" : "out";
  const may = checker(flow, shapes, from);
  const found: (Candidate & { far: number; seldom: boolean })[] = [];
  for (const node of nodes) {
    const shape = shapes.of(node);
    for (const pin of shape.pins) {
      if (pin.side !== side) continue;
      const at = { node: node.id, side, pin: pin.id };
      const verdict = may(at);
      if (!verdict.ok && !(backs && verdict.back)) continue;
      const far = Math.hypot(node.x - home.x, node.y - home.y);
      const label = pin.label || (side === "in" ? "starts here" : "then");
      const taken = (side === "in") !== (pin.type === EXEC) && shapes.isWired(node, pin);
      found.push({ ...at, title: titleOf(node, shape), label, type: pin.type, note: verdict.ok ? verdict.note : (verdict.back?.by?.label ?? "back"), taken, back: !verdict.ok, far, seldom: pin.folded });
    }
  }
  return found.sort((a, b) => Number(a.back) - Number(b.back) || a.far - b.far || Number(a.seldom) - Number(b.seldom)).map(({ far: _far, seldom: _seldom, ...rest }) => rest);
}

/** The pins of a node between which a wire dropped on it may choose: the free ones, else all that fit. */
export function choicesAt(flow: FlowDocument, shapes: Shapes, from: PinAt, node: FlowNode): Candidate[] {
  const fit = candidates(flow, shapes, from, [node]);
  const free = fit.filter((pin) => !pin.taken);
  return free.length ? free : fit;
}

/** The pin of a node that suits a wire best: same type first, then free, then in order. */
export function bestPin(flow: FlowDocument, shapes: Shapes, from: PinAt, node: FlowNode): ShapePin | null {
  const type = pinType(flow, shapes, from);
  const may = checker(flow, shapes, from);
  let best: ShapePin | null = null;
  let most = -1;
  for (const pin of shapes.of(node).pins) {
    if (!may({ node: node.id, side: pin.side, pin: pin.id }).ok) continue;
    const score = (pin.type === type ? 4 : 0) + (shapes.isWired(node, pin) && pin.type !== EXEC ? 0 : 2) + (pin.type === ANY ? 0 : 1) - (pin.folded ? 0.5 : 0);
    if (score > most) [best, most] = [pin, score];
  }
  return best;
}

export function pinType(flow: FlowDocument, shapes: Shapes, at: PinAt): string {
  const node = flow.nodes.get(at.node);
  return (node && shapes.pin(node, at.side, at.pin)?.type) ?? ANY;
}

/** Whether a new node of this type could take a wire from a pin of this type and side. */
export function cardTakes(catalog: Catalog, card: Card, from: { side: Side; type: string }): boolean {
  if (card.grows && from.side === "out" === (card.grows.side === "inputs") && from.type !== EXEC && card.grows.type !== EXEC) return true;
  if (from.side === "out") return card.inputs.some((pin) => catalog.mayFlow(from.type, pin.type));
  return card.outputs.some((pin) => catalog.mayFlow(pin.type, from.type));
}
