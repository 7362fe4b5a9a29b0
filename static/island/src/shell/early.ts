// What a person does on the page before the editor is there (its flow is still on the way) is kept,
// and done when it is.
import { place } from "./parts";

const PRESSED = "#run-button, [data-tool], [role=tab]";
const WRITTEN = "input, textarea, select, [contenteditable]";

export class Early {
  private readonly acts: (() => void)[] = [];
  private readonly over = new AbortController();

  constructor() {
    const { signal } = this.over;
    document.addEventListener("click", (event) => this.click(event), { signal });
    document.addEventListener("keydown", (event) => this.key(event), { signal });
  }

  /** Do what was kept, in its order. */
  replay(): void {
    this.over.abort();
    const name = place<HTMLInputElement>("flow-name");
    if (name.value !== name.defaultValue) name.dispatchEvent(new Event("input", { bubbles: true }));
    for (const act of this.acts) act();
  }

  private click(event: Event): void {
    const pressed = (event.target as Element).closest<HTMLElement>(PRESSED);
    if (pressed) this.acts.push(() => pressed.click());
  }

  private key(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing || (event.target as Element).closest(WRITTEN)) return;
    const pressed = (event.target as Element).closest("button, a, summary");
    if (pressed && (event.key === "Enter" || event.key === " ")) return; // its click is kept
    const { key, code, shiftKey, ctrlKey, altKey, metaKey } = event;
    const again = { key, code, shiftKey, ctrlKey, altKey, metaKey, bubbles: true, cancelable: true };
    this.acts.push(() => {
      const at = document.activeElement ?? document.body;
      if (at.dispatchEvent(new KeyboardEvent("keydown", again)) && key.length === 1 && !ctrlKey && !metaKey) write(at, key);
    });
  }
}

/** A letter goes into the field that an earlier key has opened. */
function write(at: Element, letter: string): void {
  if (!(at instanceof HTMLInputElement || at instanceof HTMLTextAreaElement)) return;
  at.setRangeText(letter, at.selectionStart ?? at.value.length, at.selectionEnd ?? at.value.length, "end");
  at.dispatchEvent(new Event("input", { bubbles: true }));
}
