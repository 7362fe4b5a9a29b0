// What can be done by a key, and by which: the only table of it (keynames.ts says what each is called). The canvas, the
// outline and the page ask it what a press means; tooltips, menus, `Ctrl+K` and the list of keys read it. A person may give an action another key;
// what differs from the table is kept in this browser.
import { lettersAct, onLetters } from "../pages/parts/letters";

interface Row {
  keys: readonly string[];
  /** It acts wherever the keyboard is on the page; else on canvas and outline alone. */
  page?: true;
  /** It acts on a note or a group that has the keyboard, and there comes before the others. */
  mark?: true;
  /** It acts while one writes, too, when its key writes nothing. */
  writing?: true;
  /** It acts only while a run on the canvas has stopped; else its key is left to the browser. */
  stopped?: true;
}

const TABLE = {
  add: { keys: ["A"], page: true },
  wire: { keys: ["W"] },
  settings: { keys: ["E"] },
  rename: { keys: ["F2"], page: true },
  remove: { keys: ["Delete", "Backspace"] },
  "remove-gap": { keys: ["Shift+Delete", "Shift+Backspace"] },
  disable: { keys: ["D"], page: true },
  duplicate: { keys: ["Ctrl+D"] },
  note: { keys: ["N"], page: true },
  group: { keys: ["Ctrl+G"], page: true },
  colour: { keys: ["C"], mark: true },
  members: { keys: ["A"], mark: true },
  pins: { keys: ["U"] },
  tags: { keys: ["H"], page: true },
  follow: { keys: ["Shift+H"], page: true },
  collapse: { keys: ["Ctrl+E"], page: true },
  expand: { keys: ["Ctrl+Shift+E"], page: true },
  fix: { keys: ["Ctrl+."], page: true },
  undo: { keys: ["Ctrl+Z"], page: true },
  redo: { keys: ["Ctrl+Shift+Z", "Ctrl+Y"], page: true },
  "select-all": { keys: ["Ctrl+A"] },
  tidy: { keys: ["Ctrl+Shift+L"], page: true },
  curves: { keys: [] },
  "steps-only": { keys: [] },
  lock: { keys: ["L"] },
  bookmark: { keys: ["Shift+B"] },
  "next-bookmark": { keys: ["Ctrl+B"], page: true },
  "zoom-in": { keys: ["Plus", "="] },
  "zoom-out": { keys: ["-"] },
  "zoom-reset": { keys: ["0"] },
  fit: { keys: ["1"] },
  "fit-selection": { keys: ["2"] },
  go: { keys: ["Ctrl+K"], page: true, writing: true },
  find: { keys: ["Ctrl+F"], page: true, writing: true },
  places: { keys: ["G"], page: true },
  preferences: { keys: ["Ctrl+,"], page: true, writing: true },
  run: { keys: ["R"], page: true },
  "run-form": { keys: ["Shift+R"], page: true },
  "go-on": { keys: ["F8"], page: true },
  test: { keys: ["T"], page: true },
  breakpoint: { keys: ["B"], page: true },
  "run-to": { keys: ["Ctrl+Enter"], page: true },
  "step-over": { keys: ["F10"], page: true },
  "step-into": { keys: ["F11"], page: true, stopped: true },
  pin: { keys: ["P"], page: true },
  fork: { keys: ["F"], page: true },
  failure: { keys: ["J"], page: true },
  back: { keys: [","], page: true },
  forward: { keys: ["."], page: true },
  "node-back": { keys: ["<", ";"], page: true },
  "node-forward": { keys: [">", ":"], page: true },
  view: { keys: ["V"], page: true },
  "view-back": { keys: ["Shift+V"], page: true },
  palette: { keys: ["["], page: true },
  side: { keys: ["]"], page: true },
  tab: { keys: ["`"], page: true },
  minimap: { keys: ["M"], page: true },
  name: { keys: ["Ctrl+S"], page: true, writing: true },
  keys: { keys: ["?"], page: true },
} satisfies Record<string, Row>;

/** What the acts are called that go through a run: its slider says them, too. */
export const PAST_NAMES = {
  fork: "Fork the run here",
  back: "One entry of the run back",
  forward: "One entry of the run forward",
  "node-back": "To the previous change of this node",
  "node-forward": "To the next change of this node",
} satisfies Partial<Record<keyof typeof TABLE, string>>;

export type Act = keyof typeof TABLE;
export const ACTS = TABLE as { readonly [act in Act]: Row };
export const ALL_ACTS = Object.keys(TABLE) as Act[];

