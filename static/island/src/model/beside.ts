// Where there is room for a few words beside the beginning of a wire: over it, or under it where it turns up.
import { FOOT, overlap, type Point, type Rect } from "./geometry";
import type { Curve } from "./route";
import type { Scene } from "./scene";

export const WORDS_HIGH = 14;
/** From the middle of a pin to the words. */
const PIN = 13;
const OFF = 9;
/** How far words may go on past the bend of their wire, and how far they keep from what stands there. */
const PAST = 40;
const CLEAR = 8;
/** From words to a line that goes up or down beside them; how far across its round corner reaches. */
const AWAY = 3;
const CORNER = 8;
/** With so much room words stay near the pin. */
const ENOUGH = 64;

/** How far a wire runs straight on, and whether it then goes up (-1), down (1) or has come to its end (0). */
export function beginning(curve: Curve): { to: number; turn: number } {
  const [x, y] = [curve[0]!, curve[1]!];
  let to = x;
  for (let i = 6; i < curve.length; i += 6) {
    const [ex, ey] = [curve[i]!, curve[i + 1]!];
    if (ey !== y) return { to: Math.max(to, ex), turn: Math.sign(ey - y) };
    to = Math.max(to, ex);
  }
  return { to, turn: 0 };
}

/** The place for words at the beginning of a wire that no node, pin, foot of a node or other words take; null when
 * there is none. */
export function roomBeside(scene: Scene, at: Point, curve: Curve, taken: readonly Rect[]): Rect | null {
  const { to, turn } = beginning(curve);
  const room = { x: at.x + PIN, y: at.y + (turn < 0 ? OFF : -OFF) - WORDS_HIGH / 2, w: to - at.x - PIN + (turn ? PAST : -PIN), h: WORDS_HIGH };
  if (room.w <= 0) return null;
  const stands = scene.nodesIn({ ...room, y: room.y - FOOT, w: room.w + CLEAR, h: room.h + FOOT }).map((node): Rect => {
    const box = scene.box(node);
    return { x: box.x - CLEAR, y: box.y, w: box.w + CLEAR, h: box.h + FOOT };
  });
  for (const box of [...stands, ...taken]) {
    if (!overlap(box, room)) continue;
    if (box.x <= room.x) return null;
    room.w = box.x - room.x;
  }
  return between(room, uprights(scene, room), to);
}

/** From where to where, across, lines go up or down through a room, from left to right. */
function uprights(scene: Scene, room: Rect): [number, number][] {
  const found: [number, number][] = [];
  for (const wire of scene.wiresIn(room)) {
    const line = scene.curve(wire) ?? [];
    for (let i = 0; i + 7 < line.length; i += 6) {
      const [x, y, ex, ey] = [line[i]!, line[i + 1]!, line[i + 6]!, line[i + 7]!];
      if (y === ey || Math.abs(ex - x) > CORNER || Math.max(y, ey) <= room.y || Math.min(y, ey) >= room.y + room.h) continue;
      found.push([Math.min(x, ex) - AWAY, Math.max(x, ex) + AWAY]);
    }
  }
  return found.sort((a, b) => a[0] - b[0]);
}

/** The first part of a room between such lines that is enough, else the widest; it begins where the wire still runs. */
function between(room: Rect, lines: readonly [number, number][], to: number): Rect | null {
  const end = room.x + room.w;
  const parts: Rect[] = [];
  let x = room.x;
  for (const [from, past] of [...lines, [end, end] as const]) {
    const until = Math.min(from, end);
    if (until > x && x < to) parts.push({ ...room, x, w: until - x });
    x = Math.max(x, past);
  }
  return parts.find((part) => part.w >= ENOUGH) ?? parts.reduce<Rect | null>((best, part) => (best && best.w >= part.w ? best : part), null);
}
