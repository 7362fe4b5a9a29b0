// Wires behind names: a tag at either end stands for a wire that is not drawn. A tag is pressed to travel to
// the other end. Loaded with the first such wire.
import type { FlowCanvas } from "../canvas/flowcanvas";
import { EXEC } from "../catalog";
import type { FlowWire } from "../model/document";
import { titleOf } from "../model/geometry";
import { nameWires } from "../model/tagging";
import type { askLine } from "./askline";
import { el } from "./parts";

/** The width of a name, in the world. */
const MOST = 132;
const LEAST = 24;
const GAP = 14;

export class Tags {
  private readonly layer = el("div", "fc-tags");
  private readonly made = new Map<string, HTMLButtonElement>();
  private frame = 0;

  constructor(
    private readonly canvas: FlowCanvas,
    private readonly ask: typeof askLine,
  ) {
    canvas.desk.view.near.world.append(this.layer);
    canvas.on("change", () => (this.frame ||= requestAnimationFrame(() => this.draw())));
    this.draw();
  }

  /** Hide the chosen data wires behind names, or draw them again when all are hidden. */
  turn(): void {
    const { canvas } = this;
    const wires = this.chosen();
    if (!wires.length) return canvas.desk.say("Select data wires first, or nodes that have some.", true);
    const hide = wires.some((wire) => !wire.tag);
    const name = (wire: FlowWire): string => wire.tag || this.nameFor(wire);
    canvas.apply(nameWires(wires, hide ? name : null), hide ? `Hide ${wires.length} wires` : `Draw ${wires.length} wires`);
    canvas.desk.say(hide ? `${wires.length === 1 ? "The wire is" : `${wires.length} wires are`} behind a name now` : "Drawn again");
    this.draw();
  }

  /** To the other end of the first named wire at the pin with the keyboard, or at the selected node. */
  follow(): void {
    const wire = this.chosen().find((each) => each.tag);
    if (!wire) return this.canvas.desk.say("No wire here is behind a name.", true);
    const here = (document.activeElement as HTMLElement | null)?.closest<HTMLElement>("[data-node-id]")?.dataset["nodeId"] ?? this.canvas.selection.nodes[0];
    if (here === wire.source) this.canvas.focusNode(wire.target, { side: "in", pin: wire.targetPin });
    else this.canvas.focusNode(wire.source, { side: "out", pin: wire.sourcePin });
  }

  /** Ask for another name of the named wires chosen; all that leave that pin under the name get it. */
  async rename(wires: readonly FlowWire[] = this.chosen()): Promise<void> {
    const { canvas } = this;
    const tag = wires.find((each) => each.tag)?.tag;
    if (!tag) return canvas.desk.say("No wire here is behind a name.", true);
    const starts = new Set(wires.filter((each) => each.tag === tag).map((each) => JSON.stringify([each.source, each.sourcePin])));
    const name = await this.ask({ title: "Rename the wire", label: "Name", value: tag, go: "Rename", hint: "The same name stands at each end of it." });
    if (!name || name === tag) return;
    const all = [...canvas.model.wires.values()].filter((each) => each.tag === tag && starts.has(JSON.stringify([each.source, each.sourcePin])));
    canvas.apply(nameWires(all, () => name), "Rename a wire");
    canvas.desk.say(`The wire is called ${name}`);
    this.draw();
  }

  /** The selected data wires; else those at the pin with the keyboard; else those of the selected nodes. */
  private chosen(): FlowWire[] {
    const { canvas } = this;
    const { scene } = canvas.desk;
    const isData = (wire: FlowWire | undefined): wire is FlowWire => Boolean(wire?.from && wire.to && scene.wireType(wire) !== EXEC);
    const direct = canvas.selection.wires.map((key) => canvas.model.wires.get(key)).filter(isData);
    if (direct.length) return direct;
    const pin = (document.activeElement as HTMLElement | null)?.closest<HTMLElement>(".fc-pin");
    const node = pin?.closest<HTMLElement>("[data-node-id]")?.dataset["nodeId"];
    if (pin && node) return canvas.model.wiresAt(node, pin.dataset["side"] as "in" | "out", pin.dataset["pin"] ?? "").filter(isData);
    return [...new Set(canvas.selection.nodes.flatMap((id) => canvas.model.nodes.get(id)?.wires ?? []))].filter(isData);
  }

