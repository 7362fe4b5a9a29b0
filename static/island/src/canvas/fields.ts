// Editing on the node itself: the values of unconnected inputs, and the title. A burst of typing in
// one field is one step of undo.
import type { Json } from "../catalog";
import type { FlowNode } from "../model/document";
import type { Change } from "../model/change";
import { titleOf } from "../model/geometry";
import { growPin, type Grown } from "../model/grow";
import { valueAt } from "../model/pins";
import { edits } from "../gesture/edits";
import { make } from "../view/element";
import { type FieldView, readFree } from "../view/node";
import { Bodies } from "./bodies";
import type { Desk } from "./desk";

const PAUSE_MS = 1000;

export class Fields extends Bodies {
  private timer = 0;

  constructor(desk: Desk) {
    super(desk);
    desk.edits = edits;
    const { root } = desk;
    root.addEventListener("input", this.input);
    root.addEventListener("change", this.input);
    root.addEventListener("focusin", this.enter);
    root.addEventListener("keydown", this.compute, true);
    root.addEventListener("focusout", (event) => {
      this.pause();
      this.desk.letFold();
      if (event.target instanceof HTMLElement && event.target.matches(".fc-field")) event.target.scrollLeft = 0; // its beginning is what is read
    });
  }

  /** Let the next change of a field be a step of its own. */
  override pause(): void {
    clearTimeout(this.timer);
    this.desk.seal();
  }

  /** Put a field in place of a node's title. */
  override rename(node: FlowNode): void {
    const { desk } = this;
    if (desk.readOnly) return;
    if (desk.root.inert) return desk.events.emit("request-name", { node: node.id });
    const view = desk.view.near.ensure(node);
    if (view.element.querySelector(".fc-name")) return;
    const before = titleOf(node, desk.scene.shape(node));
    const field = make("input", "fc-name", { type: "text", "aria-label": "Name of the node", spellcheck: "false", autocomplete: "off" });
    field.value = before;
    let over = false;
    const finish = (keep: boolean): void => {
      if (over) return;
      over = true;
      const name = field.value.trim();
      const back = document.activeElement === field;
      field.remove();
      if (keep && name && name !== before) desk.run([{ op: "set", node: node.id, path: "label", value: name }], "Rename node");
      if (back) view.element.focus({ preventScroll: true });
    };
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") finish(true);
      if (event.key === "Escape") finish(false);
    });
    field.addEventListener("blur", () => finish(true));
    view.element.append(field);
    field.focus({ preventScroll: true });
    field.select();
  }

  /** Add a pin to a node that grows. */
  override grow(node: FlowNode): Grown | null {
    const grown = this.desk.readOnly ? null : growPin(this.desk.scene.shapes, node);
    if (!grown) return null;
    this.desk.run([grown.change], "Add pin");
    this.desk.say(`Added ${grown.side === "in" ? "input" : "output"} ${grown.pin}`);
    return grown;
  }

  /** A field that is emptied stays until it is left. */
  private readonly enter = (event: FocusEvent): void => {
    const view = this.desk.view.near.viewOf(event.target as Element);
    const field = view?.fieldOf(event.target as Element);
    if (view && field?.pin) this.desk.scene.shapes.held = { node: view.node.id, side: "in", id: field.pin, editor: field.editor };
  };

  /** `=` where no text can be written gives a line for an expression, until it is left empty. */
  private readonly compute = (event: KeyboardEvent): void => {
    const element = event.target as HTMLElement;
    const { scene, view } = this.desk;
    const own = event.key === "=" && !element.isContentEditable && !this.desk.readOnly ? view.near.viewOf(element) : undefined;
    const pin = own?.fieldOf(element)?.pin;
    if (!own || !pin) return;
    event.preventDefault();
    event.stopPropagation();
    element.blur();
    scene.shapes.held = { node: own.node.id, side: "in", id: pin, editor: "expression" };
    this.desk.reshape(own.node.id);
    view.near.ensure(own.node).element.querySelector<HTMLElement>(`[data-field="${CSS.escape(pin)}"]`)?.focus({ preventScroll: true });
  };

  private readonly input = (event: Event): void => {
    const element = event.target as HTMLElement;
    const view = this.desk.view.near.viewOf(element);
    const field = view?.fieldOf(element);
    if (!view || !field || this.desk.readOnly) return;
    const place = field.path.join(".");
    const computed = this.computed(element, view.node, field);
    const isOne = computed !== null && "value" in computed;
    const value = isOne ? undefined : valueOf(element, field.editor);
    if (value === INVALID) return element.setAttribute("aria-invalid", "true");
    element.removeAttribute("aria-invalid");
    const set: Change = { op: "set", node: view.node.id, path: field.path, value };
    const changes = computed ? (isOne ? [computed] : [computed, set]) : [set];
    this.desk.run(changes, `Set ${field.pin ?? "a value"} of ${titleOf(view.node, view.shape)}`, `edit ${view.node.id} ${place}`);
    this.pauseSoon();
  };

  private pauseSoon(): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.desk.seal(), PAUSE_MS);
  }

  /** What begins with `=` is an expression, from its first sign on; what had one and does not any more is a value
   * again: the change that says so. */
  private computed(element: HTMLElement, node: FlowNode, { pin, editor }: FieldView): Change | null {
    const path = ["pinExpressions", pin ?? ""];
    const before = valueAt(node, path);
    if (pin === null || !element.isContentEditable) return null;
    const text = element.textContent ?? "";
    if (editor === "expression") return { op: "set", node: node.id, path, value: text.replace(/^=/, "").trim() || undefined };
    const isNew = text === "=" || element.classList.contains("is-number") || valueAt(node, ["pinDefaults", pin]) === undefined;
    if (text.startsWith("=") && (before !== undefined || isNew)) return { op: "set", node: node.id, path, value: text.slice(1).trim() };
    return before === undefined ? null : { op: "set", node: node.id, path };
  }
}

const INVALID = Symbol("no such value");

function valueOf(element: HTMLElement, editor: string): Json | undefined | typeof INVALID {
  if (editor === "switch") return (element as HTMLInputElement).checked;
  const text = element instanceof HTMLSelectElement ? element.value : (element.textContent ?? "");
  if (editor === "free") return text === "" ? undefined : readFree(text);
  if (editor !== "number") return text === "" ? undefined : text;
  if (text.trim() === "") return undefined;
  const number = Number(text.replace(",", "."));
  return Number.isFinite(number) ? number : INVALID;
}
