// A node that has got higher stands over what is below it: that gives way downwards, and what is below that in turn.
// Locked nodes stay, and so does what stands beside or above.
import type { Change } from "./change";
import type { FlowNode } from "./document";
import { overlap, type Rect, snap } from "./geometry";
import { isLocked } from "./marks";
import type { Scene } from "./scene";

const GAP = 24;
const MOST = 200;

/** The moves that make room for some nodes as high as they are now. */
export function giveWay(scene: Scene, higher: readonly FlowNode[]): Change[] {
  const stay = new Set(higher);
  const moved = new Map<FlowNode, Rect>();
  const boxOf = (node: FlowNode): Rect => moved.get(node) ?? scene.box(node);
  const queue = [...higher].sort((a, b) => a.y - b.y);
  for (let turn = 0; turn < queue.length && turn < MOST; turn++) {
    const one = queue[turn] as FlowNode;
    const box = boxOf(one);
    const room = { ...box, h: box.h + GAP };
    for (const other of new Set([...scene.nodesIn(room), ...moved.keys()])) {
      const it = boxOf(other);
      if (stay.has(other) || isLocked(other) || scene.box(other).y <= scene.box(one).y || !overlap(room, it)) continue;
      moved.set(other, { ...it, y: snap(box.y + box.h + GAP) });
      queue.push(other);
    }
  }
  return [...moved].map(([node, { x, y }]) => ({ op: "move", node: node.id, x, y }));
}
