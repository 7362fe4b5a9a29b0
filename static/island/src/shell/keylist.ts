// The list of keys, and where a person gives an action another one: press the key shown, then the new key. What
// already has the key is named before it is taken away; every row, and the whole list, goes back to the default.
import { type Act, ACTS, chordOf, isLetter, keymap, written } from "../canvas/keymap";
import { NAMES, PARTS } from "../canvas/keynames";
import { giveKey, isChanged, isOwn, resetKeys } from "../canvas/ownkeys";
import { refusalOf } from "../canvas/reserved";
import { lettersAct, onLetters, switchLetters } from "../pages/parts/letters";
import { button, el, icon, place } from "./parts";

/** Keys that stay as they are: what they do stands in the same list. */
const FIXED: { readonly [part: string]: readonly [string[], string][] } = {
  Build: [
    [["Enter"], "Open: settings, subflow, group or note"],
    [["Ctrl+C", "X", "V"], "Copy, cut, paste as text"],
  ],
  Move: [
    [["↑", "↓", "←", "→"], "To the nearest node"],
    [["Ctrl", "arrows"], "Follow the wires"],
    [["Shift", "arrows"], "Move the selection"],
    [["Shift+Enter"], "Select one more"],
    [["Space", "drag"], "Move the view"],
    [["Alt", "↑", "↓"], "In the outline: move a step"],
  ],
  "Run and look": [
    [["Space"], "On a pin: look at its value"],
    [["F6"], "To the next region; with Shift back"],
    [["Esc"], "Close the innermost thing"],
  ],
};

export class KeyList {
  private readonly dialog = place<HTMLDialogElement>("keys-dialog");
  private readonly grid = place("keys-grid");
  private readonly letters = place<HTMLInputElement>("keys-letters");
  private readonly reset = place<HTMLButtonElement>("keys-reset");
  /** The action that waits for its new key, and a key that another action has. */
  private waiting: Act | null = null;
  private wanted = "";
  private word = "";

  constructor(private readonly say: (words: string) => void) {
    this.dialog.addEventListener("keydown", (event) => this.key(event), true);
    this.dialog.addEventListener("close", () => this.wait(null));
    this.letters.addEventListener("change", () => switchLetters(this.letters.checked));
    this.reset.addEventListener("click", () => {
      this.wait(null);
      resetKeys();
      this.say("All keys are the default ones again.");
    });
    keymap.onChange(() => this.draw());
    onLetters(() => this.draw());
    this.draw();
  }

  open(): void {
    this.draw();
    if (!this.dialog.open) this.dialog.showModal();
  }

  private draw(): void {
    const at = (document.activeElement as HTMLElement | null)?.dataset["key"];
    const parts = Object.keys(FIXED).map((part) => {
      const own = (PARTS[part] ?? []).map((act) => this.row(act));
      const fixed = (FIXED[part] ?? []).map(([keys, name]) => el("li", "key-row", el("span", "key-name", name), el("span", "key-set", ...keys.flatMap(keyed))));
      return el("section", "", el("h3", "", part), el("ul", "list", ...own, ...fixed));
    });
    this.grid.replaceChildren(...parts);
    this.letters.checked = lettersAct();
    this.reset.hidden = !isChanged();
    if (at) this.grid.querySelector<HTMLElement>(`[data-key="${at}"]`)?.focus({ preventScroll: true });
  }

  private row(act: Act): HTMLElement {
    const name = NAMES[act];
    const isWaiting = act === this.waiting;
    const keys = keymap.keysOf(act);
    const change = el("button", "key-set", ...(isWaiting ? ["Press a key…"] : keys.length ? keys.flatMap((chord, index) => [...(index ? [" or "] : []), ...keyed(chord)]) : [el("span", "key-none", "no key")]));
    change.type = "button";
    change.dataset["key"] = act;
    change.title = "Give it another key";
    change.setAttribute("aria-label", isWaiting ? `${name}: Press a key…` : `${name}: ${keys.map(written).join(" or ") || "no key"}. Change`);
    change.toggleAttribute("data-waiting", isWaiting);
    change.toggleAttribute("data-silent", !lettersAct() && keys.length > 0 && keys.every(isLetter));
    change.addEventListener("click", () => this.wait(isWaiting ? null : act));
    const row = el("li", "key-row", el("span", "key-name", name));
    if (isOwn(act)) row.append(this.back(act));
    row.append(change);
    if (isWaiting) row.append(this.asking(act));
    return row;
  }

