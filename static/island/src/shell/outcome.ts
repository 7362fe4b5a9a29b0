// What is said of a run: of a step in a word, and how it ended: its output, or what failed and what can be done about it.
import type { RunEnd, RunStep } from "../bridge/live";
import type { FlowCanvas } from "../canvas/flowcanvas";
import { keymap } from "../canvas/keymap";
import { titleOf } from "../model/geometry";
import { button, el, icon, pretty } from "./parts";

interface Acts {
  again(): void;
  /** Go on from the failed step with the flow as it is now. */
  mended(): void;
  fork(): void;
  reveal(node: string): void;
}

export function outcomeOf(canvas: FlowCanvas, end: RunEnd, does: Acts): HTMLElement[] {
  if (end.error) return [failure(canvas, end, end.error, does)];
  if (end.output === null || end.output === undefined) return [];
  return [el("section", "run-output", el("h3", "", "Output"), el("pre", "json", pretty(end.output)))];
}

function failure(canvas: FlowCanvas, end: RunEnd, error: string, does: Acts): HTMLElement {
  const failed = end.failed_node ? canvas.model.nodes.get(end.failed_node) : undefined;
  const acts: Node[] = [];
  const again = button("small primary", "Try again from here", "again", does.again);
  again.title = "Take the failed step again; what was done before stays done";
  const mended = button("small", "Go on with the mended flow", "play", does.mended);
  mended.title = "A new run with the flow as it is now, from the failed step; what was done before stays done";
  const change = button("small", "Change something first", "branch", does.fork);
  change.title = keymap.hint("A new run that begins before the failed step", "fork");
  if (end.status === "failed") acts.push(again, mended, change);
  if (failed) acts.push(button("small", "Show the node", null, () => does.reveal(failed.id)));
  const title = failed ? [el("strong", "", `“${titleOf(failed, canvas.desk.scene.shapes.of(failed))}” failed`)] : [];
  return el("div", "note danger", icon("cross"), el("div", "words", ...title, el("p", "reason", error), el("div", "acts", ...acts)));
}

/** A step in a word for the live region; nothing for what only leads to the next record. */
export function toldAs(step: RunStep): string | null {
  if (step.stop) return null; // told with its keys
  if (step.status === "failed" || step.error) return `failed. ${step.error ?? ""}`;
  if (step.node_id && step.pinned?.includes(step.node_id)) return "pinned";
  if (step.kind === "visit") return "done";
  return step.kind === "effect" && step.status === "waiting" ? "waiting" : null;
}
