// The picture: its layers, and one frame that brings all of them up to date. It reads the model and
// writes the DOM; what to do about a pointer is the gestures' business.
import { pinType } from "../model/connect";
import type { FlowNode, FlowWire } from "../model/document";
import type { Guide } from "../model/guides";
import type { Point, Rect } from "../model/geometry";
import type { PinAt } from "../model/hit";
import { Dots } from "./dots";
import { make } from "./element";
import type { FarView } from "./far";
import type { Look } from "./look";
import type { Minimap } from "./minimap";
import { NearView } from "./near";
import { paletteSheet } from "./palette";
import { Theme } from "./theme";
import { type View, Viewport } from "./viewport";

/** How far beyond the screen nodes are mounted, in px of the world. */
const MARGIN = 160;
/** Below this zoom the fields of nodes cannot be read. */
const SMALL = 0.5;
/** How long the first frame of a flow may mount nodes: at once and whole beats bit by bit. */
const FIRST_MS = 80;
const GLIDE_MS = 180;

let count = 0;

export class CanvasView {
  readonly viewport = new Viewport();
  readonly near: NearView;
  /** What a page brings: all of a flow at once, and the whole in a corner. */
  private far: FarView | null = null;
  private over: FarView["over"] = null;
  minimap: Minimap | null = null;
  readonly theme: Theme;
  private readonly dots: Dots;
  private readonly box = make("div", "fc-marquee");
  private readonly words = make("div", "fc-hint");
  private readonly lines = [make("div", "fc-guide"), make("div", "fc-guide")];
  private readonly still = matchMedia("(prefers-reduced-motion: reduce)");
  private readonly resizes: ResizeObserver;
  private readonly sheet: CSSStyleSheet;
  private whenSized: (() => void) | null = null;
  private frame = 0;
  /** The view that was drawn last; null before the first picture. */
  private drawn: View | null = null;
  private first = true;
  private settle = 0;
  private sleep = 0;
  private glide = 0;
  private zooming = false;
  private moving = false;
  private readonly modes = new Map<string, boolean>();

