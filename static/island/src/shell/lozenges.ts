// Where a value that is no text goes into a text, a small lozenge on the wire says so; pressed, it takes the wire off.
import type { FlowCanvas } from "../canvas/flowcanvas";
import { turnsToText } from "../model/connect";
import type { FlowWire } from "../model/document";
import { overlap, type Point, type Rect, titleOf } from "../model/geometry";
import { type Curve, isStraight, middleOf, pointAt } from "../model/route";
import type { Scene } from "../model/scene";
import { toast } from "../pages/parts/toast";
import { el } from "./parts";

/** Half of what a lozenge takes, with the pins of nodes beside it. */
const HALF = { w: 38, h: 15 };
/** Where else on a straight part it may be put, the best first. */
const SHARES = [0.5, 0.35, 0.65, 0.2, 0.8];

export class Lozenges {
  private readonly places = new WeakMap<Curve, Point>();
  private readonly layer = el("div", "fc-lozenges");
  private readonly made = new Map<FlowWire, HTMLButtonElement>();

  constructor(private readonly canvas: FlowCanvas) {
    const { near } = canvas.desk.view;
    near.world.append(this.layer);
    near.wires.onDrawn(() => this.draw());
    this.draw();
  }

  /** Put one on each wire that is drawn and needs it. */
  private draw(): void {
    const { desk } = this.canvas;
    const wires = desk.view.near.wires.mounted;
    for (const [wire, made] of this.made) {
      if (wires.has(wire) && this.needs(wire)) continue;
      made.remove();
      this.made.delete(wire);
    }
    for (const wire of wires.keys()) {
      const line = this.needs(wire) && desk.scene.curve(wire);
      if (!line) continue;
      const made = this.made.get(wire) ?? this.make(wire);
      const { x, y } = this.placeOn(line);
      made.style.transform = `translate(${Math.round(x)}px,${Math.round(y)}px) translate(-50%,-50%)`;
    }
  }

  private placeOn(line: Curve): Point {
    let place = this.places.get(line);
    if (!place) this.places.set(line, (place = freeOn(line, this.canvas.desk.scene)));
    return place;
  }

  private needs(wire: FlowWire): boolean {
    const { scene, flow } = this.canvas.desk;
    const to = wire.to && scene.shapes.pin(wire.to, "in", wire.targetPin)?.type;
    return Boolean(to && flow.wires.get(wire.key) === wire && turnsToText(scene.catalog, scene.wireType(wire), to));
  }

  private make(wire: FlowWire): HTMLButtonElement {
    const { canvas } = this;
    const made = el("button", "fc-lozenge", "as text");
    made.type = "button";
    made.dataset["own"] = "";
    made.tabIndex = -1; // zoomed out it is smaller than a stop should be; the wire goes by its pin, too
    const { scene } = canvas.desk;
    const [from, to] = [wire.from, wire.to].map((node) => (node ? titleOf(node, scene.shape(node)) : ""));
    made.title = "What comes here is made a text. Press to take the wire off";
    made.setAttribute("aria-label", `As text, from ${from} to ${to}: takes the wire off`);
    made.addEventListener("click", () => this.remove(wire));
    this.made.set(wire, made);
    this.layer.append(made);
    return made;
  }

  private remove(wire: FlowWire): void {
    const { canvas } = this;
    if (canvas.desk.readOnly) return;
    canvas.remove([], [wire.key]);
    toast("The wire is off: a text is expected there, and nothing makes one of it any more.", { label: "Undo", run: () => void canvas.undo() });
  }
}

/** A place on a straight part of a line that is clear of nodes, the middle of the longest if it can be; else that middle all the same. */
function freeOn(line: Curve, scene: Scene): Point {
  const middle = middleOf(line);
  if (isFree(middle, scene)) return middle;
  const straight = Array.from({ length: (line.length - 2) / 6 }, (_, part) => part).filter((part) => isStraight(line, part * 6));
  const far = (part: number): number => Math.hypot(line[part * 6 + 6]! - line[part * 6]!, line[part * 6 + 7]! - line[part * 6 + 1]!);
  straight.sort((a, b) => far(b) - far(a));
  return straight.flatMap((part) => SHARES.map((share) => pointAt(line, part, share))).find((at) => isFree(at, scene)) ?? middle;
}

function isFree({ x, y }: Point, scene: Scene): boolean {
  const room: Rect = { x: x - HALF.w, y: y - HALF.h, w: 2 * HALF.w, h: 2 * HALF.h };
  return !scene.nodesIn(room).some((node) => overlap(scene.box(node), room));
}
