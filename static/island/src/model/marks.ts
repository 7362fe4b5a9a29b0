// What the editor keeps beside the meaning of a flow: under `canvas` in the data of a node, where other
// editors leave it alone and compilers do not look (decision 0023).
//
//   canvas.locked   true: the node keeps its place
//   canvas.bookmark true: a place to come back to
//   canvas.opened   true: all its pins are shown, also those that are seldom needed
//   canvas.breakpoint true, or {at?, when?, off?}: a trial run stops at the node; canvas.breaks: on wires that end there (breaks.ts)
//   canvas.group    the id of the group that the node belongs to
//   canvas.pinned   {outputs: {output: value}, exit?}: what stands for the node in trial runs (decision 0060)
//   canvas.own      the id of the flow that the node's own copy was made from
//   canvas.groups   {id: {title, tone, folded?}}   on one member of each group
//   canvas.wires    {[source, pin, target pin] as text: [[x, y], ...]}   where a wire is led, from the
//                   corner of the node where it ends
//   canvas.tags     {[source, pin, target pin] as text: name}   the wires that are hidden behind a name
//   canvas.notes    {id: {x, y, w, h, text, tone}}   on any node; they move on when it is removed
import type { Json } from "../catalog";
import type { Change } from "./change";
import type { FlowDocument, FlowNode, FlowWire } from "./document";
import { type Point, snap } from "./geometry";
import { isObject, type JsonObject } from "./json";

export const TONES = ["amber", "blue", "green", "red", "grey"] as const;
export type Tone = (typeof TONES)[number];

export interface Note {
  id: string;
  x: number;
  y: number;
  w: number;
  h: number;
  text: string;
  tone: Tone;
  carrier: FlowNode;
}

export interface Group {
  id: string;
  title: string;
  tone: Tone;
  nodes: FlowNode[];
  /** Whether one tile stands for its nodes. */
  folded: boolean;
  /** The node that keeps the title; null while nobody does. */
  carrier: FlowNode | null;
}

export function marksOf(node: FlowNode): JsonObject {
  const { canvas } = node.data;
  return isObject(canvas) ? canvas : {};
}

/** Whether a node keeps its place. */
export const isLocked = (node: FlowNode): boolean => marksOf(node).locked === true;

export const isBookmarked = (node: FlowNode): boolean => marksOf(node).bookmark === true;

/** Whether all its pins are shown. */
export const isOpened = (node: FlowNode): boolean => marksOf(node).opened === true;

export const hasBreakpoint = (node: FlowNode): boolean => Boolean(marksOf(node).breakpoint);

/** The flow that a node's own copy was made from; empty when the node follows its flow. */
export const ownOf = (node: FlowNode): string => text(marksOf(node).own);

/** What a node gives in trial runs instead of being executed, and the execution output by which it leaves. */
export interface Pinned {
  outputs: { [pin: string]: Json };
  exit?: string;
}

export const isPin = (value: Json | undefined): boolean => isObject(value) && isObject(value.outputs) && Object.keys(value.outputs).length > 0;

/** What is pinned to a node; null for nothing. */
export function pinnedOf(node: FlowNode): Pinned | null {
  const { pinned } = marksOf(node);
  return isPin(pinned) ? (pinned as unknown as Pinned) : null;
}

/** Pin outputs to a node, or unpin them. */
export function setPinned(node: FlowNode, pinned: Pinned | null): Change {
  return rewrite(node, (marks) => {
    if (pinned) marks.pinned = pinned as unknown as JsonObject;
    else delete marks.pinned;
  });
}

/** Set a mark that is either true or absent. */
export function turnMark(node: FlowNode, name: "locked" | "bookmark" | "opened", on: boolean): Change {
  return rewrite(node, (marks) => {
    if (on) marks[name] = true;
    else delete marks[name];
  });
}

const rows = (value: Json | undefined): [string, JsonObject][] => (isObject(value) ? Object.entries(value).filter((row): row is [string, JsonObject] => isObject(row[1])) : []);
const text = (value: Json | undefined): string => (typeof value === "string" ? value : "");
const size = (value: Json | undefined, least: number): number => (typeof value === "number" && Number.isFinite(value) ? Math.max(least, value) : Math.max(least, 0));
const toneOf = (value: Json | undefined): Tone => TONES.find((tone) => tone === value) ?? TONES[0];

export const wireKey = (wire: FlowWire): string => JSON.stringify([wire.source, wire.sourcePin, wire.targetPin]);

/** The points that a wire is led through, in the world. */
export function wirePoints(wire: FlowWire): Point[] {
  const node = wire.to;
  if (!node || !("canvas" in node.data)) return [];
  const { wires } = marksOf(node);
  const points = isObject(wires) ? wires[wireKey(wire)] : undefined;
  if (!Array.isArray(points)) return [];
  return points.flatMap((point): Point[] => {
    const [x, y] = Array.isArray(point) ? point : [];
    return typeof x === "number" && typeof y === "number" && Number.isFinite(x + y) ? [{ x: node.x + x, y: node.y + y }] : [];
  });
}

/** Lead a wire through points; none lets it go its own way. */
export function leadWire(wire: FlowWire, points: readonly Point[]): Change[] {
  const node = wire.to;
  if (!node) return [];
  return [
    rewrite(node, (marks) => {
      const wires = isObject(marks.wires) ? marks.wires : {};
      if (points.length) wires[wireKey(wire)] = points.map(({ x, y }) => [snap(x - node.x), snap(y - node.y)]);
      else delete wires[wireKey(wire)];
      marks.wires = wires;
    }),
  ];
}

