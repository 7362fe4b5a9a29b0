// The dots of the ground: one small picture, repeated. Painted as shapes, each frame of a pan would
// draw thousands of them again; a repeated bitmap costs hardly more than a plain ground.
import { make } from "./element";
import type { Theme } from "./theme";
import type { Viewport } from "./viewport";

/** Distances between dots in the world, each from the zoom at which it begins. */
const LEVELS = [
  { from: 2, step: 8 },
  { from: 1, step: 16 },
  { from: 0.5, step: 32 },
] as const;
/** A picture of at least so many px is repeated cheaply; some more cells make it end near a whole px. */
const LEAST_PX = 256;
const MORE_CELLS = 12;
const DOT_PX = 2;
const COLOR = "color-mix(in srgb, var(--text-3) 30%, var(--bg))";

export interface Tile {
  /** Cells along a side. */
  cells: number;
  /** Length of a side in device px, whole. */
  side: number;
}

/** The picture for dots that are `cell` device px apart: whole px long, with the least error there is. */
export function tileOf(cell: number): Tile {
  const least = Math.ceil(LEAST_PX / cell);
  let best = { cells: least, side: Math.round(least * cell) };
  const error = ({ cells, side }: Tile): number => Math.abs(cells * cell - side) / cells;
  for (let cells = least; cells <= least + MORE_CELLS; cells++) {
    const tile = { cells, side: Math.round(cells * cell) };
    if (error(tile) < error(best) - 1e-9) best = tile;
  }
  return best;
}

export class Dots {
  readonly element = make("div", "fc-grid", { "aria-hidden": "true" });
  private drawn = "";
  private side = 1;

  constructor(private readonly theme: Theme) {}

  /** Follow the view. While it zooms there are no dots: each frame would need another picture. */
  move(viewport: Viewport, zooming: boolean): void {
    if (zooming) return;
    const { x, y, zoom } = viewport;
    const level = LEVELS.find(({ from }) => zoom >= from);
    this.element.hidden = !level;
    if (!level) return;
    const cell = level.step * zoom;
    this.draw(cell, zoom >= 0.7 ? 1 : (zoom - 0.5) / 0.2);
    const at = (offset: number): string => `${(offset - cell / 2) % this.side}px`;
    this.element.style.backgroundPosition = `${at(x)} ${at(y)}`;
  }

  private draw(cell: number, opacity: number): void {
    const ratio = devicePixelRatio || 1;
    const [ground, color] = [this.theme.color("var(--bg)"), this.theme.color(COLOR)];
    const key = `${cell} ${opacity.toFixed(2)} ${ratio} ${ground} ${color}`;
    if (key === this.drawn) return;
    this.drawn = key;
    const { cells, side } = tileOf(cell * ratio);
    this.side = side / ratio;
    this.element.style.backgroundImage = `url(${picture(side, side / cells, Math.round(DOT_PX * ratio), ground, color, opacity)})`;
    this.element.style.backgroundSize = `${this.side}px ${this.side}px`;
  }
}

/** Draw a dot in the middle of each cell and return it as an address; lengths in device px. */
function picture(side: number, cell: number, size: number, ground: string, color: string, opacity: number): string {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  const pen = canvas.getContext("2d", { alpha: false });
  if (!pen) return "";
  pen.fillStyle = ground;
  pen.fillRect(0, 0, side, side);
  pen.fillStyle = color;
  pen.globalAlpha = opacity;
  for (let y = (cell - size) / 2; y < side; y += cell) {
    for (let x = (cell - size) / 2; x < side; x += cell) pen.fillRect(Math.round(x), Math.round(y), size, size);
  }
  return canvas.toDataURL();
}
