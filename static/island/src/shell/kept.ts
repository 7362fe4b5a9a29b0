// Keys that come while what they are meant for is still on its way are kept, and given when it is there.
import { place } from "./parts";

const PRESSED = "#run-button, [data-tool], [role=tab]";
const WRITTEN = "input, textarea, select, [contenteditable]";

/** Gives a key once more to whatever has the keyboard by then; a letter goes into a field, Enter sends its form or presses
 * a button, Escape closes a dialog. */
function givenAgain({ key, code, shiftKey, ctrlKey, altKey, metaKey }: KeyboardEvent): () => void {
  const init = { key, code, shiftKey, ctrlKey, altKey, metaKey, bubbles: true, cancelable: true };
  return () => {
    const at = document.activeElement ?? document.body;
    if (!at.dispatchEvent(new KeyboardEvent("keydown", init)) || ctrlKey || metaKey) return;
    if (key === "Escape") return at.closest<HTMLDialogElement>("dialog[open]")?.close(); // only a true press closes it by itself
    if (key === "Enter" && at instanceof HTMLButtonElement) return at.click();
    if (!(at instanceof HTMLInputElement || at instanceof HTMLTextAreaElement)) return;
    if (key === "Enter" && at instanceof HTMLInputElement) return at.form?.requestSubmit();
    const text = key === "Enter" ? "\n" : key;
    if (text.length !== 1) return;
    at.setRangeText(text, at.selectionStart ?? at.value.length, at.selectionEnd ?? at.value.length, "end");
    at.dispatchEvent(new Event("input", { bubbles: true }));
  };
}

/** What a person does on the page before the editor is there: its flow is still on the way. */
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
    this.acts.push(givenAgain(event));
  }
}

/** Keep all keys until a part of the editor has come, for what opens then; without it they are not meant for anything. */
export async function keysWait<Part>(coming: Promise<Part | null>): Promise<Part | null> {
  const acts: (() => void)[] = [];
  const over = new AbortController();
  const keep = (event: KeyboardEvent): void => {
    if (event.isComposing) return;
    acts.push(givenAgain(event));
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  window.addEventListener("keydown", keep, { capture: true, signal: over.signal });
  let part: Part | null = null;
  try {
    return (part = await coming);
  } finally {
    setTimeout(() => {
      over.abort();
      if (part) for (const act of acts) act();
    });
  }
}
