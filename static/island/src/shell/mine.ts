// The person's own flows as steps: what the palette and the quick add offer under "Mine", and how one gets
// onto the canvas, with the pins of its flow, in one step of undo.
import type { Own } from "../bridge/flows";
import { loadFlow, Refusal } from "../bridge/http";
import type { FlowCanvas } from "../canvas/flowcanvas";
import { calledAt, isCall } from "../model/called";
import { followFlow } from "../model/calls";
import type { Change } from "../model/change";
import type { FlowNode } from "../model/document";
import type { Point } from "../model/geometry";
import type { PinAt } from "../model/hit";
import { parseFlow } from "../model/serialize";
import { toast } from "../pages/parts/toast";
import { el, STARTER } from "./parts";

export const aboutOwn = ({ uses }: Own): string => (uses ? `your flow · ${uses} ${uses === 1 ? "node runs" : "nodes run"} it` : "your flow");

/** Put a node that runs a flow at a point, wired from a pin where that fits; without a point in the middle of the view. */
export async function addFlow(canvas: FlowCanvas, id: string, point: Point | null, from: PinAt | null = null): Promise<void> {
  if (id.startsWith(STARTER)) return copyStarter(id.slice(STARTER.length));
  const card = canvas.catalog.cards.find(isCall);
  const path = calledAt(card);
  if (!card || !path) return;
  try {
    const { document } = await loadFlow(id);
    const called = parseFlow(document);
    const dress = (node: FlowNode): Change[] => [
      { op: "set", node: node.id, path, value: id },
      { op: "set", node: node.id, path: "label", value: String(document.name ?? id) },
      ...followFlow(canvas.catalog, node, called),
    ];
    const { width, height } = canvas.desk.viewport;
    const at = point ?? canvas.desk.viewport.toWorld({ x: width / 2, y: height / 2 - 60 });
    const made = canvas.addNodeAt(card.type, at, from, { free: !from, dress });
    if (made) canvas.focusNode(made);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    toast(error.message, undefined, 8);
    canvas.desk.say(error.message, true);
  }
}

/** Take a copy of a flow of the gallery, and go to it. */
function copyStarter(id: string): void {
  const form = el("form", "");
  form.method = "post";
  form.action = `/gallery/${encodeURIComponent(id)}/copy`;
  form.hidden = true;
  document.body.append(form);
  form.submit();
}