  private nameFor(wire: FlowWire): string {
    const { scene } = this.canvas.desk;
    const from = wire.from && titleOf(wire.from, scene.shape(wire.from));
    const pin = wire.from && scene.shapes.pin(wire.from, "out", wire.sourcePin)?.label;
    return pin && pin !== "result" && pin !== "value" ? pin : (from ?? wire.sourcePin);
  }

  private draw(): void {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    const wanted = new Set<string>();
    for (const wire of this.canvas.model.wires.values()) {
      if (!wire.tag || !wire.from || !wire.to) continue;
      for (const side of ["out", "in"] as const) this.put(wire, side, wanted);
    }
    for (const [key, tag] of this.made) {
      if (wanted.has(key)) continue;
      tag.remove();
      this.made.delete(key);
    }
  }

  private put(wire: FlowWire, side: "in" | "out", wanted: Set<string>): void {
    const { scene } = this.canvas.desk;
    const [node, pin] = side === "out" ? [wire.source, wire.sourcePin] : [wire.target, wire.targetPin];
    const at = scene.tileOf(node) ? null : scene.pinPoint(node, side, pin);
    if (!at) return;
    // One tag stands for all wires of an output that have the same name.
    const key = side === "out" ? JSON.stringify([node, pin, wire.tag]) : wire.key;
    const isKnown = wanted.has(key);
    wanted.add(key);
    const tag = this.made.get(key) ?? this.make(key);
    if (isKnown) return;
    tag.dataset["side"] = side;
    tag.dataset["edge"] = wire.key;
    tag.dataset["type"] = scene.wireType(wire);
    tag.textContent = wire.tag;
    const other = side === "out" ? wire.to : wire.from;
    const title = other ? titleOf(other, scene.shape(other)) : "";
    tag.title = `${wire.tag}. Press to go to the other end; right click to rename`;
    tag.setAttribute("aria-label", `${wire.tag}: ${side === "out" ? "goes to" : "comes from"} ${title}`);
    tag.style.setProperty("--most", `${this.room(wire)}px`);
    tag.style.transform = `translate(${at.x + (side === "out" ? GAP : -GAP)}px,${at.y - 12}px)${side === "in" ? " translateX(-100%)" : ""}`;
  }

  /** How wide a name may be beside the one at the other end of a wire that is short: neither lies on the other, nor on its node, where there is room for both. */
  private room(wire: FlowWire): number {
    const { scene } = this.canvas.desk;
    const [out, into] = [scene.pinPoint(wire.source, "out", wire.sourcePin), scene.pinPoint(wire.target, "in", wire.targetPin)];
    const half = out && into ? (into.x - out.x) / 2 - GAP - 1 : 0;
    return half < LEAST ? MOST : Math.min(MOST, half);
  }

  private make(key: string): HTMLButtonElement {
    const tag = el("button", "fc-tag");
    tag.type = "button";
    tag.dataset["own"] = "";
    tag.tabIndex = -1; // zoomed out it is smaller than a stop should be; Shift+H travels
    this.made.set(key, tag);
    this.layer.append(tag);
    tag.addEventListener("click", () => this.travel(tag));
    tag.addEventListener("contextmenu", (event) => {
      event.preventDefault();
      event.stopPropagation();
      const wire = this.canvas.model.wires.get(tag.dataset["edge"] ?? "");
      if (wire) void this.rename([wire]);
    });
    tag.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      this.travel(tag);
      event.preventDefault();
      event.stopPropagation();
    });
    return tag;
  }

  /** To the other end; from an output that has several, to the one after the last. */
  private travel(tag: HTMLButtonElement): void {
    const wire = this.canvas.model.wires.get(tag.dataset["edge"] ?? "");
    if (!wire) return;
    if (tag.dataset["side"] === "in") return this.canvas.focusNode(wire.source, { side: "out", pin: wire.sourcePin });
    const all = this.canvas.model.wiresAt(wire.source, "out", wire.sourcePin).filter((each) => each.tag === wire.tag);
    tag.dataset["edge"] = (all[(all.indexOf(wire) + 1) % all.length] ?? wire).key;
    this.canvas.focusNode(wire.target, { side: "in", pin: wire.targetPin });
  }
}
