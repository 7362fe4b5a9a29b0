// The text of a flow as its file has it: known keys first, in a fixed order (server: library_text.py).
import { isObject, type JsonObject } from "./json";

const FLOW = ["id", "name", "description", "interfaces", "nodes", "edges", "entryNode", "created_at", "updated_at"];
const NODE = ["id", "type", "position", "data", "label", "icon", "headerColor", "inputs", "outputs"];
const DATA = ["nodeType", "label", "icon", "headerColor", "inputs", "outputs", "pinDefaults"];
const EDGE = ["id", "source", "sourceHandle", "target", "targetHandle", "animated"];

function ordered(value: JsonObject, first: readonly string[]): JsonObject {
  const known = first.filter((key) => Object.hasOwn(value, key)).map((key) => [key, value[key]]);
  return { ...Object.fromEntries(known), ...value };
}

/** The document with its keys in the order of the file. */
export function canonical(flow: JsonObject): JsonObject {
  const found = ordered(flow, FLOW);
  if (Array.isArray(found.nodes)) found.nodes = found.nodes.map((node) => (isObject(node) ? dressed(node) : node));
  if (Array.isArray(found.edges)) found.edges = found.edges.map((edge) => (isObject(edge) ? ordered(edge, EDGE) : edge));
  return found;
}

function dressed(node: JsonObject): JsonObject {
  const found = ordered(node, NODE);
  if (isObject(found.data)) found.data = ordered(found.data, DATA);
  return found;
}

export const canonicalText = (flow: JsonObject): string => `${JSON.stringify(canonical(flow), null, 2)}\n`;
