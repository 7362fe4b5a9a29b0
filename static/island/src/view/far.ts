// The far view: below the zoom where text can be read, the whole flow is boxes and lines on one 2D
// canvas, so that thousands of nodes in view cost what a few dozen do.
import { EXEC } from "../catalog";
import type { FlowDocument, FlowNode, FlowWire } from "../model/document";
import { fitText, titleOf } from "../model/geometry";
import { type Curve, isStraight } from "../model/route";
import { make } from "./element";
import { type Look, stateToken, TONES, worstOf } from "./look";
import { UNKNOWN } from "./template";
import type { Theme } from "./theme";
import type { Viewport } from "./viewport";

/** Zooms below which titles, and the curves of wires, are left out; and how many nodes are too many
 * for round corners and titles. */
const TITLES = 0.2;
const CURVES = 0.16;
const MANY = 700;

type Paths = Map<string, Path2D>;

interface Kept {
  flow: FlowDocument;
  key: string;
  paths: Paths;
}

export class FarView {
  readonly element = make("canvas", "fc-far", { "aria-hidden": "true" });
  /** What is drawn over the nodes: groups and notes, where a flow has some. */
  over: ((context: CanvasRenderingContext2D, zoom: number) => void) | null = null;
  private readonly context: CanvasRenderingContext2D;
  private ratio = 1;
  private blank = true;
  private wires: Kept | null = null;
  private boxes: Kept | null = null;

  constructor(
    private readonly look: Look,
    private readonly theme: Theme,
  ) {
    this.context = this.element.getContext("2d") as CanvasRenderingContext2D;
    this.element.hidden = true;
  }

  resize(width: number, height: number): void {
    this.ratio = Math.min(devicePixelRatio || 1, 2);
    this.element.width = Math.max(1, Math.round(width * this.ratio));
    this.element.height = Math.max(1, Math.round(height * this.ratio));
    this.blank = true;
  }

  hide(): void {
    if (this.blank) return;
    this.context.setTransform(1, 0, 0, 1, 0, 0);
    this.context.clearRect(0, 0, this.element.width, this.element.height);
    this.element.hidden = true;
    this.blank = true;
  }

  paint(viewport: Viewport): void {
    const { zoom } = viewport;
    const view = viewport.world(8);
    this.clear(viewport);
    const nodes = this.drawn(this.look.scene.nodesIn(view));
    const few = nodes.length < MANY;
    if (few) this.strokeWires(this.trace(this.look.scene.wiresIn(view), zoom), zoom);
    else this.strokeWires(this.allWires(zoom), zoom);
    if (few) this.fillNodes(this.group(nodes, true), zoom, true);
    else this.fillNodes(this.allNodes(), zoom, false);
    this.fillNodes(this.tiles(), zoom, few);
    this.paintRings(nodes, zoom, few);
    if (zoom >= TITLES && few) this.paintTitles(nodes, zoom);
    this.over?.(this.context, zoom);
  }

  /** Stand in for nodes of the near view that wait to be mounted. */
  paintNodes(viewport: Viewport, nodes: readonly FlowNode[]): void {
    this.clear(viewport);
    this.fillNodes(this.group(this.drawn(nodes), true), viewport.zoom, true);
  }

  /** The nodes that are to be seen: all of them, or the steps and what is selected. */
  private drawn(nodes: readonly FlowNode[]): readonly FlowNode[] {
    const { scene, selection, stepsOnly } = this.look;
    return stepsOnly ? nodes.filter((node) => scene.shape(node).step || selection.nodes.has(node.id)) : nodes;
  }

  private clear({ x, y, zoom }: Viewport): void {
    const { context: c } = this;
    this.blank = false;
    this.element.hidden = false;
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.clearRect(0, 0, this.element.width, this.element.height);
    c.setTransform(this.ratio * zoom, 0, 0, this.ratio * zoom, this.ratio * x, this.ratio * y);
  }

  /** The paths of wires by type. */
  private trace(wires: Iterable<FlowWire>, zoom: number): Paths {
    const { scene } = this.look;
    const paths: Paths = new Map();
    for (const wire of wires) {
      const ends = scene.ends(wire);
      if (!ends || (this.look.stepsOnly && scene.wireType(wire) !== EXEC)) continue;
      const path = pathFor(paths, scene.wireType(wire));
      const line = zoom >= CURVES && scene.curve(wire);
      if (line) traceCurve(path, line);
      else {
        path.moveTo(ends[0].x, ends[0].y);
        path.lineTo(ends[1].x, ends[1].y);
      }
    }
    return paths;
  }

  /** The boxes of nodes by colour. */
  private group(nodes: Iterable<FlowNode>, round: boolean): Paths {
    const paths: Paths = new Map();
    for (const node of nodes) this.box(pathFor(paths, this.colorOf(node)), node, round, 0);
    return paths;
  }

  private tiles(): Paths {
    const paths: Paths = new Map();
    for (const { x, y, w, h, group } of this.look.scene.tiles()) pathFor(paths, `var(${TONES[group.tone]})`).roundRect(x, y, w, h, 12);
    return paths;
  }

