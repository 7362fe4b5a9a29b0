// Moving the view with the pointer. A press that went nowhere clears the selection, if it may;
// a finger that rested there long gets the menu.
import { distance, isLong, type Pointer, SLACK, type Stage, type State } from "./machine";

export function pan(stage: Stage, start: Pointer, clears = false): State {
  let last = start.at;
  let moved = false;
  return {
    name: "pan",
    move(pointer) {
      moved ||= distance(pointer.at, start.at) > SLACK;
      if (!moved) return;
      const { x, y, zoom } = stage.viewport;
      stage.setView({ x: x + pointer.at.x - last.x, y: y + pointer.at.y - last.y, zoom });
      last = pointer.at;
    },
    up(pointer) {
      if (!moved && isLong(start, pointer)) return stage.emit("menu", { screen: start.at, hit: stage.hit(start.at) }), null;
      if (!moved && clears) stage.select([]);
      return null;
    },
  };
}
