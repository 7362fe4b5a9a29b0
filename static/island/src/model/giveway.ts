// A node that has got higher stands over what is below it: that gives way downwards, and what is below that in turn.
// Locked nodes stay, and so does what stands beside or above.
import type { Change } from "./change";
import type { FlowNode } from "./document";
import { boxOf, overlap, type Rect, snap } from "./geometry";
import { isLocked } from "./marks";
import type { Scene } from "./scene";

/** With room for what stands under a node. */
const GAP = 48;
const MOST = 200;

/** The moves that make room for some nodes as high as they become with all their pins. */
export function giveWay(scene: Scene, opened: readonly FlowNode[]): Change[] {
  const higher = new Map(opened.map((node) => [node, boxOf(node, scene.shapes.whole(node))]));
  const moved = new Map<FlowNode, Rect>();
  const now = (node: FlowNode): Rect => moved.get(node) ?? higher.get(node) ?? scene.box(node);
  const queue = [...opened].sort((a, b) => a.y - b.y);
  for (let turn = 0; turn < queue.length && turn < MOST; turn++) {
    const one = queue[turn] as FlowNode;
    const box = now(one);
    const room = { ...box, h: box.h + GAP };
    for (const other of new Set([...scene.nodesIn(room), ...moved.keys()])) {
      const it = now(other);
      if (higher.has(other) || isLocked(other) || scene.box(other).y <= scene.box(one).y || !overlap(room, it)) continue;
      moved.set(other, { ...it, y: snap(box.y + box.h + GAP) });
      queue.push(other);
    }
  }
  return [...moved].map(([node, { x, y }]) => ({ op: "move", node: node.id, x, y }));
}
