// The path of a wire: numbers only. In right angles it is lines and round corners (the corners come from
// detour.ts and lanes.ts); the curves that a person may choose instead are in curved.ts.
import type { Point, Rect } from "./geometry";

/** x and y of the start, then of two handles and an end for each segment. */
export type Curve = readonly number[];

/** The corners of a wire in right angles are this round, where there is room; and what makes a quarter of a circle. */
const ROUND = 8;
/** The same where wires are curves. */
export const SOFT = 32;
const QUARTER = 0.5523;

/** The curve through the corners of a way: straight between them, and round at them. */
export function rounded(way: readonly Point[], round = ROUND): Curve {
  const line = [way[0]!.x, way[0]!.y];
  const straight = (x: number, y: number): void => {
    const [ax, ay] = [line.at(-2)!, line.at(-1)!];
    if (Math.abs(ax - x) + Math.abs(ay - y) > 0.01) line.push(ax, ay, x, y, x, y);
  };
  for (let index = 1; index < way.length - 1; index++) {
    const [a, b, c] = [way[index - 1]!, way[index]!, way[index + 1]!];
    const [before, after] = [Math.hypot(b.x - a.x, b.y - a.y), Math.hypot(c.x - b.x, c.y - b.y)];
    if (!before || !after) continue;
    const r = Math.min(round, index === 1 ? before : before / 2, index === way.length - 2 ? after : after / 2);
    const [ux, uy, vx, vy] = [(b.x - a.x) / before, (b.y - a.y) / before, (c.x - b.x) / after, (c.y - b.y) / after];
    const far = r * (1 - QUARTER);
    straight(b.x - ux * r, b.y - uy * r);
    line.push(b.x - ux * far, b.y - uy * far, b.x + vx * far, b.y + vy * far, b.x + vx * r, b.y + vy * r);
  }
  const end = way.at(-1)!;
  straight(end.x, end.y);
  return line;
}

/** Whether the segment that begins at an index is a straight line: its handles lie on its ends. */
export const isStraight = (c: Curve, i: number): boolean => c[i] === c[i + 2] && c[i + 1] === c[i + 3] && c[i + 4] === c[i + 6] && c[i + 5] === c[i + 7];

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
  for (let i = 2; i < c.length; i += 6) path += isStraight(c, i - 2) ? `L${c[i + 4]} ${c[i + 5]}` : `C${c[i]} ${c[i + 1]} ${c[i + 2]} ${c[i + 3]} ${c[i + 4]} ${c[i + 5]}`;
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

/** The chords of a curve, as points: one for what is straight, `most` for what is not. */
export function chords(c: Curve, most: number): Point[] {
  const points = [startOf(c)];
  for (let segment = 0; segment * 6 + 2 < c.length; segment++) {
    const count = isStraight(c, segment * 6) ? 1 : most;
    for (let step = 1; step <= count; step++) points.push(pointAt(c, segment, step / count));
  }
  return points;
}

/** The distance of a point from the curve. */
export function distanceTo(c: Curve, point: Point): number {
  const points = chords(c, 24);
  let best = Infinity;
  for (let index = 1; index < points.length; index++) best = Math.min(best, toSegment(point, points[index - 1]!, points[index]!));
  return best;
}

function toSegment(p: Point, a: Point, b: Point): number {
  const dx = b.x - a.x;
  const dy = b.y - a.y;
  const length = dx * dx + dy * dy;
  const t = length ? Math.max(0, Math.min(1, ((p.x - a.x) * dx + (p.y - a.y) * dy) / length)) : 0;
  return Math.hypot(p.x - a.x - t * dx, p.y - a.y - t * dy);
}

/** The middle of the longest straight part of a line, else of all of it. */
export function middleOf(line: Curve): { x: number; y: number } {
  const c = line as number[];
  let [best, most] = [0, -1];
  for (let i = 0; i + 7 < c.length; i += 6) {
    const far = isStraight(c, i) ? Math.hypot(c[i + 6]! - c[i]!, c[i + 7]! - c[i + 1]!) : 0;
    if (far > most) [best, most] = [i, far];
  }
  const at = (axis: number): number => (c[best + axis]! + 3 * c[best + 2 + axis]! + 3 * c[best + 4 + axis]! + c[best + 6 + axis]!) / 8;
  return { x: at(0), y: at(1) };
}