  private back(act: Act): HTMLElement {
    const back = button("quiet only small key-back", "", "undo", () => {
      this.wait(null);
      resetKeys(act);
      this.focus(act);
      this.say(`${NAMES[act]}: ${keymap.keysOf(act).map(written).join(" or ")} again.`);
    });
    back.setAttribute("aria-label", `${NAMES[act]}: back to ${ACTS[act].keys.map(written).join(" or ")}`);
    back.title = `Back to ${ACTS[act].keys.map(written).join(" or ")}`;
    return back;
  }

  /** What stands below a row that waits: what is in the way, and what can be done. */
  private asking(act: Act): HTMLElement {
    const line = el("div", "key-ask", el("p", "", icon(this.word ? "warn" : "keyboard"), this.word || "Press the new key, or Esc to keep this one."));
    const acts = el("div", "acts");
    if (this.wanted) acts.append(button("small primary", `Take ${written(this.wanted)}`, null, () => this.give(act, this.wanted)));
    if (keymap.keysOf(act).length) acts.append(button("small", "No key", null, () => this.give(act, null)));
    acts.append(button("small quiet", "Cancel", null, () => this.wait(null, act)));
    line.append(acts);
    return line;
  }

  private wait(act: Act | null, focus = act): void {
    if (!act && !this.waiting) return;
    this.waiting = act;
    this.wanted = this.word = "";
    this.draw();
    if (focus) this.focus(focus);
    if (act) this.say(`Press the new key for: ${NAMES[act]}`);
  }

  private focus(act: Act): void {
    this.grid.querySelector<HTMLElement>(`button[data-key="${act}"]`)?.focus();
  }

  /** While an action waits, what is pressed on its row is its new key. */
  private key(event: KeyboardEvent): void {
    const act = this.waiting;
    const target = event.target as HTMLElement;
    if (!act || event.key === "Tab" || target.dataset["key"] !== act) {
      if (act && event.key === "Escape") this.stop(event, () => this.wait(null, act));
      return;
    }
    if (event.key === "Escape") return this.stop(event, () => this.wait(null, act));
    const chord = chordOf(event);
    if (chord) this.stop(event, () => this.offer(act, chord));
  }

  private stop(event: KeyboardEvent, act: () => void): void {
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  private offer(act: Act, chord: string): void {
    const refused = refusalOf(chord);
    const holder = keymap.holder(chord, Boolean(ACTS[act].mark));
    if (!refused && (!holder || holder === act)) return this.give(act, chord);
    this.wanted = refused ? "" : chord;
    this.word = refused || `${written(chord)} is the key of “${NAMES[holder as Act]}”.`;
    this.draw();
    this.focus(act);
    this.say(this.word);
  }

  private give(act: Act, chord: string | null): void {
    const holder = chord && keymap.holder(chord, Boolean(ACTS[act].mark));
    this.wait(null, act);
    giveKey(act, chord);
    this.focus(act);
    const taken = holder && holder !== act && !keymap.keysOf(holder).length ? ` ${NAMES[holder]} has no key now.` : "";
    this.say(`${NAMES[act]}: ${chord ? written(chord) : "no key"}.${taken}`);
  }
}

function keyed(chord: string): (HTMLElement | string)[] {
  const each = (key: string): HTMLElement | string => (/^(arrows|drag)$/.test(key) ? key : el("kbd", "", key));
  return written(chord).split(" ").flatMap((key, index) => [...(index ? [" "] : []), each(key)]);
}
