// What can be done by a key, and by which: the only table of it. The canvas, the outline and the page ask it what
// a press means; tooltips, menus, `Ctrl+K` and the list of keys read it. A person may give an action another key;
// what differs from the table is kept in this browser.
import { lettersAct, onLetters } from "../pages/parts/letters";

interface Row {
  name: string;
  part: "Build" | "Move" | "Run and look";
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
  add: { name: "Add a node", part: "Build", keys: ["A"], page: true },
  wire: { name: "Wire from the selected node", part: "Build", keys: ["W"] },
  settings: { name: "Edit its settings", part: "Build", keys: ["E"] },
  rename: { name: "Rename a node, or a named wire", part: "Build", keys: ["F2"], page: true },
  remove: { name: "Remove, and join what is left", part: "Build", keys: ["Delete", "Backspace"] },
  "remove-gap": { name: "Remove, and leave a gap", part: "Build", keys: ["Shift+Delete", "Shift+Backspace"] },
  disable: { name: "Disable, or enable", part: "Build", keys: ["D"], page: true },
  duplicate: { name: "Duplicate", part: "Build", keys: ["Ctrl+D"] },
  note: { name: "Add a note", part: "Build", keys: ["N"], page: true },
  group: { name: "Group the selection", part: "Build", keys: ["Ctrl+G"], page: true },
  colour: { name: "On a note or group: its colour", part: "Build", keys: ["C"], mark: true },
  members: { name: "On a group: select its nodes", part: "Build", keys: ["A"], mark: true },
  pins: { name: "Show all pins, or fold unused", part: "Build", keys: ["U"] },
  tags: { name: "Hide data wires behind names, or draw them", part: "Build", keys: ["H"], page: true },
  follow: { name: "Follow a named wire", part: "Build", keys: ["Shift+H"], page: true },
  collapse: { name: "Collapse into a subflow", part: "Build", keys: ["Ctrl+E"], page: true },
  expand: { name: "Expand the subflow here", part: "Build", keys: ["Ctrl+Shift+E"], page: true },
  fix: { name: "Mend the first problem", part: "Build", keys: ["Ctrl+."], page: true },
  undo: { name: "Undo", part: "Build", keys: ["Ctrl+Z"], page: true },
  redo: { name: "Redo", part: "Build", keys: ["Ctrl+Shift+Z", "Ctrl+Y"], page: true },
  "select-all": { name: "Select everything", part: "Move", keys: ["Ctrl+A"] },
  tidy: { name: "Arrange the selection, or the flow", part: "Move", keys: ["Ctrl+Shift+L"], page: true },
  curves: { name: "Draw wires as curves, or in right angles", part: "Move", keys: [] },
  lock: { name: "Lock or unlock its place", part: "Move", keys: ["L"] },
  bookmark: { name: "Bookmark, or no longer", part: "Move", keys: ["Shift+B"] },
  "next-bookmark": { name: "Go to the next bookmark", part: "Move", keys: ["Ctrl+B"], page: true },
  "zoom-in": { name: "Zoom in", part: "Move", keys: ["Plus", "="] },
  "zoom-out": { name: "Zoom out", part: "Move", keys: ["-"] },
  "zoom-reset": { name: "Zoom to 100 %", part: "Move", keys: ["0"] },
  fit: { name: "Fit the whole flow", part: "Move", keys: ["1"] },
  "fit-selection": { name: "Fit the selection", part: "Move", keys: ["2"] },
  go: { name: "Go to, or do, anything", part: "Run and look", keys: ["Ctrl+K"], page: true, writing: true },
  find: { name: "Find in this flow", part: "Run and look", keys: ["Ctrl+F"], page: true, writing: true },
  places: { name: "Go to a page: then H, F, R, I, O or N", part: "Run and look", keys: ["G"], page: true },
  preferences: { name: "Settings of the installation", part: "Run and look", keys: ["Ctrl+,"], page: true, writing: true },
  run: { name: "Run, with the same input again", part: "Run and look", keys: ["R"], page: true },
  "run-form": { name: "Run with other input", part: "Run and look", keys: ["Shift+R"], page: true },
  "go-on": { name: "Pause the run, or let it go on", part: "Run and look", keys: ["F8"], page: true },
  test: { name: "Save the run as a test", part: "Run and look", keys: ["T"], page: true },
  breakpoint: { name: "Breakpoint, or no longer", part: "Run and look", keys: ["B"], page: true },
  "run-to": { name: "Run to the selected node", part: "Run and look", keys: ["Ctrl+Enter"], page: true },
  "step-over": { name: "Step over, to the next node", part: "Run and look", keys: ["F10"], page: true },
  "step-into": { name: "Step into the subflow", part: "Run and look", keys: ["F11"], page: true, stopped: true },
  pin: { name: "Pin the outputs, or no longer", part: "Run and look", keys: ["P"], page: true },
  fork: { name: "Fork the run here", part: "Run and look", keys: ["F"], page: true },
  failure: { name: "Go to the next failure", part: "Run and look", keys: ["J"], page: true },
  back: { name: "One entry of the run back", part: "Run and look", keys: [","], page: true },
  forward: { name: "One entry of the run forward", part: "Run and look", keys: ["."], page: true },
  "node-back": { name: "To the previous change of this node", part: "Run and look", keys: ["<", ";"], page: true },
  "node-forward": { name: "To the next change of this node", part: "Run and look", keys: [">", ":"], page: true },
  view: { name: "Go on to outline, text or canvas", part: "Run and look", keys: ["V"], page: true },
  "view-back": { name: "Go back to text, outline or canvas", part: "Run and look", keys: ["Shift+V"], page: true },
  palette: { name: "Show or hide the node types", part: "Run and look", keys: ["["], page: true },
  side: { name: "Show or hide the side panel", part: "Run and look", keys: ["]"], page: true },
  tab: { name: "Next tab of the side panel", part: "Run and look", keys: ["`"], page: true },
  minimap: { name: "Show or hide the map", part: "Run and look", keys: ["M"], page: true },
  name: { name: "Name this version (saving is automatic)", part: "Run and look", keys: ["Ctrl+S"], page: true, writing: true },
  keys: { name: "Keys", part: "Run and look", keys: ["?"], page: true },
} satisfies Record<string, Row>;

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
