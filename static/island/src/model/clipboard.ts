// A part of a flow as text: what Ctrl+C puts on the clipboard and Ctrl+V takes from it. The text is
// readable JSON, so it can be mailed, kept, or pasted into another flow; a whole flow document is
// accepted as well. Wires inside the part travel with it; pasted nodes get fresh ids.
import type { Json } from "../catalog";
import type { Change } from "./change";
import type { FlowDocument } from "./document";
import { GRID, type Point, snap } from "./geometry";
import { isObject, type JsonObject } from "./json";
import { freshMarkId, pastedData } from "./marks";

const MARK = "flowstudio/nodes";

/** The text of some nodes with the wires between them; `cover` takes out what is not to be in it. */
export function copyText(flow: FlowDocument, ids: Iterable<string>, cover = (node: JsonObject): JsonObject => node): string {
  const wanted = new Set(ids);
  const nodes = [...flow.nodes.values()].filter((node) => wanted.has(node.id));
  const edges = [...flow.wires.values()].filter((wire) => wanted.has(wire.source) && wanted.has(wire.target));
  const part = { kind: MARK, nodes: nodes.map((node) => cover(node.raw)), edges: edges.map((wire) => wire.raw) };
  return JSON.stringify(part, null, 2);
}

/** What a text would paste: its nodes by title and type, and the wires between them. */
export interface Pasting {
  nodes: { title: string; type: string; data: JsonObject }[];
  edges: JsonObject[];
}

/** Read a text that may be pasted; null when it holds no nodes. */
export function readPasted(text: string): Pasting | null {
  const part = parse(text);
  if (!part) return null;
  const ids = new Set(part.nodes.map((node) => String(node.id).trim()));
  const nodes = part.nodes.map(({ type, data }) => {
    const own = isObject(data) ? data : {};
    const words = (value: Json | undefined): string => (typeof value === "string" ? value.trim() : "");
    return { title: words(own.label), type: words(own.nodeType) || words(type), data: own };
  });
  return { nodes, edges: part.edges.filter((edge) => ids.has(String(edge.source).trim()) && ids.has(String(edge.target).trim())) };
}

export interface Pasted {
  changes: Change[];
  ids: string[];
}

/** The changes that paste a text with its middle at a point, or moved by a distance from where it was
 * copied; null when the text holds no nodes. */
export function pasteText(flow: FlowDocument, text: string, at: Point | null, by: Point = { x: 32, y: 32 }): Pasted | null {
  const part = parse(text);
  if (!part) return null;
  const names = new Map<string, string>();
  for (const node of part.nodes) names.set(String(node.id).trim(), flow.freshNodeId());
  const shift = at ? shiftTo(part.nodes, at) : by;
  const changes: Change[] = [];
  const groups = new Map<string, string>();
  const first = Number(freshMarkId(flow, "group").slice("group-".length));
  const marked = (node: JsonObject, known: Map<string, string>): JsonObject => {
    const data = pastedData(node.data, (group) => known.get(group) ?? (known.set(group, `group-${first + known.size}`).get(group) as string), names);
    return data === undefined ? node : { ...node, data };
  };
  for (const node of part.nodes) {
    const place = placeOf(node);
    const position = { x: snap(place.x + shift.x, GRID), y: snap(place.y + shift.y, GRID) };
    changes.push({ op: "add", node: { ...marked(structuredClone(node), groups), id: names.get(String(node.id).trim()) as string, position } });
  }
  for (const edge of part.edges) {
    const source = names.get(String(edge.source).trim());
    const target = names.get(String(edge.target).trim());
    if (source && target) changes.push({ op: "connect", edge: { ...edge, id: flow.freshWireId(), source, target } });
  }
  return { changes, ids: [...names.values()] };
}

function parse(text: string): { nodes: JsonObject[]; edges: JsonObject[] } | null {
  if (!text.includes("{")) return null;
  let json: Json;
  try {
    json = JSON.parse(text) as Json;
  } catch {
    return null;
  }
  if (!isObject(json) || !Array.isArray(json.nodes)) return null;
  const seen = new Set<string>();
  const nodes = json.nodes.filter(isObject).filter((node) => {
    const id = typeof node.id === "string" ? node.id.trim() : "";
    const fresh = id !== "" && !seen.has(id) && (typeof node.type === "string" || isObject(node.type));
    seen.add(id);
    return fresh;
  });
  const edges = Array.isArray(json.edges) ? json.edges.filter(isObject) : [];
  return nodes.length ? { nodes, edges } : null;
}

function placeOf(node: JsonObject): Point {
  const { x, y } = isObject(node.position) ? node.position : { x: 0, y: 0 };
  return { x: Number.isFinite(x) ? (x as number) : 0, y: Number.isFinite(y) ? (y as number) : 0 };
}

function shiftTo(nodes: readonly JsonObject[], at: Point): Point {
  const places = nodes.map(placeOf);
  const xs = places.map((place) => place.x);
  const ys = places.map((place) => place.y);
  return { x: at.x - (least(xs) + most(xs) + 200) / 2, y: at.y - (least(ys) + most(ys) + 80) / 2 };
}

const least = (values: number[]): number => values.reduce((a, b) => Math.min(a, b), Infinity);
const most = (values: number[]): number => values.reduce((a, b) => Math.max(a, b), -Infinity);
