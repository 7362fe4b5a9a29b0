// The dots of the ground. They are dashed lines, which are painted as points: a tiled background
// would be computed for every pixel of the screen in every frame.
import { makeSvg } from "./element";
import type { Viewport } from "./viewport";

/** Distances between dots in the world, each from the zoom at which it begins. */
const LEVELS = [
  { from: 2, step: 8 },
  { from: 1, step: 16 },
  { from: 0.5, step: 32 },
] as const;

export class Dots {
  readonly element = makeSvg("svg", "fc-grid", { "aria-hidden": "true" });
  private readonly lines = makeSvg("g", "");
  private drawn = "";

  constructor() {
    this.element.append(this.lines);
  }

  /** Follow the view. While it zooms there are no dots: each frame would paint all of them anew. */
  move(viewport: Viewport, zooming: boolean): void {
    if (zooming) return;
    const { x, y, zoom, width, height } = viewport;
    const level = LEVELS.find(({ from }) => zoom >= from);
    this.lines.style.display = level ? "" : "none";
    if (!level) return;
    const { step, from } = level;
    this.draw(step, width / from + 2 * step, height / from + 2 * step);
    const cell = step * zoom;
    const left = (x % cell) - (x % cell > 0 ? cell : 0);
    const top = (y % cell) - (y % cell > 0 ? cell : 0);
    this.lines.style.transform = `translate(${left}px,${top}px) scale(${zoom})`;
    this.lines.style.strokeOpacity = zoom >= 0.7 ? "1" : ((zoom - 0.5) / 0.2).toFixed(2);
  }

  private draw(step: number, width: number, height: number): void {
    const key = `${step} ${width} ${height}`;
    if (key === this.drawn) return;
    this.drawn = key;
    const size = step / 8;
    this.lines.setAttribute("stroke-width", String(size));
    this.lines.setAttribute("stroke-dasharray", `${size} ${step - size}`);
    const lines: SVGLineElement[] = [];
    for (let y = 0; y < height; y += step) lines.push(makeSvg("line", "", { x1: "0", x2: String(width), y1: String(y), y2: String(y) }));
    this.lines.replaceChildren(...lines);
  }
}
