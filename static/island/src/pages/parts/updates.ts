// What renews itself can be paused (WCAG 2.2.2): lists that are asked for again, the number beside the inbox, the
// stream of a run. Nothing is missed: switched on again, all goes on from where it was.
import { isOn, keepSwitch, onTurn } from "./choice.ts";

const NAME = "updates";
export const updatesCome = (): boolean => isOn(NAME);
export const onUpdates = (act: () => void): void => onTurn(NAME, act);
const opened = new Set<string>();

/** What a reader has opened in a list stays open when the list renews itself. */
function keepOpen(): void {
  document.addEventListener("htmx:beforeSwap", (event) => {
    for (const each of (event.target as Element).querySelectorAll<HTMLDetailsElement>("details[id]")) {
      if (each.open) opened.add(each.id);
      else opened.delete(each.id);
    }
  });
  document.addEventListener("htmx:afterSwap", () => {
    for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  });
}

export const PAUSED = "Updates are paused";

/** Make the switch work, and hold back what htmx asks by the clock. */
export function keepUpdates(): void {
  keepSwitch(NAME);
  keepOpen();
  document.addEventListener("htmx:beforeRequest", (event) => {
    const { requestConfig } = (event as CustomEvent<{ requestConfig: { triggeringEvent?: Event } }>).detail;
    if (!requestConfig.triggeringEvent && !updatesCome()) event.preventDefault();
  });
  const sign = document.querySelector<HTMLElement>("#stream-state");
  const show = (): void => {
    if (!sign || sign.dataset["state"]) return; // a stream of the page's own says it itself
    sign.textContent = updatesCome() ? "" : PAUSED;
  };
  onUpdates(show);
  show();
}
