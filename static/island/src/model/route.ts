// The path of a wire: numbers only. Forward it is one cubic Bézier; where the target lies behind the
// source it is two, so that the wire leaves to the right, passes between the nodes and arrives from
// the left.
import type { Point, Rect } from "./geometry";

/** x and y of the start, then of two handles and an end for each segment. */
export type Curve = readonly number[];

/** How far behind the source a target lies before the wire goes around. */
const BEHIND = -72;

export function curve(from: Point, to: Point): Curve {
  const dx = to.x - from.x;
  const dy = Math.abs(to.y - from.y);
  if (dx < BEHIND) return backward(from, to);
  const reach = dx > 0 ? Math.max(Math.min(dx * 0.5, 160), Math.min(48, 20 + dy * 0.25)) : Math.min(64, 32 + dy * 0.25) - dx * 0.4;
  return [from.x, from.y, from.x + reach, from.y, to.x - reach, to.y, to.x, to.y];
}

function backward(from: Point, to: Point): Curve {
  const dy = to.y - from.y;
  const flat = Math.abs(dy) < 72;
  const middle = { x: (from.x + to.x) / 2, y: flat ? Math.max(from.y, to.y) + 64 : from.y + dy / 2 };
  const reach = Math.min(110, 36 + Math.abs(middle.y - from.y) * 0.35);
  const turn = Math.min(110, 36 + Math.abs(to.y - middle.y) * 0.35);
  const out = [from.x, from.y, from.x + reach, from.y, from.x + reach, middle.y, middle.x, middle.y];
  return [...out, to.x - turn, middle.y, to.x - turn, to.y, to.x, to.y];
}

/** How far a wire rounds a sharp corner where it is led, and how much further a slight one. */
const CORNER = 14;
const BEND = 48;

/** A curve through points, from the right side of one pin to the left side of another: straight, with round corners. */
export function through(points: readonly Point[]): Curve {
  const line: number[] = [];
  const last = points.length - 1;
  const step = (from: number): { x: number; y: number; far: number } => {
    const [a, b] = [points[from]!, points[from + 1]!];
    const far = Math.hypot(b.x - a.x, b.y - a.y);
    return { x: (b.x - a.x) / (far || 1), y: (b.y - a.y) / (far || 1), far };
  };
  for (const [index, point] of points.entries()) {
    const before = index > 0 ? step(index - 1) : { x: 1, y: 0, far: 0 };
    const after = index < last ? step(index) : { x: 1, y: 0, far: 0 };
    const isEnd = index === 0 || index === last;
    const [x, y] = isEnd ? [1, 0] : [before.x + after.x, before.y + after.y];
    const size = Math.hypot(x, y) || 1;
    const most = isEnd ? 28 : CORNER + BEND * Math.max(0, before.x * after.x + before.y * after.y);
    const reach = (far: number): number => Math.min(far * 0.4, most) / size;
    if (index > 0) line.push(point.x - x * reach(before.far), point.y - y * reach(before.far));
    line.push(point.x, point.y);
    if (index < last) line.push(point.x + x * reach(after.far), point.y + y * reach(after.far));
  }
  return line;
}

/** The segment of a curve that is nearest to a point. */
export function segmentAt(c: Curve, point: Point): number {
  let [best, least] = [0, Infinity];
  for (let segment = 0; segment * 6 + 2 < c.length; segment++) {
    const far = distanceTo(c.slice(segment * 6, segment * 6 + 8), point);
    if (far < least) [best, least] = [segment, far];
  }
  return best;
}

const at = (c: Curve, index: number): number => c[index] as number;

export function pathOf(c: Curve): string {
  let path = `M${c[0]} ${c[1]}`;
  for (let i = 2; i < c.length; i += 6) path += `C${c[i]} ${c[i + 1]} ${c[i + 2]} ${c[i + 3]} ${c[i + 4]} ${c[i + 5]}`;
  return path;
}

export const startOf = (c: Curve): Point => ({ x: at(c, 0), y: at(c, 1) });
export const endOf = (c: Curve): Point => ({ x: at(c, c.length - 2), y: at(c, c.length - 1) });

/** The box that holds the curve: that of its points. */
export function boundsOf(c: Curve): Rect {
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < c.length; i += 2) {
    x0 = Math.min(x0, at(c, i));
    x1 = Math.max(x1, at(c, i));
    y0 = Math.min(y0, at(c, i + 1));
    y1 = Math.max(y1, at(c, i + 1));
  }
  return { x: x0, y: y0, w: x1 - x0, h: y1 - y0 };
}

/** A point of one segment (the first starts at index 0), `t` from 0 to 1. */
export function pointAt(c: Curve, segment: number, t: number): Point {
  const i = segment * 6;
  const u = 1 - t;
  const [a, b, d, e] = [u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t];
  return {
    x: a * at(c, i) + b * at(c, i + 2) + d * at(c, i + 4) + e * at(c, i + 6),
    y: a * at(c, i + 1) + b * at(c, i + 3) + d * at(c, i + 5) + e * at(c, i + 7),
  };
}

/** The distance of a point from the curve, by 24 chords a segment. */
export function distanceTo(c: Curve, point: Point): number {
  let best = Infinity;
  for (let segment = 0; segment * 6 + 2 < c.length; segment++) {
    let last = pointAt(c, segment, 0);
    for (let step = 1; step <= 24; step++) {
      const next = pointAt(c, segment, step / 24);
      best = Math.min(best, toSegment(point, last, next));
      last = next;
    }
  }
  return best;
}

function toSegment(p: Point, a: Point, b: Point): number {
  const dx = b.x - a.x;
  const dy = b.y - a.y;
  const length = dx * dx + dy * dy;
  const t = length ? Math.max(0, Math.min(1, ((p.x - a.x) * dx + (p.y - a.y) * dy) / length)) : 0;
  return Math.hypot(p.x - a.x - t * dx, p.y - a.y - t * dy);
}
