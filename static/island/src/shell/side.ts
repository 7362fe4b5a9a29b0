// The side panel: three tabs, one shown. It can be hidden, and on small screens it lies over the canvas.
import { place } from "./parts";

export type Tab = "node" | "run" | "problems";
const TABS: readonly Tab[] = ["node", "run", "problems"];

export class Side {
  private readonly grid = place("editor");
  /** Told which tab is shown. */
  shown: (tab: Tab) => void = () => undefined;

  constructor(private readonly changed: () => void) {
    for (const tab of TABS) place(`tab-${tab}`).addEventListener("click", () => this.show(tab));
    place("side").querySelector("[role=tablist]")?.addEventListener("keydown", (event) => this.key(event as KeyboardEvent));
  }

  get isOpen(): boolean {
    return !this.grid.hasAttribute("data-no-side");
  }

  get tab(): Tab {
    return TABS.find((tab) => place(`tab-${tab}`).getAttribute("aria-selected") === "true") ?? "node";
  }

  /** Show a tab; with `open` the panel comes back when it was hidden. */
  show(tab: Tab, open = true): void {
    for (const each of TABS) {
      const isShown = each === tab;
      const label = place(`tab-${each}`);
      label.setAttribute("aria-selected", String(isShown));
      label.tabIndex = isShown ? 0 : -1;
      if (isShown) this.news(tab, false);
      place(`pane-${each}`).hidden = !isShown;
    }
    if (open) this.open(true);
    this.shown(tab);
  }

  /** Show a tab that has news; to somebody at work in another one only say so, on the tab. */
  offer(tab: Tab): void {
    const isAtWork = this.isOpen && this.tab !== tab && place("side").contains(document.activeElement);
    if (isAtWork) this.news(tab, true);
    else this.show(tab);
  }

  private news(tab: Tab, isNew: boolean): void {
    const label = place(`tab-${tab}`);
    label.toggleAttribute("data-news", isNew);
    if (isNew) label.setAttribute("aria-label", `${label.textContent}, has news`);
    else label.removeAttribute("aria-label");
  }

  open(isOpen: boolean): void {
    if (isOpen === this.isOpen) return;
    this.grid.toggleAttribute("data-no-side", !isOpen);
    this.changed();
  }

  /** Go on to the next tab, or bring the panel back as it was; gives its name. */
  next(): string {
    this.show(this.isOpen ? this.after(1) : this.tab);
    return place(`tab-${this.tab}`).textContent ?? "";
  }

  private after(step: number): Tab {
    return TABS[(TABS.indexOf(this.tab) + step + TABS.length) % TABS.length] as Tab;
  }

  private key(event: KeyboardEvent): void {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (!step) return;
    const next = this.after(step);
    this.show(next);
    place(`tab-${next}`).focus();
    event.preventDefault();
  }
}
