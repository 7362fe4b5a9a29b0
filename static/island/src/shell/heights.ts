// How high the lines of a long list are: those that were seen are measured, the others taken for like them.
import { make } from "../view/element";

export class Heights {
  private readonly known = new Map<string, number>();
  private sum = 0;
  private width = 0;

  of(key: string): number {
    return this.known.get(key) ?? (this.known.size ? this.sum / this.known.size : 40);
  }

  /** Read how high the lines are that are there now. */
  measure(list: Element): void {
    for (const row of list.querySelectorAll<HTMLElement>("[data-key]")) {
      const key = row.dataset["key"] as string;
      const height = row.offsetHeight;
      this.sum += height - (this.known.get(key) ?? 0);
      this.known.set(key, height);
    }
  }

  /** Forget what was measured at another width; says whether it was another. */
  clear(width: number): boolean {
    if (width === this.width) return false;
    this.width = width;
    this.known.clear();
    this.sum = 0;
    return true;
  }
}

/** What stands for lines that are not there. */
export function spacer(height: number): HTMLElement {
  const space = make("div", "");
  space.setAttribute("role", "presentation");
  space.style.height = `${height}px`;
  return space;
}