  constructor(
    private readonly root: HTMLElement,
    private readonly look: Look,
    private readonly moved: (view: View) => void,
  ) {
    this.sheet = paletteSheet(look.scene.catalog);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, this.sheet];
    this.theme = new Theme(root, () => this.themeChanged());
    this.dots = new Dots(this.theme);
    this.near = new NearView(look, `fc${++count}`);
    for (const part of [this.box, this.words, ...this.lines]) part.hidden = true;
    root.append(this.dots.element, this.near.world, ...this.lines, this.box, this.words);
    this.resizes = new ResizeObserver(() => this.measure());
    this.resizes.observe(root);
    this.measure();
  }

  /** Draw again with the next frame. */
  invalidate(): void {
    if (!this.frame) this.frame = requestAnimationFrame(this.render);
  }

  get idle(): boolean {
    return !this.frame && !this.glide;
  }

  /** Another flow is there: its first picture may take longer. */
  reset(): void {
    this.first = true;
    this.drawn = null;
    this.near.clear();
    this.minimap?.changed();
    this.invalidate();
  }

  /** Show another part of the world, at once. */
  setView(view: View): void {
    cancelAnimationFrame(this.glide);
    this.glide = 0;
    this.put(view);
  }

  /** What is pressed is what is seen: a glide ends, and a move of the view that is not drawn yet does not come. */
  hold(): void {
    if (this.drawn && !this.idle) this.setView(this.drawn);
  }

  /** Show another part of the world, gliding there unless motion is unwelcome. */
  glideTo(view: View): void {
    const from = this.viewport.view;
    const far = Math.abs(from.x - view.x) + Math.abs(from.y - view.y) + Math.abs(Math.log(from.zoom / view.zoom)) * 400;
    if (this.still.matches || far < 2 || far > 20_000 || !this.viewport.width) return this.setView(view);
    cancelAnimationFrame(this.glide);
    const start = performance.now();
    const step = (now: number): void => {
      const t = Math.min(1, Math.max(0, (now - start) / GLIDE_MS));
      const k = 1 - (1 - t) ** 3;
      this.put({ x: from.x + (view.x - from.x) * k, y: from.y + (view.y - from.y) * k, zoom: from.zoom + (view.zoom - from.zoom) * k });
      this.glide = t < 1 ? requestAnimationFrame(step) : 0;
    };
    this.glide = requestAnimationFrame(step);
  }

  center(middle: Point): void {
    const { width, height, zoom } = this.viewport;
    this.setView({ x: width / 2 - middle.x * zoom, y: height / 2 - middle.y * zoom, zoom });
  }

  /** Draw the flow where zooms are too small to read it. */
  addFar(kind: typeof FarView): void {
    this.far = new kind(this.look, this.theme);
    this.far.over = this.over;
    this.dots.element.after(this.far.element);
    this.measure();
  }

  /** Paint something over the flow there, too. */
  paintOver(over: FarView["over"]): void {
    this.over = over;
    if (this.far) this.far.over = over;
  }

  /** Show the whole flow in a corner. */
  addMap(kind: typeof Minimap): void {
    this.minimap = new kind(this.look, this.theme, this.viewport, (middle) => this.center(middle));
    this.root.append(this.minimap.element);
    this.minimap.paint();
  }

  /** Redraw what a change touched. */
  refresh(nodes: Iterable<FlowNode>, wires: Iterable<FlowWire>): void {
    this.near.refresh(nodes, wires);
    this.minimap?.changed();
    this.invalidate();
  }

  /** Redraw selection, problems and run states everywhere. */
  markAll(): void {
    this.near.markAll();
    this.minimap?.changed();
    this.invalidate();
  }

  showMarquee(box: Rect | null): void {
    this.box.hidden = !box;
    if (!box) return;
    const a = this.viewport.toScreen(box);
    this.box.style.transform = `translate(${a.x}px,${a.y}px)`;
    this.box.style.width = `${box.w * this.viewport.zoom}px`;
    this.box.style.height = `${box.h * this.viewport.zoom}px`;
  }

  showGuides(guides: readonly Guide[]): void {
    for (const [index, line] of this.lines.entries()) {
      const guide = guides[index];
      line.hidden = !guide;
      if (!guide) continue;
      const { zoom } = this.viewport;
      const a = this.viewport.toScreen(guide.axis === "x" ? { x: guide.at, y: guide.from } : { x: guide.from, y: guide.at });
      const length = `${(guide.to - guide.from) * zoom}px`;
      line.style.transform = `translate(${Math.round(a.x)}px,${Math.round(a.y)}px)`;
      line.style.width = guide.axis === "y" ? length : "1px";
      line.style.height = guide.axis === "x" ? length : "1px";
    }
  }

  /** Show the wire on the pointer and what it says; null ends it. */
  showWire(draft: { from: PinAt; end: Point; target: PinAt | null; words: string; ok: boolean; pointer: Point } | null): void {
    const { scene } = this.look;
    const start = draft && scene.pinPoint(draft.from.node, draft.from.side, draft.from.pin);
    if (!draft || !start) {
      this.near.wires.clearDraft();
      this.words.hidden = true;
      return;
    }
    this.near.wires.drawDraft(start, draft.end, draft.from, pinType(scene.flow, scene.shapes, draft.from), scene.curves?.curve);
    this.words.hidden = !draft.words;
    this.words.textContent = draft.words;
    this.words.toggleAttribute("data-no", !draft.ok);
    const left = draft.pointer.x > this.viewport.width - 260;
    this.words.style.transform = `translate(${draft.pointer.x + (left ? -12 : 16)}px,${draft.pointer.y + 18}px)${left ? " translateX(-100%)" : ""}`;
  }

  stop(): void {
    cancelAnimationFrame(this.frame);
    cancelAnimationFrame(this.glide);
    clearTimeout(this.settle);
    clearTimeout(this.sleep);
    this.minimap?.stop();
    this.theme.stop();
    this.resizes.disconnect();
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((sheet) => sheet !== this.sheet);
  }

  measure(): void {
    this.viewport.width = this.root.clientWidth;
    this.viewport.height = this.root.clientHeight;
    this.far?.resize(this.viewport.width, this.viewport.height);
    this.invalidate();
    if (!this.viewport.width) return;
    const act = this.whenSized;
    this.whenSized = null;
    act?.();
  }

  /** Do something as soon as the canvas has a size. */
  sized(act: () => void): void {
    if (this.viewport.width) act();
    else this.whenSized = act;
  }

  private put(view: View): void {
    this.moving = true;
    this.zooming ||= view.zoom !== this.viewport.zoom;
    this.keepRaster(!this.zooming);
    this.viewport.set(view);
    this.moved(this.viewport.view);
    this.invalidate();
    clearTimeout(this.settle);
    this.settle = window.setTimeout(this.rest, 160);
  }

  /** While the view only moves, what is drawn once is moved and not drawn again (docs/decisions/0032). */
  private keepRaster(on: boolean): void {
    this.near.world.style.willChange = on ? "transform" : "";
  }

  /** Put the resting view on whole device pixels, so that text is sharp. */
  private readonly rest = (): void => {
    this.zooming = this.moving = false;
    this.keepRaster(false);
    const ratio = devicePixelRatio || 1;
    this.viewport.x = Math.round(this.viewport.x * ratio) / ratio;
    this.viewport.y = Math.round(this.viewport.y * ratio) / ratio;
    this.invalidate();
  };

  private readonly render = (): void => {
    this.frame = 0;
    const { x, y, zoom, far } = this.viewport;
    this.drawn = this.viewport.view;
    this.near.world.style.transform = `translate(${x}px,${y}px) scale(${zoom})`;
    this.dots.move(this.viewport, this.zooming);
    this.mode("data-far", far);
    // Unseen nodes keep the looks they have: to change them costs a style of every element.
    if (!far) {
      this.mode("data-zooming", this.zooming);
      this.mode("data-small", zoom < SMALL);
    }
    if (far) this.sleepSoon();
    else this.wake();
    const area = this.viewport.world(MARGIN * zoom);
    const waiting = far ? [] : this.first ? this.near.cull(area, FIRST_MS, Infinity) : this.near.cull(area);
    this.first &&= !this.near.mounted.size;
    if (far) this.far?.paint(this.viewport);
    else if (waiting.length) this.far?.paintNodes(this.viewport, waiting);
    else this.far?.hide();
    if (!this.moving) this.near.wires.cross(this.look);
    if (waiting.length) this.invalidate();
    this.minimap?.moved();
  };

  /** In the far view the nodes stay for a moment, for the case that somebody zooms in again. */
  private sleepSoon(): void {
    this.sleep ||= window.setTimeout(() => this.near.cull(null), 1500);
  }

  private wake(): void {
    clearTimeout(this.sleep);
    this.sleep = 0;
  }

  /** Set or clear an attribute of the canvas, when it changes. */
  private mode(name: string, on: boolean): void {
    if ((this.modes.get(name) ?? false) === on) return;
    this.modes.set(name, on);
    this.root.toggleAttribute(name, on);
  }

  private themeChanged(): void {
    this.minimap?.changed();
    this.invalidate();
  }
}
