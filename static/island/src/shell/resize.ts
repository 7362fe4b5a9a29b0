// The width of the side panel: by a handle at its edge, with the mouse or with the arrow keys. It is kept
// in the browser. Wide enough, what came in and what came out of a node stand side by side.
import { el, place } from "./parts";

const [LEAST, MOST, USUAL, STEP] = [300, 720, 340, 20];
const KEY = "side width";

export function resizable(): void {
  const [grid, side] = [place("editor"), place("side")];
  const handle = el("div", "side-handle");
  handle.tabIndex = 0;
  handle.setAttribute("role", "separator");
  handle.setAttribute("aria-orientation", "vertical");
  handle.setAttribute("aria-label", "Width of the side panel");
  handle.setAttribute("aria-valuemin", String(LEAST));
  handle.setAttribute("aria-valuemax", String(MOST));
  const width = (): number => Number(handle.getAttribute("aria-valuenow"));
  const set = (wanted: number): void => {
    const now = Math.round(Math.min(MOST, Math.max(LEAST, wanted)));
    handle.setAttribute("aria-valuenow", String(now));
    grid.style.setProperty("--side", `${now}px`);
  };
  const keep = (): void => localStorage.setItem(KEY, String(width()));
  handle.addEventListener("pointerdown", (event) => {
    handle.setPointerCapture(event.pointerId);
    event.preventDefault();
    handle.focus({ preventScroll: true });
  });
  handle.addEventListener("pointermove", (event) => {
    if (handle.hasPointerCapture(event.pointerId)) set(side.getBoundingClientRect().right - event.clientX);
  });
  handle.addEventListener("pointerup", keep);
  handle.addEventListener("dblclick", () => (set(USUAL), keep()));
  handle.addEventListener("keydown", (event) => {
    const steps: { [key: string]: number } = { ArrowLeft: width() + STEP, ArrowRight: width() - STEP, Home: MOST, End: LEAST };
    const wanted = steps[event.key];
    if (wanted === undefined) return;
    set(wanted);
    keep();
    event.preventDefault();
  });
  side.prepend(handle);
  const held = Number(localStorage.getItem(KEY));
  set(held >= LEAST && held <= MOST ? held : USUAL);
}
