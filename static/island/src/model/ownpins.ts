// Pins that an author names: parameters of a flow, its results, inputs of code. They live in the
// document (`data.inputs`, `data.outputs`); renaming one takes its wires and its value along.
import { type CardPin, EXEC, type Json } from "../catalog";
import type { Change } from "./change";
import type { FlowDocument, FlowNode } from "./document";
import { pinJSON } from "./grow";
import { isObject, type JsonObject } from "./json";
import { declared, type Shapes } from "./pins";

export type OwnSide = "inputs" | "outputs";

function rowsOf(shapes: Shapes, node: FlowNode, side: OwnSide): JsonObject[] {
  const known = new Map<string, JsonObject>();
  const saved = node.data[side];
  for (const row of Array.isArray(saved) ? saved : []) if (isObject(row)) known.set(String(row.id).trim(), row);
  return declared(shapes.catalog.card(node.type), node)[side].map((pin: CardPin) => known.get(pin.id) ?? pinJSON(pin));
}

function setRows(node: FlowNode, side: OwnSide, rows: Json[]): Change {
  return { op: "set", node: node.id, path: side, value: rows };
}

function defaultsOf(node: FlowNode): JsonObject {
  return isObject(node.data.pinDefaults) ? node.data.pinDefaults : {};
}

/** A name that no pin of the side has: letters, digits, underscores. */
function freeName(rows: readonly JsonObject[], wish: string): string {
  const used = new Set(rows.map((row) => String(row.id)));
  const name = wish.trim().replace(/\s+/g, "_").replace(/[^\p{L}\p{N}_-]/gu, "") || "value";
  if (!used.has(name)) return name;
  for (let number = 2; ; number++) if (!used.has(`${name}_${number}`)) return `${name}_${number}`;
}

export function addOwnPin(shapes: Shapes, node: FlowNode, side: OwnSide, wish = "value", type = "string"): Change[] {
  const rows = rowsOf(shapes, node, side);
  const id = freeName(rows, wish);
  return [setRows(node, side, [...rows, { id, label: id, type }])];
}

export function dropOwnPin(flow: FlowDocument, shapes: Shapes, node: FlowNode, side: OwnSide, pin: string): Change[] {
  const rows = rowsOf(shapes, node, side);
  const wires = flow.wiresAt(node.id, side === "inputs" ? "in" : "out", pin);
  const changes: Change[] = wires.map((wire) => ({ op: "disconnect", edge: wire.key }));
  changes.push(setRows(node, side, rows.filter((row) => row.id !== pin)));
  if (Object.hasOwn(defaultsOf(node), pin)) changes.push({ op: "set", node: node.id, path: ["pinDefaults", pin] });
  return changes;
}

export function renameOwnPin(flow: FlowDocument, shapes: Shapes, node: FlowNode, side: OwnSide, pin: string, wish: string): Change[] {
  const rows = rowsOf(shapes, node, side);
  if (!wish.trim() || wish.trim() === pin) return [];
  const id = freeName(rows.filter((row) => row.id !== pin), wish);
  const at = side === "inputs" ? "in" : "out";
  const end = side === "inputs" ? "targetHandle" : "sourceHandle";
  const wires = flow.wiresAt(node.id, at, pin);
  const changes: Change[] = wires.map((wire) => ({ op: "disconnect", edge: wire.key }));
  changes.push(setRows(node, side, rows.map((row) => (row.id === pin ? { ...row, id, label: id } : row))));
  const values = defaultsOf(node);
  if (Object.hasOwn(values, pin)) {
    changes.push({ op: "set", node: node.id, path: ["pinDefaults", pin] }, { op: "set", node: node.id, path: ["pinDefaults", id], value: values[pin] as Json });
  }
  for (const wire of wires) changes.push({ op: "connect", edge: { ...wire.raw, [end]: id } });
  return changes;
}

export function retypeOwnPin(shapes: Shapes, node: FlowNode, side: OwnSide, pin: string, type: string): Change[] {
  if (type === EXEC) return [];
  return [setRows(node, side, rowsOf(shapes, node, side).map((row) => (row.id === pin ? { ...row, type } : row)))];
}
