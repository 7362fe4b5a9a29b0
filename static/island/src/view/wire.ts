// The wires near enough to be drawn as SVG: one path each, pooled. They take no pointer events; what
// lies under the pointer is computed (model/hit.ts).
import { EXEC } from "../catalog";
import type { FlowWire } from "../model/document";
import type { PinAt } from "../model/hit";
import { plain } from "../model/detour";
import { boundsOf, chords, type Curve, endOf, pathOf, rounded, startOf } from "../model/route";
import { crossings } from "../model/crossing";
import { returning } from "../model/ways";
import type { Point, Rect } from "../model/geometry";
import { makeSvg } from "./element";
import type { Look } from "./look";

/** A wire as chords, to find where it is crossed. */
interface Line {
  points: Point[];
  box: Rect;
}

/** What stands at the end of a wire that led to a failure, and of one where control is under way. */
const ENDS: { [run: string]: { name: string; path: string } } = {
  failed: { name: "fc-cross", path: "M2 2L12 12M12 2L2 12" },
  active: { name: "fc-arrow", path: "M3 2L13 7L3 12Z" },
};

const touch = (a: Rect, b: Rect): boolean => a.x <= b.x + b.w && b.x <= a.x + a.w && a.y <= b.y + b.h && b.y <= a.y + a.h;

export class WireLayer {
  readonly element = makeSvg("svg", "fc-wires", { "aria-hidden": "true" });
  readonly mounted = new Map<FlowWire, SVGPathElement>();
  private readonly defs = makeSvg("defs", "");
  /** Values pass under control: where they cross, a little of the ground lies between. */
  private readonly values = makeSvg("g", "");
  private readonly bridges = makeSvg("path", "fc-bridges");
  private readonly steps = makeSvg("g", "");
  private stale = false;
  private news = false;
  /** What lies on wires is told when they are drawn anew, or say something else of a run. */
  private readonly listeners = new Set<() => void>();
  private readonly lines = new WeakMap<Curve, Line>();
  private readonly draft = makeSvg("path", "fc-wire is-draft");
  /** The gradients and markers there are. */
  private readonly gradients = new Set<string>();
  private readonly free: SVGPathElement[] = [];
  /** The points that wires are led through, one path for those of a wire. */
  private readonly knots = new Map<FlowWire, SVGPathElement>();

  constructor(private readonly prefix: string) {
    this.element.append(this.defs, this.values, this.bridges, this.steps);
  }

  onDrawn(act: () => void): void {
    this.listeners.add(act);
  }

  /** Tell what lies on wires that they are drawn otherwise. */
  tell(): void {
    if (!this.news) return;
    this.news = false;
    for (const act of this.listeners) act();
  }

  /** Draw exactly these wires. */
  show(wanted: Set<FlowWire>, look: Look): void {
    for (const [wire, path] of this.mounted) {
      if (wanted.has(wire)) continue;
      this.stale = true;
      path.remove();
      this.knots.get(wire)?.remove();
      this.knots.delete(wire);
      this.mounted.delete(wire);
      if (this.free.length < 256) this.free.push(path);
    }
    for (const wire of wanted) {
      if (this.mounted.has(wire)) continue;
      const path = this.free.pop() ?? makeSvg("path", "fc-wire");
      path.dataset.edgeId = wire.key;
      this.mounted.set(wire, path);
      this.route(wire, look);
      this.mark(wire, look);
    }
  }

  /** Draw the bridges of control over values, if wires have changed: while the view moves that would draw all anew. */
  cross(look: Look): void {
    if (!this.stale) return;
    this.stale = false;
    const [over, under]: Line[][] = [[], []];
    for (const [wire, path] of this.mounted) {
      const curve = look.scene.curve(wire);
      if (!curve) continue;
      let line = this.lines.get(curve);
      if (!line) this.lines.set(curve, (line = { points: chords(curve, look.scene.curves ? 6 : 1), box: boundsOf(curve) }));
      (path.parentNode === this.steps ? over : under)!.push(line);
    }
    const spots = over!.flatMap((a) => under!.flatMap((b) => (touch(a.box, b.box) ? crossings(a.points, b.points) : [])));
    this.bridges.setAttribute("d", spots.map(([a, b]) => `M${a.x} ${a.y}L${b.x} ${b.y}`).join(""));
    this.news = true;
    this.tell();
  }

