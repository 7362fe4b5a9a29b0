// A node as it is before anything was done to it.
import type { Card, Json } from "../catalog";
import { type Point, snap } from "./geometry";
import { pinJSON } from "./grow";
import type { JsonObject } from "./json";

/** The JSON of a new node of a type. */
export function nodeJSON(card: Card, id: string, at: Point): JsonObject {
  const data: JsonObject = { nodeType: card.type, label: card.label };
  data.inputs = card.inputs.map(pinJSON);
  data.outputs = card.outputs.map(pinJSON);
  Object.assign(data, structuredClone(card.template ?? {}) as { [key: string]: Json });
  return { id, type: card.type, position: { x: snap(at.x), y: snap(at.y) }, data };
}
