// Where a flow begins, and what it wants to know before it starts.
import { type Card, type CardPin, type Catalog, EXEC, type Json } from "../catalog";
import type { FlowDocument, FlowNode } from "./document";
import { isObject } from "./json";
import { declared } from "./pins";

export interface Parameter {
  pin: CardPin;
  preset: Json | undefined;
}

const isEntry = (card: Card | undefined): boolean => card?.kind === "event" && !card.inputs.some((pin) => pin.type === EXEC);

/** The node a run starts at: the one the flow names, else the first entry that leads somewhere. */
export function entryOf(flow: FlowDocument, catalog: Catalog): FlowNode | null {
  const named = typeof flow.flow.entryNode === "string" ? flow.nodes.get(flow.flow.entryNode) : undefined;
  if (named && catalog.card(named.type)?.kind === "event") return named;
  const entries = [...flow.nodes.values()].filter((node) => isEntry(catalog.card(node.type)));
  return entries.find((node) => node.wires.length > 0) ?? entries[0] ?? null;
}

/** The parameters of a flow: the values its entry gives to the run. */
export function parametersOf(flow: FlowDocument, catalog: Catalog): Parameter[] {
  const entry = entryOf(flow, catalog);
  const card = entry ? catalog.card(entry.type) : undefined;
  if (!entry || !card?.saved_pins) return [];
  const presets = isObject(entry.data.pinDefaults) ? entry.data.pinDefaults : {};
  return declared(card, entry)
    .outputs.filter((pin) => pin.type !== EXEC)
    .map((pin) => ({ pin, preset: presets[pin.id] }));
}
