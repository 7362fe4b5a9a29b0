// The flow in memory. The JSON of every node and wire is kept as it came, unknown fields included,
// and is replaced, never changed in place; the maps beside it only find things quickly.
// Whoever wants to alter a flow applies a Change (change.ts); the primitives here belong to it.
import type { Json } from "../catalog";
import type { Point } from "./geometry";
import { isObject, type JsonObject } from "./json";
import type { Shape } from "./pins";
import type { Curve } from "./route";

/** A node of the flow: `raw` is its JSON, `wires` what hangs on it. */
export class FlowNode {
  readonly wires: FlowWire[] = [];
  /** Its shape, once somebody asked (pins.ts); forgotten when the node or its wires change. */
  shape: Shape | null = null;
  constructor(
    readonly id: string,
    public raw: JsonObject,
  ) {}

  /** The node type's name; tolerates the spellings `NodeType.X` and `{"value": x}`. */
  get type(): string {
    const said = isObject(this.raw.type) ? this.raw.type.value : this.raw.type;
    const name = typeof said === "string" ? said.trim() : "";
    return name.startsWith("NodeType.") ? name.slice(9).toLowerCase() : name;
  }

  get data(): JsonObject {
    return isObject(this.raw.data) ? this.raw.data : {};
  }

  get x(): number {
    return coordinate(this.raw, "x");
  }

  get y(): number {
    return coordinate(this.raw, "y");
  }
}

/** A wire of the flow: `from` and `to` are null while it leads nowhere. */
export class FlowWire {
  from: FlowNode | null = null;
  to: FlowNode | null = null;
  /** Its path, once somebody asked; and the corners that it would have if there were no others (scene.ts). */
  curve: Curve | null = null;
  way: readonly Point[] | null = null;
  /** The points that it was led through by hand, in the world (scene.ts). */
  points: readonly Point[] = [];
  /** The name that it is hidden behind; empty while it is drawn (scene.ts). */
  tag = "";
  /** The last search that met it (scene.ts). */
  turn = 0;
  readonly source: string;
  readonly target: string;
  readonly sourcePin: string;
  readonly targetPin: string;
  constructor(
    readonly key: string,
    readonly raw: JsonObject,
  ) {
    this.source = text(raw.source);
    this.target = text(raw.target);
    this.sourcePin = text(raw.sourceHandle);
    this.targetPin = text(raw.targetHandle);
  }
}

/** What changed since somebody last looked. */
export interface Touched {
  nodes: Set<string>;
  wires: Set<string>;
  flow: boolean;
}

const nothing = (): Touched => ({ nodes: new Set(), wires: new Set(), flow: false });
const text = (value: Json | undefined): string => (typeof value === "string" ? value.trim() : "");

/** Nodes are shown no farther out than this, wherever the document puts them: a cell of the canvas must be countable. */
const FARTHEST = 1e7;

function coordinate(raw: JsonObject, axis: "x" | "y"): number {
  const value = isObject(raw.position) ? raw.position[axis] : 0;
  return typeof value === "number" ? Math.max(-FARTHEST, Math.min(FARTHEST, value)) : 0;
}

/** The nodes and wires of a flow, in document order, found by id. */
export class FlowDocument {
  readonly nodes = new Map<string, FlowNode>();
  readonly wires = new Map<string, FlowWire>();
  version = 0;
  private top: JsonObject = {};
  private nodeRows: (FlowNode | Json)[] = [];
  private wireRows: (FlowWire | Json)[] = [];
  private readonly loose = new Set<FlowWire>();
  private touched = nothing();
  private loading = true;
  private lastNode = 0;
  private lastWire = 0;

  /** Read a flow document. What is no node or wire is kept where it stands and not shown. */
  static fromJSON(json: Json): FlowDocument {
    if (!isObject(json)) throw new Error("A flow is a JSON object with nodes and edges.");
    const flow = new FlowDocument();
    flow.fill(json);
    flow.loading = false;
    return flow;
  }

  private fill(json: JsonObject): void {
    this.top = light(json);
    for (const row of Array.isArray(json.nodes) ? json.nodes : []) {
      const id = isObject(row) ? text(row.id) : "";
      if (id && !this.nodes.has(id)) this.insertNode(row as JsonObject);
      else this.nodeRows.push(row);
    }
    for (const row of Array.isArray(json.edges) ? json.edges : []) {
      if (isObject(row)) this.insertWire(row);
      else this.wireRows.push(row);
    }
  }

  /** The document as JSON; shares its parts with the model, so treat it as read-only. */
  toJSON(): JsonObject {
    const json: JsonObject = { ...this.top };
    if (this.nodeRows.length || "nodes" in json) json.nodes = this.nodeRows.map(rawOf);
    if (this.wireRows.length || "edges" in json) json.edges = this.wireRows.map(rawOf);
    return json;
  }

  get flow(): JsonObject {
    return this.top;
  }

  /** Return what changed since the last call, and forget it. */
  take(): Touched {
    const seen = this.touched;
    this.touched = nothing();
    return seen;
  }

  freshNodeId(): string {
    return `node-${++this.lastNode}`;
  }

  freshWireId(): string {
    return `edge-${++this.lastWire}`;
  }

