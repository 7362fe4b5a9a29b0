// F6 goes from region to region of the page, Shift+F6 back; past the last one the key belongs to the
// browser. A region takes the keyboard where it had it last, else where there is most to do.
import { place } from "./parts";

const STOPS = "a[href], button, input, select, textarea, summary, [tabindex]:not([role=separator])";

export class Regions {
  private readonly last = new Map<HTMLElement, HTMLElement>();

  constructor(private readonly canvas: HTMLElement, private readonly focusCanvas: () => void) {
    document.addEventListener("focusin", (event) => {
      const target = event.target as HTMLElement;
      const region = this.all().find((each) => each.contains(target));
      if (region) this.last.set(region, target);
    });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "F6" || event.defaultPrevented || document.querySelector("dialog[open]")) return;
      if (this.go(event.shiftKey ? -1 : 1)) event.preventDefault();
    });
  }

  /** In the order of reading. */
  private all(): HTMLElement[] {
    const [bar, rail, tools, coach] = [".bar", ".rail", ".editor-tools", "#coach"].map((name) => document.querySelector<HTMLElement>(name));
    const middle = place("outline-place").firstElementChild?.checkVisibility() ? place("outline-place") : this.canvas;
    const found = [bar, rail, place("palette"), tools, coach, middle, place("side")];
    return found.filter((each): each is HTMLElement => Boolean(each?.checkVisibility()));
  }

  private go(step: number): boolean {
    const regions = this.all();
    const here = regions.findIndex((each) => each.contains(document.activeElement));
    const next = regions[here < 0 ? regions.length - 2 : here + step];
    if (!next) return false;
    if (next === this.canvas) this.focusCanvas();
    else this.stopIn(next)?.focus();
    return true;
  }

  private stopIn(region: HTMLElement): HTMLElement | undefined {
    const question = region.querySelector<HTMLElement>(".ask-card :is(button, textarea)");
    if (question?.checkVisibility()) return question;
    const last = this.last.get(region);
    if (last?.isConnected && last.checkVisibility()) return last;
    const stops = [...region.querySelectorAll<HTMLElement>(STOPS)];
    return stops.find((each) => each.tabIndex >= 0 && !each.matches(":disabled") && each.checkVisibility());
  }
}
