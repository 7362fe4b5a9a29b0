// The document as a picture: the box of every node, the curve of every wire, and an index over both.
// Kept in step with the document by `sync`, which looks only at what was touched.
import type { Catalog } from "../catalog";
import { EXEC } from "../catalog";
import { Index } from "./cull";
import type { FlowDocument, FlowNode, FlowWire, Touched } from "./document";
import { CLEAR, detour, isFree, led, plain, straightened } from "./detour";
import { boxOf, endPoint, FOOT, grown, inside, overlap, type Point, type Rect, unite } from "./geometry";
import { Lanes } from "./lanes";
import { type Shape, type ShapePin, Shapes, type Side } from "./pins";
import { type Group, hasMarks, readMarks, tagOf, wirePoints } from "./marks";
import { type Curve, distanceTo, rounded, segmentAt, SOFT } from "./route";

/** A wire up to this long is found by the nodes it hangs on; longer ones are looked through. */
const SHORT = 512;
/** How far a wire may swing out of the boxes of its nodes. */
const SWING = 240;
/** Wires that lead farther are not led round anything. */
const FAR = 3000;
/** How many nodes may move before all wires look for a way again, and not those nearby. */
const FEW = 40;

/** What stands for the nodes of a folded group. */
export interface Tile extends Rect {
  group: Group;
}

type Bends = typeof import("./curved");

const FOLD_WIDTH = 208;
const FOLD_HEIGHT = 56;
const sideOf = (tile: Tile, side: Side): Point => ({ x: tile.x + (side === "in" ? 0 : tile.w), y: tile.y + tile.h / 2 });

/** What the ways of wires take, but for those that lead far. */
function wayBoxes(wires: Iterable<FlowWire>): Rect[] {
  return Array.from(wires, ({ way }) => unite((way ?? []).map((point) => ({ ...point, w: 1, h: 1 })))).filter((box) => box !== null && box.w + box.h < FAR) as Rect[];
}

export class Scene {
  readonly shapes: Shapes;
  private readonly nodes = new Index<string>();
  private readonly long = new Set<FlowWire>();
  private turn = 0;
  private readonly lanes = new Lanes(this);
  /** How wires are drawn as curves; null while they go in right angles. */
  private bends: Bends | null = null;
  /** The nodes that are being dragged, with where they were: they stand in nobody's way until they are let go. */
  private lifted = new Map<string, Rect>();
  private before: Rect[] = [];
  private notes: Rect[] = [];
  /** The tiles of folded groups, by each node that they stand for. */
  private folds: ReadonlyMap<string, Tile> = new Map();

  constructor(
    readonly flow: FlowDocument,
    readonly catalog: Catalog,
  ) {
    this.shapes = new Shapes(catalog);
    if (hasMarks(flow)) this.readMarks();
    for (const node of flow.nodes.values()) this.placeNode(node);
    for (const wire of flow.wires.values()) this.placeWire(wire);
  }

  /** Bring boxes and curves up to date; returns the nodes and wires that look different now. */
  sync(touched: Touched): { nodes: Set<FlowNode>; wires: Set<FlowWire> } {
    const nodes = new Set<FlowNode>();
    const wires = new Set<FlowWire>();
    const stirred: Rect[] = [];
    for (const id of touched.nodes) {
      const node = this.flow.nodes.get(id);
      const before = this.nodes.box(id);
      if (node) {
        nodes.add(node);
        this.placeNode(node);
        for (const wire of node.wires) wires.add(wire);
      } else this.nodes.drop(id);
      const after = this.nodes.box(id);
      const isSame = before && after && before.x === after.x && before.y === after.y && before.w === after.w && before.h === after.h;
      if (!isSame && !this.lifted.has(id)) stirred.push(...[before, after].filter((box) => box !== undefined));
    }
    this.refold(touched, nodes, wires);
    for (const key of touched.wires) {
      const wire = this.flow.wires.get(key);
      if (wire) wires.add(wire);
    }
    if (touched.wires.size) for (const wire of this.long) if (this.flow.wires.get(wire.key) !== wire) this.long.delete(wire);
    const before = this.lifted.size ? [] : wayBoxes(wires);
    for (const wire of wires) if (!this.carry(wire)) this.placeWire(wire);
    if (stirred.length || touched.wires.size) this.stir(stirred, wires, before);
    return { nodes, wires };
  }

  /** Draw wires as curves, or in right angles. */
  set curves(bends: Bends | null) {
    this.bends = bends;
    this.forgetWays();
  }

  get curves(): Bends | null {
    return this.bends;
  }

  /** Take nodes up: while they are dragged the wires of others stay where they are. */
  lift(ids: Iterable<string>): void {
    for (const id of ids) {
      const box = this.nodes.box(id);
      if (box) this.lifted.set(id, { ...box });
    }
    this.before = wayBoxes(this.ownWires());
    this.forgetLanes();
  }

