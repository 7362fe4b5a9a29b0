// Several ways on from one output of a step: a node leads to all of them, one after the other.
import { type Card, type Catalog, EXEC } from "../catalog";
import type { Change } from "./change";
import { joins, wireJSON } from "./connect";
import type { FlowDocument, FlowNode, FlowWire } from "./document";
import { nodeJSON } from "./fresh";
import { boxOf, heightOf, overlap, type Point, type Rect, snap, WIDTH_LEAST } from "./geometry";
import { growPin, labelOf, nextName, pinJSON } from "./grow";
import type { PinAt } from "./hit";
import type { JsonObject } from "./json";
import { isLocked } from "./marks";
import type { Shapes } from "./pins";

const GAP = 64;
const DOWN = 32;

/** The type whose branches run one after the other: every way out of it is such a branch. */
export function sequenceOf(catalog: Catalog): Card | undefined {
  return catalog.cards.find(({ grows, outputs }) => grows?.type === EXEC && grows.side === "outputs" && outputs.every((pin) => pin.id.startsWith("then:")));
}

/** The changes that let an output of a step lead to one more place, after those that it leads to already. */
export function forkChanges(flow: FlowDocument, shapes: Shapes, taken: readonly FlowWire[], from: PinAt, to: PinAt): Change[] {
  const card = sequenceOf(shapes.catalog);
  const connect = (node: string, pin: string, goal: PinAt): Change => ({ op: "connect", edge: wireJSON(flow, { node, side: "out", pin }, goal, true) });
  const source = flow.nodes.get(from.node);
  if (!card || !source) return [...drop(taken), connect(from.node, from.pin, to)];
  const there = taken.length === 1 ? taken[0]?.to : null;
  if (there?.type === card.type && flow.wiresAt(there.id, "in", "exec-in").length === 1) return branchChanges(flow, shapes, there, to, connect);
  const goals = [...taken.map((wire): PinAt => ({ node: wire.target, side: "in", pin: wire.targetPin })), to];
  const id = flow.freshNodeId();
  const pins = branches(card, goals.length);
  const own = boxOf(source, shapes.of(source));
  const edge = own.x + own.w;
  const place = { x: snap(edge + GAP), y: snap(own.y), w: WIDTH_LEAST, h: heightOf({ rows: pins.length }) };
  const { at, moves } = roomAt(flow, shapes, place, edge);
  const raw = nodeJSON(card, id, at);
  const node = { ...raw, data: { ...(raw.data as JsonObject), outputs: pins } };
  const ways = goals.map((goal, index) => connect(id, pins[index]!.id as string, goal));
  return [...drop(taken), ...moves, { op: "add", node }, connect(from.node, from.pin, { node: id, side: "in", pin: "exec-in" }), ...ways];
}

const drop = (wires: readonly FlowWire[]): Change[] => wires.map((wire) => ({ op: "disconnect", edge: wire.key }));

/** One more branch of a node that is there: the first free one after those that lead somewhere, else a new one. */
function branchChanges(flow: FlowDocument, shapes: Shapes, node: FlowNode, to: PinAt, connect: (node: string, pin: string, goal: PinAt) => Change): Change[] {
  const ways = shapes.of(node).pins.filter((pin) => pin.side === "out" && pin.type === EXEC);
  const wired = ways.map((pin) => flow.wiresAt(node.id, "out", pin.id));
  if (wired.flat().some((wire) => joins(wire, { node: node.id, side: "out", pin: wire.sourcePin }, to))) return [];
  const free = ways[wired.findLastIndex((wires) => wires.length > 0) + 1];
  if (free) return [connect(node.id, free.id, to)];
  const grown = growPin(shapes, node);
  return grown ? [grown.change, connect(node.id, grown.pin, to)] : [];
}

function branches(card: Card, count: number): JsonObject[] {
  const pins = card.outputs.map(pinJSON);
  while (card.grows && pins.length < count) {
    const id = nextName(card.grows, pins.map((pin) => String(pin.id)));
    pins.push({ id, label: labelOf(id), type: EXEC });
  }
  return pins;
}

/** Room for a new node, where it is to stand or below. When it is not free, all from an edge on goes to the right. */
export function roomAt(flow: FlowDocument, shapes: Shapes, wish: Rect, edge: number): { at: Point; moves: Change[] } {
  const place = { ...wish };
  const all = [...flow.nodes.values()].map((node) => ({ node, box: boxOf(node, shapes.of(node)) }));
  const near = { ...place, x: edge, w: place.x + place.w + GAP - edge };
  const by = snap(place.w + GAP);
  const moves: Change[] = [];
  if (all.some(({ box }) => overlap(box, near))) {
    for (const { node, box } of all) {
      if (box.x < edge || isLocked(node)) continue;
      box.x += by;
      moves.push({ op: "move", node: node.id, x: node.x + by, y: node.y });
    }
  }
  return { at: freeBelow(place, all.map(({ box }) => box)), moves };
}

/** The first free place at or below a wish. */
export function freeBelow(wish: Rect, taken: readonly Rect[]): Point {
  const place = { ...wish };
  while (taken.some((box) => overlap(box, place))) place.y += DOWN;
  return place;
}
