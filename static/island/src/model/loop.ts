// A wire back to an earlier step, as a loop: a node before that step repeats what lies between.
import { type Card, type Catalog, EXEC } from "../catalog";
import type { Change } from "./change";
import { wireJSON } from "./connect";
import type { FlowDocument } from "./document";
import { nodeJSON } from "./fresh";
import { roomAt } from "./fork";
import { heightOf } from "./geometry";
import type { PinAt } from "./hit";
import type { Shapes } from "./pins";

const WIDTH = 240;

/** The type that repeats a branch for as long as a yes/no value holds. */
export function whileOf(catalog: Catalog): Card | undefined {
  return catalog.cards.find(({ inputs, outputs }) => {
    const values = inputs.filter((pin) => pin.type !== EXEC);
    return values.length === 1 && values[0]?.type === "boolean" && ["loop", "done"].every((id) => outputs.some((pin) => pin.id === id && pin.type === EXEC));
  });
}

/** The changes that make a loop of the steps from `to` to `from`, and the node that repeats them. What
 * led to the first step leads to the loop; what followed at the drawn output follows the loop. */
export function loopChanges(flow: FlowDocument, shapes: Shapes, from: PinAt, to: PinAt): { changes: Change[]; node: string; pin: string } | null {
  const card = whileOf(shapes.catalog);
  const first = flow.nodes.get(to.node);
  const condition = card?.inputs.find((pin) => pin.type !== EXEC);
  if (!card || !first || !condition) return null;
  const id = flow.freshNodeId();
  const into = flow.wiresAt(first.id, "in", to.pin);
  const after = flow.wiresAt(from.node, "out", from.pin);
  const connect = (source: PinAt, target: PinAt): Change => ({ op: "connect", edge: wireJSON(flow, source, target, true) });
  const out = (pin: string): PinAt => ({ node: id, side: "out", pin });
  const start: PinAt = { node: id, side: "in", pin: "exec-in" };
  const { at, moves } = roomAt(flow, shapes, { x: first.x, y: first.y, w: WIDTH, h: heightOf({ rows: card.outputs.length }) }, first.x);
  const changes: Change[] = [
    ...[...into, ...after].map((wire): Change => ({ op: "disconnect", edge: wire.key })),
    ...moves,
    { op: "add", node: nodeJSON(card, id, at) },
    ...into.map((wire) => connect({ node: wire.source, side: "out", pin: wire.sourcePin }, start)),
    connect(out("loop"), to),
    ...after.map((wire) => connect(out("done"), { node: wire.target, side: "in", pin: wire.targetPin })),
  ];
  return { changes, node: id, pin: condition.id };
}
