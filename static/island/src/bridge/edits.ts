// The past of a flow, as the server's edit log tells it.
import type { Row, Step } from "../model/history";
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
