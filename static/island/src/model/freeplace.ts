// The place for something new that lies on no node, on nothing a run writes under one, and on no note: the nearest
// to where it was wanted, and one that is in view before others.
import { FOOT, GRID, inside, overlap, type Point, type Rect } from "./geometry";
import { readMarks } from "./marks";
import type { Scene } from "./scene";

/** How far from where it was wanted it is looked, and how far it keeps from what stands there. */
const REACH = 1600;
const GAP = 16;
/** How many of the things that stand near are gone round. */
const MOST = 60;

const middleFar = ({ x, y, w, h }: Rect, at: Point): number => Math.abs(x + w / 2 - at.x) + Math.abs(y + h / 2 - at.y);
const within = (box: Rect, view: Rect): boolean => inside(view, box) && inside(view, { x: box.x + box.w, y: box.y + box.h });

/** What must not be covered near a place; `except` is the note that looks for one. */
function standing(scene: Scene, at: Point, except?: string): Rect[] {
  const around = { x: at.x - REACH, y: at.y - REACH, w: 2 * REACH, h: 2 * REACH };
  const nodes = scene.nodesIn(around).map((node): Rect => ({ ...scene.box(node), h: scene.box(node).h + FOOT }));
  const notes = readMarks(scene.flow).notes.filter(({ id }) => id !== except);
  return [...nodes, ...scene.tiles(), ...notes].sort((a, b) => middleFar(a, at) - middleFar(b, at)).slice(0, MOST);
}

export function liesOnSomething(scene: Scene, box: Rect, except?: string): boolean {
  return standing(scene, box, except).some((other) => overlap(other, box));
}

export function freePlace(scene: Scene, wanted: Rect, view: Rect, except?: string): Point {
  const { w, h } = wanted;
  const taken = standing(scene, wanted, except);
  const up = (value: number): number => Math.ceil(value / GRID) * GRID;
  const down = (value: number): number => Math.floor(value / GRID) * GRID;
  const xs = [wanted.x, ...taken.flatMap((box) => [down(box.x - w - GAP), up(box.x), up(box.x + box.w + GAP)])];
  const ys = [wanted.y, ...taken.flatMap((box) => [down(box.y - h - GAP), up(box.y), up(box.y + box.h + GAP)])];
  const places = [...new Set(xs)].flatMap((x) => [...new Set(ys)].map((y): Rect => ({ x, y, w, h })));
  const cost = (box: Rect): number => Math.hypot(box.x - wanted.x, box.y - wanted.y) + (within(box, view) ? 0 : REACH);
  const sorted = places.map((box) => ({ box, cost: cost(box) })).sort((a, b) => a.cost - b.cost);
  const { x, y } = sorted.find(({ box }) => !taken.some((other) => overlap(other, { x: box.x - GAP / 2, y: box.y - GAP / 2, w: w + GAP, h: h + GAP })))?.box ?? wanted;
  return { x, y };
}
