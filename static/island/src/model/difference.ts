// The changes that make a flow another version of itself, node by node and wire by wire, so that what
// stays keeps its place on the canvas and in the selection. Where rows changed their order it is one change.
import type { Change } from "./change";
import type { FlowDocument } from "./document";
import { isObject, type JsonObject, same } from "./json";

const idOf = (row: JsonObject): string => (typeof row.id === "string" ? row.id.trim() : "");

/** The changes from the flow as it is to another document; none when they say the same. */
export function differenceTo(flow: FlowDocument, other: JsonObject): Change[] {
  const now = flow.toJSON();
  if (same(now, other)) return [];
  return byRow(now, other) ?? [{ op: "whole", document: other }];
}

function byRow(now: JsonObject, other: JsonObject): Change[] | null {
  const [old, fresh] = [rows(now, "nodes"), rows(other, "nodes")];
  const [oldWires, freshWires] = [rows(now, "edges"), rows(other, "edges")];
  if (!old || !fresh || !oldWires || !freshWires) return null;
  const stays = (from: Map<string, JsonObject>, to: Map<string, JsonObject>): string[] => [...from.keys()].filter((id) => to.has(id));
  if (stays(old, fresh).join("\n") !== stays(fresh, old).join("\n")) return null;
  const isKept = (id: string, wire: JsonObject): boolean => same(freshWires.get(id), wire);
  const kept = [...oldWires].filter(([id, wire]) => isKept(id, wire)).map(([id]) => id);
  if (kept.join("\n") !== [...freshWires.keys()].filter((id) => kept.includes(id)).join("\n")) return null;
  const isGone = (end: unknown): boolean => typeof end === "string" && old.has(end.trim()) && !fresh.has(end.trim());
  if (kept.some((id) => isGone(oldWires.get(id)?.source) || isGone(oldWires.get(id)?.target))) return null;
  const top = (flow: JsonObject): JsonObject => ({ ...flow, nodes: [], edges: [] });
  return [
    ...[...oldWires].filter(([id, wire]) => !isKept(id, wire)).map(([edge]): Change => ({ op: "disconnect", edge })),
    ...[...old.keys()].filter((id) => !fresh.has(id)).map((node): Change => ({ op: "remove", node })),
    ...(same(top(now), top(other)) ? [] : [{ op: "replace", flow: top(other) } as Change]),
    ...[...fresh].flatMap(([id, node], at): Change[] => (!old.has(id) ? [{ op: "add", node, at }] : same(old.get(id), node) ? [] : [{ op: "replace", node }])),
    ...[...freshWires].flatMap(([id, edge], at): Change[] => (kept.includes(id) ? [] : [{ op: "connect", edge, at }])),
  ];
}

/** Rows by id, or null where not each has one of its own. */
function rows(flow: JsonObject, key: "nodes" | "edges"): Map<string, JsonObject> | null {
  const list = flow[key] ?? [];
  if (!Array.isArray(list) || !list.every(isObject)) return null;
  const found = new Map(list.map((row) => [idOf(row), row]));
  return found.size === list.length && !found.has("") ? found : null;
}
