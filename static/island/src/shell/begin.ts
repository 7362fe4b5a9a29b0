// What lies on and around the canvas from the start, but need not be there for its first picture.
import type { FlowCanvas } from "../canvas/flowcanvas";
import { WrittenKeys } from "../model/writtenkeys";
import { FarView } from "../view/far";
import { Minimap } from "../view/minimap";
import { Lozenges } from "./lozenges";
import { Regions } from "./regions";

/** `toCanvas` gives the keyboard back to the canvas. */
export function begin(canvas: FlowCanvas, toCanvas: () => void): void {
  const { view } = canvas.desk;
  const rule = canvas.catalog.body.written_keys;
  const keys = rule && new WrittenKeys(rule);
  canvas.cover = (node) => keys?.cover(node) ?? node;
  view.addFar(FarView);
  view.addMap(Minimap);
  new Lozenges(canvas);
  offerValues(canvas);
  offerFirst(canvas);
  offerDates(canvas);
  new Regions(canvas.root, toCanvas);
  if (localStorage.getItem("flowstudio wires")) void import("./seldom").then((part) => part.drawWires(canvas));
}

/** What went over wires: loaded with the first run that is shown. */
function offerValues(canvas: FlowCanvas): void {
  const { look, view } = canvas.desk;
  let isAsked = false;
  const load = (): void => {
    if (isAsked || !look.running) return;
    isAsked = true;
    void import("./wirevalues").then(
      (part) => new part.WireValues(canvas),
      () => (isAsked = false), // the wires show all else; the next step asks again
    );
  };
  view.near.wires.onDrawn(load);
  load();
}

/** What says on a flow of one node, or of none, how to go on: loaded with the first such flow. */
function offerFirst(canvas: FlowCanvas): void {
  const { size } = canvas.model.nodes;
  let isAsked = false;
  const load = (): void => {
    if (isAsked || canvas.model.nodes.size > 1) return;
    isAsked = true;
    void import("./ghost").then(
      (part) => {
        part.noteEmpty(canvas);
        if (size === 1) new part.Ghost(canvas);
      },
      () => (isAsked = false), // without it the flow is only barer; the next change asks again
    );
  };
  canvas.on("change", load);
  load();
}

/** The browser's own field for a date: loaded with the first line for one that is entered. */
function offerDates(canvas: FlowCanvas): void {
  canvas.root.addEventListener("focusin", ({ target }) => {
    const view = canvas.desk.view.near.viewOf(target as Element);
    const field = view?.fieldOf(target as Element);
    if (!view || !field || !view.shape.card?.inputs.some(({ id, widget }) => id === field.pin && widget === "moment")) return;
    void import("./datefield").then(
      (part) => part.dateField(canvas, view, field),
      () => undefined, // the line takes a date as text
    );
  });
}
