// Instead of a wire that cannot be: a node that repeats the steps between, or one that converts the value.
import type { FlowCanvas } from "../canvas/flowcanvas";
import type { Card } from "../catalog";
import type { Change } from "../model/change";
import { type Instead, wireJSON } from "../model/connect";
import { nodeJSON } from "../model/fresh";
import { heightOf, type Point, WIDTH_LEAST } from "../model/geometry";
import { freeBelow } from "../model/fork";
import { loopChanges } from "../model/loop";

export function doInstead(canvas: FlowCanvas, instead: Instead): void {
  if (instead.by) convert(canvas, instead, instead.by);
  else loopBack(canvas, instead);
}

/** Make the loop in one step of undo, and ask for what it depends on. */
function loopBack(canvas: FlowCanvas, back: Instead): void {
  const made = loopChanges(canvas.model, canvas.desk.scene.shapes, back.from, back.to);
  if (!made) return;
  const label = canvas.catalog.card(String(made.changes.flatMap((change) => (change.op === "add" ? [change.node.type] : []))[0]))?.label ?? "";
  canvas.apply(made.changes, `Make it a ${label}`);
  canvas.select([made.node]);
  canvas.desk.emit("open-inspector", { node: made.node, pin: made.pin });
  canvas.desk.emit("announce", { text: `A ${label} repeats these steps for as long as its condition holds: give it one.`, urgent: false, shown: true });
}

/** Put a node between two pins that makes of what one gives what the other takes. */
function convert(canvas: FlowCanvas, { from, to }: Instead, by: Card): void {
  const { model: flow } = canvas;
  const { scene } = canvas.desk;
  const [start, end] = [scene.pinPoint(from.node, "out", from.pin), scene.pinPoint(to.node, "in", to.pin)];
  const [input, output] = [by.inputs[0], by.outputs[0]];
  if (!start || !end || !input || !output) return;
  const id = flow.freshNodeId();
  const middle: Point = { x: (start.x + end.x - WIDTH_LEAST) / 2, y: Math.max(start.y, end.y) + 48 };
  const at = freeBelow({ ...middle, w: WIDTH_LEAST, h: heightOf({ rows: 1 }) }, [...flow.nodes.values()].map((node) => scene.box(node)));
  const changes: Change[] = [
    ...flow.wiresAt(to.node, "in", to.pin).map((wire): Change => ({ op: "disconnect", edge: wire.key })),
    { op: "add", node: nodeJSON(by, id, at) },
    { op: "connect", edge: wireJSON(flow, from, { node: id, side: "in", pin: input.id }, false) },
    { op: "connect", edge: wireJSON(flow, { node: id, side: "out", pin: output.id }, to, false) },
  ];
  canvas.apply(changes, `Put ${by.label} between`);
  canvas.select([id]);
  canvas.desk.emit("announce", { text: `${by.label} now stands between them.`, urgent: false, shown: true });
}
