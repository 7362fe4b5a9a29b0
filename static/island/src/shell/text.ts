// The third editor of the same document: its text, as the file has it. What reads as a flow is on the canvas
// at once, as an edit like any other; a mistake is underlined with its line and column, and the last good
// flow stays. Undo is the flow's.
import { defaultKeymap } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { bracketMatching, foldGutter, foldKeymap, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { EditorState, type Extension } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import type { FlowCanvas } from "../canvas/flowcanvas";
import { canonicalText } from "../model/canonical";
import { differenceTo } from "../model/difference";
import { isObject, type JsonObject, same } from "../model/json";
import { lineOf, readText, type ReadText, TextMistake } from "../model/jsontext";
import type { WrittenKeys } from "../model/writtenkeys";
import type { Problem } from "../view/look";
import { COLOURS, LOOK } from "./code";
import { el } from "./parts";

const REST_MS = 150;

export class TextView {
  readonly element = el("section", "text-view");
  private readonly state = el("p", "text-state");
  private readonly view: EditorView;
  private timer = 0;
  /** The text was changed by hand and is not on the canvas: it has a mistake, or waits for the next rest. */
  private isAhead = false;
  private isWriting = false;
  private read: ReadText | null = null;
  isOpen = false;

  constructor(
    private readonly canvas: FlowCanvas,
    private readonly say: (text: string, urgent?: boolean) => void,
    /** What keys that are written into the flow are told by, where the server has said so. */
    private readonly keys: WrittenKeys | null,
  ) {
    this.element.setAttribute("aria-label", "Flow as text");
    this.element.hidden = true;
    this.element.tabIndex = -1; // where Escape puts the keyboard: from here Tab and the editor's keys go on
    this.state.setAttribute("role", "status");
    const host = el("div", "text-host");
    const root = host.attachShadow({ mode: "open" });
    this.view = new EditorView({ state: EditorState.create({ doc: "", extensions: this.extensions() }), parent: root, root });
    this.view.contentDOM.setAttribute("aria-label", "Flow as text");
    this.element.append(this.state, host);
    canvas.on("change", () => this.follow());
    canvas.on("select", ({ nodes }) => this.reveal(nodes));
  }

  open(isOpen: boolean, focus = true): void {
    this.isOpen = isOpen;
    this.element.hidden = !isOpen;
    if (isOpen) this.write(true);
    else this.settle();
    if (isOpen) this.reveal(this.canvas.selection.nodes);
    if (isOpen && focus) this.focus();
  }

  focus(): void {
    this.view.focus();
  }

  /** The flow was changed: show it, unless what is written here is still to be mended. */
  private follow(): void {
    if (this.isOpen && !this.isWriting && !this.isAhead) this.write(false);
  }

  /** What the check found, at the lines of the nodes. */
  mark(): void {
    if (this.isOpen && !this.isAhead) this.tell(this.found());
  }

  private write(isFresh: boolean): void {
    const text = canonicalText(this.canvas.toJSON());
    const now = this.view.state.doc.toString();
    this.isAhead = false;
    if (isFresh || text !== now) {
      let from = 0;
      while (from < now.length && now[from] === text[from]) from++;
      let end = 0;
      while (end < Math.min(now.length, text.length) - from && now.at(-1 - end) === text.at(-1 - end)) end++;
      this.isWriting = true;
      this.view.dispatch({ changes: { from, to: now.length - end, insert: text.slice(from, text.length - end) } });
      this.isWriting = false;
    }
    this.read = readText(text);
    this.tell(this.found());
  }

  private typed(): void {
    this.isAhead = true;
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.settle(), REST_MS);
  }

  /** Put what is written on the canvas, or say where it is none. */
  private settle(): void {
    clearTimeout(this.timer);
    if (!this.isAhead) return;
    const text = this.view.state.doc.toString();
    let read: ReadText;
    try {
      read = readText(text);
      refuseShape(read, this.canvas.toJSON());
    } catch (error) {
      if (!(error instanceof TextMistake)) throw error;
      return this.mistake(text, error);
    }
    this.read = read;
    this.isAhead = false;
    this.isWriting = true;
    const { canvas } = this;
    const other = read.value as JsonObject;
    canvas.apply(differenceTo(canvas.model, other), "Edit as text", "text");
    if (!same(canvas.toJSON(), other)) canvas.bring(other, "Edit as text");
    this.isWriting = false;
    this.tell(this.found());
  }

  private mistake(text: string, { at, message }: TextMistake): void {
    const { line, column } = lineOf(text, at);
    const words = `Line ${line}, column ${column}: ${message}`;
    const to = Math.min(text.length, Math.max(at + 1, at));
    this.tell([{ from: Math.min(at, Math.max(0, to - 1)), to, severity: "error", message }], `${words} The canvas keeps the last good flow.`);
    this.say(words, true);
  }

  private found(): Diagnostic[] {
    const rows = this.read && isObject(this.read.value) && Array.isArray(this.read.value.nodes) ? this.read.value.nodes : [];
    return [...this.canvas.desk.look.problems.values()].flat().flatMap((problem: Problem): Diagnostic[] => {
      const at = rows.findIndex((node) => isObject(node) && typeof node.id === "string" && node.id.trim() === problem.node);
      const place = this.read?.places.get(`nodes ${at}`);
      if (!place) return [];
      const line = this.view.state.doc.lineAt(Math.min(place.from, this.view.state.doc.length));
      return [{ from: line.from, to: line.to, severity: problem.severity === "error" ? "error" : "warning", message: problem.message }];
    });
  }

  private tell(marks: Diagnostic[], words = ""): void {
    this.view.dispatch(setDiagnostics(this.view.state, marks));
    this.state.textContent = words || "The file as it is kept. What you change here is on the canvas at once; Ctrl+Z undoes it.";
    this.state.toggleAttribute("data-wrong", Boolean(words));
  }

  /** Show the lines of the selected node. */
  private reveal(nodes: readonly string[]): void {
    const rows = this.read && isObject(this.read.value) && Array.isArray(this.read.value.nodes) ? this.read.value.nodes : [];
    const at = nodes.length === 1 ? rows.findIndex((node) => isObject(node) && node.id === nodes[0]) : -1;
    const place = this.read?.places.get(`nodes ${at}`);
    if (!this.isOpen || !place || this.isAhead || this.view.hasFocus) return;
    this.view.dispatch({ selection: { anchor: place.from }, effects: EditorView.scrollIntoView(place.from, { y: "start", yMargin: 24 }) });
  }

  private undo(isRedo: boolean): boolean {
    clearTimeout(this.timer);
    if (this.isAhead && !isRedo) {
      this.settle();
      if (this.isAhead) {
        this.write(true); // what has a mistake is not on the canvas: back to what is
        return true;
      }
    }
    if (isRedo) this.canvas.redo();
    else this.canvas.undo();
    this.write(false);
    return true;
  }

  private extensions(): Extension[] {
    const own = keymap.of([
      { key: "Mod-z", run: () => this.undo(false), preventDefault: true },
      { key: "Mod-y", run: () => this.undo(true), preventDefault: true },
      { key: "Mod-Shift-z", run: () => this.undo(true), preventDefault: true },
      { key: "Escape", run: () => (this.element.focus({ preventScroll: true }), true) },
    ]);
    const { keys } = this;
    return [
      own,
      keymap.of([...foldKeymap, ...defaultKeymap.filter(({ key }) => key !== "Mod-i")]),
      lineNumbers(),
      foldGutter(),
      drawSelection(),
      highlightActiveLine(),
      bracketMatching(),
      json(),
      ...(keys ? [EditorView.clipboardOutputFilter.of((text) => keys.text(text))] : []),
      EditorView.contentAttributes.of({ tabindex: "0", spellcheck: "false" }),
      indentUnit.of("  "),
      syntaxHighlighting(COLOURS),
      // before the look that it goes against: what comes first wins
      EditorView.theme({ "&": { height: "100%", border: "0", borderRadius: "0" }, ".cm-scroller": { maxHeight: "none" } }),
      LOOK,
      lintGutter(),
      EditorView.updateListener.of((update) => update.docChanged && !this.isWriting && this.typed()),
    ];
  }
}

