// What went over a wire in the run that is shown, at its beginning: how many items, how often control passed, and near
// enough to be read the value itself, short. Cut to the room that there is, and left out where there is none.
import { EXEC, type Json } from "../catalog";
import type { FlowCanvas } from "../canvas/flowcanvas";
import { roomBeside } from "../model/beside";
import type { FlowWire } from "../model/document";
import { fitText, type Rect, textWidth } from "../model/geometry";
import { countOf, summary } from "../view/node";
import { el } from "./parts";

/** From this zoom on values can be read. */
const READABLE = 0.8;
const WIDEST = 116;
const SIZE = 11;
/** What stands to the left and right of the words. */
const EDGES = 10;
/** So few signs of a value say nothing. */
const LEAST = 4;

/** Whether the name of a hidden wire stands where its output leads on. */
const isNamed = ({ from, sourcePin }: FlowWire): boolean => from?.wires.some((other) => other.from === from && other.sourcePin === sourcePin && other.tag) ?? false;

export class WireValues {
  private readonly layer = el("div", "fc-values");
  private readonly made = new Map<string, HTMLElement>();
  private isReadable = false;

  constructor(private readonly canvas: FlowCanvas) {
    const { near } = canvas.desk.view;
    this.layer.setAttribute("aria-hidden", "true"); // Space on a pin says it, with all else
    near.world.append(this.layer);
    near.wires.onDrawn(() => this.draw());
    canvas.on("viewport", ({ zoom }) => zoom >= READABLE !== this.isReadable && this.draw());
    this.draw();
  }

  /** One for each output from which a drawn wire leads on: on the one that leaves it the most room. */
  private draw(): void {
    const { look, view, viewport } = this.canvas.desk;
    this.isReadable = viewport.zoom >= READABLE;
    const taken: Rect[] = [];
    const wanted = new Set<string>();
    for (const [key, wires] of look.running ? this.outputs(view.near.wires.mounted.keys()) : []) {
      const rooms = wires.flatMap((wire) => this.roomOf(wire, taken) ?? []);
      const room = rooms.reduce<Rect | null>((best, one) => (best && best.w >= one.w ? best : one), null);
      const text = room && this.textOf(wires[0] as FlowWire, Math.min(room.w, WIDEST) - EDGES);
      if (!room || !text) continue;
      taken.push({ ...room, w: textWidth(text, SIZE) + EDGES });
      wanted.add(key);
      const sign = this.made.get(key) ?? this.make(key);
      if (sign.textContent !== text) sign.textContent = text;
      sign.style.transform = `translate(${Math.round(room.x)}px,${Math.round(room.y)}px)`;
    }
    for (const [key, sign] of this.made) {
      if (wanted.has(key)) continue;
      sign.remove();
      this.made.delete(key);
    }
  }

  private outputs(drawn: Iterable<FlowWire>): Map<string, FlowWire[]> {
    const found = new Map<string, FlowWire[]>();
    for (const wire of drawn) {
      if (this.canvas.desk.scene.tileOf(wire.source) || this.given(wire) === undefined || isNamed(wire)) continue;
      const key = `${wire.source} ${wire.sourcePin}`;
      const known = found.get(key);
      if (known) known.push(wire);
      else found.set(key, [wire]);
    }
    return found;
  }

  private roomOf(wire: FlowWire, taken: readonly Rect[]): Rect | null {
    const { scene } = this.canvas.desk;
    const at = scene.pinPoint(wire.source, "out", wire.sourcePin);
    const curve = scene.curve(wire);
    return at && curve ? roomBeside(scene, at, curve, taken) : null;
  }

  /** What went over a wire: how often control did, when more than once, or the value. */
  private given(wire: FlowWire): Json | undefined {
    const { scene, look } = this.canvas.desk;
    if (scene.wireType(wire) !== EXEC) return look.progress.nodes.get(wire.source)?.outputs?.[wire.sourcePin];
    const times = look.progress.taken(wire.source, wire.sourcePin);
    return times > 1 ? times : undefined;
  }

  /** That in words which fit a width; nothing when none do. */
  private textOf(wire: FlowWire, width: number): string {
    const value = this.given(wire) as Json;
    const whole = (texts: readonly string[]): string => texts.find((text) => textWidth(text, SIZE) <= width) ?? "";
    if (this.canvas.desk.scene.wireType(wire) === EXEC) return whole([`${String(value)}×`]);
    if (Array.isArray(value)) {
      const count = countOf(value);
      return whole([`${count} ${count === 1 ? "item" : "items"}`, summary(value)]);
    }
    if (!this.isReadable) return "";
    const short = fitText(summary(value), SIZE, width);
    return short.endsWith("…") && short.length < LEAST ? "" : short;
  }

  private make(key: string): HTMLElement {
    const sign = el("span", "fc-value");
    this.made.set(key, sign);
    this.layer.append(sign);
    return sign;
  }
}