  /** Let them go; returns the wires that look different now. */
  drop(): Set<FlowWire> {
    const wires = new Set<FlowWire>();
    const boxes = [...this.lifted].flatMap(([id, before]) => [before, this.nodes.box(id) ?? before]);
    const own = this.ownWires();
    this.lifted = new Map();
    for (const wire of own) {
      this.placeWire(wire);
      wires.add(wire);
    }
    this.stir(boxes, wires, this.before);
    return wires;
  }

  /** The wires that hang on lifted nodes. */
  private ownWires(): Set<FlowWire> {
    return new Set([...this.lifted.keys()].flatMap((id) => this.flow.nodes.get(id)?.wires ?? []));
  }

  private forgetLanes(): void {
    const own = this.ownWires();
    this.lanes.forget(own, [...own].filter((wire) => !(this.lifted.has(wire.source) && this.lifted.has(wire.target))));
  }

  /** Let a wire between two dragged nodes come along as it is. */
  private carry(wire: FlowWire): boolean {
    const ends = this.lifted.has(wire.source) && this.lifted.has(wire.target) && this.ends(wire);
    const { curve, way } = wire;
    if (!ends || !curve || !way) return false;
    const [dx, dy] = [ends[0].x - curve[0]!, ends[0].y - curve[1]!];
    if (ends[1].x - curve.at(-2)! !== dx || ends[1].y - curve.at(-1)! !== dy) return false;
    wire.curve = curve.map((at, index) => at + (index % 2 ? dy : dx));
    wire.way = way.map(({ x, y }) => ({ x: x + dx, y: y + dy }));
    wire.points = wirePoints(wire);
    return true;
  }

  /** Something changed in some places: the wires there look for a way again, and for their lanes beside those that did. */
  private stir(places: readonly Rect[], wires: Set<FlowWire>, before: readonly Rect[]): void {
    this.forgetLanes();
    if (places.length > 2 * FEW || wires.size > 4 * FEW) {
      this.forgetWays();
      for (const wire of this.flow.wires.values()) wires.add(wire);
      return;
    }
    for (const place of places) {
      for (const wire of this.wiresIn(grown(place, CLEAR))) {
        if (!wire.points.length) wire.way = wire.curve = null;
        wires.add(wire);
      }
    }
    if (this.lifted.size) return;
    const spans = [...wires].flatMap((wire) => (wire.from && wire.to && !this.isFar(wire) ? [this.span(wire, wire.from, wire.to)] : []));
    for (const span of [...spans, ...before]) {
      for (const other of this.wiresIn(span)) {
        other.curve = null;
        wires.add(other);
      }
    }
  }

  /** Whether a wire leads so far that it is not looked where it goes through. */
  private isFar(wire: FlowWire): boolean {
    const [from, to] = this.ends(wire) ?? [];
    return Boolean(from && to && Math.abs(from.x - to.x) + Math.abs(from.y - to.y) > FAR);
  }

  private forgetWays(): void {
    this.lanes.forget();
    for (const wire of this.flow.wires.values()) wire.way = wire.curve = null;
  }

  shape(node: FlowNode): Shape {
    return this.shapes.of(node);
  }

  box(node: FlowNode): Rect {
    return this.nodes.box(node.id) ?? boxOf(node, this.shapes.of(node));
  }

  curve(wire: FlowWire): Curve | undefined {
    if (wire.curve) return wire.curve;
    const ends = this.ends(wire);
    if (!ends) return undefined;
    if (this.bends && wire.points.length) return (wire.curve = this.bends.through([ends[0], ...wire.points, ends[1]]));
    const way = this.corners(wire);
    const isPlain = this.way(wire)?.[1]?.x === plain(...ends)[1]?.x && way.length < 5;
    return (wire.curve = !this.bends ? rounded(way) : isPlain ? this.bends.curve(...ends) : rounded(way, SOFT));
  }

  /** The corners of a wire in right angles, beside those of others. */
  corners(wire: FlowWire): readonly Point[] {
    return this.lanes.of(wire);
  }

  /** Where a wire begins and ends; nothing when it is not drawn. */
  ends(wire: FlowWire): [Point, Point] | undefined {
    if (!wire.from || !wire.to || wire.tag) return undefined;
    const [a, b] = [this.folds.get(wire.source), this.folds.get(wire.target)];
    if (a && a === b) return undefined;
    return [
      a ? sideOf(a, "out") : endPoint(this.shapes, wire.from, this.box(wire.from), "out", wire.sourcePin),
      b ? sideOf(b, "in") : endPoint(this.shapes, wire.to, this.box(wire.to), "in", wire.targetPin),
    ];
  }

  /** The corners that a wire in right angles has if there are no others. */
  way(wire: FlowWire): readonly Point[] | null {
    if (wire.way) return wire.way;
    const ends = this.ends(wire);
    if (!ends) return null;
    wire.way = wire.points.length ? straightened(led([ends[0], ...wire.points, ends[1]]).flat()) : this.find(wire, ...ends);
    return wire.way;
  }

