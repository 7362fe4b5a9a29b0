// Wheels, trackpads and two fingers. The wheel moves the view; with Ctrl (a pinch on a trackpad
// arrives as that) it zooms at the pointer.
import type { Point } from "../model/geometry";
import type { Pointer, Stage, State } from "./machine";
import { distance } from "./machine";

export interface Wheel {
  at: Point;
  dx: number;
  dy: number;
  /** 0 px, 1 lines, 2 pages. */
  mode: number;
  ctrl: boolean;
  shift: boolean;
}

export function wheel(stage: Stage, event: Wheel): void {
  const unit = event.mode === 1 ? 16 : event.mode === 2 ? 400 : 1;
  const dx = event.dx * unit;
  const dy = event.dy * unit;
  const { x, y, zoom } = stage.viewport;
  if (event.ctrl) {
    const speed = Math.abs(dy) < 50 ? 0.01 : 0.0022;
    stage.setView(stage.viewport.zoomedAt(event.at, zoom * Math.exp(-dy * speed)));
    return;
  }
  const sideways = event.shift && !dx;
  stage.setView({ x: x - (sideways ? dy : dx), y: y - (sideways ? 0 : dy), zoom });
}

/** Two fingers: the world follows both. */
export function pinch(stage: Stage, fingers: Map<number, Pointer>): State {
  let last = spread(fingers);
  return {
    name: "pinch",
    move() {
      const now = spread(fingers);
      if (!now || !last) return;
      const { x, y, zoom } = stage.viewport.zoomedAt(last.middle, stage.viewport.zoom * (now.far / last.far));
      stage.setView({ x: x + now.middle.x - last.middle.x, y: y + now.middle.y - last.middle.y, zoom });
      last = now;
    },
    up() {
      last = null;
      return fingers.size ? undefined : null;
    },
  };
}

function spread(fingers: Map<number, Pointer>): { middle: Point; far: number } | null {
  const [a, b] = [...fingers.values()];
  if (!a || !b) return null;
  const middle = { x: (a.at.x + b.at.x) / 2, y: (a.at.y + b.at.y) / 2 };
  return { middle, far: Math.max(1, distance(a.at, b.at)) };
}
