// A node that runs another flow has that flow's parameters and results as its pins.
import { type Card, type CardPin, type Catalog, EXEC } from "../catalog";
import type { Change } from "./change";
import type { FlowDocument, FlowNode } from "./document";
import { parametersOf } from "./entry";
import { pinJSON } from "./grow";
import { declared } from "./pins";

/** Where a node keeps to which version of its flow it is bound; "" is the newest. */
export const VERSION = "subflowVersion";

export const versionOf = (node: FlowNode): string => {
  const held = node.data[VERSION];
  return typeof held === "string" || typeof held === "number" ? String(held).trim() : "";
};

/** The change that binds a node to a version of its flow, or lets it follow the newest. */
export const bindTo = (node: FlowNode, version: string): Change =>
  version ? { op: "set", node: node.id, path: VERSION, value: version } : { op: "set", node: node.id, path: VERSION };

/** Whether a step takes results and leads nowhere: there the flow ends. */
const isEnd = (card: Card | undefined): boolean => Boolean(card?.saved_pins && card.grows?.side === "inputs" && !card.outputs.some((pin) => pin.type === EXEC));

/** The results of a flow: what its ends take, each name once. */
export function resultsOf(flow: FlowDocument, catalog: Catalog): CardPin[] {
  const found = new Map<string, CardPin>();
  for (const node of flow.nodes.values()) {
    const card = catalog.card(node.type);
    if (!isEnd(card)) continue;
    for (const pin of declared(card, node).inputs) if (pin.type !== EXEC && !found.has(pin.id)) found.set(pin.id, pin);
  }
  return [...found.values()];
}

/** The changes that give a calling node the pins of the flow it runs; wires of pins that go away go too. */
export function followFlow(catalog: Catalog, node: FlowNode, called: FlowDocument): Change[] {
  const card = catalog.card(node.type);
  if (!card) return [];
  const wanted = { inputs: parametersOf(called, catalog).map(({ pin }) => pin), outputs: resultsOf(called, catalog) };
  const changes: Change[] = [];
  for (const side of ["inputs", "outputs"] as const) {
    const fixed = declared(card, node)[side].filter((pin) => card[side].some((own) => own.id === pin.id));
    const ids = new Set(fixed.map((pin) => pin.id));
    const pins = [...fixed, ...wanted[side].filter((pin) => !ids.has(pin.id))];
    for (const pin of pins) ids.add(pin.id);
    for (const wire of node.wires) {
      const mine = side === "inputs" ? wire.to === node && wire.targetPin : wire.from === node && wire.sourcePin;
      if (mine && !ids.has(mine)) changes.push({ op: "disconnect", edge: wire.key });
    }
    changes.push({ op: "set", node: node.id, path: side, value: pins.map(pinJSON) });
  }
  return changes;
}
