// What lies on and around the canvas from the start, but need not be there for its first picture.
import type { FlowCanvas } from "../canvas/flowcanvas";
import { WrittenKeys } from "../model/writtenkeys";
import { FarView } from "../view/far";
import { Minimap } from "../view/minimap";
import { Ghost, noteEmpty } from "./ghost";
import { Lozenges } from "./lozenges";
import { Regions } from "./regions";
import { WireValues } from "./wirevalues";

/** `toCanvas` gives the keyboard back to the canvas. */
export function begin(canvas: FlowCanvas, toCanvas: () => void): void {
  const { view } = canvas.desk;
  const rule = canvas.catalog.body.written_keys;
  const keys = rule && new WrittenKeys(rule);
  canvas.cover = (node) => keys?.cover(node) ?? node;
  view.addFar(FarView);
  view.addMap(Minimap);
  new Lozenges(canvas);
  new WireValues(canvas);
  noteEmpty(canvas);
  if (canvas.model.nodes.size === 1) new Ghost(canvas);
  new Regions(canvas.root, toCanvas);
  if (localStorage.getItem("flowstudio wires")) void import("./seldom").then((part) => part.drawWires(canvas));
}
