// The newest run of a flow: asked for when the editor opens.
import type { Json } from "../catalog";
import { askJson } from "./http";

export interface RunView {
  run_id: string;
  flow_id: string;
  status: string;
  paused: boolean;
  output: Json;
  error: string | null;
  failed_node?: string | null;
}

export async function latestRun(flow: string): Promise<RunView | null> {
  const { runs } = await askJson<{ runs: RunView[] }>("GET", `/api/runs?flow_id=${encodeURIComponent(flow)}&limit=1`);
  return runs[0] ?? null;
}
