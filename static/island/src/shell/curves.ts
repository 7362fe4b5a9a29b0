// How a flow is drawn: wires as curves instead of right angles, a choice of the person that is kept in this browser; and the
// steps alone, for a look at what happens in which order, which lasts as long as the page.
import type { FlowCanvas } from "../canvas/flowcanvas";
import * as curved from "../model/curved";

const KEPT = "flowstudio wires";

/** Draw wires as was chosen. */
export function drawWires(canvas: FlowCanvas): void {
  const curves = localStorage.getItem(KEPT) ? curved : null;
  if (curves !== canvas.curves) canvas.curves = curves;
}

/** Choose the other one. */
export function turnCurves(canvas: FlowCanvas): void {
  if (canvas.curves) localStorage.removeItem(KEPT);
  else localStorage.setItem(KEPT, "curved");
  drawWires(canvas);
  canvas.desk.say(canvas.curves ? "Wires are curves now" : "Wires go in right angles now");
}

/** Draw the steps alone and the wires between them, or all. */
export function turnSteps(canvas: FlowCanvas): void {
  canvas.stepsOnly = !canvas.stepsOnly;
  canvas.desk.say(canvas.stepsOnly ? "Only the steps are drawn now; nothing was removed" : "Values and their wires are drawn again");
}
