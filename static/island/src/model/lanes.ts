// Wires in right angles that would lie on one another get lanes of their own. Each wire has a way as if it were
// alone (scene.ts); where parts of several ways are too near, they are set side by side, in the order in which
// they cross least. Whoever asks for one of them gets the same answer as for the others.
import { straightened } from "./detour";
import type { FlowWire } from "./document";
import { overlap, type Point, type Rect } from "./geometry";
import type { Scene } from "./scene";

/** How far apart lanes are, and how near ways may come without being set apart. */
const LANE = 12;
const NEAR = 16;
/** How far a lane may be moved; how many are looked at together, and up to which length. */
const ROOM = 96;
const MOST = 32;
const LONG = 1600;
/** How far pins stand out of the sides of nodes. */
const PINS = 6;
const CELL = 512;

/** A part of a way between two corners: at `at`, from `lo` to `hi`. */
interface Part {
  wire: FlowWire;
  index: number;
  isDown: boolean;
  at: number;
  lo: number;
  hi: number;
  /** Ways that carry the same (from one output, or of control to one input) may lie on one another. */
  net: string;
  /** Its place among others that go the same way. */
  order: number;
  turn: number;
}

/** The corners of wires, moved into lanes. */
export class Lanes {
  /** The parts in each cell of the world, but for those of wires that are dragged along. */
  private readonly cells = new Map<string, Part[]>();
  private readonly known = new WeakMap<readonly Point[], Part[]>();
  private dragged: ReadonlySet<FlowWire> = new Set();
  private live: readonly FlowWire[] = [];

  constructor(private readonly scene: Scene) {}

  /** Ways have changed; of those that are dragged along some go on changing, as one of their ends stays. */
  forget(dragged: ReadonlySet<FlowWire> = new Set(), live: readonly FlowWire[] = []): void {
    this.cells.clear();
    this.dragged = dragged;
    this.live = live;
  }

  /** The corners of a wire. */
  of(wire: FlowWire): readonly Point[] {
    const way = this.scene.way(wire) ?? [];
    let moved: Point[] | null = null;
    for (const part of this.parts(wire, way)) {
      const at = this.laneOf(part);
      if (at === part.at) continue;
      moved ??= way.map((point) => ({ ...point }));
      for (const corner of [moved[part.index]!, moved[part.index + 1]!]) corner[part.isDown ? "x" : "y"] = at;
    }
    return moved ? straightened(moved) : way;
  }

  private parts(wire: FlowWire, way: readonly Point[]): Part[] {
    let parts = this.known.get(way);
    if (!parts) this.known.set(way, (parts = wire.points.length ? [] : partsOf(wire, way)));
    return parts;
  }

  private near({ isDown, at, lo, hi }: Part): Part[] {
    const { x, y, w, h } = rectOf(isDown, at, NEAR, lo - NEAR, hi + NEAR);
    const found: Part[] = [];
    for (let i = Math.floor(x / CELL); i * CELL <= x + w; i++) for (let j = Math.floor(y / CELL); j * CELL <= y + h; j++) found.push(...this.cell(i, j));
    for (const wire of this.live) found.push(...this.parts(wire, this.scene.way(wire) ?? []));
    return found;
  }

  private cell(i: number, j: number): Part[] {
    const key = `${i} ${j}`;
    let cell = this.cells.get(key);
    if (cell) return cell;
    const rect = { x: i * CELL, y: j * CELL, w: CELL, h: CELL };
    cell = this.scene.wiresIn(rect).flatMap((wire) => (this.dragged.has(wire) ? [] : this.parts(wire, this.scene.way(wire) ?? [])));
    cell = cell.filter((part) => overlap(rectOf(part.isDown, part.at, 1, part.lo, part.hi), rect));
    this.cells.set(key, cell);
    return cell;
  }

  /** All that has to be set apart together with a part: what is near it, what is near that, and so on. */
  private crowd(first: Part): Part[] {
    const group = new Set([first]);
    for (const part of group) {
      if (group.size < MOST) for (const other of this.near(part)) if (other.wire !== part.wire && areNear(part, other)) group.add(other);
    }
    return [...group];
  }

  private laneOf(part: Part): number {
    const group = this.crowd(part);
    if (group.length < 2) return part.at;
    group.sort((a, b) => a.turn - b.turn || a.order - b.order || (a.wire.key < b.wire.key ? -1 : 1));
    const nets = [...new Set(group.map(({ net }) => net))];
    const middle = group.reduce((sum, { at }) => sum + at, 0) / group.length;
    const [lo, hi] = this.roomAt(group, middle);
    const gap = Math.min(LANE, (hi - lo) / nets.length);
    const half = (gap * (nets.length - 1)) / 2;
    return Math.round(Math.max(lo + half, Math.min(hi - half, middle)) + gap * nets.indexOf(part.net) - half);
  }

  /** Between which bodies a group of lanes lies. */
  private roomAt(group: readonly Part[], middle: number): [number, number] {
    const isDown = group[0]!.isDown;
    const out = isDown ? PINS : 0;
    let [lo, hi] = [middle - ROOM, middle + ROOM];
    const rect = rectOf(isDown, middle, ROOM, Math.min(...group.map((part) => part.lo)), Math.max(...group.map((part) => part.hi)));
    for (const body of this.scene.bodies(rect)) {
      const [from, to] = isDown ? [body.x, body.x + body.w] : [body.y, body.y + body.h];
      if (to <= middle) lo = Math.max(lo, to + out);
      else if (from >= middle) hi = Math.min(hi, from - out);
    }
    return [lo, hi];
  }
}

/** What of a way can be moved: all but its ends, and what is so long that it would be moved for something out of sight. */
function partsOf(wire: FlowWire, way: readonly Point[]): Part[] {
  const found: Part[] = [];
  for (let index = 1; index + 2 < way.length; index++) {
    const [before, a, b] = [way[index - 1]!, way[index]!, way[index + 1]!];
    const isDown = a.x === b.x;
    const [from, to, at, came] = isDown ? [a.y, b.y, a.x, before.x] : [a.x, b.x, a.y, before.y];
    if (Math.abs(to - from) > LONG) continue;
    const turn = Math.sign(to - from);
    const net = wire.targetPin === "exec-in" ? `>${wire.target}` : `${wire.source} ${wire.sourcePin}`;
    found.push({ wire, index, isDown, at, lo: Math.min(from, to), hi: Math.max(from, to), net, order: turn * Math.sign(came - at) * from, turn });
  }
  return found;
}

const areNear = (a: Part, b: Part): boolean => a.isDown === b.isDown && Math.abs(a.at - b.at) < NEAR && a.lo < b.hi + NEAR && b.lo < a.hi + NEAR;

const rectOf = (isDown: boolean, at: number, by: number, lo: number, hi: number): Rect => (isDown ? { x: at - by, y: lo, w: 2 * by, h: hi - lo } : { x: lo, y: at - by, w: hi - lo, h: 2 * by });
