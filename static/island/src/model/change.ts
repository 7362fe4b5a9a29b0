// The one way to alter a flow. A Change is JSON; applying it returns the changes that take it back,
// after which the document is the same to the byte.
import type { Json } from "../catalog";
import type { FlowDocument, FlowNode } from "./document";
import { isObject, keysOf, type JsonObject, type Path, without, write } from "./json";

export type Change =
  | { op: "add"; node: JsonObject; at?: number }
  | { op: "remove"; node: string }
  | { op: "move"; node: string; x: number; y: number }
  | { op: "connect"; edge: JsonObject; at?: number; key?: string }
  /** `at`: where the wire stands, which is what counts for wires without an id of their own. */
  | { op: "disconnect"; edge: string; at?: number }
  /** `path` is under `node.data`; without `value` the key is deleted. */
  | { op: "set"; node: string; path: Path; value?: Json }
  /** `path` is under the document, not under its nodes and edges. */
  | { op: "flow"; path: Path; value?: Json }
  /** The exact inverse of `move`, `set` and `flow`: puts the earlier JSON back. */
  | { op: "replace"; node?: JsonObject; flow?: JsonObject }
  /** Another document in the place of this one, order of rows and all. */
  | { op: "whole"; document: JsonObject };

/** A change that does not fit the document; the message names the place. */
export class ChangeError extends Error {}

/** What was done, with the place of every wire, and the changes that undo it, in the order to apply. */
export interface Applied {
  changes: Change[];
  undo: Change[];
}

/** Apply all or nothing. */
export function applyStep(flow: FlowDocument, changes: readonly Change[]): Applied {
  const done: Applied = { changes: [], undo: [] };
  try {
    for (const change of changes) {
      const undo = applyChange(flow, change);
      done.undo.unshift(...undo);
      done.changes.push(change.op === "disconnect" ? { ...change, at: (undo[0] as { at: number }).at } : change);
    }
  } catch (error) {
    for (const change of done.undo) applyChange(flow, change);
    throw error;
  }
  return done;
}

/** Apply all or nothing; return the changes that undo them. */
export const applyAll = (flow: FlowDocument, changes: readonly Change[]): Change[] => applyStep(flow, changes).undo;

/** Apply one change; return the changes that undo it. */
export function applyChange(flow: FlowDocument, change: Change): Change[] {
  switch (change.op) {
    case "add":
      return add(flow, change.node, change.at);
    case "remove":
      return remove(flow, nodeOf(flow, change.node, "remove"));
    case "move":
      return move(flow, nodeOf(flow, change.node, "move"), change.x, change.y);
    case "connect":
      return connect(flow, change.edge, change.at, change.key);
    case "disconnect":
      return disconnect(flow, change.edge, change.at);
    case "set":
      return set(flow, nodeOf(flow, change.node, "set"), change.path, change.value);
    case "flow":
      return setFlow(flow, change.path, change.value);
    case "replace":
      return replace(flow, change);
    case "whole": {
      const before = flow.toJSON();
      flow.reset(change.document);
      return [{ op: "whole", document: before }];
    }
    default:
      throw new ChangeError(`There is no change "${String((change as { op?: unknown }).op)}".`);
  }
}

function nodeOf(flow: FlowDocument, id: string, doing: string): FlowNode {
  const node = flow.nodes.get(id);
  if (!node) throw new ChangeError(`Cannot ${doing}: the flow has no node "${id}".`);
  return node;
}

function add(flow: FlowDocument, raw: JsonObject, at?: number): Change[] {
  const id = typeof raw.id === "string" ? raw.id.trim() : "";
  if (!id) throw new ChangeError("Cannot add a node without an id.");
  if (flow.nodes.has(id)) throw new ChangeError(`Cannot add: the flow already has a node "${id}".`);
  flow.insertNode(raw, at);
  return [{ op: "remove", node: id }];
}

function remove(flow: FlowDocument, node: FlowNode): Change[] {
  // The wires go last to first, so that putting them back first to last finds every place again.
  const back: Change[] = [];
  for (const wire of [...node.wires].reverse()) back.unshift(...disconnect(flow, wire.key));
  const raw = node.raw;
  return [{ op: "add", node: raw, at: flow.dropNode(node) }, ...back];
}

function move(flow: FlowDocument, node: FlowNode, x: number, y: number): Change[] {
  if (!Number.isFinite(x) || !Number.isFinite(y)) {
    throw new ChangeError(`Cannot move node "${node.id}" to ${x}, ${y}.`);
  }
  const before = node.raw;
  const old = isObject(before.position) ? before.position : {};
  flow.putNode(node, { ...before, position: { ...old, x, y } });
  return [{ op: "replace", node: before }];
}

function connect(flow: FlowDocument, raw: JsonObject, at?: number, key?: string): Change[] {
  for (const end of ["source", "target"] as const) {
    const id = raw[end];
    if (at !== undefined) break; // a wire is put back where it stood, leading nowhere if it did
    if (typeof id !== "string" || !flow.nodes.has(id.trim())) {
      throw new ChangeError(`Cannot connect: the wire's ${end} "${String(id ?? "")}" is no node of the flow.`);
    }
  }
  const wire = flow.insertWire(raw, at, key);
  return [{ op: "disconnect", edge: wire.key, at: flow.placeOf(wire) }];
}

function disconnect(flow: FlowDocument, key: string, place?: number): Change[] {
  const wire = flow.wireAt(key, place);
  if (!wire) throw new ChangeError(`Cannot disconnect: the flow has no wire "${key}".`);
  const at = flow.dropWire(wire);
  return [{ op: "connect", edge: wire.raw, at, key: wire.key }];
}

function set(flow: FlowDocument, node: FlowNode, path: Path, value?: Json): Change[] {
  const before = node.raw;
  const data = node.data;
  const after = value === undefined ? without(data, path) : write(data, path, value);
  flow.putNode(node, { ...before, data: after });
  return [{ op: "replace", node: before }];
}

function setFlow(flow: FlowDocument, path: Path, value?: Json): Change[] {
  const first = keysOf(path)[0] as string;
  if (["id", "nodes", "edges"].includes(first)) throw new ChangeError(`"${first}" of a flow is not set by hand.`);
  const before = flow.flow;
  flow.putFlow((value === undefined ? without(before, path) : write(before, path, value)) as JsonObject);
  return [{ op: "replace", flow: before }];
}

function replace(flow: FlowDocument, change: { node?: JsonObject; flow?: JsonObject }): Change[] {
  const undo: Change = { op: "replace" };
  if (change.node) {
    const node = nodeOf(flow, String(change.node.id).trim(), "replace");
    undo.node = node.raw;
    flow.putNode(node, change.node);
  }
  if (change.flow) {
    undo.flow = flow.flow;
    flow.putFlow(change.flow);
  }
  return [undo];
}
