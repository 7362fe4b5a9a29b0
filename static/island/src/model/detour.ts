// The way of a wire in right angles: its corners, from the right side of one pin to the left side of
// another. The plain way first; where a body stands in it, the shortest of the ways by the free lanes
// beside the bodies. Numbers only, and the same numbers give the same way.
import type { Point, Rect } from "./geometry";

/** How far a wire goes on straight at its ends, and how far it keeps from bodies. */
const STUB = 16;
export const CLEAR = 7;
/** How far its lanes lie outside of that; less where there is little room. */
const ASIDE = [9, 1];
/** What a corner costs, in px of way. */
const BEND = 64;
/** How many bodies are gone round, and how many places are looked at. */
const MOST = 48;
const TRIES = 1200;

/** The way without regard to what stands in it. */
export function plain(from: Point, to: Point): Point[] {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  if (dx >= STUB) return dy ? sideways(from, to, Math.round(from.x + dx / 2)) : [from, to];
  return around(from, to, from.x + STUB, Math.abs(dy) > 2 * STUB ? Math.round(from.y + dy / 2) : Math.max(from.y, to.y) + 64, to.x - STUB);
}

const sideways = (from: Point, to: Point, x: number): Point[] => [from, { x, y: from.y }, { x, y: to.y }, to];
const around = (from: Point, to: Point, x0: number, y: number, x1: number): Point[] => [from, { x: x0, y: from.y }, { x: x0, y }, { x: x1, y }, { x: x1, y: to.y }, to];

/** Whether a line along an axis runs through a body. */
function cuts(ax: number, ay: number, bx: number, by: number, boxes: readonly Rect[]): boolean {
  const [x0, x1, y0, y1] = [Math.min(ax, bx), Math.max(ax, bx), Math.min(ay, by), Math.max(ay, by)];
  return boxes.some(({ x, y, w, h }) => x0 < x + w && x1 > x && y0 < y + h && y1 > y);
}

export function isFree(way: readonly Point[], boxes: readonly Rect[]): boolean {
  return way.every((b, index) => !index || !cuts(way[index - 1]!.x, way[index - 1]!.y, b.x, b.y, boxes));
}

/** The way past some bodies, by lanes within the limits; null where there is none, or too much in the way. */
export function detour(from: Point, to: Point, boxes: readonly Rect[], limits: Rect): Point[] | null {
  const isShut = (x: number, y: number): boolean => cuts(x, y, x + STUB - 1, y, boxes);
  if (boxes.length > MOST || isShut(from.x + 1, from.y) || isShut(to.x - STUB, to.y)) return null;
  for (const aside of ASIDE) {
    const found = maze(from, to, boxes, limits, aside);
    if (found) return found;
  }
  return null;
}

/** A crossing of two lines, come to along one of them. */
interface Step {
  i: number;
  j: number;
  isDown: boolean;
  /** What it took to come here, and at least takes to the end. */
  cost: number;
  all: number;
  before: Step | null;
}

/** The shortest way with the fewest corners along the lines beside the bodies: the most promising place first. */
function maze(from: Point, to: Point, boxes: readonly Rect[], limits: Rect, aside: number): Point[] | null {
  const lines = (values: number[], lo: number, size: number): number[] => [...new Set(values)].filter((at) => at >= lo && at <= lo + size).sort((a, b) => a - b);
  const [startX, endX] = [from.x + STUB, to.x - STUB];
  const xs = lines([startX, endX, ...boxes.flatMap(({ x, w }) => [x - aside, x + w + aside])], limits.x, limits.w);
  const ys = lines([from.y, to.y, ...boxes.flatMap(({ y, h }) => [y - aside, y + h + aside])], limits.y, limits.h);
  const known: number[] = [];
  const open: Step[] = [];
  const put = (i: number, j: number, isDown: boolean, cost: number, before: Step | null): void => {
    const place = (i * ys.length + j) * 2 + Number(isDown);
    const [x, y] = [xs[i]!, ys[j]!];
    if (cost >= (known[place] ?? Infinity) || (before && cuts(xs[before.i]!, ys[before.j]!, x, y, boxes))) return;
    known[place] = cost;
    const turns = isDown ? (x > endX ? 3 : 1) : y !== to.y ? 2 : x > endX ? 4 : 0; // at least, to arrive from the left
    open.push({ i, j, isDown, cost, all: cost + Math.abs(endX - x) + Math.abs(to.y - y) + turns * BEND, before });
  };
  put(xs.indexOf(startX), ys.indexOf(from.y), false, 0, null);
  for (let tries = 0; open.length && tries < TRIES; tries++) {
    let best = 0;
    for (let index = 1; index < open.length; index++) if (open[index]!.all <= open[best]!.all) best = index;
    const at = open[best]!;
    open[best] = open.at(-1)!;
    open.pop();
    const { i, j, isDown, cost, before } = at;
    if (xs[i] === endX && ys[j] === to.y && !isDown && (!before || before.i <= i)) {
      const way: Point[] = [to];
      for (let step: Step | null = at; step; step = step.before) way.unshift({ x: xs[step.i]!, y: ys[step.j]! });
      return straightened([from, ...way]);
    }
    if (cost > known[(i * ys.length + j) * 2 + Number(isDown)]!) continue;
    put(i, j, !isDown, cost + BEND, at);
    for (const by of [-1, 1]) {
      const next = isDown ? ys[j + by] : xs[i + by];
      if (next === undefined || (!before && by < 0)) continue;
      put(isDown ? i : i + by, isDown ? j + by : j, isDown, cost + Math.abs(next - (isDown ? ys[j]! : xs[i]!)), at);
    }
  }
  return null;
}

