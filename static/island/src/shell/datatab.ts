// What one does with the values in the data tab: search them, copy a value or the path of a part.
import type { FlowCanvas } from "../canvas/flowcanvas";

const PARTS = "tbody tr, .datum-parts li, .datum-changed li";

export async function copyText(canvas: FlowCanvas, text: string): Promise<void> {
  await navigator.clipboard.writeText(text);
  canvas.desk.say(`Copied ${text.length > 60 ? "" : text}`.trim());
}

/** The text of the value that a button belongs to. */
export function wholeText(at: HTMLElement): string {
  const datum = at.closest(".datum");
  return (datum?.querySelector("pre") ?? datum?.querySelector("dd"))?.textContent ?? "";
}

/** Leave only the values, rows and parts that hold these words, and say how many values there are. */
export function searchData(pane: HTMLElement, words: string): void {
  const wanted = words.trim().toLowerCase();
  const holds = (each: Element): boolean => (each.textContent ?? "").toLowerCase().includes(wanted);
  let found = 0;
  for (const datum of pane.querySelectorAll<HTMLElement>(".datum")) {
    datum.hidden = !holds(datum);
    if (!datum.hidden) found++;
    for (const part of datum.querySelectorAll<HTMLElement>(PARTS)) part.hidden = wanted !== "" && !holds(part);
    for (const list of datum.querySelectorAll<HTMLDetailsElement>(".datum-parts")) list.open = wanted !== "" && [...list.querySelectorAll("li")].some(holds);
  }
  const told = pane.querySelector("[data-found]");
  if (told) told.textContent = wanted ? `${found} ${found === 1 ? "value holds" : "values hold"} it` : "";
}
