// Wires as curves, for those who choose so: forward one cubic Bézier; where the target lies behind the source
// two, so that the wire leaves to the right, passes between the nodes and arrives from the left.
import type { Point } from "./geometry";
import type { Curve } from "./route";

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
