// How control leaves a step: a way that leads on, or one whose end comes back to the step by itself (the
// body of a loop, the branches of a sequence). What is taken out of a flow, or put into one, must keep it.
import { type Card, EXEC } from "../catalog";
import type { FlowNode, FlowWire } from "./document";
import type { Scene } from "./scene";

/** The outputs that a structure goes on by when all its branches have come back. */
const GOES_ON = ["done", "completed"];

/** Whether a step takes results and leads nowhere: there the flow ends. */
export const isEnd = (card: Card | undefined): boolean => Boolean(card?.saved_pins && card.grows?.side === "inputs" && card.kind === "control" && !card.outputs.some((pin) => pin.type === EXEC));

/** Whether a flow begins here with its parameters. */
export const isStart = (card: Card | undefined): boolean => Boolean(card?.kind === "event" && card.saved_pins && card.grows?.side === "outputs");

export const isExec = (wire: FlowWire): boolean => wire.targetPin === "exec-in";

/** The control outputs of a node. */
export function exits(scene: Scene, node: FlowNode): string[] {
  return scene.shape(node).pins.flatMap((pin) => (pin.side === "out" && pin.type === EXEC && !pin.ghost ? [pin.id] : []));
}

/** Those of them whose branch comes back by itself. The last branch of a sequence leads on as well as any. */
export function returning(scene: Scene, node: FlowNode): ReadonlySet<string> {
  const all = exits(scene, node);
  const on = all.filter((pin) => GOES_ON.includes(pin));
  if (on.length) return new Set(all.filter((pin) => !on.includes(pin)));
  const grows = scene.catalog.card(node.type)?.grows;
  if (grows?.names !== "then" || grows.side !== "outputs") return new Set();
  const wired = all.filter((pin) => node.wires.some((wire) => wire.from === node && wire.sourcePin === pin));
  return new Set(all.filter((pin) => pin !== wired.at(-1)));
}

/** Whether a step watches over what follows it, so that what follows cannot be taken from it. */
export function watches(scene: Scene, node: FlowNode): boolean {
  const all = exits(scene, node);
  return scene.catalog.card(node.type)?.kind === "control" && all.length > 1 && all.includes("exec-out");
}

/** The nodes among these that lie in a branch which comes back to a node among these. */
export function bodies(scene: Scene, among: ReadonlySet<FlowNode>): Set<FlowNode> {
  const found = new Set<FlowNode>();
  const open: FlowNode[] = [];
  const enter = (node: FlowNode | null): void => {
    if (node && among.has(node) && !found.has(node)) {
      found.add(node);
      open.push(node);
    }
  };
  for (const node of among) {
    const back = returning(scene, node);
    for (const wire of node.wires) if (wire.from === node && back.has(wire.sourcePin)) enter(wire.to);
  }
  for (let node = open.pop(); node; node = open.pop()) for (const wire of node.wires) if (wire.from === node && isExec(wire)) enter(wire.to);
  return found;
}

/** The control outputs of some nodes that lead nowhere and do not come back: there the flow ends. */
export function looseEnds(scene: Scene, among: ReadonlySet<FlowNode>, inside: ReadonlySet<FlowNode>): { node: FlowNode; pin: string }[] {
  return [...among].flatMap((node) => {
    if (inside.has(node)) return [];
    const back = returning(scene, node);
    const wired = new Set(node.wires.flatMap((wire) => (wire.from === node ? [wire.sourcePin] : [])));
    return exits(scene, node).flatMap((pin) => (wired.has(pin) || back.has(pin) ? [] : [{ node, pin }]));
  });
}
