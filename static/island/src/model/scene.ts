// The document as a picture: the box of every node, the curve of every wire, and an index over both.
// Kept in step with the document by `sync`, which looks only at what was touched.
import type { Catalog } from "../catalog";
import { EXEC } from "../catalog";
import { Index } from "./cull";
import type { FlowDocument, FlowNode, FlowWire, Touched } from "./document";
import { boxOf, endPoint, grown, overlap, type Point, type Rect, unite } from "./geometry";
import { type Shape, type ShapePin, Shapes, type Side } from "./pins";
import { type Group, hasMarks, readMarks, tagOf, wirePoints } from "./marks";
import { curve, type Curve, through } from "./route";

/** A wire up to this long is found by the nodes it hangs on; longer ones are looked through. */
const SHORT = 512;
/** How far a wire may swing out of the boxes of its nodes. */
const SWING = 112;

/** What stands for the nodes of a folded group. */
export interface Tile extends Rect {
  group: Group;
}

const FOLD_WIDTH = 208;
const FOLD_HEIGHT = 56;
const sideOf = (tile: Tile, side: Side): Point => ({ x: tile.x + (side === "in" ? 0 : tile.w), y: tile.y + tile.h / 2 });

export class Scene {
  readonly shapes: Shapes;
  private readonly nodes = new Index<string>();
  private readonly long = new Set<FlowWire>();
  private turn = 0;
  /** The tiles of folded groups, by each node that they stand for. */
  private folds: ReadonlyMap<string, Tile> = new Map();

  constructor(
    readonly flow: FlowDocument,
    readonly catalog: Catalog,
  ) {
    this.shapes = new Shapes(catalog);
    if (hasMarks(flow)) this.folds = this.findFolds();
    for (const node of flow.nodes.values()) this.placeNode(node);
    for (const wire of flow.wires.values()) this.placeWire(wire);
  }

  /** Bring boxes and curves up to date; returns the nodes and wires that look different now. */
  sync(touched: Touched): { nodes: Set<FlowNode>; wires: Set<FlowWire> } {
    const nodes = new Set<FlowNode>();
    const wires = new Set<FlowWire>();
    for (const id of touched.nodes) {
      const node = this.flow.nodes.get(id);
      if (!node) {
        this.nodes.drop(id);
        continue;
      }
      nodes.add(node);
      this.placeNode(node);
      for (const wire of node.wires) wires.add(wire);
    }
    this.refold(touched, nodes, wires);
    for (const key of touched.wires) {
      const wire = this.flow.wires.get(key);
      if (wire) wires.add(wire);
    }
    if (touched.wires.size) for (const wire of this.long) if (this.flow.wires.get(wire.key) !== wire) this.long.delete(wire);
    for (const wire of wires) this.placeWire(wire);
    return { nodes, wires };
  }

  shape(node: FlowNode): Shape {
    return this.shapes.of(node);
  }

  box(node: FlowNode): Rect {
    return this.nodes.box(node.id) ?? boxOf(node, this.shapes.of(node));
  }

  curve(wire: FlowWire): Curve | undefined {
    if (!wire.from || !wire.to || wire.tag) return undefined;
    if (wire.curve) return wire.curve;
    const [a, b] = [this.folds.get(wire.source), this.folds.get(wire.target)];
    if (a && a === b) return undefined;
    const from = a ? sideOf(a, "out") : endPoint(this.shapes, wire.from, this.box(wire.from), "out", wire.sourcePin);
    const to = b ? sideOf(b, "in") : endPoint(this.shapes, wire.to, this.box(wire.to), "in", wire.targetPin);
    wire.curve = wire.points.length ? through([from, ...wire.points, to]) : curve(from, to);
    return wire.curve;
  }

  /** Where a pin is in the world, or null when the node or pin is not there. */
  pinPoint(id: string, side: Side, pin: string): Point | null {
    const node = this.flow.nodes.get(id);
    return node ? endPoint(this.shapes, node, this.box(node), side, pin) : null;
  }

  pin(id: string, side: Side, pin: string): ShapePin | undefined {
    const node = this.flow.nodes.get(id);
    return node && this.shapes.pin(node, side, pin);
  }

  /** The type that a wire carries: that of the pin where it starts. */
  wireType(wire: FlowWire): string {
    if (wire.targetPin === "exec-in") return EXEC;
    return (wire.from && this.shapes.pin(wire.from, "out", wire.sourcePin)?.type) || "any";
  }

  nodesIn(view: Rect): FlowNode[] {
    const list: FlowNode[] = [];
    for (const id of this.nodes.within(view)) {
      const node = this.flow.nodes.get(id);
      if (node) list.push(node);
    }
    return list;
  }

