// Where one line crosses another.
import type { Point } from "./geometry";

/** How far a bridge reaches to both sides of what it crosses. */
const REACH = 4;

/** The parts of a line over those places where another one crosses it. */
export function crossings(over: readonly Point[], under: readonly Point[]): [Point, Point][] {
  const found: [Point, Point][] = [];
  for (let i = 1; i < over.length; i++) {
    const [a, b] = [over[i - 1]!, over[i]!];
    const [ux, uy] = [b.x - a.x, b.y - a.y];
    const size = Math.hypot(ux, uy);
    for (let j = 1; size && j < under.length; j++) {
      const [c, d] = [under[j - 1]!, under[j]!];
      const [vx, vy] = [d.x - c.x, d.y - c.y];
      const turn = ux * vy - uy * vx;
      if (!turn) continue;
      const t = ((c.x - a.x) * vy - (c.y - a.y) * vx) / turn;
      const s = ((c.x - a.x) * uy - (c.y - a.y) * ux) / turn;
      if (t < 0 || t > 1 || s < 0 || s > 1) continue;
      const [from, to] = [Math.max(0, t - REACH / size), Math.min(1, t + REACH / size)];
      found.push([{ x: a.x + ux * from, y: a.y + uy * from }, { x: a.x + ux * to, y: a.y + uy * to }]);
    }
  }
  return found;
}
