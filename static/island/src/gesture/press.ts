// A press on a node that may become a click or a drag. A finger has to rest a moment before it drags;
// one that moves at once moves the view.
import { isLocked } from "../model/marks";
import { drag } from "./drag";
import { distance, type Next, type Pointer, SLACK, type Stage, type State } from "./machine";
import { pan } from "./pan";

const REST_MS = 250;

export function press(stage: Stage, start: Pointer, node: string): State {
  const was = stage.selection.nodes.has(node);
  if (!was && !start.shift && start.kind !== "touch") stage.select([node]);
  return {
    name: "press",
    move(pointer): Next {
      if (distance(pointer.at, start.at) <= SLACK) return undefined;
      if (pointer.kind === "touch" && pointer.time - start.time < REST_MS) return pan(stage, start);
      if (stage.readOnly || locked(stage, node)) return pan(stage, start);
      if (!stage.selection.nodes.has(node)) stage.select(start.shift ? [...stage.selection.nodes, node] : [node]);
      return drag(stage, start, node);
    },
    up(): Next {
      if (start.shift) toggle(stage, node);
      else stage.select([node]);
      stage.emit("press", { node });
      return null;
    },
  };
}

function locked(stage: Stage, id: string): boolean {
  const node = stage.scene.flow.nodes.get(id);
  return Boolean(node && isLocked(node));
}

function toggle(stage: Stage, node: string): void {
  const nodes = new Set(stage.selection.nodes);
  if (!nodes.delete(node)) nodes.add(node);
  stage.select(nodes, stage.selection.wires);
}
