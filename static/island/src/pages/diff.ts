// Two versions of a flow on one canvas: what was added, removed (as a ghost), changed, or only moved. The
// list beside it comes from the server and stands without this script.
import { askJson, flowUrl, loadCatalog, Refusal } from "../bridge/http";
import { FlowCanvas } from "../canvas/flowcanvas";
import { Catalog } from "../catalog";
import { isObject, type JsonObject } from "../model/json";
import { canvasTools, leaveWheel } from "../shell/lookonly";
import { Lozenges } from "../shell/lozenges";
import { drawWires } from "../shell/curves";
import { el, useIcons } from "../shell/parts";
import { FarView } from "../view/far";
import { keepCount } from "./parts/count";
import { lettersAct } from "./parts/letters";

interface Difference {
  nodes: { state: string; id: string }[];
  wires: { state: string; source: string; source_pin: string; target: string; target_pin: string }[];
}

const rows = (flow: JsonObject, key: "nodes" | "edges"): JsonObject[] => (Array.isArray(flow[key]) ? flow[key].filter(isObject) : []);
const text = (value: unknown): string => (typeof value === "string" ? value.trim() : "");
const endsOf = (edge: JsonObject): string => JSON.stringify([edge.source, edge.sourceHandle, edge.target, edge.targetHandle].map(text));

/** Both versions in one: the later one, with what was removed from the earlier one. */
function both(before: JsonObject, after: JsonObject, difference: Difference): { flow: JsonObject; wires: Map<string, string> } {
  const gone = new Set(difference.nodes.filter(({ state }) => state === "removed").map(({ id }) => id));
  const states = new Map(difference.wires.map((wire) => [JSON.stringify([wire.source, wire.source_pin, wire.target, wire.target_pin]), wire.state]));
  const lost = rows(before, "edges").filter((edge) => states.get(endsOf(edge)) === "removed");
  const edges = [...rows(after, "edges"), ...lost].map((edge, index): JsonObject => ({ ...edge, id: `shown-${index}` }));
  const wires = new Map<string, string>();
  for (const edge of edges) {
    const state = states.get(endsOf(edge));
    if (state) wires.set(`wire ${String(edge.id)}`, state);
  }
  const ghosts = rows(before, "nodes").filter((node) => gone.has(text(node.id)));
  return { flow: { ...after, nodes: [...rows(after, "nodes"), ...ghosts], edges }, wires };
}

const read = (flow: string, word: string): Promise<JsonObject> => askJson("GET", word === "draft" ? flowUrl(flow) : `${flowUrl(flow)}/versions/${word}`);

async function mount(place: HTMLElement): Promise<FlowCanvas> {
  const { flowId = "", before = "", after = "", icons = "" } = place.dataset;
  useIcons(icons);
  const [body, old, fresh, difference] = await Promise.all([
    loadCatalog(),
    read(flowId, before),
    read(flowId, after),
    askJson<Difference>("GET", `${flowUrl(flowId)}/diff/${before}..${after}`),
  ]);
  const root = el("flow-canvas" as "div", "");
  place.append(root);
  const canvas = new FlowCanvas(root, new Catalog(body), { icons, readOnly: true, dragPans: true, label: "Both versions" });
  const { flow, wires } = both(old, fresh, difference);
  canvas.desk.view.addFar(FarView);
  drawWires(canvas);
  new Lozenges(canvas);
  canvas.load(flow);
  canvas.desk.look.difference = new Map([...difference.nodes.map(({ id, state }): [string, string] => [id, state]), ...wires]);
  canvas.desk.view.markAll();
  canvas.fit({ glide: false });
  place.append(canvasTools(canvas));
  leaveWheel(place);
  return canvas;
}

function listen(canvas: FlowCanvas): void {
  const list = [...document.querySelectorAll<HTMLElement>(".diff-rows > li[data-node]")];
  let at = -1;
  const go = (index: number, isFocused: boolean): void => {
    at = (index + list.length) % list.length;
    const row = list[at] as HTMLElement;
    const details = row.closest("details");
    if (details) details.open = true;
    for (const each of list) each.toggleAttribute("data-here", each === row);
    row.scrollIntoView({ block: "nearest" });
    if (isFocused) row.focus({ preventScroll: true });
    const node = row.dataset["node"] ?? "";
    canvas.select([node]);
    canvas.reveal(node);
  };
  for (const [index, row] of list.entries()) row.addEventListener("click", () => go(index, false));
  canvas.on("press", ({ node }) => {
    const index = list.findIndex((row) => row.dataset["node"] === node);
    if (index >= 0) go(index, false);
  });
  document.addEventListener("keydown", (event) => {
    const step = event.key === "j" ? 1 : event.key === "k" ? -1 : 0;
    if (!step || !list.length || !lettersAct() || event.ctrlKey || event.metaKey || event.altKey || /^(input|select|textarea)$/i.test((event.target as Element).tagName)) return;
    go(at < 0 && step < 0 ? -1 : at + step, true);
    event.preventDefault();
  });
}

const place = document.getElementById("diff-canvas");
if (place) {
  try {
    listen(await mount(place));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    place.append(el("p", "soft", error.message));
  }
}
keepCount();