  private find(wire: FlowWire, from: Point, to: Point): Point[] {
    const way = plain(from, to);
    if (this.isFar(wire)) return way;
    const near = unite(way.map((point) => ({ ...point, w: 0, h: 0 }))) as Rect;
    if (isFree(way, this.bodies(near, wire))) return way;
    const limits = this.span(wire, wire.from as FlowNode, wire.to as FlowNode);
    return detour(from, to, this.bodies(limits, wire), limits) ?? way;
  }

  /** Between which of the points that it is led through a wire passes nearest to a point. */
  legAt(wire: FlowWire, point: Point): number {
    const ends = this.ends(wire);
    if (!ends || !wire.points.length) return 0;
    const points = [ends[0], ...wire.points, ends[1]];
    if (this.bends) return segmentAt(this.bends.through(points), point);
    const far = led(points).map((leg) => distanceTo(rounded(leg), point));
    return far.indexOf(Math.min(...far));
  }

  /** What stands in the way of wires in a rectangle, and room around it; of a wire's own ends the sides with its
   * pins are open. */
  bodies(view: Rect, wire?: FlowWire): Rect[] {
    const found: Rect[] = [];
    const put = ({ x, y, w, h }: Rect, isSource = false, isTarget = false): void => {
      const [left, right] = [isTarget ? -1 : CLEAR, isSource ? -1 : CLEAR];
      found.push({ x: x - left, y: y - CLEAR, w: w + left + right, h: h + 2 * CLEAR });
    };
    const room = grown(view, CLEAR);
    for (const id of this.nodes.within(room)) {
      const [isSource, isTarget] = [id === wire?.source, id === wire?.target];
      if (isSource || isTarget || !this.lifted.has(id)) put(this.nodes.box(id) as Rect, isSource, isTarget);
    }
    for (const tile of this.tiles()) if (overlap(tile, room)) put(tile, tile === this.folds.get(wire?.source ?? ""), tile === this.folds.get(wire?.target ?? ""));
    for (const note of this.notes) if (overlap(note, room) && !(wire && this.ends(wire)?.some((end) => inside(note, end)))) put(note);
    return found;
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

  /** What some nodes take with what stands under them and the wires between them; without a list the whole flow, with its notes. */
  bounds(nodes?: Iterable<FlowNode>): Rect | null {
    const some = nodes && new Set(nodes);
    const all = unite(some ? Array.from(some, (node) => this.box(node)) : this.nodes.boxes());
    const boxes: Rect[] = all ? [{ ...all, h: all.h + FOOT }] : [];
    if (!some) boxes.push(...this.tiles(), ...readMarks(this.flow).notes);
    for (const { points, from, to } of this.flow.wires.values()) {
      if (!points.length || (some && !(from && to && some.has(from) && some.has(to)))) continue;
      boxes.push(...points.map((point) => ({ ...point, w: 0, h: 0 })));
    }
    return unite(boxes);
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

  /** Find what lies over the flow: the notes, and the tiles of folded groups. */
  private readMarks(): void {
    const folds = new Map<string, Tile>();
    const { notes, groups } = readMarks(this.flow);
    this.notes = notes.map(({ x, y, w, h }) => ({ x, y, w, h }));
    for (const group of groups) {
      const box = group.folded ? unite(group.nodes.map((node) => boxOf(node, this.shapes.of(node)))) : null;
      if (!box) continue;
      const tile = { x: box.x, y: box.y, w: FOLD_WIDTH, h: FOLD_HEIGHT, group };
      for (const node of group.nodes) folds.set(node.id, tile);
    }
    this.folds = folds;
  }

  /** Groups were folded, unfolded or moved: their nodes come or go, their wires hang elsewhere. */
  private refold(touched: Touched, nodes: Set<FlowNode>, wires: Set<FlowWire>): void {
    const matters = [...touched.nodes].some((id) => this.folds.has(id) || "canvas" in (this.flow.nodes.get(id)?.data ?? {}));
    if (!matters) return;
    const before = this.folds;
    const notes = JSON.stringify(this.notes);
    this.readMarks();
    if (notes !== JSON.stringify(this.notes)) for (const wire of this.flow.wires.values()) wires.add(wire);
    for (const id of new Set([...before.keys(), ...this.folds.keys()])) {
      const node = this.flow.nodes.get(id);
      if (!node) continue;
      this.placeNode(node);
      nodes.add(node);
      for (const wire of node.wires) wires.add(wire);
    }
  }

  private placeWire(wire: FlowWire): void {
    wire.way = wire.curve = null;
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
    const y = Math.min(a.y, b.y) - SWING;
    const span = { x, y, w: Math.max(a.x + a.w, b.x) + SWING - x, h: Math.max(a.y + a.h, b.y + b.h) + SWING - y };
    if (!wire.points.length) return span;
    return unite([span, ...wire.points.map((point) => grown({ ...point, w: 0, h: 0 }, SWING))]) ?? span;
  }
}