/** Refuse what is JSON and no flow; the server would. */
function refuseShape({ value, places }: ReadText, now: JsonObject): void {
  const at = (name: string): number => places.get(name)?.from ?? 0;
  if (!isObject(value)) throw new TextMistake(0, "A flow is an object: { … }.");
  if (value.id !== now.id) throw new TextMistake(at("key id"), `The id of the flow is "${String(now.id)}" and stays.`);
  for (const key of ["nodes", "edges"]) {
    const list = value[key] ?? [];
    if (!Array.isArray(list)) throw new TextMistake(at(`key ${key}`), `"${key}" is a list: [ … ].`);
    const seen = new Set<string>();
    for (const [index, row] of list.entries()) {
      if (!isObject(row)) throw new TextMistake(at(`${key} ${index}`), `Each of "${key}" is an object: { … }.`);
      const id = typeof row.id === "string" ? row.id.trim() : "";
      if (key === "nodes" && !id) throw new TextMistake(at(`${key} ${index}`), "This node has no id.");
      if (key === "nodes" && seen.has(id)) throw new TextMistake(at(`${key} ${index}`), `Another node has the id "${id}" already.`);
      seen.add(id);
    }
  }
  for (const key of ["name", "description", "entryNode"]) {
    if (!["string", "undefined"].includes(typeof value[key]) && value[key] !== null) throw new TextMistake(at(`key ${key}`), `"${key}" is text in quotes.`);
  }
}