  /** The wires that may be seen in a rectangle: those whose nodes' boxes span it. */
  wiresIn(view: Rect): FlowWire[] {
    const list: FlowWire[] = [];
    const turn = ++this.turn;
    const take = (wire: FlowWire): void => {
      if (wire.turn === turn || !wire.from || !wire.to) return;
      wire.turn = turn;
      if (overlap(this.span(wire, wire.from, wire.to), view)) list.push(wire);
    };
    for (const node of this.nodesIn(grown(view, SHORT + 2 * SWING))) for (const wire of node.wires) if (!this.long.has(wire)) take(wire);
    for (const wire of this.long) take(wire);
    return list;
  }

  /** What some nodes take with the wires between them; without a list the whole flow, with its notes. */
  bounds(nodes?: Iterable<FlowNode>): Rect | null {
    const some = nodes && new Set(nodes);
    const boxes: Rect[] = some ? Array.from(some, (node) => this.box(node)) : [...this.nodes.boxes(), ...this.tiles(), ...readMarks(this.flow).notes];
    for (const { points, from, to } of this.flow.wires.values()) {
      if (!points.length || (some && !(from && to && some.has(from) && some.has(to)))) continue;
      boxes.push(...points.map((point) => ({ ...point, w: 0, h: 0 })));
    }
    return unite(boxes);
  }

  /** A free place near a point, stepping down and right past nodes that stand there. */
  freeSpot(want: Rect): Point {
    const spot = { ...want };
    for (let tries = 0; tries < 200 && this.nodesIn(spot).length; tries++) {
      spot.x += 32;
      spot.y += 32;
    }
    return { x: spot.x, y: spot.y };
  }

  /** The tiles of folded groups, each once. */
  tiles(): Set<Tile> {
    return new Set(this.folds.values());
  }

  /** The tile that stands for a node, while its group is folded. */
  tileOf(id: string): Tile | undefined {
    return this.folds.get(id);
  }

  private placeNode(node: FlowNode): void {
    if (this.folds.has(node.id)) this.nodes.drop(node.id);
    else this.nodes.put(node.id, boxOf(node, this.shapes.of(node)));
  }

  private findFolds(): Map<string, Tile> {
    const folds = new Map<string, Tile>();
    for (const group of readMarks(this.flow).groups) {
      const box = group.folded ? unite(group.nodes.map((node) => boxOf(node, this.shapes.of(node)))) : null;
      if (!box) continue;
      const tile = { x: box.x, y: box.y, w: FOLD_WIDTH, h: FOLD_HEIGHT, group };
      for (const node of group.nodes) folds.set(node.id, tile);
    }
    return folds;
  }

  /** Groups were folded, unfolded or moved: their nodes come or go, their wires hang elsewhere. */
  private refold(touched: Touched, nodes: Set<FlowNode>, wires: Set<FlowWire>): void {
    const matters = [...touched.nodes].some((id) => this.folds.has(id) || "canvas" in (this.flow.nodes.get(id)?.data ?? {}));
    if (!matters) return;
    const before = this.folds;
    this.folds = this.findFolds();
    for (const id of new Set([...before.keys(), ...this.folds.keys()])) {
      const node = this.flow.nodes.get(id);
      if (!node) continue;
      this.placeNode(node);
      nodes.add(node);
      for (const wire of node.wires) wires.add(wire);
    }
  }

  private placeWire(wire: FlowWire): void {
    wire.curve = null;
    wire.points = wirePoints(wire);
    wire.tag = tagOf(wire);
    const span = wire.from && wire.to && this.span(wire, wire.from, wire.to);
    if (this.folds.has(wire.source) || this.folds.has(wire.target)) this.long.add(wire);
    else if (span && (span.w > SHORT + 2 * SWING || span.h > SHORT + 2 * SWING)) this.long.add(wire);
    else this.long.delete(wire);
  }

  private span(wire: FlowWire, from: FlowNode, to: FlowNode): Rect {
    const a = this.folds.get(from.id) ?? this.box(from);
    const b = this.folds.get(to.id) ?? this.box(to);
    const x = Math.min(a.x + a.w, b.x) - SWING;
    const y = Math.min(a.y, b.y) - 8;
    const span = { x, y, w: Math.max(a.x + a.w, b.x) + SWING - x, h: Math.max(a.y + a.h, b.y + b.h) + SWING - y };
    if (!wire.points.length) return span;
    return unite([span, ...wire.points.map((point) => grown({ ...point, w: 0, h: 0 }, SWING))]) ?? span;
  }
}
