// A date on a node, while a hand is at it: the field of the browser stands in place of the line. It comes with the first
// such field that is entered. A text that is no date stays a line, and so does an expression.
import type { Change } from "../model/change";
import { titleOf } from "../model/geometry";
import { readMoment, writeMoment } from "../model/moment";
import { valueAt } from "../model/pins";
import type { FlowCanvas } from "../canvas/flowcanvas";
import { make } from "../view/element";
import type { FieldView, NodeView } from "../view/node";

export function dateField(canvas: FlowCanvas, { node, shape }: NodeView, field: FieldView): void {
  const { desk } = canvas;
  const { element, path, pin, editor } = field;
  const moment = readMoment(element.textContent ?? "");
  const isComputed = pin === null || valueAt(node, ["pinExpressions", pin]) !== undefined;
  if (!moment || isComputed || desk.readOnly || document.activeElement !== element) return;
  const name = element.getAttribute("aria-label") ?? "";
  const input = make("input", "fc-field is-date", { type: moment.kind, tabindex: "-1", "aria-label": name, title: moment.zone ? `${name} (${moment.zone})` : `${name} (UTC, unless the node says otherwise)` });
  input.value = moment.value;
  if (input.value !== moment.value) return; // a day that no month has
  element.before(input);
  input.focus({ preventScroll: true });
  desk.scene.shapes.held = { node: node.id, side: "in", id: pin, editor };
  input.addEventListener("input", () => {
    if (input.validity.badInput) return; // a part of it is still to come
    const set: Change = { op: "set", node: node.id, path, value: writeMoment(moment, input.value) };
    desk.run([set], `Set ${pin} of ${titleOf(node, shape)}`, `edit ${node.id} ${path.join(".")}`);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "=") return;
    event.preventDefault();
    event.stopPropagation();
    input.blur();
    desk.run([{ op: "set", node: node.id, path: ["pinExpressions", pin], value: "" }], `Set ${pin} of ${titleOf(node, shape)}`);
    desk.reshape(node.id);
    const line = desk.view.near.ensure(node).element.querySelector<HTMLElement>(`[data-field="${CSS.escape(pin)}"]`);
    line?.focus({ preventScroll: true });
    if (line) getSelection()?.selectAllChildren(line), getSelection()?.collapseToEnd();
  });
  input.addEventListener("blur", () => {
    input.remove();
    desk.seal();
  });
}
