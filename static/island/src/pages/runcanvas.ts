// The flow of a run on the run's page: the same canvas, only to look at, with the run laid over it.
// The page's script hands the steps over; a press on a node opens its last step in the list.
import { askJson, loadCatalog, Refusal, runUrl } from "../bridge/http";
import { plannedOf, type RunStateEvent, type RunStep } from "../bridge/live";
import { FlowCanvas } from "../canvas/flowcanvas";
import { Catalog } from "../catalog";
import { Lead } from "../shell/lead";
import type { JsonObject } from "../model/json";
import { canvasTools, leaveWheel } from "../shell/lookonly";
import { Feet } from "../shell/feet";
import { Lozenges } from "../shell/lozenges";
import { WireValues } from "../shell/wirevalues";
import { drawWires } from "../shell/curves";
import { el, useIcons } from "../shell/parts";
import { FarView } from "../view/far";

export interface RunCanvas {
  step(step: RunStep): void;
  state(state: RunStateEvent): void;
  end(status: string): void;
}

/** Draw the run's flow in its place; null when the flow cannot be had any more. */
export async function mount(place: HTMLElement): Promise<RunCanvas | null> {
  const icons = place.dataset["icons"] ?? "";
  useIcons(icons);
  let loaded;
  try {
    loaded = await Promise.all([loadCatalog(), askJson<JsonObject>("GET", `${runUrl(place.dataset["runId"] ?? "")}/flow`)]);
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
  const [body, flow] = loaded;
  const root = el("flow-canvas" as "div", "");
  place.append(root);
  const canvas = new FlowCanvas(root, new Catalog(body), { icons, readOnly: true, dragPans: true, label: "The flow of this run" });
  canvas.desk.view.addFar(FarView);
  drawWires(canvas);
  new Lozenges(canvas);
  new WireValues(canvas);
  new Feet(canvas);
  canvas.load(flow);
  canvas.setRunState([]);
  canvas.on("press", ({ node }) => openStep(node));
  canvas.on("open-inspector", ({ node }) => openStep(node));
  place.append(canvasTools(canvas));
  leaveWheel(place);
  const lead = new Lead(canvas);
  lead.begin();
  return {
    step(step) {
      if (!step.root) return;
      canvas.applyStep(step);
      if (!step.reused) lead.to(step);
    },
    state: (state) => canvas.planAttempt(plannedOf(state)),
    end: (status) => canvas.endRun(status),
  };
}

function openStep(node: string): void {
  const row = [...document.querySelectorAll<HTMLElement>(`[data-steps] > [data-depth="0"][data-node="${CSS.escape(node)}"]`)].at(-1);
  const details = row?.querySelector("details");
  if (!row || !details) return;
  details.open = true;
  row.scrollIntoView({ block: "nearest" });
  details.querySelector("summary")?.focus({ preventScroll: true });
}
