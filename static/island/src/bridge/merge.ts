// Two people's changes of one flow, put together by the server.
import type { Json } from "../catalog";
import type { Change } from "../model/change";
import type { Row } from "../model/history";
import type { JsonObject } from "../model/json";
import { askJson, flowUrl } from "./http";

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
