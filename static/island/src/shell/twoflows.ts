// A canvas on which two flows, or two runs, are compared: only to look at, beside a list of what differs. J and K
// go through the list, a press on a node or on a row shows the other.
import { FlowCanvas } from "../canvas/flowcanvas";
import { Catalog, type CatalogBody } from "../catalog";
import type { JsonObject } from "../model/json";
import { lettersAct } from "../pages/parts/letters";
import { FarView } from "../view/far";
import { drawWires } from "./curves";
import { canvasTools, leaveWheel } from "./lookonly";
import { Lozenges } from "./lozenges";
import { el } from "./parts";

/** Draw a flow with what differs in it: words by node, and by "wire " and id. */
export function drawDifference(place: HTMLElement, body: CatalogBody, flow: JsonObject, differs: ReadonlyMap<string, string>, label: string): FlowCanvas {
  const root = el("flow-canvas" as "div", "");
  place.append(root);
  const canvas = new FlowCanvas(root, new Catalog(body), { icons: place.dataset["icons"] ?? "", readOnly: true, dragPans: true, label });
  canvas.desk.view.addFar(FarView);
  drawWires(canvas);
  new Lozenges(canvas);
  canvas.load(flow);
  canvas.desk.look.difference = differs;
  canvas.desk.view.markAll();
  canvas.fit({ glide: false });
  place.append(canvasTools(canvas));
  leaveWheel(place);
  return canvas;
}

/** Go through rows with a node each; `first` is the one that is shown at once. */
export function walk(canvas: FlowCanvas, list: readonly HTMLElement[], first: HTMLElement | null = null): void {
  let at = -1;
  const show = (row: HTMLElement): void => {
    at = list.indexOf(row);
    for (const each of list) each.toggleAttribute("data-here", each === row);
    const node = row.dataset["node"] ?? "";
    canvas.select([node]);
    canvas.reveal(node);
  };
  const go = (index: number, isFocused: boolean): void => {
    const row = list[(index + list.length) % list.length] as HTMLElement;
    const details = row.closest("details");
    if (details) details.open = true;
    show(row);
    row.scrollIntoView({ block: "nearest" });
    if (isFocused) row.focus({ preventScroll: true });
  };
  for (const [index, row] of list.entries()) row.addEventListener("click", () => go(index, false));
  canvas.on("press", ({ node }) => {
    const index = list.findIndex((row) => row.dataset["node"] === node);
    if (index >= 0) go(index, false);
  });
  document.addEventListener("keydown", (event) => {
    const step = event.key === "j" ? 1 : event.key === "k" ? -1 : 0;
    if (!step || !list.length || !lettersAct() || event.ctrlKey || event.metaKey || event.altKey || /^(input|select|textarea)$/i.test((event.target as Element).tagName)) return;
    go(at < 0 && step < 0 ? -1 : at + step, true);
    event.preventDefault();
  });
  if (first) show(first);
}
