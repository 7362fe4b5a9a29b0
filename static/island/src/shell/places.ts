// Where a key leads. `G` and a letter go to a page, in the editor as on every other page; `J` goes to what failed.
import type { FlowCanvas } from "../canvas/flowcanvas";
import { titleOf } from "../model/geometry";
import { isBookmarked } from "../model/marks";
import { readingOrder } from "../model/neighbour";
import { CHORD_MS, PLACES } from "../pages/parts/pagekeys";

/** Go on to the next node that failed in the run on the canvas, or that has an error, in reading order. */
export function nextFailure(canvas: FlowCanvas, say: (text: string, urgent?: boolean) => void): void {
  const { scene, progress, problems, selection } = canvas.desk.look;
  const order = readingOrder(scene);
  const why = (id: string): string | undefined => {
    const run = progress.nodes.get(id);
    return run?.state === "failed" ? `failed. ${run.error ?? ""}` : problems.get(id)?.find((each) => each.severity === "error")?.message;
  };
  const [at] = selection.nodes;
  const from = order.findIndex((node) => node.id === at) + 1;
  const next = [...order.slice(from), ...order.slice(0, from)].find((node) => why(node.id) !== undefined);
  if (!next) return say("Nothing failed here.", true);
  canvas.focusNode(next.id);
  say(`${titleOf(next, scene.shape(next))}: ${why(next.id)}`);
}

/** Go to the next bookmark, in reading order. */
export function nextBookmark(canvas: FlowCanvas): void {
  const marked = readingOrder(canvas.desk.scene).filter(isBookmarked);
  const [at] = canvas.selection.nodes;
  const next = marked[(marked.findIndex((node) => node.id === at) + 1) % marked.length];
  if (next) canvas.focusNode(next.id);
  else canvas.desk.say("There is no bookmark", true);
}

/** Wait a moment for the letter; any other key means what it means. */
export function awaitPlace(say: (text: string) => void): void {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), CHORD_MS);
  const names = Object.entries(PLACES).map(([letter, [name]]) => `${letter.toUpperCase()} ${name}`);
  say(`Go to: ${names.join(", ")}`);
  const take = (event: KeyboardEvent): void => {
    over.abort();
    clearTimeout(timer);
    const place = event.ctrlKey || event.metaKey || event.altKey ? undefined : PLACES[event.key.toLowerCase()];
    if (!place) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    location.assign(place[1]);
  };
  window.addEventListener("keydown", take, { capture: true, signal: over.signal });
}
