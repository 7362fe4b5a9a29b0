// Moving about by keyboard: the nearest node in a direction, and the next node along the control
// flow or the values.
import type { FlowNode } from "./document";
import type { Rect } from "./geometry";
import type { Scene } from "./scene";

export type Direction = "left" | "right" | "up" | "down";

/** The nearest node in a direction; what lies off the axis counts double. */
export function nearest(scene: Scene, from: FlowNode, direction: Direction): FlowNode | null {
  const here = middle(scene.box(from));
  let best: FlowNode | null = null;
  let least = Infinity;
  for (const node of scene.flow.nodes.values()) {
    if (node === from) continue;
    const there = middle(scene.box(node));
    const dx = there.x - here.x;
    const dy = there.y - here.y;
    const [along, across] = direction === "left" ? [-dx, dy] : direction === "right" ? [dx, dy] : direction === "up" ? [-dy, dx] : [dy, dx];
    if (along <= 0) continue;
    const cost = along + 2 * Math.abs(across);
    if (cost < least) [best, least] = [node, cost];
  }
  return best;
}

/** The node that a wire leads to (right) or comes from (left): step wires first. */
export function along(from: FlowNode, direction: "left" | "right"): FlowNode | null {
  const wires = [...from.wires].filter((wire) => (direction === "right" ? wire.from === from : wire.to === from));
  wires.sort((a, b) => Number(b.targetPin === "exec-in") - Number(a.targetPin === "exec-in"));
  const wire = wires[0];
  return (direction === "right" ? wire?.to : wire?.from) ?? null;
}

/** The next branch beside this one: another node that hangs on the same wire's start. */
export function sibling(from: FlowNode, direction: "up" | "down"): FlowNode | null {
  const parent = along(from, "left");
  if (!parent) return null;
  const children = [...parent.wires].filter((wire) => wire.from === parent && wire.to).map((wire) => wire.to as FlowNode);
  const ordered = [...new Set(children)].sort((a, b) => a.y - b.y);
  return ordered[ordered.indexOf(from) + (direction === "down" ? 1 : -1)] ?? null;
}

/** The nodes in reading order: left to right, then down. */
export function readingOrder(scene: Scene): FlowNode[] {
  return [...scene.flow.nodes.values()].sort((a, b) => a.x - b.x || a.y - b.y);
}

const middle = (box: Rect): { x: number; y: number } => ({ x: box.x + box.w / 2, y: box.y + box.h / 2 });
