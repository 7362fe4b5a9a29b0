// A dot on each wire of control that has a breakpoint: pressed, it is removed.
import type { FlowCanvas } from "../canvas/flowcanvas";
import { breakOn, setBreak } from "../model/breaks";
import type { FlowNode, FlowWire } from "../model/document";
import { titleOf } from "../model/geometry";
import { middleOf } from "../model/route";
import { el, icon } from "./parts";

export class BreakDots {
  private readonly layer = el("div", "fc-lozenges");
  private readonly made = new Map<FlowWire, HTMLButtonElement>();

  constructor(private readonly canvas: FlowCanvas) {
    const { near } = canvas.desk.view;
    near.world.append(this.layer);
    near.wires.onDrawn(() => this.draw());
    canvas.on("change", () => this.draw());
    this.draw();
  }

  private draw(): void {
    const { desk } = this.canvas;
    for (const made of this.made.values()) made.remove();
    this.made.clear();
    for (const wire of desk.view.near.wires.mounted.keys()) {
      const held = desk.flow.wires.get(wire.key) === wire ? breakOn(wire) : null;
      const line = held && desk.scene.curve(wire);
      if (!held || !line) continue;
      const made = this.make(wire, held.when, held.off);
      const { x, y } = middleOf(line);
      made.style.transform = `translate(${Math.round(x)}px,${Math.round(y)}px) translate(-50%,-50%)`;
    }
  }

  private make(wire: FlowWire, when: string, off: boolean): HTMLButtonElement {
    const { canvas } = this;
    const made = el("button", "fc-break", icon(off ? "breakpoint-off" : "breakpoint"));
    made.type = "button";
    made.dataset["own"] = "";
    made.tabIndex = -1; // the wire has the keyboard, and the list of breakpoints names it
    const [from, to] = [wire.from, wire.to].map((node) => (node ? titleOf(node, canvas.desk.scene.shape(node)) : ""));
    const words = `Breakpoint from ${from} to ${to}${when ? ` where ${when}` : ""}${off ? ", off" : ""}`;
    made.title = `${words}. Press to remove it`;
    made.setAttribute("aria-label", `${words}: removes it`);
    made.addEventListener("click", () => canvas.desk.readOnly || canvas.apply([setBreak(wire.to as FlowNode, wire, null)], "Remove breakpoint"));
    this.made.set(wire, made);
    this.layer.append(made);
    return made;
  }
}
