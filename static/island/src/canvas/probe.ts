// A read-only look at the canvas for tests and tools: `document.querySelector("flow-canvas").model`.
// What is not mounted has no element, so this is where it can be seen.
import type { Json } from "../catalog";
import type { Point, Rect } from "../model/geometry";
import { titleOf } from "../model/geometry";
import type { NodeRun } from "../model/progress";
import type { View } from "../view/viewport";
import type { FlowCanvas } from "./flowcanvas";

export interface Probe {
  readonly flow: { [key: string]: Json };
  readonly nodes: { id: string; type: string; title: string; x: number; y: number; w: number; h: number }[];
  readonly wires: { id: string; source: string; sourcePin: string; target: string; targetPin: string }[];
  readonly selection: { nodes: string[]; wires: string[] };
  readonly view: View;
  readonly gesture: string;
  readonly mounted: string[];
  /** Whether nothing waits to be drawn. */
  readonly idle: boolean;
  /** The rectangle of a node in px of the page. */
  box(node: string): Rect | null;
  /** The middle of a pin in px of the page. */
  pin(node: string, side: "in" | "out", pin: string): Point | null;
  run(node: string): NodeRun | null;
  /** A point of the world in px of the page. */
  toPage(point: Point): Point;
}

export function probe(canvas: FlowCanvas): Probe {
  const { desk } = canvas;
  const toPage = (point: Point): Point => {
    const edge = canvas.root.getBoundingClientRect();
    const at = desk.viewport.toScreen(point);
    return { x: at.x + edge.left, y: at.y + edge.top };
  };
  const nodes = (): Probe["nodes"] =>
    [...desk.flow.nodes.values()].map((node) => {
      const { x, y, w, h } = desk.scene.box(node);
      return { id: node.id, type: node.type, title: titleOf(node, desk.scene.shape(node)), x, y, w, h };
    });
  const wires = (): Probe["wires"] =>
    [...desk.flow.wires.values()].map(({ key, source, sourcePin, target, targetPin }) => ({ id: key, source, sourcePin, target, targetPin }));
  return {
    get flow() {
      return canvas.toJSON();
    },
    get nodes() {
      return nodes();
    },
    get wires() {
      return wires();
    },
    get selection() {
      return canvas.selection;
    },
    get view() {
      return canvas.view;
    },
    get gesture() {
      return canvas.input.machine.name;
    },
    get mounted() {
      return [...desk.view.near.mounted.keys()].map((node) => node.id);
    },
    get idle() {
      return desk.view.idle;
    },
    box(id) {
      const node = desk.flow.nodes.get(id);
      if (!node) return null;
      const { x, y, w, h } = desk.scene.box(node);
      const corner = toPage({ x, y });
      return { ...corner, w: w * desk.viewport.zoom, h: h * desk.viewport.zoom };
    },
    pin(id, side, pin) {
      const point = desk.scene.pinPoint(id, side, pin);
      return point && toPage(point);
    },
    run: (id) => desk.look.progress.nodes.get(id) ?? null,
    toPage,
  };
}
