// What lies under a point: pins before nodes, nodes before wires; the last drawn node wins.
import type { FlowNode, FlowWire } from "./document";
import { grown, HEAD, inside, pinPoint, type Point } from "./geometry";
import type { ShapePin, Side } from "./pins";
import { distanceTo } from "./route";
import type { Scene } from "./scene";

/** An end of a wire, or a place where one may end. */
export interface PinAt {
  node: string;
  side: Side;
  pin: string;
}

export type Hit =
  | { kind: "pin"; at: PinAt }
  | { kind: "grow"; node: string }
  | { kind: "title"; node: string }
  | { kind: "node"; node: string }
  /** `point` counts the points that it is led through, when one of them was hit. */
  | { kind: "wire"; wire: string; point?: number }
  | { kind: "empty" };

/** Half the size of a target in px of the screen; two neighbours share what lies between them. */
const PIN_REACH = 12;
/** Where pins are drawn at all (viewport.ts). */
const PIN_ZOOM = 0.4;
const WIRE_REACH = 7;

/** Find what is at a point of the world; `scale` is px on screen per px of the world. */
export function hitAt(scene: Scene, point: Point, scale: number, top: (id: string) => number = () => 0): Hit {
  const pin = pinNear(scene, point, PIN_REACH / Math.max(scale, PIN_ZOOM));
  if (pin) return { kind: "pin", at: pin };
  const node = nodeAt(scene, point, top);
  if (node) return nodePart(scene, node, point);
  const wire = wireNear(scene, point, WIRE_REACH / scale) ?? pointNear(scene, point, PIN_REACH / scale);
  if (!wire) return { kind: "empty" };
  const at = wire.points.findIndex((each) => Math.hypot(each.x - point.x, each.y - point.y) < PIN_REACH / scale);
  return at < 0 ? { kind: "wire", wire: wire.key } : { kind: "wire", wire: wire.key, point: at };
}

export function nodeAt(scene: Scene, point: Point, top: (id: string) => number = () => 0): FlowNode | null {
  let best: FlowNode | null = null;
  for (const node of scene.nodesIn({ ...point, w: 0.01, h: 0.01 })) {
    if (!inside(scene.box(node), point)) continue;
    if (!best || top(node.id) >= top(best.id)) best = node;
  }
  return best;
}

/** The nearest pin within reach that passes the test. */
export function pinNear(scene: Scene, point: Point, reach: number, test: (at: PinAt, pin: ShapePin) => boolean = () => true): PinAt | null {
  let best: PinAt | null = null;
  let least = reach;
  for (const node of scene.nodesIn(grown({ ...point, w: 0, h: 0 }, reach))) {
    const box = scene.box(node);
    for (const pin of scene.shape(node).pins) {
      if (pin.folded) continue;
      const there = pinPoint(box, pin);
      const far = Math.hypot(there.x - point.x, there.y - point.y);
      const at = { node: node.id, side: pin.side, pin: pin.id };
      if (far <= least && test(at, pin)) {
        best = at;
        least = far;
      }
    }
  }
  return best;
}

export function wireNear(scene: Scene, point: Point, reach: number): FlowWire | null {
  let best: FlowWire | null = null;
  let least = reach;
  for (const wire of scene.wiresIn(grown({ ...point, w: 0, h: 0 }, reach))) {
    const path = scene.curve(wire);
    const far = path ? distanceTo(path, point) : Infinity;
    if (far <= least) {
      best = wire;
      least = far;
    }
  }
  return best;
}

/** The wire that is led through a point near here. */
function pointNear(scene: Scene, point: Point, reach: number): FlowWire | null {
  const wires = scene.wiresIn(grown({ ...point, w: 0, h: 0 }, reach));
  return wires.find((wire) => wire.points.some((each) => Math.hypot(each.x - point.x, each.y - point.y) < reach)) ?? null;
}

function nodePart(scene: Scene, node: FlowNode, point: Point): Hit {
  const box = scene.box(node);
  const grow = scene.shape(node).grow;
  if (grow) {
    const there = pinPoint(box, grow);
    if (Math.abs(there.x - point.x) < 20 && Math.abs(there.y - point.y) < 11) return { kind: "grow", node: node.id };
  }
  return { kind: point.y < box.y + HEAD ? "title" : "node", node: node.id };
}
