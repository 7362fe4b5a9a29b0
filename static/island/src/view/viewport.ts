// Which part of the world is on screen: screen = world * zoom + (x, y). Arithmetic only.
import type { Point, Rect } from "../model/geometry";

export const ZOOM_LEAST = 0.1;
export const ZOOM_MOST = 4;
export const FAR_ZOOM = 0.4;

export interface View {
  x: number;
  y: number;
  zoom: number;
}

export class Viewport {
  x = 0;
  y = 0;
  zoom = 1;
  width = 0;
  height = 0;
  /** The least zoom: enough to hold the whole flow. */
  least = ZOOM_LEAST;

  get view(): View {
    return { x: this.x, y: this.y, zoom: this.zoom };
  }

  get far(): boolean {
    return this.zoom < FAR_ZOOM;
  }

  set(view: View): void {
    this.x = view.x;
    this.y = view.y;
    this.zoom = this.clamp(view.zoom);
  }

  clamp(zoom: number): number {
    return Math.min(ZOOM_MOST, Math.max(this.least, zoom));
  }

  toWorld(point: Point): Point {
    return { x: (point.x - this.x) / this.zoom, y: (point.y - this.y) / this.zoom };
  }

  toScreen(point: Point): Point {
    return { x: point.x * this.zoom + this.x, y: point.y * this.zoom + this.y };
  }

  /** The rectangle of the world that is on screen, with a margin in screen px. */
  world(margin = 0): Rect {
    const corner = this.toWorld({ x: -margin, y: -margin });
    return { ...corner, w: (this.width + 2 * margin) / this.zoom, h: (this.height + 2 * margin) / this.zoom };
  }

  /** The view zoomed to a factor while a point of the screen stays on its place. */
  zoomedAt(point: Point, zoom: number): View {
    const next = this.clamp(zoom);
    const k = next / this.zoom;
    return { x: point.x - (point.x - this.x) * k, y: point.y - (point.y - this.y) * k, zoom: next };
  }

  /** The view that shows a rectangle of the world, at most at `most`. */
  fitting(box: Rect, most = 1, margin = 48): View {
    const room = { w: Math.max(80, this.width - 2 * margin), h: Math.max(80, this.height - 2 * margin) };
    const zoom = Math.min(most, room.w / Math.max(box.w, 1), room.h / Math.max(box.h, 1));
    this.least = Math.min(ZOOM_LEAST, zoom);
    return { x: (this.width - box.w * zoom) / 2 - box.x * zoom, y: (this.height - box.h * zoom) / 2 - box.y * zoom, zoom };
  }

  /** The view moved as little as needed to bring a rectangle in. */
  revealing(box: Rect, margin = 40): View {
    const a = this.toScreen(box);
    const b = { x: a.x + box.w * this.zoom, y: a.y + box.h * this.zoom };
    const dx = a.x < margin ? margin - a.x : Math.min(0, Math.max(this.width - margin - b.x, margin - a.x));
    const dy = a.y < margin ? margin - a.y : Math.min(0, Math.max(this.height - margin - b.y, margin - a.y));
    return { x: this.x + dx, y: this.y + dy, zoom: this.zoom };
  }
}
