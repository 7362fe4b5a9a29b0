// Where everything of a node stands: computed from its shape and title, never measured, so that
// culling, wires, hits, the far view and the minimap work without a document.
import { chipsOf, chipsWidth } from "./chips";
import type { FlowNode } from "./document";
import type { Editor, Shape, ShapePin, Shapes, Side } from "./pins";

export interface Point {
  x: number;
  y: number;
}

export interface Rect extends Point {
  w: number;
  h: number;
}

export const GRID = 8;
export const HEAD = 32;
export const ROW = 24;
export const BODY_PAD = 4;
/** What a run writes under a node: its time, and a line of words. */
export const FOOT = 24;
export const WIDTH_LEAST = 200;
export const WIDTH_MOST = 360;
const PIN_GAP = 18;
const EDITOR_GAP = 8;
const MIDDLE_GAP = 16;
const EDITOR_WIDTH: { [editor in Editor]: number } = { text: 104, number: 72, switch: 32, choice: 96, free: 88, value: 64, expression: 64 };

export const snap = (value: number, grid = GRID): number => Math.round(value / grid) * grid;
const roundUp = (value: number): number => Math.ceil(value / GRID) * GRID;

const WIDTHS: { [chars: string]: number } = { "ilI.,:;'|!j`": 0.3, "frt()[]{}-/ \t": 0.37, "mwMW@%": 0.86, ABCDEFGHJKLNOPQRSTUVXYZ_: 0.67 };
const EM = new Float64Array(128).fill(0.565);
for (const [chars, width] of Object.entries(WIDTHS)) for (const char of chars) EM[char.charCodeAt(0)] = width;

/** Guess the width of a text in a proportional sans-serif font, in px. */
export function textWidth(text: string, size: number, bold = false): number {
  let em = 0;
  for (let i = 0; i < text.length; i++) em += charWidth(text.charCodeAt(i));
  return em * size * (bold ? 1.06 : 1);
}

function charWidth(code: number): number {
  return code < 128 ? (EM[code] as number) : code > 0x2e7f ? 1.05 : 0.6;
}

/** Cut a text so that it fits a width. */
export function fitText(text: string, size: number, width: number): string {
  if (textWidth(text, size) <= width) return text;
  let kept = "";
  let used = textWidth("…", size);
  for (const char of text) {
    used += charWidth(char.charCodeAt(0)) * size;
    if (used > width) break;
    kept += char;
  }
  return kept ? `${kept.trimEnd()}…` : "";
}

/** The title of a node: what the author called it, else its type's label. */
export function titleOf(node: FlowNode, shape: Shape): string {
  const said = node.data.label;
  if (typeof said === "string" && said.trim()) return said.trim();
  return shape.card?.label || node.type || node.id;
}

export function heightOf(shape: Pick<Shape, "rows">): number {
  return HEAD + (shape.rows ? shape.rows * ROW + 2 * BODY_PAD : 0);
}

/** The distance of a pin from the top of its node. */
export function pinY(row: number): number {
  return row < 0 ? HEAD / 2 : HEAD + BODY_PAD + row * ROW + ROW / 2;
}

/** What the row says that stands for pins which are folded away. */
export const foldWords = (fold: NonNullable<Shape["fold"]>): string => (fold.open ? "− fewer" : `+ ${fold.pins.length} more`);

const rowWidths = new WeakMap<Shape, number>();

/** The width that the rows of a shape need. */
export function rowsWidth(shape: Shape): number {
  const known = rowWidths.get(shape);
  if (known !== undefined) return known;
  const left = new Array<number>(shape.rows).fill(0);
  const right = new Array<number>(shape.rows).fill(0);
  for (const pin of shape.pins) {
    if (pin.row < 0 || pin.folded) continue;
    const label = textWidth(pin.label, 12);
    if (pin.side === "out") right[pin.row] = label + PIN_GAP;
    else left[pin.row] = PIN_GAP + label + (pin.editor ? EDITOR_GAP + EDITOR_WIDTH[pin.editor] : 0);
  }
  if (shape.field) {
    const { row, editor } = shape.field;
    left[row] = PIN_GAP + (editor === "text" ? 120 : EDITOR_WIDTH[editor]);
  }
  if (shape.fold) left[shape.fold.row] = PIN_GAP + textWidth(foldWords(shape.fold), 12);
  const width = Math.max(0, ...left.map((part, row) => part + MIDDLE_GAP + (right[row] as number)));
  rowWidths.set(shape, width);
  return width;
}

/** What stands in a header beside the title and its chips; and how much of the title chips always leave: some 12 signs. */
const HEAD_REST = 16 + 16 + 8 + 8 + 20 + 16;
const TITLE_LEAST = 100;
const titleWidth = (title: string): number => textWidth(title, 13, true);

/** The room for chips beside a title in the widest header. */
export const chipRoom = (title: string): number => WIDTH_MOST - HEAD_REST - Math.min(TITLE_LEAST, titleWidth(title));

/** The width of a node with a title, and room in its header for `more` px of signs. */
export function widthOf(shape: Shape, title: string, more = 0): number {
  const head = more + HEAD_REST + titleWidth(title);
  return Math.min(WIDTH_MOST, Math.max(WIDTH_LEAST, roundUp(Math.max(head, rowsWidth(shape)))));
}

/** Where a node stands and how large it is. */
export function boxOf(node: FlowNode, shape: Shape): Rect {
  return { x: node.x, y: node.y, w: widthOf(shape, titleOf(node, shape), chipsWidth(chipsOf(node, shape.card))), h: heightOf(shape) };
}

/** Where the middle of a pin is. */
export function pinPoint(box: Rect, pin: { side: Side; row: number }): Point {
  return { x: pin.side === "in" ? box.x : box.x + box.w, y: box.y + pinY(pin.row) };
}

/** The pin of a shape that a wire's end names; the header corner when there is none. */
export function endPoint(shapes: Shapes, node: FlowNode, box: Rect, side: Side, id: string): Point {
  const pin: Pick<ShapePin, "side" | "row"> = shapes.pin(node, side, id) ?? { side, row: -1 };
  return pinPoint(box, pin);
}

export function overlap(a: Rect, b: Rect): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

export function inside(box: Rect, point: Point): boolean {
  return point.x >= box.x && point.x <= box.x + box.w && point.y >= box.y && point.y <= box.y + box.h;
}

export function unite(boxes: Iterable<Rect>): Rect | null {
  let all: { x0: number; y0: number; x1: number; y1: number } | null = null;
  for (const box of boxes) {
    all ??= { x0: box.x, y0: box.y, x1: box.x, y1: box.y };
    all.x0 = Math.min(all.x0, box.x);
    all.y0 = Math.min(all.y0, box.y);
    all.x1 = Math.max(all.x1, box.x + box.w);
    all.y1 = Math.max(all.y1, box.y + box.h);
  }
  return all && { x: all.x0, y: all.y0, w: all.x1 - all.x0, h: all.y1 - all.y0 };
}

/** The rectangle between two corners. */
export function rectBetween(a: Point, b: Point): Rect {
  return { x: Math.min(a.x, b.x), y: Math.min(a.y, b.y), w: Math.abs(a.x - b.x), h: Math.abs(a.y - b.y) };
}

export function grown(box: Rect, by: number): Rect {
  return { x: box.x - by, y: box.y - by, w: box.w + 2 * by, h: box.h + 2 * by };
}
