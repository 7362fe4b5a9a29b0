// What one does with the values in the data tab: search them, copy a value, a part or its path, wire or pin an output,
// read a large one on, write what is pinned.
import { readField } from "../bridge/form";
import { type Looking, valueOf } from "../bridge/panel";
import type { FlowCanvas } from "../canvas/flowcanvas";
import type { FlowNode } from "../model/document";
import { isObject } from "../model/json";
import { type Pinned, pinnedOf, setPinned } from "../model/marks";

const PARTS = "tbody tr, .datum-tree li, .datum-changed li, .datum-lines div";

/** What of the tab is looked at after a control was used; null when it is none that turns to something else. */
export function turned(at: HTMLElement, now: Looking): Partial<Looking> | null {
  const { do: act, visit = "0", attempt = "0", side = "", pin = "" } = at.dataset;
  const chosen = at instanceof HTMLSelectElement ? at.value : "";
  switch (act) {
    case "visit":
      return { visit: Number(visit), attempt: 0 };
    case "visit-number":
      return at instanceof HTMLInputElement && at.checkValidity() ? { visit: at.valueAsNumber || 0, attempt: 0 } : {};
    case "attempt":
      return { attempt: Number(attempt) };
    case "background":
      return { background: chosen, visit: 0, attempt: 0 };
    case "against":
      return { against: chosen };
    case "view":
      return { views: { ...now.views, [`${side} ${pin}`]: chosen } };
  }
  return null;
}

/** Bring the visit that is shown into view in its strip. */
export function showTick(pane: HTMLElement): void {
  const tick = pane.querySelector<HTMLElement>(".visit-tick[aria-selected=true]");
  const strip = tick?.parentElement;
  if (strip) strip.scrollLeft += tick.getBoundingClientRect().left - strip.getBoundingClientRect().left - strip.clientWidth / 2;
}

export async function copyText(canvas: FlowCanvas, text: string): Promise<void> {
  await navigator.clipboard.writeText(text);
  canvas.desk.say(`Copied ${text.length > 60 ? "" : text}`.trim());
}

/** What pins is a part of its own, loaded when it is first wanted. */
export function pinning(canvas: FlowCanvas, act: (part: typeof import("./pinning")) => void): void {
  void import("./pinning").then(act, () => canvas.desk.events.emit("refuse", { reason: "Nothing is pinned: the server cannot be reached." }));
}

/** Do what a button of the tab says; false when it is none of these. */
export function dataAct(canvas: FlowCanvas, pane: HTMLElement, at: HTMLElement, node: FlowNode): boolean {
  const say = (text: string, urgent = false): void => canvas.desk.say(text, urgent);
  const run = pane.querySelector<HTMLElement>("[data-background-run]")?.dataset["backgroundRun"] ?? "";
  const { pin = "", side = "", at: visit = "0", pathWords = "", sample = "{}" } = at.dataset;
  switch (at.dataset["do"]) {
    case "whole":
      return void import("./dataparts").then((part) => part.readOn(at, (name, start) => valueOf(run, node.id, side, name, start))), true;
    case "copy":
      return void copyText(canvas, wholeText(at)).then(() => at.closest(".datum")?.querySelector("[data-do=whole]") && say("Copied what the ledger keeps: this value goes on.")), true;
    case "copy-path":
      return void copyText(canvas, pathWords), true;
    case "copy-part":
      return void import("./dataparts").then((part) => copyText(canvas, part.partOf(wholeText(at), pathWords))), true;
    case "watch":
      return void import("./watching").then((part) => part.watch(canvas, node, side, pin, pathWords), () => say("Nothing is watched: the server cannot be reached.", true)), true;
    case "wire-from":
      return canvas.keys.wireFrom(node, { node: node.id, side: "out", pin }), true;
    case "pin-visit":
      return pinning(canvas, (part) => void part.pinVisit(canvas, run, node, Number(visit), say)), true;
    case "pin-value":
      return pinning(canvas, (part) => void part.pinVisit(canvas, run, node, Number(visit), say, pin)), true;
    case "pin-sample":
      return pinning(canvas, (part) => part.pinWritten(canvas, node, JSON.parse(sample) as Pinned, say)), true;
    case "unpin":
      return pinning(canvas, (part) => part.unpin(canvas, [node], say)), true;
    case "choose-run":
      return pane.querySelector<HTMLElement>("select[data-do=background]")?.focus(), true;
  }
  return false;
}

/** Take what somebody writes as pinned outputs, or by which output they leave. Says what is wrong, "" when nothing is;
 * null when the field is neither. `write` makes the change. */
export function writePinned(field: HTMLElement, node: FlowNode, write: (change: ReturnType<typeof setPinned>) => void): string | null {
  const held = pinnedOf(node);
  if (field instanceof HTMLSelectElement && field.dataset["do"] === "pinned-exit") {
    if (held) write(setPinned(node, { ...held, exit: field.value }));
    return "";
  }
  if (field.dataset["do"] !== "pinned-outputs") return null;
  const reading = readField(field);
  if (!reading?.ok) return reading?.reason ?? "";
  if (!isObject(reading.value) || !Object.keys(reading.value).length) return 'Write an object with a value for each output, as {"result": 1}. Unpin is beside it.';
  write(setPinned(node, { ...held, outputs: reading.value }));
  return "";
}

/** The text of the value that a button belongs to. */
export function wholeText(at: HTMLElement): string {
  const datum = at.closest(".datum");
  return (datum?.querySelector(".datum-source") ?? datum?.querySelector("pre") ?? datum?.querySelector("dd"))?.textContent ?? "";
}

/** Leave only the values, rows and parts that hold these words, and say how many values there are. */
export function searchData(pane: HTMLElement, words: string): void {
  const wanted = words.trim().toLowerCase();
  const holds = (each: Element): boolean => (each.textContent ?? "").toLowerCase().includes(wanted);
  let found = 0;
  for (const datum of pane.querySelectorAll<HTMLElement>(".datum")) {
    datum.hidden = !holds(datum);
    if (!datum.hidden && !datum.matches(".is-setting")) found++;
    for (const part of datum.querySelectorAll<HTMLElement>(PARTS)) part.hidden = wanted !== "" && !holds(part);
    for (const list of datum.querySelectorAll<HTMLDetailsElement>("details.datum-parts")) list.open = wanted !== "" && [...list.querySelectorAll("li")].some(holds);
  }
  const told = pane.querySelector("[data-found]");
  if (told) told.textContent = wanted ? `${found} ${found === 1 ? "value holds" : "values hold"} it` : "";
}
