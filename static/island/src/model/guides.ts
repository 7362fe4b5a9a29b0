// Alignment while dragging: the lines on which edges of the moved box meet edges of the others.
import type { Rect } from "./geometry";

export interface Guide {
  axis: "x" | "y";
  /** The line's place on its axis, and where it starts and ends on the other. */
  at: number;
  from: number;
  to: number;
}

export interface Aligned {
  dx: number;
  dy: number;
  guides: Guide[];
}

/** How far to push a box so that it aligns with others within reach, and the lines to show. */
export function align(box: Rect, others: readonly Rect[], reach: number): Aligned {
  const x = best(others, reach, [box.x, box.x + box.w / 2, box.x + box.w], (other) => [other.x, other.x + other.w / 2, other.x + other.w]);
  const y = best(others, reach, [box.y, box.y + box.h], (other) => [other.y, other.y + other.h]);
  const guides: Guide[] = [];
  if (x) guides.push({ axis: "x", at: x.at, from: Math.min(box.y, x.other.y), to: Math.max(box.y + box.h, x.other.y + x.other.h) });
  if (y) guides.push({ axis: "y", at: y.at, from: Math.min(box.x, y.other.x), to: Math.max(box.x + box.w, y.other.x + y.other.w) });
  return { dx: x?.push ?? 0, dy: y?.push ?? 0, guides };
}

function best(others: readonly Rect[], reach: number, mine: number[], theirs: (other: Rect) => number[]) {
  let found: { push: number; at: number; other: Rect } | null = null;
  for (const other of others) {
    for (const [index, line] of theirs(other).entries()) {
      const push = line - (mine[index] as number);
      if (Math.abs(push) <= reach && (!found || Math.abs(push) < Math.abs(found.push))) found = { push, at: line, other };
    }
  }
  return found;
}
