// The past of a flow, as the server's edit log tells it.
import type { Json } from "../catalog";
import type { Change } from "../model/change";
import type { Row, Step } from "../model/history";
import type { JsonObject } from "../model/json";
import { askJson, flowUrl } from "./http";

export interface Steps {
  revision: string;
  seq: number;
  /** What undo and redo would take, the next one last. */
  done: (Step & { seq: number })[];
  undone: Step[];
  /** How many older steps there are. */
  more: number;
}

/** Steps to undo and redo; with `before` only older ones. */
export function loadSteps(flow: string, before: number | null, limit: number): Promise<Steps> {
  return askJson("GET", `${flowUrl(flow)}/edits/steps?limit=${limit}${before === null ? "" : `&before=${before}`}`);
}

/** The edits after one, in order, and where the flow stands now. */
export function loadEdits(flow: string, after: number): Promise<{ revision: string; seq: number; edits: (Row & { before: string; after: string; label: string; actor: string })[] }> {
  return askJson("GET", `${flowUrl(flow)}/edits?after=${after}`);
}

/** A place that both sides changed. */
export interface Clash {
  id: string;
  node: string;
  title: string;
  field: string;
  base: Json;
  mine: Json;
  theirs: Json;
  has_mine: boolean;
  has_theirs: boolean;
}

export interface Merge {
  /** Where the flow stands now, and the edits that lead there from what both began with. */
  revision: string;
  seq: number;
  edits: Row[];
  /** What leads from there to the merged flow. */
  changes: Change[];
  clashes: Clash[];
}

/** Merge a document made from a revision with what the flow is now; nothing is saved. */
export function mergeFlow(flow: string, base: string, document: JsonObject, choices: { [clash: string]: string }): Promise<Merge> {
  return askJson("POST", `${flowUrl(flow)}/merge`, { body: { base, document, choices } });
}
