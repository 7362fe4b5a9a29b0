// What comes from elsewhere is looked at before it is pasted: which nodes, what is not known here, what code would
// run and what speaks to other computers. What was copied in this browser is pasted at once.
import type { FlowCanvas } from "../canvas/flowcanvas";
import { type Pasting, readPasted } from "../model/clipboard";
import type { Point } from "../model/geometry";
import { button, el, familyMark } from "./parts";

const MOST = 12;

/** Ask whether this text is to be pasted at a point. */
export function lookAtPaste(canvas: FlowCanvas, text: string, point: Point | undefined): void {
  const part = readPasted(text);
  if (!part || document.querySelector("dialog[open]")) return;
  const before = document.activeElement instanceof HTMLElement ? document.activeElement : null;
  const dialog = el("dialog", "dialog paste-look");
  const count = part.nodes.length;
  const title = el("h2", "", `Paste ${count === 1 ? "a node" : `${count} nodes`} from elsewhere?`);
  title.id = "paste-look-title";
  dialog.setAttribute("aria-labelledby", title.id);
  const go = el("button", "button primary", "Paste");
  const form = el("form", "", title, list(canvas, part), ...warnings(canvas, part), el("div", "acts", button("quiet", "Not now", null, () => dialog.close()), go));
  dialog.append(form);
  document.body.append(dialog);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    dialog.close();
    canvas.paste(text, point);
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (before?.isConnected) before.focus({ preventScroll: true });
  });
  dialog.showModal();
  go.focus();
}

function list(canvas: FlowCanvas, { nodes, edges }: Pasting): HTMLElement {
  const rows = nodes.slice(0, MOST).map(({ title, type }) => {
    const card = canvas.catalog.card(type);
    return el("li", "paste-row", familyMark(card?.family ?? "unknown"), el("span", "", title || card?.label || type), el("span", "muted small", title ? (card?.label ?? type) : ""));
  });
  const more = nodes.length - rows.length;
  const wires = edges.length ? `with ${edges.length} ${edges.length === 1 ? "wire" : "wires"} between them` : "with no wires between them";
  return el("div", "", el("ul", "list", ...rows), el("p", "small muted", more > 0 ? `and ${more} more, ${wires}` : wires));
}

/** The holes where keys were, by the node that each is in. */
function leftOut(canvas: FlowCanvas, nodes: Pasting["nodes"]): string {
  const hole = canvas.catalog.body.written_keys?.hole;
  if (!hole) return "";
  const told = nodes.map(({ title, type, data }) => {
    const names = JSON.stringify(data).split(hole).slice(1).map((rest) => rest.slice(0, rest.indexOf("]")));
    return names.length ? `${title || (canvas.catalog.card(type)?.label ?? type)} (${[...new Set(names)].join(", ")})` : "";
  });
  return told.filter(Boolean).join(", ");
}

function warnings(canvas: FlowCanvas, { nodes }: Pasting): HTMLElement[] {
  const named = (test: (type: string) => boolean): string => [...new Set(nodes.filter(({ type }) => test(type)).map(({ title, type }) => title || (canvas.catalog.card(type)?.label ?? type)))].join(", ");
  const told: [string, string][] = [
    ["Not known here", named((type) => !canvas.catalog.card(type))],
    ["Code of theirs", named((type) => canvas.catalog.card(type)?.family === "code")],
    ["Speaks to other computers", named((type) => Boolean(canvas.catalog.card(type)?.leaves))],
    ["Keys were left out, to be written again", leftOut(canvas, nodes)],
  ];
  return told.filter(([, names]) => names).map(([word, names]) => el("p", "small", el("strong", "", `${word}: `), names));
}
