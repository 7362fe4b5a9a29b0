// Wires as curves instead of right angles: a choice of the person, kept in this browser.
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
