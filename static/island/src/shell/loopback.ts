// Instead of a wire back to an earlier step: a node that repeats the steps between.
import type { FlowCanvas } from "../canvas/flowcanvas";
import type { PinAt } from "../model/hit";
import { loopChanges } from "../model/loop";

/** Make the loop in one step of undo, and ask for what it depends on. */
export function loopBack(canvas: FlowCanvas, back: { from: PinAt; to: PinAt }): void {
  const made = loopChanges(canvas.model, canvas.desk.scene.shapes, back.from, back.to);
  if (!made) return;
  const label = canvas.catalog.card(String(made.changes.flatMap((change) => (change.op === "add" ? [change.node.type] : []))[0]))?.label ?? "";
  canvas.apply(made.changes, `Make it a ${label}`);
  canvas.select([made.node]);
  canvas.desk.emit("open-inspector", { node: made.node, pin: made.pin });
  canvas.desk.emit("announce", { text: `A ${label} repeats these steps for as long as its condition holds: give it one.`, urgent: false, shown: true });
}
