// Pins that an author adds and takes away. A new pin is a change of `data.inputs` or `data.outputs`,
// which then count as the node's own pins.
import { type CardPin, EXEC, type Grows, type Json } from "../catalog";
import type { Change } from "./change";
import type { FlowDocument, FlowNode } from "./document";
import { isObject, type JsonObject } from "./json";
import { declared, type Shapes, type Side } from "./pins";

/** The id of the next pin: a..z then p26, then:0.., or a free name made unique. */
export function nextName(rule: Grows, taken: Iterable<string>, wish = ""): string {
  const used = new Set(taken);
  if (rule.names === "free") return unique(wish || "value", used);
  for (let number = 0; ; number++) {
    const letter = rule.names === "letters" && number < 26;
    const name = rule.names === "then" ? `then:${number}` : letter ? String.fromCharCode(97 + number) : `p${number}`;
    if (!used.has(name)) return name;
  }
}

function unique(wish: string, used: Set<string>): string {
  const name = wish.trim().replace(/[^\p{L}\p{N}_-]+/gu, "_") || "value";
  if (!used.has(name)) return name;
  for (let number = 2; ; number++) if (!used.has(`${name}${number}`)) return `${name}${number}`;
}

export interface Grown {
  change: Change;
  pin: string;
  side: Side;
}

/** The change that adds a pin to a growing node, and the pin; null when the node does not grow. */
export function growPin(shapes: Shapes, node: FlowNode, wish: { name?: string; type?: string } = {}): Grown | null {
  const card = shapes.catalog.card(node.type);
  const rule = card?.grows;
  if (!card || !rule) return null;
  const rows = savedRows(node, rule.side, declared(card, node)[rule.side]);
  const id = nextName(rule, rows.map((row) => (isObject(row) ? String(row.id) : "")), wish.name);
  const type = rule.names === "free" && wish.type && wish.type !== EXEC ? wish.type : rule.type;
  const pin: JsonObject = { id, label: rule.names === "free" ? wish.name?.trim() || id : labelOf(id), type };
  const change: Change = { op: "set", node: node.id, path: rule.side, value: [...rows, pin] };
  return { change, pin: id, side: rule.side === "inputs" ? "in" : "out" };
}

/** The changes that take a grown pin away with its wires and its value; null when it has to stay. */
export function dropPin(flow: FlowDocument, shapes: Shapes, node: FlowNode, side: Side, pin: string): Change[] | null {
  const card = shapes.catalog.card(node.type);
  const rule = card?.grows;
  const key = side === "in" ? "inputs" : "outputs";
  if (!card || !rule || rule.side !== key) return null;
  const rows = savedRows(node, key, declared(card, node)[key]);
  const others = rows.filter((row) => !isObject(row) || row.id !== pin);
  const values = others.filter((row) => isObject(row) && (row.type === EXEC) === (rule.type === EXEC));
  const fixed = rule.names === "free" && card[key].some((each) => each.id === pin);
  if (others.length === rows.length || values.length < rule.least || fixed) return null;
  const changes: Change[] = flow.wiresAt(node.id, side, pin).map((wire) => ({ op: "disconnect", edge: wire.key }));
  changes.push({ op: "set", node: node.id, path: key, value: others });
  if (isObject(node.data.pinDefaults) && Object.hasOwn(node.data.pinDefaults, pin)) {
    changes.push({ op: "set", node: node.id, path: ["pinDefaults", pin] });
  }
  return changes;
}

/** The pins as the document keeps them; made from the declared ones where it keeps none. */
function savedRows(node: FlowNode, side: "inputs" | "outputs", pins: readonly CardPin[]): Json[] {
  const saved = node.data[side];
  const known = new Map<string, Json>();
  for (const row of Array.isArray(saved) ? saved : []) if (isObject(row)) known.set(String(row.id).trim(), row);
  return pins.map((pin) => known.get(pin.id) ?? pinJSON(pin));
}

export function pinJSON(pin: CardPin): JsonObject {
  return { id: pin.id, label: pin.label ?? pin.id, type: pin.type };
}

/** What a grown pin is called until its author names it. */
export function labelOf(id: string): string {
  return id.startsWith("then:") ? `then ${Number(id.slice(5)) + 1}` : id;
}
