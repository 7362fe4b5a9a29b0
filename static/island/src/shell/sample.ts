// An example of a node type beside the list where types are chosen: what goes in, what comes out.
import { partOf, Refusal } from "../bridge/http";
import { el, MINE } from "./parts";

const WIDTH = 300;
const known = new Map<string, Promise<string>>();
let box: HTMLElement | null = null;
let wanted = "";

/** Show the example of a type, or take away the one that is shown. */
export function showSample(type: string | null, panel: HTMLElement): void {
  wanted = type && !type.startsWith(MINE) ? type : "";
  if (!wanted) {
    box?.remove();
    box = null;
    return;
  }
  const shown = (box ??= boxOn(panel));
  const asked = wanted;
  sampleOf(asked).then(
    (html) => asked === wanted && (shown.innerHTML = html),
    (error: unknown) => {
      known.delete(asked);
      if (asked === wanted) shown.replaceChildren(el("p", "small", error instanceof Refusal ? error.message : String(error)));
    },
  );
}

function boxOn(panel: HTMLElement): HTMLElement {
  const made = el("div", "chooser-sample");
  made.setAttribute("role", "region");
  made.setAttribute("aria-label", "Example");
  made.setAttribute("aria-live", "polite");
  made.tabIndex = 0; // it may scroll
  made.addEventListener("keydown", (event) => {
    if (event.key !== "Tab" && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    panel.querySelector("input")?.focus();
  });
  const { left, right } = panel.getBoundingClientRect();
  made.dataset["side"] = right + WIDTH < innerWidth ? "right" : left > WIDTH ? "left" : "below";
  panel.append(made);
  return made;
}

function sampleOf(type: string): Promise<string> {
  const found = known.get(type) ?? partOf(`/editor/sample/${encodeURIComponent(type)}`);
  known.set(type, found);
  return found;
}
