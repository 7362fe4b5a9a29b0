// The product's canvas in the floor page's harness: the same graph, the same phases, with grid,
// minimap, selection, problems and run states switched on.
import { type Impl, opts, start } from "floor/bench";
import { type Graph, makeGraph } from "floor/graph";
import "../../css/tokens.css";
import "../../css/app.css";
import "../../css/canvas.css";
import "./page.css";
import { FlowCanvas } from "../src/canvas/flowcanvas";
import { Catalog, type Json } from "../src/catalog";
import { FarView } from "../src/view/far";
import { Minimap } from "../src/view/minimap";
import { Wake } from "../src/view/wake";

const FAMILIES = ["people", "text", "math", "data", "code"];
const PINS: { [pin: string]: string } = { in: "exec-in", out: "exec-out", i0: "number", i1: "name", i2: "on", o0: "result", o1: "text" };
const input = (id: string, type: string) => ({ id, label: id, type, default: type === "string" ? "text" : type === "number" ? 0 : false });

const catalog = new Catalog({
  families: FAMILIES.map((id) => ({ id, label: id })),
  pin_types: [
    { id: "execution", shape: "triangle", letter: "", into: [] },
    ...[["string", "square"], ["number", "circle"], ["boolean", "diamond"], ["any", "ring"]].map(([id, shape]) => ({ id: id as string, shape: shape as string, letter: "", into: ["any", "string"] })),
  ],
  types: FAMILIES.map((family, index) => ({
    type: `compute-${index}`,
    label: "Compute",
    family,
    kind: "action" as const,
    inputs: [{ id: "exec-in", label: "", type: "execution" }, input("number", "number"), input("name", "string"), input("on", "boolean")],
    outputs: [{ id: "exec-out", label: "", type: "execution" }, { id: "result", label: "result", type: "number" }, { id: "text", label: "text", type: "string" }],
  })),
});

/** The floor's graph as a flow document with the pins written out, as editors save it. */
function flowOf(graph: Graph): Json {
  const saved = (side: "inputs" | "outputs", card: number) => catalog.cards[card]![side].map(({ id, label, type }) => ({ id, label, type }));
  return {
    id: "bench",
    name: "Bench",
    nodes: graph.nodes.map(({ id, title, cat, x, y, value }) => ({
      id,
      type: `compute-${cat}`,
      position: { x, y },
      data: { nodeType: `compute-${cat}`, label: title, inputs: saved("inputs", cat), outputs: saved("outputs", cat), pinDefaults: { name: value } },
    })),
    edges: graph.edges.map(({ id, source, sourcePin, target, targetPin, type }) => ({
      id,
      source,
      sourceHandle: PINS[sourcePin] as string,
      target,
      targetHandle: PINS[targetPin] as string,
      animated: type === "exec",
    })),
  };
}

let canvas: FlowCanvas;
/** Many changes are one redraw per frame, as of the steps of a run. */
const wake = new Wake((ids) => {
  for (const id of ids) canvas.desk.view.near.markRun(canvas.model.nodes.get(id)!);
  canvas.desk.view.minimap?.changed();
  if (canvas.desk.viewport.far) canvas.desk.view.invalidate();
});
let text = "";
const impl: Impl = {
  init(element) {
    const place = document.createElement("flow-canvas");
    element.append(place);
    canvas = new FlowCanvas(place, catalog, { icons: "icons.svg", dragPans: true });
    canvas.desk.view.addFar(FarView);
    canvas.desk.view.addMap(Minimap);
    Object.assign(window, { canvas, paste });
    text = JSON.stringify(flowOf(makeGraph(opts.n)));
  },
  load() {
    canvas.load(JSON.parse(text) as Json, { x: 40, y: 40, zoom: 1 });
  },
  ready: () => canvas.desk.view.idle,
  setViewport: (x, y, zoom) => {
    const { viewport } = canvas.desk;
    viewport.least = Math.min(viewport.least, zoom);
    canvas.setView({ x, y, zoom });
  },
  getViewport: () => canvas.view,
  highlight: (ids, on) => {
    for (const id of ids) {
      canvas.desk.look.progress.put(id, on ? { state: "running", visits: 1 } : null);
      wake.add(id);
    }
  },
};

/** Paste 100 nodes, take them back; the time from each call to the end of the next frame, in ms. */
async function paste(): Promise<{ paste: number; undo: number }> {
  const frame = () => new Promise<void>((done) => requestAnimationFrame(() => setTimeout(done, 0)));
  canvas.select([...canvas.model.nodes.keys()].slice(0, 100));
  const copied = canvas.copy();
  await frame();
  let from = performance.now();
  canvas.paste(copied, { x: 600, y: 400 });
  await frame();
  const pasted = performance.now() - from;
  await frame();
  from = performance.now();
  canvas.undo();
  await frame();
  return { paste: pasted, undo: performance.now() - from };
}

void start(impl);
