// What renews itself can be paused (WCAG 2.2.2): lists that are asked for again, the number beside the inbox, the
// stream of a run. Nothing is missed: switched on again, all goes on from where it was.
import { isOn, keepSwitch, onTurn } from "./choice.ts";

const NAME = "updates";
export const updatesCome = (): boolean => isOn(NAME);
export const onUpdates = (act: () => void): void => onTurn(NAME, act);
export const PAUSED = "Updates are paused";

/** Make the switch work, and hold back what htmx asks by the clock. */
export function keepUpdates(): void {
  keepSwitch(NAME);
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
