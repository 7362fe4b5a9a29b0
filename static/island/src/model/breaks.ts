// The breakpoints of a flow (decision 0082): before or after a node, or on a control wire, with a condition or none.
// That of a node is `canvas.breakpoint`, that of a wire stands in `canvas.breaks` of the node where it ends.
import type { Json } from "../catalog";
import type { Change } from "./change";
import type { FlowDocument, FlowNode, FlowWire } from "./document";
import { isObject, type JsonObject } from "./json";
import { marksOf, rewrite, wireKey } from "./marks";

export type Where = "before" | "after" | "wire";

export interface Break {
  /** Where it is: the node, or the node where its wire ends. */
  node: FlowNode;
  wire: FlowWire | null;
  at: Where;
  /** The condition; empty for none. */
  when: string;
  off: boolean;
}

/** What a run is told of them, as the server takes it. */
export interface Told {
  nodes: string[];
  places: JsonObject[];
}

const read = (mark: Json | undefined, node: FlowNode, wire: FlowWire | null): Break | null => {
  if (mark !== true && !isObject(mark)) return null;
  const { at, when, off } = mark === true ? ({} as JsonObject) : mark;
  return { node, wire, at: wire ? "wire" : at === "after" ? "after" : "before", when: typeof when === "string" ? when : "", off: off === true };
};

export const breakOf = (node: FlowNode): Break | null => read(marksOf(node).breakpoint, node, null);

export function breakOn(wire: FlowWire): Break | null {
  const breaks = wire.to && marksOf(wire.to).breaks;
  return wire.to && isObject(breaks) ? read(breaks[wireKey(wire)], wire.to, wire) : null;
}

/** All of a flow, in the order of its nodes. */
export function breaksOf(flow: FlowDocument): Break[] {
  const found: Break[] = [];
  for (const node of flow.nodes.values()) {
    if (!("canvas" in node.data)) continue;
    const own = breakOf(node);
    if (own) found.push(own);
    if (!isObject(marksOf(node).breaks)) continue;
    for (const wire of flow.wires.values()) {
      const held = wire.to === node ? breakOn(wire) : null;
      if (held) found.push(held);
    }
  }
  return found;
}

/** Set a breakpoint on a node or a wire, or take it away. */
export function setBreak(node: FlowNode, wire: FlowWire | null, held: Pick<Break, "at" | "when" | "off"> | null): Change {
  const said: JsonObject = { ...(held?.at === "after" ? { at: "after" } : {}), ...(held?.when.trim() ? { when: held.when } : {}), ...(held?.off ? { off: true } : {}) };
  const mark: Json = Object.keys(said).length ? said : true;
  return rewrite(node, (marks) => {
    if (!wire) {
      if (held) marks.breakpoint = mark;
      else delete marks.breakpoint;
      return;
    }
    const breaks = isObject(marks.breaks) ? marks.breaks : {};
    if (held) breaks[wireKey(wire)] = mark;
    else delete breaks[wireKey(wire)];
    marks.breaks = breaks;
  });
}

export function toldOf(breaks: readonly Break[]): Told {
  const told: Told = { nodes: [], places: [] };
  for (const { node, wire, at, when, off } of breaks) {
    if (off) continue;
    if (at === "before" && !when.trim()) told.nodes.push(node.id);
    else told.places.push({ node: wire ? wire.source : node.id, at, ...(wire ? { pin: wire.sourcePin } : {}), ...(when.trim() ? { when } : {}) });
  }
  return told;
}
