// Pinned outputs: what a node gave in a run is kept with it and stands for it in trial runs. Taken from the server,
// which has it whole; written as a mark, so that undo, copies and bundles have it.
import { askJson, Refusal } from "../bridge/http";
import type { FlowCanvas } from "../canvas/flowcanvas";
import { keymap } from "../canvas/keymap";
import { EXEC, type Json } from "../catalog";
import type { FlowNode } from "../model/document";
import { titleOf } from "../model/geometry";
import { type Pinned, pinnedOf, setPinned } from "../model/marks";

type Say = (text: string, urgent?: boolean) => void;

/** What a node gave in a visit of a run, whole; `at` counts from 1, 0 is the last. Raises a Refusal with the reason. */
async function givenBy(run: string, node: string, at: number): Promise<Pinned> {
  const query = new URLSearchParams({ node_id: node, at: String(at) });
  const { outputs, exit } = await askJson<{ outputs: { [pin: string]: Json }; exit: string }>("GET", `/api/runs/${encodeURIComponent(run)}/outputs?${query.toString()}`);
  return exit ? { outputs, exit } : { outputs };
}

const nameOf = (canvas: FlowCanvas, node: FlowNode): string => `“${titleOf(node, canvas.desk.scene.shape(node))}”`;

function refuse(canvas: FlowCanvas, reason: string): void {
  canvas.desk.events.emit("refuse", { reason });
}

/** Pin to the selected nodes what they gave in the run on the canvas; where something is pinned to all, unpin it. */
export async function turnPins(canvas: FlowCanvas, run: string | null, say: Say): Promise<void> {
  if (canvas.desk.readOnly) return;
  const nodes = canvas.selection.nodes.flatMap((id) => canvas.model.nodes.get(id) ?? []);
  if (!nodes.length) return refuse(canvas, "Select the nodes whose outputs are to be pinned.");
  if (nodes.every((node) => pinnedOf(node))) return unpin(canvas, nodes, say);
  if (!run) return refuse(canvas, "No run is on the canvas: run the flow first. Or take sample values in the Data tab of the node.");
  await pinFrom(canvas, run, nodes.filter((node) => !pinnedOf(node)), say);
}

export function unpin(canvas: FlowCanvas, nodes: readonly FlowNode[], say: Say): void {
  canvas.apply(nodes.map((node) => setPinned(node, null)), nodes.length > 1 ? `Unpin ${nodes.length} nodes` : "Unpin the outputs");
  say(`${nodes.length > 1 ? `${nodes.length} nodes` : nameOf(canvas, nodes[0] as FlowNode)}: no longer pinned, trial runs execute ${nodes.length > 1 ? "them" : "it"}.`);
}

/** Pin to nodes what they gave in a run, as far as its steps are on the canvas, in one step of undo; say of which this could not be. */
async function pinFrom(canvas: FlowCanvas, run: string, nodes: readonly FlowNode[], say: Say): Promise<void> {
  const { progress } = canvas.desk.look;
  const at = (node: FlowNode): number => (canvas.desk.scene.shape(node).step ? (progress.nodes.get(node.id)?.visits ?? 0) : 0);
  const gives = (node: FlowNode): boolean => canvas.desk.scene.shape(node).pins.some((each) => each.side === "out" && each.type !== EXEC);
  const told = await Promise.all(nodes.map((node) => !gives(node) ? "It has no outputs." : givenBy(run, node.id, at(node)).catch((error: unknown) => reasonOf(error))));
  const found = nodes.flatMap((node, place): [FlowNode, Pinned][] => {
    const [now, given] = [canvas.model.nodes.get(node.id), told[place]];
    return now && typeof given === "object" ? [[now, given]] : [];
  });
  const failed = nodes.flatMap((node, place) => (typeof told[place] === "string" ? [`${nameOf(canvas, node)} is not pinned. ${told[place] as string}`] : []));
  pin(canvas, found, say);
  if (failed.length) refuse(canvas, failed.length > 1 ? `${failed[0]} And ${failed.length - 1} more are not pinned.` : (failed[0] as string));
}

function pin(canvas: FlowCanvas, found: readonly [FlowNode, Pinned][], say: Say): void {
  if (!found.length) return;
  canvas.apply(found.map(([node, pinned]) => setPinned(node, pinned)), found.length > 1 ? `Pin the outputs of ${found.length} nodes` : "Pin the outputs");
  const which = found.length > 1 ? `the outputs of ${found.length} nodes` : `the outputs of ${nameOf(canvas, (found[0] as [FlowNode, Pinned])[0])}`;
  const key = keymap.label("pin");
  say(`Pinned ${which}: trial runs take them and do not execute ${found.length > 1 ? "the nodes" : "the node"}.${key ? ` ${key} unpins.` : ""}`);
}

/** Pin what a node gave in one visit; `only`: where it is pinned already, this output of it alone. */
export async function pinVisit(canvas: FlowCanvas, run: string, node: FlowNode, at: number, say: Say, only?: string): Promise<void> {
  if (canvas.desk.readOnly) return;
  const given = await givenBy(run, node.id, at).catch((error: unknown) => reasonOf(error));
  const now = canvas.model.nodes.get(node.id);
  if (typeof given === "string") return refuse(canvas, `${nameOf(canvas, node)} is not pinned. ${given}`);
  if (!now) return;
  const held = only === undefined ? null : pinnedOf(now);
  if (!held || only === undefined) return pin(canvas, [[now, given]], say);
  if (!(only in given.outputs)) return refuse(canvas, `${nameOf(canvas, node)} gave no “${only}” there.`);
  pin(canvas, [[now, { ...held, outputs: { ...held.outputs, [only]: given.outputs[only] as Json } }]], say);
}

/** Pin what somebody wrote, or a sample. */
export function pinWritten(canvas: FlowCanvas, node: FlowNode, pinned: Pinned, say: Say): void {
  pin(canvas, [[node, pinned]], say);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Refusal)) throw error;
  return error.message;
}