const KEPT = "flowstudio keys";
const MODIFIER = /^(Control|Shift|Alt|AltGraph|Meta|CapsLock|Dead|Unidentified|Process)$/;
const SHOWN: { [key: string]: string } = { Plus: "+", Delete: "Del", Backspace: "⌫", Escape: "Esc" };

/** A press in one word, as the table has it: `A`, `Shift+B`, `Ctrl+Shift+L`, `?`; empty for a modifier alone. */
export function chordOf(event: KeyboardEvent): string {
  if (MODIFIER.test(event.key)) return "";
  const isLevel = event.getModifierState("AltGraph"); // how some keyboards write `[`: no Ctrl, no Alt
  const foreign = /^[^\x00-\x7f]$/.test(event.key) && /^Key([A-Z])$/.exec(event.code); // Greek, Cyrillic and others
  const key = foreign ? (foreign[1] as string) : event.key === " " ? "Space" : event.key === "+" ? "Plus" : event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const isSign = key === "Plus" || (key.length === 1 && key.toLowerCase() === key); // Shift is in the sign already
  const held = [!isLevel && (event.ctrlKey || event.metaKey) && "Ctrl", !isLevel && event.altKey && "Alt", event.shiftKey && !isSign && "Shift"];
  return [...held.filter(Boolean), key].join("+");
}

/** Whether a press writes a character: a letter, digit or sign, with no more than Shift. */
export function isLetter(chord: string): boolean {
  return /^(Shift\+)?(.|Plus)$/u.test(chord);
}

class Keymap {
  /** What differs from the table (ownkeys.ts). */
  own: { [act: string]: string[] } = {};
  private readonly listeners = new Set<() => void>();

  constructor() {
    this.read();
    onLetters(() => this.tell());
    window.addEventListener("storage", ({ key }) => {
      if (key !== KEPT && key !== null) return;
      this.read();
      this.tell();
    });
  }

  /** The keys of an action as they are now. */
  keysOf(act: Act): readonly string[] {
    return this.own[act] ?? ACTS[act].keys;
  }

  /** How the first key of an action is written beside its name; nothing when it has none that acts. */
  label(act: Act): string {
    const [chord] = this.keysOf(act).filter((each) => lettersAct() || !isLetter(each));
    return chord ? written(chord) : "";
  }

  /** Words with the key behind them, as tooltips have it. */
  hint(words: string, act: Act): string {
    const label = this.label(act);
    return label ? `${words}  ${label}` : words;
  }

  /** What a press means; on a note or group the acts on those are asked first. */
  actOf(event: KeyboardEvent, onMark = false): Act | undefined {
    const chord = chordOf(event);
    if (!chord || (!lettersAct() && isLetter(chord))) return undefined;
    return this.holder(chord, onMark);
  }

  /** The action that has a key. */
  holder(chord: string, onMark: boolean): Act | undefined {
    return ALL_ACTS.find((act) => Boolean(ACTS[act].mark) === onMark && this.keysOf(act).includes(chord));
  }

  onChange(act: () => void): void {
    this.listeners.add(act);
  }

  put(act: Act, keys: string[]): void {
    if (keys.join() === ACTS[act].keys.join()) delete this.own[act];
    else this.own[act] = keys;
  }

  keep(): void {
    if (Object.keys(this.own).length) localStorage.setItem(KEPT, JSON.stringify(this.own));
    else localStorage.removeItem(KEPT);
    this.tell();
  }

  private tell(): void {
    for (const each of this.listeners) each();
  }

  /** What was kept; what is no action or no key any more is left out. */
  private read(): void {
    this.own = {};
    let kept: unknown;
    try {
      kept = JSON.parse(localStorage.getItem(KEPT) ?? "{}");
    } catch {
      return; // written by something else
    }
    if (typeof kept !== "object" || kept === null) return;
    for (const [act, keys] of Object.entries(kept)) {
      if (act in TABLE && Array.isArray(keys) && keys.every((key) => typeof key === "string")) this.own[act] = keys;
    }
  }
}

/** A key as a person reads it: `Ctrl Shift L`. */
export function written(chord: string): string {
  const isMac = navigator.platform.startsWith("Mac");
  return chord.split("+").map((key) => (key === "Ctrl" && isMac ? "⌘" : (SHOWN[key] ?? key.replace(/^Arrow/, "")))).join(" ");
}

export const keymap = new Keymap();
