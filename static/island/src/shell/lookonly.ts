// A canvas that is only looked at, on a page that has more than the canvas: its tools and its wheel.
import type { FlowCanvas } from "../canvas/flowcanvas";
import { button, el } from "./parts";

export function canvasTools(canvas: FlowCanvas): HTMLElement {
  const make = (label: string, sign: string, act: () => void): HTMLElement => {
    const made = button("quiet only small", "", sign, act);
    made.setAttribute("aria-label", label);
    made.title = label;
    return made;
  };
  const bar = el(
    "div",
    "run-canvas-tools",
    make("Zoom out", "zoom-out", () => canvas.zoomTo(canvas.view.zoom / 1.25)),
    make("Zoom in", "zoom-in", () => canvas.zoomTo(canvas.view.zoom * 1.25)),
    make("Fit the whole flow", "fit", () => canvas.fit()),
  );
  bar.setAttribute("role", "toolbar");
  bar.setAttribute("aria-label", "Canvas tools");
  return bar;
}

/** The wheel turns the page, unless the canvas has the keyboard or Ctrl is held to zoom. */
export function leaveWheel(place: HTMLElement): void {
  const leave = (event: WheelEvent): void => {
    if (!event.ctrlKey && !event.metaKey && !place.contains(document.activeElement)) event.stopPropagation();
  };
  place.addEventListener("wheel", leave, { capture: true, passive: true });
}
