// Building blocks of the shell: elements with text (never HTML), signs, and the page's places.
import type { Rect } from "../model/geometry";
import { make, makeIcon } from "../view/element";

/** What a node type carries that is dragged onto the canvas. */
export const DRAG_TYPE = "application/x-flowstudio-node";

/** Where the place of the first step stands by the lone start of a flow, in px of the canvas: beside it, on a canvas
 * `width` px wide that has no room for that below it. */
export function firstStep(start: Rect, width: number): Rect {
  const size = { w: 208, h: 88 };
  return width < 640 ? { x: start.x, y: start.y + start.h + 48, ...size } : { x: start.x + start.w + 96, y: start.y, ...size };
}

/** How a flow is told from a node type where either can be chosen or dragged. */
export const MINE = "flow ";
/** What stands before the id of a starter flow; no flow of one's own is called so. */
export const STARTER = "//";

/** Told by the document when the canvas shows a run as it was at another instant, or another run. */
export const RUN_SHOWN = "run-shown";

/** Begins the key under which the browser keeps what is watched in a flow. */
export const WATCHED = "watched";

let sheet = "";

export function useIcons(address: string): void {
  sheet = address;
}

export function icon(id: string): SVGSVGElement {
  return makeIcon(sheet, id, "");
}

/** An element with a class and with text or children. */
export function el<K extends keyof HTMLElementTagNameMap>(tag: K, name: string, ...inside: (Node | string)[]): HTMLElementTagNameMap[K] {
  const made = make(tag, name);
  made.append(...inside);
  return made;
}

export function button(name: string, label: string, sign: string | null, act: () => void): HTMLButtonElement {
  const made = el("button", `button ${name}`);
  made.type = "button";
  if (sign) made.append(icon(sign));
  if (label) made.append(label);
  made.addEventListener("click", act);
  return made;
}

/** An element of the page that must be there. */
export function place<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no element #${id}.`);
  return found as T;
}

export function familyMark(family: string): HTMLElement {
  const mark = el("span", "fam-mark small", icon(family === "unknown" ? "help" : family));
  mark.dataset["family"] = family;
  return mark;
}

/** A value in one short line. */
export function brief(value: unknown, most = 120): string {
  const text = typeof value === "string" ? value : JSON.stringify(value) ?? "";
  const line = text.slice(0, most * 4).replace(/\s+/g, " ").trim();
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}

export function pretty(value: unknown): string {
  if (typeof value === "string") return value;
  const text = JSON.stringify(value, null, 2) ?? "";
  return text.length > 20000 ? `${text.slice(0, 20000)}\n… ${text.length.toLocaleString()} characters in all` : text;
}

export function length(ms: number): string {
  if (ms < 1) return "< 1 ms";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  return minutes < 60 ? `${minutes} min ${Math.round((ms % 60_000) / 1000)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
