// What panels ask of the server, loaded with them; the forms of nodes come as HTML of our own server.
import type { Json } from "../catalog";
import type { Change } from "../model/change";
import type { JsonObject } from "../model/json";
import type { Problem } from "../view/look";
import { ask, askJson, flowUrl } from "./http";

/** What is looked at of a node: a tab, against which run ("" the last good one), which of its visits, which attempt of
 * that (0: the last), compared with what, and by "in name" or "out name" in which view each value. */
export interface Looking {
  tab: string;
  background: string;
  visit: number;
  attempt: number;
  against: string;
  views: { [value: string]: string };
  /** The run that is shown as it stood at a position of its story; 0: as it is now. */
  instant_run: string;
  upto: number;
}

/** A tab of a node, as HTML of our own server. */
export async function inspectorOf(flow: string, node: JsonObject, wired: string[], looking: Looking): Promise<string> {
  return (await ask("POST", "/editor/inspector", { body: { flow_id: flow, node, wired, ...looking } })).text;
}

/** What an expression of a node gives, as HTML of our own server; nothing is run but the expression. */
export async function expressionOf(flow: string, node: JsonObject, wired: string[], pin: string, text: string, { background, instant_run, upto }: Looking): Promise<string> {
  return (await ask("POST", "/editor/expression", { body: { flow_id: flow, node, wired, pin, text, background, instant_run, upto } })).text;
}

/** The form of what several nodes have in common, as HTML of our own server. */
export async function manyOf(nodes: JsonObject[], wired: string[][]): Promise<string> {
  return (await ask("POST", "/editor/inspector/many", { body: { nodes, wired } })).text;
}

/** A part of a large value that came in or out of a node, as HTML of our own server. */
export async function valueOf(run: string, node: string, side: string, pin: string, start: string): Promise<string> {
  const query = new URLSearchParams({ run, node, side, pin, start });
  return (await ask("GET", `/editor/value?${query.toString()}`)).text;
}

/** By the code of a problem: what it means, and what to do. */
export type Reasons = { [code: string]: { means: string; do: string } | undefined };

export function loadReasons(): Promise<Reasons> {
  return askJson("GET", "/editor/problems");
}

/** What a flow says in the words of an older version, and the changes that write it in today's. */
export function upgradeOf(id: string, document: JsonObject): Promise<{ differences: Problem[]; changes: Change[] }> {
  return askJson("POST", `${flowUrl(id)}/upgrade`, { body: document });
}

export function shapeOf(type: string, data: JsonObject): Promise<{ inputs: Json[]; outputs: Json[] }> {
  return askJson("POST", "/api/catalog/shape", { body: { type, data } });
}
