// A box drawn on empty canvas selects the nodes it touches; with Shift it adds to the selection.
import { rectBetween } from "../model/geometry";
import { distance, type Pointer, SLACK, type Stage, type State } from "./machine";

export function marquee(stage: Stage, start: Pointer): State {
  const before = start.shift ? [...stage.selection.nodes] : [];
  const corner = stage.viewport.toWorld(start.at);
  let drawn = false;
  const move = (pointer: Pointer): void => {
    drawn ||= distance(pointer.at, start.at) > SLACK;
    if (!drawn) return;
    const box = rectBetween(corner, stage.viewport.toWorld(pointer.at));
    stage.showMarquee(box);
    stage.select([...before, ...stage.scene.nodesIn(box).map((node) => node.id)]);
  };
  return {
    name: "marquee",
    edges: true,
    move,
    up(pointer) {
      move(pointer);
      stage.showMarquee(null);
      if (!drawn && !start.shift) stage.select([]);
      return null;
    },
    cancel() {
      stage.showMarquee(null);
      stage.select(before);
    },
  };
}