/** The name that a wire is hidden behind; empty while it is drawn. */
export function tagOf(wire: FlowWire): string {
  const node = wire.to;
  if (!node || !("canvas" in node.data)) return "";
  const { tags } = marksOf(node);
  return isObject(tags) ? text(tags[wireKey(wire)]) : "";
}

export function hasMarks(flow: FlowDocument): boolean {
  for (const node of flow.nodes.values()) if ("canvas" in node.data) return true;
  return false;
}

/** All notes and groups of a flow. */
export function readMarks(flow: FlowDocument): { notes: Note[]; groups: Group[] } {
  const notes: Note[] = [];
  const groups = new Map<string, Group>();
  const titles = new Map<string, { raw: JsonObject; carrier: FlowNode }>();
  for (const node of flow.nodes.values()) {
    if (!("canvas" in node.data)) continue;
    const marks = marksOf(node);
    for (const [id, raw] of rows(marks.notes)) notes.push({ id, x: size(raw.x, -1e7), y: size(raw.y, -1e7), w: size(raw.w, 120), h: size(raw.h, 56), text: text(raw.text), tone: toneOf(raw.tone), carrier: node });
    for (const [id, raw] of rows(marks.groups)) if (!titles.has(id)) titles.set(id, { raw, carrier: node });
    const id = text(marks.group);
    if (!id) continue;
    const group = groups.get(id) ?? { id, title: "", tone: TONES[1], nodes: [], folded: false, carrier: null };
    group.nodes.push(node);
    groups.set(id, group);
  }
  for (const [id, { raw, carrier }] of titles) {
    const group = groups.get(id);
    if (group) Object.assign(group, { title: text(raw.title), tone: toneOf(raw.tone), folded: raw.folded === true, carrier });
  }
  return { notes, groups: [...groups.values()] };
}

export const set = (node: FlowNode, keys: readonly string[], value: Json): Change => ({ op: "set", node: node.id, path: ["canvas", ...keys], value });

/** Rewrite the marks of a node; what is left empty goes. */
export function rewrite(node: FlowNode, edit: (marks: JsonObject) => void): Change {
  const marks = structuredClone(marksOf(node));
  edit(marks);
  for (const key of ["notes", "groups", "wires", "tags", "breaks"]) if (isObject(marks[key]) && !Object.keys(marks[key]).length) delete marks[key];
  return Object.keys(marks).length ? set(node, [], marks) : { op: "set", node: node.id, path: ["canvas"] };
}

export function freshMarkId(flow: FlowDocument, kind: "note" | "group"): string {
  const { notes, groups } = readMarks(flow);
  const known = new Set([...notes, ...groups].map((mark) => mark.id));
  let number = known.size + 1;
  while (known.has(`${kind}-${number}`)) number++;
  return `${kind}-${number}`;
}

/** Write a note; a new one is kept by the first node. */
export function putNote(flow: FlowDocument, note: Omit<Note, "carrier"> & { carrier?: FlowNode }): Change[] {
  const carrier = note.carrier ?? flow.nodes.values().next().value;
  if (!carrier) return [];
  const { id, x, y, w, h, text: words, tone } = note;
  return [set(carrier, ["notes", id], { x, y, w, h, text: words, tone })];
}

export function putGroup(group: Group): Change[] {
  const carrier = group.carrier ?? group.nodes[0];
  return carrier ? [set(carrier, ["groups", group.id], { title: group.title, tone: group.tone, ...(group.folded ? { folded: true } : {}) })] : [];
}

/** The changes that hand what some nodes keep for others to nodes that stay. */
export function carryChanges(flow: FlowDocument, gone: ReadonlySet<string>, only?: "groups"): Change[] {
  const { notes, groups } = readMarks(flow);
  const changes: Change[] = [];
  const stays = [...flow.nodes.values()].find((node) => !gone.has(node.id));
  for (const note of only ? [] : notes) if (stays && gone.has(note.carrier.id)) changes.push(...putNote(flow, { ...note, carrier: stays }));
  for (const group of groups) {
    const heir = group.nodes.find((node) => !gone.has(node.id));
    if (heir && group.carrier && gone.has(group.carrier.id)) changes.push(...putGroup({ ...group, carrier: heir }));
  }
  return changes;
}

/** The data of a pasted node: notes and breakpoints stay with the first, groups get names of their own. */
export function pastedData(data: Json | undefined, rename: (group: string) => string, names: ReadonlyMap<string, string>): Json | undefined {
  if (!isObject(data) || !isObject(data.canvas)) return data;
  const { notes: _notes, breakpoint: _stops, breaks: _wires, group, groups, wires, tags, ...rest } = data.canvas;
  const canvas: JsonObject = { ...rest };
  if (typeof group === "string") canvas.group = rename(group);
  if (isObject(groups)) canvas.groups = Object.fromEntries(Object.entries(groups).map(([id, each]) => [rename(id), each]));
  const led = isObject(wires) ? Object.entries(wires).flatMap(([key, points]) => renamedWire(key, points, names)) : [];
  if (led.length) canvas.wires = Object.fromEntries(led);
  const named = isObject(tags) ? Object.entries(tags).flatMap(([key, name]) => renamedWire(key, name, names)) : [];
  if (named.length) canvas.tags = Object.fromEntries(named);
  const { canvas: _old, ...others } = data;
  return Object.keys(canvas).length ? { ...others, canvas } : others;
}

function renamedWire(key: string, points: Json, names: ReadonlyMap<string, string>): [string, Json][] {
  let parts: unknown;
  try {
    parts = JSON.parse(key);
  } catch {
    return [];
  }
  const [source, ...pins] = Array.isArray(parts) ? (parts as unknown[]) : [];
  const name = typeof source === "string" ? names.get(source) : undefined;
  return name === undefined ? [] : [[JSON.stringify([name, ...pins]), points]];
}
