// The forms of nodes, as HTML of our own server; loaded with the panel that shows them.
import type { JsonObject } from "../model/json";
import { ask } from "./http";

/** What is looked at of a node: a tab, against which run ("" the last good one), and which of its visits. */
export interface Looking {
  tab: string;
  background: string;
  visit: number;
}

/** A tab of a node, as HTML of our own server. */
export async function inspectorOf(flow: string, node: JsonObject, wired: string[], looking: Looking): Promise<string> {
  return (await ask("POST", "/editor/inspector", { body: { flow_id: flow, node, wired, ...looking } })).text;
}

/** What an expression of a node gives, as HTML of our own server; nothing is run but the expression. */
export async function expressionOf(flow: string, node: JsonObject, wired: string[], pin: string, text: string, background: string): Promise<string> {
  return (await ask("POST", "/editor/expression", { body: { flow_id: flow, node, wired, pin, text, background } })).text;
}

/** The form of what several nodes have in common, as HTML of our own server. */
export async function manyOf(nodes: JsonObject[], wired: string[][]): Promise<string> {
  return (await ask("POST", "/editor/inspector/many", { body: { nodes, wired } })).text;
}

/** A part of a large value that a node gave, as HTML of our own server. */
export async function valueOf(run: string, node: string, pin: string, start: string): Promise<string> {
  const query = new URLSearchParams({ run, node, pin, start });
  return (await ask("GET", `/editor/value?${query.toString()}`)).text;
}
