// Code in the form: text areas that hold Python or JSON become editors with colours, completion and marks
// at the lines the server refuses. Loaded with the first such field. Each editor lives in a shadow root,
// so that its styles are sheets that the page's content policy allows.
import { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap } from "@codemirror/commands";
import { json, jsonParseLinter } from "@codemirror/lang-json";
import { pythonLanguage } from "@codemirror/lang-python";
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, linter, lintGutter, setDiagnostics } from "@codemirror/lint";
import { EditorState, type Extension, Transaction } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers, placeholder } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import type { Problem } from "../view/look";
import { completionOf, type Words } from "./codewords";
import { el } from "./parts";
import { dressSchema } from "./schema";

/** What a field may do beyond itself. */
export interface CodeUse {
  undo(): void;
  redo(): void;
}

export const COLOURS = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.controlKeyword, tags.definitionKeyword], color: "var(--st-waiting)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--ok)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--warn)" },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName), tags.propertyName, tags.className], color: "var(--info)" },
  { tag: tags.comment, color: "var(--text-3)", fontStyle: "italic" },
  { tag: tags.invalid, color: "var(--danger)" },
]);

export const LOOK = EditorView.theme({
  "&": { backgroundColor: "var(--surface)", color: "var(--text)", border: "1px solid var(--line-strong)", borderRadius: "var(--radius-m)", fontSize: "var(--fs-xs)", overflow: "hidden" },
  "&.cm-focused": { outline: "2px solid var(--focus)", outlineOffset: "-1px", borderColor: "var(--focus)" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55", maxHeight: "46vh", overflow: "auto" },
  ".cm-content": { caretColor: "var(--text)", padding: "6px 0" },
  ".cm-cursor": { borderLeftColor: "var(--text)", borderLeftWidth: "2px" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--accent-soft)" },
  ".cm-gutters": { backgroundColor: "var(--surface-2)", color: "var(--text-3)", border: "0" },
  ".cm-lineNumbers .cm-gutterElement": { minWidth: "22px", padding: "0 4px 0 6px" },
  ".cm-gutter-lint": { width: "12px" },
  ".cm-gutter-lint .cm-gutterElement": { padding: "0" },
  ".cm-lint-marker": { width: "9px", height: "9px" },
  ".cm-activeLine": { backgroundColor: "transparent" },
  "&.cm-focused .cm-activeLine": { backgroundColor: "var(--surface-2)" },
  ".cm-activeLineGutter": { backgroundColor: "transparent" },
  ".cm-placeholder": { color: "var(--text-3)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--accent-soft)", outline: "1px solid var(--line-strong)" },
  ".cm-tooltip": { border: "1px solid var(--line-strong)", borderRadius: "var(--radius-m)", backgroundColor: "var(--raised)", color: "var(--text)", overflow: "hidden" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", fontSize: "var(--fs-xs)", maxHeight: "220px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "3px 8px", lineHeight: "1.5" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--accent-ink)" },
  ".cm-completionDetail": { color: "inherit", opacity: "0.8", fontStyle: "normal", marginLeft: "10px" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "700" },
  ".cm-diagnostic": { padding: "6px 10px", maxWidth: "320px", fontFamily: "var(--font)", fontSize: "var(--fs-xs)", whiteSpace: "pre-wrap" },
  ".cm-diagnostic-error": { borderLeft: "3px solid var(--danger)" },
});

/** One text area as an editor. The area stays the place where its value is read. */
class CodeField {
  readonly host = el("div", "code-field");
  private area: HTMLTextAreaElement;
  private readonly view: EditorView;
  private readonly language: string;
  private isFromOutside = false;
  private isHeld = false;
  private hadFocus = false;

  constructor(area: HTMLTextAreaElement, use: CodeUse) {
    this.area = area;
    this.language = area.dataset["code"] ?? "json";
    this.host.focus = () => this.view.focus(); // what F6 comes back to
    const root = this.host.attachShadow({ mode: "open" });
    this.view = new EditorView({ state: EditorState.create({ doc: area.value, extensions: this.extensions(use) }), parent: root, root });
    this.host.addEventListener("focusout", () => !this.isHeld && this.area.dispatchEvent(new Event("change", { bubbles: true })));
    this.take(area);
  }

  /** Stand in for a text area: of the form before, or of the form made anew. */
  take(area: HTMLTextAreaElement): void {
    this.area = area;
    this.put(area.value);
    const label = area.id ? area.ownerDocument.querySelector(`label[for="${CSS.escape(area.id)}"]`) : null;
    this.view.contentDOM.setAttribute("aria-label", label?.textContent ?? area.getAttribute("aria-label") ?? "Code");
    label?.addEventListener("click", () => this.view.focus());
    const hint = area.getAttribute("aria-describedby");
    if (hint) this.view.contentDOM.setAttribute("aria-description", area.ownerDocument.getElementById(hint)?.textContent ?? "");
    const hadFocus = this.hadFocus || area.ownerDocument.activeElement === area;
    area.before(this.host);
    area.hidden = true;
    area.focus = () => this.view.focus();
    this.isHeld = false;
    if (hadFocus) this.view.focus();
    this.hadFocus = false;
  }

  /** The form goes away and comes again: that this takes the keyboard from the field means nothing. */
  hold(): void {
    this.hadFocus = this.view.hasFocus;
    this.isHeld = true;
  }

  /** Write a text as if it had been typed. */
  write(text: string): void {
    this.put(text);
    this.area.value = text;
    for (const kind of ["input", "change"]) this.area.dispatchEvent(new Event(kind, { bubbles: true }));
  }

  /** Take a text from outside, changing only what differs, so that the cursor stays where it can. */
  private put(text: string): void {
    const now = this.view.state.doc.toString();
    if (now === text) return;
    let from = 0;
    while (from < now.length && from < text.length && now[from] === text[from]) from += 1;
    let end = 0;
    while (end < now.length - from && end < text.length - from && now.at(-1 - end) === text.at(-1 - end)) end += 1;
    this.isFromOutside = true;
    this.view.dispatch({ changes: { from, to: now.length - end, insert: text.slice(from, text.length - end) }, annotations: Transaction.addToHistory.of(false) });
    this.isFromOutside = false;
  }

  /** Mark the lines that the server refuses. */
  mark(problems: readonly Problem[]): void {
    this.view.requestMeasure(); // what stands above may have moved it
    if (this.language !== "python") return;
    const { doc } = this.view.state;
    const own = [this.area.dataset["path"], this.area.dataset["expression"]];
    const found = problems.filter((problem) => problem.line && own.includes(problem.pin ?? ""));
    const marks = found.map((problem): Diagnostic => {
      const line = doc.line(Math.min(Math.max(1, problem.line ?? 1), doc.lines));
      return { from: line.from, to: line.to, severity: problem.severity === "error" ? "error" : "warning", message: problem.message };
    });
    this.view.dispatch(setDiagnostics(this.view.state, marks));
  }

  destroy(): void {
    this.view.destroy();
  }

  private extensions(use: CodeUse): Extension[] {
    const isPython = this.language === "python";
    const isShort = this.area.dataset["expression"] !== undefined;
    const act = (does: () => void) => (): boolean => (does(), true);
    const own = keymap.of([
      { key: "Mod-z", run: act(use.undo), preventDefault: true },
      { key: "Mod-y", run: act(use.redo), preventDefault: true },
      { key: "Mod-Shift-z", run: act(use.redo), preventDefault: true },
      { key: "Tab", run: acceptCompletion },
    ]);
    const words = (): Words => JSON.parse(this.area.dataset["words"] ?? "{}") as Words;
    const language = isPython
      ? [pythonLanguage, indentUnit.of("    "), autocompletion({ override: [completionOf(words)], icons: false }), isShort ? [] : lintGutter()]
      : [json(), indentUnit.of("  "), linter((view) => (view.state.doc.length ? jsonParseLinter()(view) : [])), autocompletion({ override: [] })];
    return [
      own,
      typedOver,
      keymap.of([...closeBracketsKeymap, ...completionKeymap, ...defaultKeymap.filter((each) => !TAKEN.has(each.key ?? ""))]),
      isPython && !isShort ? lineNumbers() : [],
      ...language,
      drawSelection(),
      highlightActiveLine(),
      closeBrackets(),
      bracketMatching(),
      indentOnInput(),
      syntaxHighlighting(COLOURS),
      LOOK,
      EditorView.lineWrapping,
      placeholder(this.area.placeholder),
      EditorState.tabSize.of(4),
      EditorView.contentAttributes.of({ tabindex: "0", spellcheck: "false", autocapitalize: "off", autocorrect: "off" }),
      EditorView.updateListener.of((update) => {
        if (!update.docChanged || this.isFromOutside) return;
        this.area.value = update.state.doc.toString();
        this.area.dispatchEvent(new Event("input", { bubbles: true }));
      }),
    ];
  }
}

/**
 * What is typed over a selection is put in here: left to itself, the browser writes the colours of the old
 * text into a style attribute, which the page's content policy refuses.
 */
const typedOver = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { from, to, empty } = view.state.selection.main;
    const text = event.data;
    if (event.inputType !== "insertText" || !text || empty || view.composing || event.isComposing) return false;
    const insert = (): Transaction => view.state.update({ ...view.state.replaceSelection(text), userEvent: "input.type", scrollIntoView: true });
    if (!view.state.facet(EditorView.inputHandler).some((handle) => handle(view, from, to, text, insert))) view.dispatch(insert());
    event.preventDefault();
    return true;
  },
});

/** Keys that belong to the editor around. */
const TAKEN = new Set(["Mod-i", "Alt-l", "Mod-Enter"]);

/** All code fields of one form. */
export class CodeFields {
  private fields = new Map<string, CodeField>();

  constructor(private readonly use: CodeUse) {}

  /** Dress the code fields of a form; those of the same node and place go on as they were. */
  dress(form: HTMLElement, node: string): void {
    const before = this.fields;
    this.fields = new Map();
    for (const area of form.querySelectorAll<HTMLTextAreaElement>("textarea[data-code]")) {
      const key = `${node} ${area.dataset["path"] ?? ""}`;
      const held = before.get(key);
      held?.take(area);
      before.delete(key);
      const field = held ?? new CodeField(area, this.use);
      this.fields.set(key, field);
      if (area.dataset["schema"] !== undefined) dressSchema(area, field.host, (text) => field.write(text));
    }
    for (const field of before.values()) field.destroy();
  }

  hold(): void {
    for (const field of this.fields.values()) field.hold();
  }

  mark(problems: readonly Problem[]): void {
    for (const field of this.fields.values()) field.mark(problems);
  }
}
