// Leading a wire through points: a double click makes one, a drag moves it, a double click on it takes
// it away.
import { leadWire } from "../model/marks";
import type { Point } from "../model/geometry";
import { distance, type Pointer, SLACK, type Stage, type State } from "./machine";

export function reroute(stage: Stage, start: Pointer, key: string, point: number): State {
  const mark = stage.mark();
  const step = `reroute ${mark} ${start.time}`;
  let moved = false;
  stage.select([], [key]);
  return {
    name: "reroute",
    edges: true,
    move(pointer) {
      moved ||= distance(pointer.at, start.at) > SLACK;
      const wire = stage.scene.flow.wires.get(key);
      if (!wire || !moved) return;
      const points = wire.points.map((each, index) => (index === point ? stage.viewport.toWorld(pointer.at) : each));
      stage.run(leadWire(wire, points), "Move a reroute point", step);
    },
    up() {
      stage.seal();
      return null;
    },
    cancel() {
      stage.rollBack(mark);
    },
  };
}

/** Add a point to a wire where it passes, or take one away. */
export function turnPoint(stage: Stage, key: string, at: Point, point?: number): void {
  const wire = stage.scene.flow.wires.get(key);
  if (!wire || !stage.scene.ends(wire) || stage.readOnly) return;
  const points = [...wire.points];
  if (point !== undefined) points.splice(point, 1);
  else points.splice(stage.scene.legAt(wire, at), 0, at);
  stage.run(leadWire(wire, points), point === undefined ? "Add a reroute point" : "Remove a reroute point");
  stage.seal();
}