  /** The wires at a pin, in document order of connection. */
  wiresAt(id: string, side: "in" | "out", pin: string): FlowWire[] {
    const found: FlowWire[] = [];
    for (const wire of this.nodes.get(id)?.wires ?? []) {
      const here = side === "in" ? wire.target === id && wire.targetPin === pin : wire.source === id && wire.sourcePin === pin;
      if (here) found.push(wire);
    }
    return found;
  }

  /** Where a wire stands among the rows; the last ones are found first. */
  placeOf(wire: FlowWire): number {
    return this.wireRows.lastIndexOf(wire);
  }

  /** The wire with this key; where one that may have that name elsewhere stands at a given place, that one. */
  wireAt(key: string, at?: number): FlowWire | undefined {
    const row = at === undefined ? undefined : this.wireRows[at];
    if (row instanceof FlowWire && (row.key === key || mayMean(row, key))) return row;
    return this.wires.get(key) ?? [...this.wires.values()].find((wire) => key !== "" && text(wire.raw.id) === key);
  }

  // ---- primitives of Change -------------------------------------------------------------------

  /** Put another document in the place of this one. */
  reset(json: JsonObject): void {
    for (const wire of [...this.wires.values()].reverse()) this.dropWire(wire);
    for (const node of [...this.nodes.values()].reverse()) this.dropNode(node);
    this.nodeRows = [];
    this.wireRows = [];
    this.fill(json);
    this.putFlow(this.top);
  }

  insertNode(raw: JsonObject, at?: number): FlowNode {
    const node = new FlowNode(text(raw.id), raw);
    put(this.nodeRows, node, at);
    this.nodes.set(node.id, node);
    this.lastNode = Math.max(this.lastNode, numberIn(node.id, "node-"));
    for (const wire of this.loose) if (wire.source === node.id || wire.target === node.id) this.attach(wire);
    this.touchNode(node);
    return node;
  }

  /** Take a node out; its wires must be gone. Returns the place where it stood. */
  dropNode(node: FlowNode): number {
    const at = this.nodeRows.lastIndexOf(node);
    this.nodeRows.splice(at, 1);
    this.nodes.delete(node.id);
    this.touchNode(node);
    return at;
  }

  putNode(node: FlowNode, raw: JsonObject): void {
    node.raw = raw;
    this.touchNode(node);
  }

  insertWire(raw: JsonObject, at?: number, key?: string): FlowWire {
    const said = text(raw.id);
    this.lastWire = Math.max(this.lastWire, numberIn(said, "edge-"));
    const free = said && !this.wires.has(said) ? said : this.unnamed(said);
    const wire = new FlowWire(key && !this.wires.has(key) ? key : free, raw);
    put(this.wireRows, wire, at);
    this.wires.set(wire.key, wire);
    this.attach(wire);
    return wire;
  }

  dropWire(wire: FlowWire): number {
    const at = this.placeOf(wire);
    this.wireRows.splice(at, 1);
    this.wires.delete(wire.key);
    this.loose.delete(wire);
    for (const end of [wire.from, wire.to]) {
      const index = end ? end.wires.indexOf(wire) : -1;
      if (index >= 0) end?.wires.splice(index, 1);
    }
    this.touchWire(wire);
    return at;
  }

  putFlow(top: JsonObject): void {
    this.top = light(top);
    this.touched.flow = true;
    this.version++;
  }

  private attach(wire: FlowWire): void {
    wire.from = (wire.sourcePin && this.nodes.get(wire.source)) || null;
    wire.to = (wire.targetPin && this.nodes.get(wire.target)) || null;
    if (wire.from && wire.to) {
      wire.from.wires.push(wire);
      if (wire.to !== wire.from) wire.to.wires.push(wire);
      this.loose.delete(wire);
    } else {
      this.loose.add(wire);
    }
    this.touchWire(wire);
  }

  private unnamed(said: string): string {
    let number = this.wires.size;
    while (this.wires.has(`${said}~${number}`)) number++;
    return `${said}~${number}`;
  }

  private touchNode(node: FlowNode): void {
    if (this.loading) return;
    node.shape = null;
    this.touched.nodes.add(node.id);
    this.version++;
  }

  private touchWire(wire: FlowWire): void {
    if (this.loading) return;
    for (const end of [wire.from, wire.to]) if (end) end.shape = null;
    this.touched.wires.add(wire.key);
    if (wire.from) this.touched.nodes.add(wire.from.id);
    if (wire.to) this.touched.nodes.add(wire.to.id);
    this.version++;
  }
}

/** A flow without its rows, which keep their place among the keys. */
function light(json: JsonObject): JsonObject {
  const top = { ...json };
  for (const rows of ["nodes", "edges"]) if (rows in top) top[rows] = [];
  return top;
}

function put<T>(list: T[], item: T, at = list.length): void {
  if (at === list.length) list.push(item);
  else list.splice(at, 0, item);
}

/** A name is a wire's own id, or one that was free where that is missing or another's (document.py has the same rule). */
function mayMean(wire: FlowWire, key: string): boolean {
  const said = text(wire.raw.id);
  return key === said || key.startsWith(`${said}~`);
}

function rawOf(row: FlowNode | FlowWire | Json): Json {
  return row instanceof FlowNode || row instanceof FlowWire ? row.raw : row;
}

function numberIn(id: string, prefix: string): number {
  const number = id.startsWith(prefix) ? Number(id.slice(prefix.length)) : 0;
  return Number.isSafeInteger(number) && number > 0 ? number : 0;
}
