// What drawing a wire does to a flow.
import { EXEC } from "../catalog";
import type { Change } from "./change";
import { inOrder, joins, wireJSON } from "./connect";
import type { FlowDocument } from "./document";
import { forkChanges } from "./fork";
import type { PinAt } from "./hit";
import type { Shapes } from "./pins";

/** The changes that draw a wire. An input has one, so the one it replaces goes; a step that leads on
 * already gets a node that leads to both. Empty when the wire is there. */
export function wireChanges(flow: FlowDocument, shapes: Shapes, a: PinAt, b: PinAt): Change[] {
  const ends = inOrder(a, b);
  if (!ends) return [];
  const source = flow.nodes.get(ends.from.node);
  const exec = source ? shapes.pin(source, "out", ends.from.pin)?.type === EXEC : false;
  const taken = exec ? flow.wiresAt(ends.from.node, "out", ends.from.pin) : flow.wiresAt(ends.to.node, "in", ends.to.pin);
  if (taken.some((wire) => joins(wire, ends.from, ends.to))) return [];
  if (exec && taken.length) return forkChanges(flow, shapes, taken, ends.from, ends.to);
  return [...taken.map((wire): Change => ({ op: "disconnect", edge: wire.key })), { op: "connect", edge: wireJSON(flow, ends.from, ends.to, exec) }];
}

/** What is to be said of a wire that changed more than itself; else nothing. */
export function forkWords(shapes: Shapes, changes: readonly Change[]): string {
  const made = changes.find((change) => change.op === "add");
  if (made && changes.some((change) => change.op === "disconnect")) {
    const label = shapes.catalog.card(String(made.node.type))?.label ?? "";
    return `A ${label} leads to both now: first what was wired here, then the new one.`;
  }
  return "";
}
