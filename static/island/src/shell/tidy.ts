// Arranging by elkjs, which works in a thread of its own and is loaded on the first wish: it is large.
import ELK from "elkjs/lib/elk-api.js";
import type { FlowCanvas } from "../canvas/flowcanvas";
import { arrangeable, graphOf, movesOf, type Placed } from "../model/tidy";
import { toast } from "../pages/parts/toast";

/** How long it may take before somebody is told. */
const PATIENCE_MS = 600;
/** The whole is shown when it can be read so. */
const READABLE = 0.6;

let busy = false;

/** Arrange the selected nodes, or all when there are no two. One step of undo. */
export async function tidy(canvas: FlowCanvas): Promise<void> {
  const { desk } = canvas;
  const nodes = arrangeable(desk.scene, canvas.selection.nodes);
  if (busy || desk.readOnly || nodes.length < 2) return;
  busy = true;
  const version = desk.flow.version;
  const elk = new ELK({ workerUrl: new URL("./elk-worker.min.js", import.meta.url).href });
  let cancel = (): void => undefined;
  const given = new Promise<null>((done) => (cancel = () => done(null)));
  const patience = window.setTimeout(() => toast(`Arranging ${nodes.length} nodes…`, { label: "Cancel", run: cancel }, 60), PATIENCE_MS);
  try {
    const laid = await Promise.race([elk.layout(graphOf(desk.scene, nodes)), given]);
    if (!laid) return desk.say("Arranging was cancelled", true);
    if (desk.flow.version !== version) return toast("The flow changed meanwhile, so nothing was arranged.");
    const moves = movesOf(desk.scene, nodes, (laid.children ?? []) as Placed[]);
    canvas.apply(moves, nodes.length === canvas.model.nodes.size ? "Arrange the flow" : `Arrange ${nodes.length} nodes`);
    desk.say(moves.length ? `Arranged ${nodes.length} nodes` : "It is arranged already");
    const box = desk.scene.bounds(nodes);
    const { width, height } = desk.viewport;
    if (box && box.w * READABLE < width && box.h * READABLE < height) canvas.fit({ nodes: nodes.map((node) => node.id) });
  } finally {
    clearTimeout(patience);
    for (const line of document.querySelectorAll(".toast")) if (line.textContent?.startsWith("Arranging")) line.remove();
    elk.terminateWorker();
    busy = false;
  }
}
