// Two flows in one: the later one, with the nodes and wires that only the earlier one has.
import { isObject, type JsonObject } from "./json";

const rows = (flow: JsonObject, key: "nodes" | "edges"): JsonObject[] => (Array.isArray(flow[key]) ? flow[key].filter(isObject) : []);
const text = (value: unknown): string => (typeof value === "string" ? value.trim() : "");

/** What makes a wire this wire: its nodes and pins. */
export const endsOf = (edge: JsonObject): string => JSON.stringify([edge.source, edge.sourceHandle, edge.target, edge.targetHandle].map(text));

/** The wires get ids of their own, for two flows may have given the same one; `ends` are the ends by these. */
export function union(before: JsonObject, after: JsonObject): { flow: JsonObject; ends: Map<string, string> } {
  const known = new Set(rows(after, "nodes").map((node) => text(node.id)));
  const wired = new Set(rows(after, "edges").map(endsOf));
  const ghosts = rows(before, "nodes").filter((node) => !known.has(text(node.id)));
  const lost = rows(before, "edges").filter((edge) => !wired.has(endsOf(edge)));
  const edges = [...rows(after, "edges"), ...lost].map((edge, index): JsonObject => ({ ...edge, id: `shown-${index}` }));
  const ends = new Map(edges.map((edge) => [String(edge.id), endsOf(edge)]));
  return { flow: { ...after, nodes: [...rows(after, "nodes"), ...ghosts], edges }, ends };
}
