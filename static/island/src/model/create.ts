// The changes that make a new node, alone or at the end of a wire.
import { EXEC } from "../catalog";
import type { Change } from "./change";
import { bestPin } from "./connect";
import type { FlowDocument, FlowNode } from "./document";
import { nodeJSON } from "./fresh";
import { heightOf, pinY, type Point, snap, titleOf, widthOf } from "./geometry";
import { growPin } from "./grow";
import type { PinAt } from "./hit";
import type { ShapePin, Shapes } from "./pins";
import { wireChanges } from "./wiring";

/** Add a node with its middle (or, wired, its pin) at a point. Each list of changes goes to `run`, as
 * parts of one step. Returns the node's id, or null when there is no such type. */
export function createNode(flow: FlowDocument, shapes: Shapes, type: string, at: Point, from: PinAt | null, run: (changes: Change[]) => void): string | null {
  const card = shapes.catalog.card(type);
  if (!card) return null;
  const id = flow.freshNodeId();
  run([{ op: "add", node: nodeJSON(card, id, at) }]);
  const node = flow.nodes.get(id) as FlowNode;
  const pin = from && wireTo(flow, shapes, from, node, run);
  const shape = shapes.of(node);
  const width = widthOf(shape, titleOf(node, shape));
  const x = pin ? at.x - (pin.side === "in" ? 0 : width) : at.x - width / 2;
  const y = pin ? at.y - pinY(pin.row) : at.y - Math.min(heightOf(shape), 96) / 2;
  run([{ op: "move", node: id, x: snap(x), y: snap(y) }]);
  return id;
}

/** Wire a pin to the pin of a node that suits it best, growing one where none fits (or always). */
export function wireTo(flow: FlowDocument, shapes: Shapes, from: PinAt, node: FlowNode, run: (changes: Change[]) => void, always = false): ShapePin | null {
  const source = flow.nodes.get(from.node);
  const start = source && shapes.pin(source, from.side, from.pin);
  if (!start) return null;
  const free = bestPin(flow, shapes, from, node);
  const grows = shapes.of(node).grow;
  const full = always || !free || (start.type !== EXEC && shapes.isWired(node, free));
  let pin = free;
  if (full && grows && grows.side !== from.side && (start.type === EXEC) === (grows.rule.type === EXEC)) {
    const step = growPin(shapes, node, { name: start.label || start.id, type: start.type });
    if (step) run([step.change]);
    pin = (step && shapes.pin(node, step.side, step.pin)) ?? free;
  }
  if (pin) run(wireChanges(flow, shapes, from, { node: node.id, side: pin.side, pin: pin.id }));
  return pin;
}