/** Without corners that are none. */
export function straightened(way: readonly Point[]): Point[] {
  const kept: Point[] = [];
  for (const point of way) {
    const [a, b] = [kept.at(-2), kept.at(-1)];
    if (b && b.x === point.x && b.y === point.y) continue;
    const isStraight = a && b && ((a.x === b.x && b.x === point.x && (b.y - a.y) * (point.y - b.y) > 0) || (a.y === b.y && b.y === point.y && (b.x - a.x) * (point.x - b.x) > 0));
    if (isStraight) kept.pop();
    kept.push(point);
  }
  return kept;
}

/** The ways between the points that a wire is led through, one for each leg. At a point it goes on along the
 * axis that spares corners. */
export function led(points: readonly Point[]): Point[][] {
  const [from, to] = [points[0]!, points.at(-1)!];
  const stops = [{ x: from.x + STUB, y: from.y }, ...points.slice(1, -1), { x: to.x - STUB, y: to.y }];
  // By the axis (0 across, 1 down) in which it leaves a point: the cheapest way there, leg by leg.
  let tries = [0, 1].map((axis) => ({ axis, cost: axis * BEND, sign: axis ? 0 : 1, legs: [] as Point[][] }));
  for (let at = 1; at < stops.length; at++) {
    const [a, b] = [stops[at - 1]!, stops[at]!];
    tries = [0, 1].map((axis) => {
      const ways = tries.map((before) => {
        const { way, first, last } = leg(a, b, before.axis, axis);
        // To turn back on itself is worst; a leg that only goes the other way has corners at its ends.
        const turns = (before.sign * first < 0 ? 8 : 0) + Number(!first) + Number(!last);
        return { axis, cost: before.cost + (way.length - 2 + turns) * BEND, sign: last, legs: [...before.legs, way] };
      });
      return ways[0]!.cost <= ways[1]!.cost ? ways[0]! : ways[1]!;
    });
  }
  const [across, down] = tries as [(typeof tries)[0], (typeof tries)[0]];
  const { legs } = across.cost + (across.sign < 0 ? 8 * BEND : 0) <= down.cost + BEND ? across : down;
  legs[0] = [from, ...legs[0]!];
  legs.push([...legs.pop()!, to]);
  return legs;
}

/** From one point to another, leaving along one axis and arriving along one; with the directions in which it does. */
function leg(a: Point, b: Point, leaves: number, arrives: number): { way: Point[]; first: number; last: number } {
  const [dx, dy] = [Math.sign(b.x - a.x), Math.sign(b.y - a.y)];
  if (leaves !== arrives) return { way: straightened([a, leaves ? { x: a.x, y: b.y } : { x: b.x, y: a.y }, b]), first: leaves ? dy : dx, last: arrives ? dy : dx };
  const middle = { x: Math.round((a.x + b.x) / 2), y: Math.round((a.y + b.y) / 2) };
  const way = leaves ? [a, { x: a.x, y: middle.y }, { x: b.x, y: middle.y }, b] : [a, { x: middle.x, y: a.y }, { x: middle.x, y: b.y }, b];
  return { way: straightened(way), first: leaves ? dy : dx, last: leaves ? dy : dx };
}