  /** Of many wires and nodes the paths are kept until the flow or the run changes. */
  private allWires(zoom: number): Paths {
    const { flow } = this.look.scene;
    const key = `${flow.version} ${zoom >= CURVES} ${this.look.stepsOnly}`;
    if (this.wires?.flow !== flow || this.wires.key !== key) this.wires = { flow, key, paths: this.trace(flow.wires.values(), zoom) };
    return this.wires.paths;
  }

  private allNodes(): Paths {
    const { scene, progress, stepsOnly, selection } = this.look;
    const key = `${scene.flow.version} ${progress.version} ${stepsOnly && [...selection.nodes].join()}`;
    if (this.boxes?.flow !== scene.flow || this.boxes.key !== key) this.boxes = { flow: scene.flow, key, paths: this.group(this.drawn([...scene.flow.nodes.values()]), false) };
    return this.boxes.paths;
  }

  private strokeWires(paths: Paths, zoom: number): void {
    const { context: c } = this;
    for (const [type, path] of paths) {
      c.strokeStyle = this.theme.color(`var(--pin-${type}, var(--pin-any))`);
      c.globalAlpha = type === EXEC ? 0.7 : 0.5;
      c.lineWidth = (type === EXEC ? 1.6 : 1.1) / zoom;
      c.stroke(path);
    }
    c.globalAlpha = 1;
  }

  private fillNodes(paths: Paths, zoom: number, few: boolean): void {
    const { context: c } = this;
    c.lineWidth = 1.25 / zoom;
    for (const [color, path] of paths) {
      c.fillStyle = this.theme.color(`color-mix(in srgb, ${color} ${few ? 26 : 72}%, var(--surface))`);
      c.fill(path);
      if (!few) continue;
      c.strokeStyle = this.theme.color(`color-mix(in srgb, ${color} 80%, var(--surface))`);
      c.stroke(path);
    }
  }

  /** The colour of a node: its run state while a run is shown, else its family. */
  private colorOf(node: FlowNode): string {
    const run = this.look.progress.nodes.get(node.id);
    const name = run ? stateToken(run.state) : `--fam-${this.look.scene.shape(node).card?.family ?? UNKNOWN}`;
    return `var(${name}, var(--text-3))`;
  }

  private box(path: Path2D, node: FlowNode, round: boolean, out: number): void {
    const { x, y, w, h } = this.look.scene.box(node);
    const radius = this.look.scene.shape(node).step ? 6 : 18;
    if (round) path.roundRect(x - out, y - out, w + 2 * out, h + 2 * out, radius + out);
    else path.rect(x - out, y - out, w + 2 * out, h + 2 * out);
  }

  private paintRings(nodes: readonly FlowNode[], zoom: number, few: boolean): void {
    const { context: c, look } = this;
    const differs = (how: string) => (node: FlowNode) => look.difference?.get(node.id) === how;
    for (const [color, wanted] of [
      ["var(--ok)", differs("added")],
      ["var(--danger)", differs("removed")],
      ["var(--warn)", differs("changed")],
      ["var(--line-strong)", differs("moved")],
      ["var(--danger)", (node: FlowNode) => worstOf(look.problems.get(node.id)) === "error"],
      ["var(--accent)", (node: FlowNode) => look.selection.nodes.has(node.id)],
    ] as const) {
      const chosen = nodes.filter(wanted);
      if (!chosen.length) continue;
      const path = new Path2D();
      for (const node of chosen) this.box(path, node, few, 2 / zoom);
      c.lineWidth = 2 / zoom;
      c.strokeStyle = this.theme.color(color);
      c.stroke(path);
    }
  }

  private paintTitles(nodes: readonly FlowNode[], zoom: number): void {
    const { context: c, look } = this;
    const size = 11;
    c.font = `600 ${size / zoom}px ${this.theme.font}`;
    c.textBaseline = "middle";
    c.textAlign = "center";
    c.fillStyle = this.theme.color("var(--text)");
    for (const node of nodes) {
      const { x, y, w, h } = look.scene.box(node);
      const sign = SIGNS[look.difference?.get(node.id) ?? ""] ?? "";
      const title = fitText(sign + titleOf(node, look.scene.shape(node)), size * 1.08, w * zoom - 10);
      c.fillText(title, x + w / 2, y + h / 2, w - 8 / zoom);
    }
  }
}

/** What stands before the title of a node that differs; in the near view the style sheet says it. */
const SIGNS: Record<string, string> = { added: "+ ", removed: "− ", changed: "△ ", moved: "⋯ " };

function pathFor(paths: Paths, key: string): Path2D {
  let path = paths.get(key);
  if (!path) paths.set(key, (path = new Path2D()));
  return path;
}

function traceCurve(path: Path2D, line: Curve): void {
  const p = line as number[];
  path.moveTo(p[0]!, p[1]!);
  for (let i = 2; i < p.length; i += 6) {
    if (isStraight(p, i - 2)) path.lineTo(p[i + 4]!, p[i + 5]!);
    else path.bezierCurveTo(p[i]!, p[i + 1]!, p[i + 2]!, p[i + 3]!, p[i + 4]!, p[i + 5]!);
  }
}
