// The whole flow in a corner, with a frame around the part on screen; drag the frame to move.
// The picture of the nodes is painted only when the flow changed; the frame moves by a transform.
import type { Point, Rect } from "../model/geometry";
import { make } from "./element";
import { type Look, stateToken } from "./look";
import { UNKNOWN } from "./template";
import type { Theme } from "./theme";
import type { Viewport } from "./viewport";

const WIDTH = 176;
const HEIGHT = 112;
const PAD = 6;
const EDGE = 24; // from the corner, and as much around

export class Minimap {
  readonly element = make("div", "fc-map", { "aria-hidden": "true" });
  private readonly canvas = make("canvas", "fc-map-picture");
  private readonly frame = make("div", "fc-map-frame");
  private bounds: Rect = { x: 0, y: 0, w: 1, h: 1 };
  private scale = 1;
  private timer = 0;

  constructor(
    private readonly look: Look,
    private readonly theme: Theme,
    private readonly viewport: Viewport,
    private readonly goTo: (middle: Point) => void,
  ) {
    const ratio = Math.min(devicePixelRatio || 1, 2);
    this.canvas.width = WIDTH * ratio;
    this.canvas.height = HEIGHT * ratio;
    this.element.append(this.canvas, this.frame);
    this.element.addEventListener("pointerdown", this.down);
  }

  /** Paint the nodes again soon. */
  changed(): void {
    if (this.timer) return;
    this.timer = window.setTimeout(() => {
      this.timer = 0;
      this.paint();
    }, 120);
  }

  /** Move the frame to where the view is. */
  moved(): void {
    if (this.element.hidden) return;
    const view = this.viewport.world();
    const a = this.toMap(view);
    const x0 = Math.max(0, Math.min(WIDTH, a.x));
    const y0 = Math.max(0, Math.min(HEIGHT, a.y));
    const x1 = Math.max(x0, Math.min(WIDTH, a.x + view.w * this.scale));
    const y1 = Math.max(y0, Math.min(HEIGHT, a.y + view.h * this.scale));
    this.frame.style.transform = `translate(${x0}px,${y0}px)`;
    this.frame.style.width = `${x1 - x0}px`;
    this.frame.style.height = `${y1 - y0}px`;
    this.element.toggleAttribute("data-small", this.isInTheWay(view));
  }

  /** Whether it would lie over nodes, or show nothing that is not on screen: then it is small until one points at it. */
  private isInTheWay(view: Rect): boolean {
    const { bounds } = this;
    if (bounds.x >= view.x && bounds.y >= view.y && bounds.x + bounds.w <= view.x + view.w && bounds.y + bounds.h <= view.y + view.h) return true;
    const { zoom } = this.viewport.view;
    const [w, h] = [(WIDTH + EDGE) / zoom, (HEIGHT + EDGE) / zoom];
    return this.look.scene.nodesIn({ x: view.x + view.w - w, y: view.y + view.h - h, w, h }).length > 0;
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  paint(): void {
    const { scene, progress } = this.look;
    const box = scene.bounds() ?? { x: 0, y: 0, w: 1, h: 1 };
    this.bounds = box;
    this.scale = Math.min((WIDTH - 2 * PAD) / Math.max(box.w, 1), (HEIGHT - 2 * PAD) / Math.max(box.h, 1), 0.12);
    const c = this.canvas.getContext("2d") as CanvasRenderingContext2D;
    const ratio = this.canvas.width / WIDTH;
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, WIDTH, HEIGHT);
    for (const node of scene.flow.nodes.values()) {
      const run = progress.nodes.get(node.id);
      c.fillStyle = this.theme.color(`var(${run ? stateToken(run.state) : `--fam-${scene.shape(node).card?.family ?? UNKNOWN}`}, var(--text-3))`);
      const at = scene.box(node);
      const spot = this.toMap(at);
      c.fillRect(spot.x, spot.y, Math.max(2, at.w * this.scale), Math.max(2, at.h * this.scale));
    }
    this.moved();
  }

  private toMap(point: Point): Point {
    const x = (WIDTH - this.bounds.w * this.scale) / 2;
    const y = (HEIGHT - this.bounds.h * this.scale) / 2;
    return { x: x + (point.x - this.bounds.x) * this.scale, y: y + (point.y - this.bounds.y) * this.scale };
  }

  private readonly down = (event: PointerEvent): void => {
    event.preventDefault();
    event.stopPropagation();
    const edge = this.element.getBoundingClientRect();
    const go = (at: PointerEvent): void => {
      const corner = this.toMap(this.bounds);
      const size = edge.width / WIDTH;
      this.goTo({
        x: this.bounds.x + ((at.clientX - edge.left) / size - corner.x) / this.scale,
        y: this.bounds.y + ((at.clientY - edge.top) / size - corner.y) / this.scale,
      });
    };
    const up = (): void => {
      this.element.removeEventListener("pointermove", go);
      this.element.removeEventListener("pointerup", up);
      this.element.removeEventListener("pointercancel", up);
    };
    this.element.setPointerCapture(event.pointerId);
    this.element.addEventListener("pointermove", go);
    this.element.addEventListener("pointerup", up);
    this.element.addEventListener("pointercancel", up);
    go(event);
  };
}
