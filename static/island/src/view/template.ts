// The elements of a node of one shape, made once and cloned for every node that looks alike.
// No style attributes here: a strict content policy allows them only when set by script.
import { type Catalog, EXEC } from "../catalog";
import { typeWord } from "../model/connect";
import { foldWords, rowsWidth, WIDTH_MOST } from "../model/geometry";
import type { Editor, Shape, ShapePin } from "../model/pins";
import { make, makeIcon } from "./element";

/** The family of a node without a card. */
export const UNKNOWN = "unknown";

/** What a place for a list or an object says while it is unset, by the sign of the pin. */
const HINTS: { [shape: string]: string } = { list: "[ ]", frame: "{ }" };

export function nodeTemplate(shape: Shape, catalog: Catalog, icons: string): HTMLElement {
  const family = shape.card?.family ?? UNKNOWN;
  const node = make("div", `fc-node ${shape.step ? "is-step" : "is-value"}${shape.card ? "" : " is-unknown"}`, {
    role: "group",
    tabindex: "-1",
    "data-family": family,
    "aria-roledescription": shape.step ? "step" : "value",
  });
  if (rowsWidth(shape) > WIDTH_MOST) node.classList.add("is-tight");
  const head = make("div", "fc-head");
  const [start, next] = [shape.pins.find((pin) => pin.row < 0 && pin.side === "in"), shape.pins.find((pin) => pin.row < 0 && pin.side === "out")];
  if (start) head.append(pinButton(start, catalog));
  head.append(makeIcon(icons, shape.card ? family : "help", "fc-icon"), make("span", "fc-title"), make("span", "fc-chips"), make("span", "fc-sign"));
  if (next) head.append(pinButton(next, catalog));
  node.append(head);
  for (let row = 0; row < shape.rows; row++) node.append(rowOf(shape, row, catalog));
  node.append(make("span", "fc-badge"), make("span", "fc-time"));
  return node;
}

function rowOf(shape: Shape, row: number, catalog: Catalog): HTMLElement {
  const line = make("div", "fc-row");
  const left = shape.pins.find((pin) => pin.side === "in" && pin.row === row && !pin.folded);
  const right = shape.pins.find((pin) => pin.side === "out" && pin.row === row && !pin.folded);
  if (left) {
    line.append(pinButton(left, catalog), labelOf(left));
    if (left.editor) line.append(fieldOf(left, left.id, left.label, HINTS[catalog.pinType(left.type).shape] ?? "="));
  }
  if (shape.field?.row === row) line.append(fieldOf(shape.field, shape.field.path.join("."), shape.field.label || "value"));
  if (shape.grow?.row === row) line.append(growButton(shape.grow.side));
  if (shape.fold?.row === row) line.append(foldButton(shape.fold));
  if (right) line.append(labelOf(right), pinButton(right, catalog));
  return line;
}

function foldButton(fold: NonNullable<Shape["fold"]>): HTMLElement {
  const button = make("button", "fc-fold", { type: "button", tabindex: "-1", "data-grow": "fold", "aria-expanded": String(fold.open) });
  button.textContent = foldWords(fold);
  button.setAttribute("aria-label", fold.open ? "− fewer: fold the pins that are not used" : `+ ${fold.pins.length} more pins`);
  button.title = fold.pins.map((pin) => pin.label).join(", ");
  return button;
}

function labelOf(pin: ShapePin): HTMLElement {
  const label = make("span", `fc-label is-${pin.side}${pin.type === EXEC ? " is-exec" : ""}`);
  label.textContent = pin.label;
  return label;
}

function pinButton(pin: ShapePin, catalog: Catalog): HTMLButtonElement {
  const word = typeWord(pin.type, catalog);
  const name = pin.label || (pin.side === "in" ? "start" : "then");
  const button = make("button", `fc-pin is-${pin.side}${pin.row < 0 ? " is-head" : ""}${pin.ghost ? " is-ghost" : ""}`, {
    type: "button",
    tabindex: "-1",
    "data-pin": pin.id,
    "data-side": pin.side,
    "data-type": pin.type,
    "data-shape": catalog.pinType(pin.type).shape,
    "aria-label": `${name}, ${word} ${pin.side === "in" ? "input" : "output"}`,
  });
  button.title = pin.ghost ? `${name}: this node has no such pin` : pin.label ? `${pin.label} · ${word}${pin.description ? `\n${pin.description}` : ""}` : word;
  button.append(make("i", "fc-mark"));
  return button;
}

function growButton(side: "in" | "out"): HTMLElement {
  const button = make("button", `fc-grow is-${side}`, { type: "button", tabindex: "-1", "data-grow": side });
  button.textContent = "Add pin";
  button.setAttribute("aria-label", side === "in" ? "Add pin: an input" : "Add pin: an output");
  return button;
}

/** A place to edit a value. Texts are edited in a plain element: a form control costs several layers,
 * and there may be hundreds on screen. */
function fieldOf(spec: { editor: Editor | null; choices: readonly string[] }, id: string, name: string, unset = ""): HTMLElement {
  const shared = { tabindex: "-1", "data-field": id, "aria-label": name };
  switch (spec.editor) {
    case "switch":
      return make("input", "fc-field is-switch", { ...shared, type: "checkbox", role: "switch" });
    case "choice": {
      const list = make("select", "fc-field is-choice", shared);
      for (const choice of spec.choices) list.append(new Option(choice, choice));
      return list;
    }
    case "text":
    case "number":
    case "free":
    case "expression": {
      const more: { [name: string]: string } = spec.editor === "number" ? { inputmode: "decimal" } : {};
      return make("span", `fc-field is-${spec.editor}`, { ...shared, ...more, role: "textbox", contenteditable: "plaintext-only", spellcheck: "false" });
    }
    default:
      return make("button", "fc-field is-json", { ...shared, "data-name": name, "data-hint": unset, type: "button" });
  }
}
