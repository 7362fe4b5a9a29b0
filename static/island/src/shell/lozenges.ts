// Where a value that is no text goes into a text, a small lozenge on the wire says so; pressed, it takes the wire off.
import type { FlowCanvas } from "../canvas/flowcanvas";
import { turnsToText } from "../model/connect";
import type { FlowWire } from "../model/document";
import { titleOf } from "../model/geometry";
import { middleOf } from "../model/route";
import { toast } from "../pages/parts/toast";
import { el } from "./parts";

export class Lozenges {
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
      const { x, y } = middleOf(line);
      made.style.transform = `translate(${Math.round(x)}px,${Math.round(y)}px) translate(-50%,-50%)`;
    }
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
