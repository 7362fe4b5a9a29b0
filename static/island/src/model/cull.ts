// A uniform grid over rectangles: what is in view is found without looking at the rest.
// What covers many cells (a long wire) is kept in a list of its own and tested one by one.
import { overlap, type Rect } from "./geometry";

const CELL = 512;
const MANY = 24;
const SPAN = 1 << 20;

interface Entry<T> {
  item: T;
  box: Rect;
  keys: number[] | null;
}

/** Items found by the rectangle they cover. */
export class Index<T> {
  private readonly entries = new Map<T, Entry<T>>();
  private readonly cells = new Map<number, Set<Entry<T>>>();
  private readonly wide = new Set<Entry<T>>();

  get size(): number {
    return this.entries.size;
  }

  box(item: T): Rect | undefined {
    return this.entries.get(item)?.box;
  }

  boxes(): Rect[] {
    return Array.from(this.entries.values(), (entry) => entry.box);
  }

  put(item: T, box: Rect): void {
    const keys = cellsOf(box);
    const known = this.entries.get(item);
    if (known && same(known.keys, keys)) {
      known.box = box;
      return;
    }
    this.drop(item);
    const entry: Entry<T> = { item, box, keys };
    this.entries.set(item, entry);
    if (!keys) this.wide.add(entry);
    for (const key of keys ?? []) {
      const cell = this.cells.get(key);
      if (cell) cell.add(entry);
      else this.cells.set(key, new Set([entry]));
    }
  }

  drop(item: T): void {
    const entry = this.entries.get(item);
    if (!entry) return;
    this.entries.delete(item);
    this.wide.delete(entry);
    for (const key of entry.keys ?? []) {
      const cell = this.cells.get(key);
      cell?.delete(entry);
      if (cell && !cell.size) this.cells.delete(key);
    }
  }

  clear(): void {
    this.entries.clear();
    this.cells.clear();
    this.wide.clear();
  }

  /** The items whose rectangle meets this one, each once. */
  within(view: Rect): Set<T> {
    const found = new Set<T>();
    const { x0, y0, x1, y1, count } = span(view);
    if (count > this.cells.size) {
      for (const entry of this.entries.values()) if (touches(entry.box, view)) found.add(entry.item);
      return found;
    }
    for (let x = x0; x <= x1; x++) {
      for (let y = y0; y <= y1; y++) {
        for (const entry of this.cells.get(x * SPAN + y) ?? []) if (touches(entry.box, view)) found.add(entry.item);
      }
    }
    for (const entry of this.wide) if (touches(entry.box, view)) found.add(entry.item);
    return found;
  }
}

/** Like overlap, but a flat wire (no height) counts. */
function touches(box: Rect, view: Rect): boolean {
  return overlap({ x: box.x - 1, y: box.y - 1, w: box.w + 2, h: box.h + 2 }, view);
}

function span(box: Rect): { x0: number; y0: number; x1: number; y1: number; count: number } {
  const x0 = Math.floor(box.x / CELL);
  const y0 = Math.floor(box.y / CELL);
  const x1 = Math.floor((box.x + box.w) / CELL);
  const y1 = Math.floor((box.y + box.h) / CELL);
  return { x0, y0, x1, y1, count: (x1 - x0 + 1) * (y1 - y0 + 1) };
}

function cellsOf(box: Rect): number[] | null {
  const { x0, y0, x1, y1, count } = span(box);
  if (!(count <= MANY)) return null;
  const keys: number[] = [];
  for (let x = x0; x <= x1; x++) for (let y = y0; y <= y1; y++) keys.push(x * SPAN + y);
  return keys;
}

function same(a: number[] | null, b: number[] | null): boolean {
  if (!a || !b) return a === b;
  return a.length === b.length && a.every((key, index) => key === b[index]);
}
