// What went over a wire in the run that is shown, at its beginning: how many items, how often control passed, and near
// enough to be read the value itself, short.
import { EXEC } from "../catalog";
import type { FlowCanvas } from "../canvas/flowcanvas";
import type { FlowWire } from "../model/document";
import { countOf, summary } from "../view/node";
import { el } from "./parts";

/** From this zoom on values can be read. */
const READABLE = 0.8;
const MOST = 18;

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

  /** One for each output from which a drawn wire leads on. */
  private draw(): void {
    const { look, scene, view, viewport } = this.canvas.desk;
    this.isReadable = viewport.zoom >= READABLE;
    const wanted = new Set<string>();
    for (const wire of look.running ? view.near.wires.mounted.keys() : []) {
      const key = `${wire.source} ${wire.sourcePin}`;
      const text = wanted.has(key) || scene.tileOf(wire.source) ? "" : this.textOf(wire);
      const at = text && scene.pinPoint(wire.source, "out", wire.sourcePin);
      if (!at) continue;
      wanted.add(key);
      const sign = this.made.get(key) ?? this.make(key);
      if (sign.textContent !== text) sign.textContent = text;
      sign.style.transform = `translate(${Math.round(at.x) + 13}px,${Math.round(at.y) - 9}px) translateY(-50%)`;
    }
    for (const [key, sign] of this.made) {
      if (wanted.has(key)) continue;
      sign.remove();
      this.made.delete(key);
    }
  }

  private textOf(wire: FlowWire): string {
    const { scene, look } = this.canvas.desk;
    if (scene.wireType(wire) === EXEC) {
      const times = look.progress.taken(wire.source, wire.sourcePin);
      return times > 1 ? `${times}×` : "";
    }
    const value = look.progress.nodes.get(wire.source)?.outputs?.[wire.sourcePin];
    if (value === undefined) return "";
    const count = Array.isArray(value) ? countOf(value) : null;
    if (count !== null) return `${count} ${count === 1 ? "item" : "items"}`;
    if (!this.isReadable) return "";
    const short = summary(value);
    return short.length > MOST ? `${short.slice(0, MOST - 1)}…` : short;
  }

  private make(key: string): HTMLElement {
    const sign = el("span", "fc-value");
    this.made.set(key, sign);
    this.layer.append(sign);
    return sign;
  }
}