  route(wire: FlowWire, look: Look): void {
    const path = this.mounted.get(wire);
    const line = path && look.scene.curve(wire);
    this.stale ||= path !== undefined;
    if (path && !line) path.setAttribute("d", "");
    if (!path || !line) return;
    path.setAttribute("d", pathOf(line));
    if (wire.points.length || this.knots.has(wire)) this.tie(wire, look);
    const from = look.scene.wireType(wire);
    const to = (wire.to && look.scene.shapes.pin(wire.to, "in", wire.targetPin)?.type) || from;
    path.dataset.type = from;
    path.classList.toggle("is-exec", from === EXEC);
    const layer = from === EXEC ? this.steps : this.values;
    if (path.parentNode !== layer) layer.append(path);
    const [a, b] = [startOf(line), endOf(line)];
    const mixed = from !== to && Math.abs(a.y - b.y) > 3;
    path.style.stroke = mixed ? `url(#${b.x >= a.x ? this.gradient(from, to) : this.gradient(to, from)})` : "";
  }

  private tie(wire: FlowWire, look: Look): void {
    if (!wire.points.length) {
      this.knots.get(wire)?.remove();
      this.knots.delete(wire);
      return;
    }
    const knots = this.knots.get(wire) ?? makeSvg("path", "fc-knots");
    this.knots.set(wire, knots);
    knots.dataset.type = look.scene.wireType(wire);
    knots.setAttribute("d", wire.points.map(({ x, y }) => `M${x - 3} ${y}a3 3 0 1 0 6 0a3 3 0 1 0 -6 0`).join(""));
    this.element.append(knots);
  }

  mark(wire: FlowWire, look: Look): void {
    const path = this.mounted.get(wire);
    if (!path) return;
    const { selection } = look;
    path.toggleAttribute("data-selected", selection.wires.has(wire.key));
    const differs = look.difference?.get(`wire ${wire.key}`);
    if (differs) path.dataset.diff = differs;
    path.toggleAttribute("data-near", selection.nodes.has(wire.source) || selection.nodes.has(wire.target));
    const run = look.running ? this.runOf(wire, look) : undefined;
    this.news ||= look.running || path.dataset.run !== run;
    if (run) path.dataset.run = run;
    else delete path.dataset.run;
    const end = run && ENDS[run];
    if (end) path.setAttribute("marker-end", `url(#${this.marker(end)})`);
    else path.removeAttribute("marker-end");
  }

  /** How the run stands on a wire. */
  private runOf(wire: FlowWire, { scene, progress, over }: Look): string {
    const source = progress.nodes.get(wire.source)?.state;
    const isPassed = over || ((source === "done" || source === "failed") && wire.from !== null && !returning(scene, wire.from).size);
    if (!this.mounted.get(wire)?.classList.contains("is-exec")) {
      const reached = source || (wire.from !== null && !scene.shape(wire.from).step);
      return reached ? "value" : "idle";
    }
    const target = progress.nodes.get(wire.target)?.state;
    if (progress.taken(wire.source, wire.sourcePin)) return target === "running" ? "active" : target === "failed" ? "failed" : "done";
    return isPassed ? "skipped" : "idle";
  }

  /** The sign at the end of a wire, as a marker of the drawing. */
  private marker({ name, path }: { name: string; path: string }): string {
    const id = `${this.prefix}-${name}`;
    if (this.gradients.has(id)) return id;
    this.gradients.add(id);
    const marker = makeSvg("marker", name, { id, markerUnits: "userSpaceOnUse", markerWidth: "14", markerHeight: "14", refX: "22", refY: "7" });
    marker.append(makeSvg("path", "", { d: path }));
    this.defs.append(marker);
    return id;
  }

  /** Show the wire being drawn, from a pin to the pointer. */
  drawDraft(from: Point, to: Point, at: PinAt, type: string, curve = (start: Point, end: Point): Curve => rounded(plain(start, end))): void {
    const [a, b] = at.side === "out" ? [from, to] : [to, from];
    this.draft.setAttribute("d", pathOf(curve(a, b)));
    this.draft.dataset.type = type;
    this.draft.classList.toggle("is-exec", type === EXEC);
    if (!this.draft.isConnected) this.element.append(this.draft);
  }

  clearDraft(): void {
    this.draft.remove();
  }

  hover(wire: FlowWire | null): void {
    for (const path of this.element.querySelectorAll("[data-hover]")) path.removeAttribute("data-hover");
    const path = wire && this.mounted.get(wire);
    path?.toggleAttribute("data-hover", true);
  }

  private gradient(left: string, right: string): string {
    const id = `${this.prefix}-${left}-${right}`.replace(/[^\w-]/g, "_");
    if (this.gradients.has(id)) return id;
    this.gradients.add(id);
    const gradient = makeSvg("linearGradient", "", { id });
    for (const [type, offset] of [[left, "15%"], [right, "85%"]] as const) {
      gradient.append(makeSvg("stop", "", { offset, "data-type": type }));
    }
    this.defs.append(gradient);
    return id;
  }
}
