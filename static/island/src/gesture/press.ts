// A press on a node that may become a click or a drag. A finger has to rest a moment before it drags;
// one that moves at once moves the view. A finger that rests long and does not move begins to pick nodes.
import { isLocked } from "../model/marks";
import { distance, isLong, type Next, type Pointer, SLACK, type Stage, type State } from "./machine";
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
      if (stage.readOnly || !stage.edits || locked(stage, node)) return pan(stage, start);
      if (!stage.selection.nodes.has(node)) stage.select(start.shift ? [...stage.selection.nodes, node] : [node]);
      return stage.edits.drag(stage, start, node);
    },
    up(pointer): Next {
      if (isLong(start, pointer)) return hold(stage, node);
      const picks = stage.picks && start.kind === "touch";
      if (start.shift || picks) toggle(stage, node);
      else stage.select([node]);
      if (!picks) stage.emit("press", { node });
      return null;
    },
  };
}

/** A finger rested on a node: it is taken into the selection, and so are those that are tapped then. */
function hold(stage: Stage, node: string): null {
  stage.select([...stage.selection.nodes, node], stage.selection.wires);
  stage.picks = true;
  return null;
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
