// What a finger does about the selection, that has neither keys nor a second button: take more nodes in, remove,
// open the menu. It stands over the canvas while something is selected, after a touch.
import type { FlowCanvas } from "../canvas/flowcanvas";
import { button, el } from "./parts";

export class TouchBar {
  private readonly words = el("span", "fc-bar-words");
  private readonly pick = button("small quiet", "Select more", null, () => this.turn());
  private readonly bin = button("small quiet", "Remove", "trash", () => this.canvas.remove(undefined, undefined, true));
  private readonly bar: HTMLElement;

  constructor(private readonly canvas: FlowCanvas) {
    const more = button("small quiet", "More", "more", () => this.menu());
    const done = button("small quiet", "Done", null, () => canvas.select([]));
    this.bar = el("div", "fc-bar", this.words, this.pick, this.bin, more, done);
    this.bar.setAttribute("role", "toolbar");
    this.bar.setAttribute("aria-label", "The selection");
    this.bar.dataset["own"] = "";
    this.bar.addEventListener("keydown", (event) => event.stopPropagation());
    canvas.root.append(this.bar);
  }

  draw(): void {
    const { nodes, wires } = this.canvas.selection;
    const parts = [nodes.length && `${nodes.length} ${nodes.length > 1 ? "nodes" : "node"}`, wires.length && `${wires.length} ${wires.length > 1 ? "wires" : "wire"}`];
    this.words.textContent = parts.filter(Boolean).join(", ");
    this.bar.hidden = !this.words.textContent;
    this.pick.hidden = !nodes.length;
    this.bin.hidden = this.canvas.desk.readOnly;
    this.pick.setAttribute("aria-pressed", String(this.canvas.desk.picks));
  }

  /** Let taps take nodes in and out, or not any more. */
  private turn(): void {
    const { desk } = this.canvas;
    desk.picks = !desk.picks;
    this.draw();
    if (desk.picks) desk.say("Tap nodes to take them in or out");
  }

  private menu(): void {
    const { nodes, wires } = this.canvas.selection;
    const edge = this.canvas.root.getBoundingClientRect();
    const { left, bottom } = this.bar.getBoundingClientRect();
    const [node] = nodes;
    const hit = node ? { kind: "node" as const, node } : { kind: "wire" as const, wire: wires[0] as string };
    this.canvas.desk.events.emit("menu", { screen: { x: left - edge.left, y: bottom - edge.top + 4 }, hit });
  }
}
