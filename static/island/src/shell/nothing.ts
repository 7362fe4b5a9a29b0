// The node tab while nothing is selected: what belongs to the flow itself, and how to begin.
import type { FlowCanvas } from "../canvas/flowcanvas";
import { keymap } from "../canvas/keymap";
import { el } from "./parts";

export function nothingSelected(canvas: FlowCanvas): HTMLElement {
  const [add, all] = [keymap.label("add"), keymap.label("keys")];
  const keys = el("p", "", ...(add ? ["Press ", el("kbd", "", add), " to add a node, drag"] : ["Drag"]), " from a pin to wire", ...(all ? [", ", el("kbd", "", all), " for all keys."] : ["."]));
  const empty = el("div", "pane-empty", el("h3", "", "Nothing selected"), el("p", "", "Select a node to see and change its settings."), keys);
  return el("div", "", about(canvas), empty);
}

/** The words that say what the flow is for. */
function about(canvas: FlowCanvas): HTMLElement {
  const field = el("textarea", "textarea");
  field.id = "flow-description";
  field.rows = 2;
  field.placeholder = "What is this flow for?";
  field.value = String(canvas.model.flow.description ?? "");
  field.addEventListener("input", () => canvas.apply({ op: "flow", path: "description", value: field.value }, "Describe the flow", "flow description"));
  const label = el("label", "name small", "Description of the flow");
  label.htmlFor = field.id;
  return el("div", "field", label, field);
}
