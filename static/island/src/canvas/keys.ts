// The keyboard on the canvas. Everything a pointer can do has a key; single letters work only while
// the canvas itself (not a field in it) has the focus.
import { EXEC } from "../catalog";
import { readPasted } from "../model/clipboard";
import type { FlowNode, FlowWire } from "../model/document";
import { type Point, titleOf } from "../model/geometry";
import type { PinAt } from "../model/hit";
import { along, type Direction, nearest, readingOrder, sibling } from "../model/neighbour";
import { isLocked } from "../model/marks";
import type { FlowCanvas } from "./flowcanvas";
import { type Act, keymap } from "./keymap";

const ARROWS: { [key: string]: Direction } = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" };
const STEP: { [direction in Direction]: Point } = { left: { x: -1, y: 0 }, right: { x: 1, y: 0 }, up: { x: 0, y: -1 }, down: { x: 0, y: 1 } };

/** The sum of what was copied last, in any tab. */
const COPIED = "flowstudio copied";

function sumOf(text: string): string {
  let sum = 0;
  for (let index = 0; index < text.length; index++) sum = (Math.imul(sum, 31) + text.charCodeAt(index)) | 0;
  return `${text.length} ${sum}`;
}

export class Keys {
  /** The last copied text, for browsers that give no clipboard. */
  private buffer = "";
  private cursor: string | null = null;
  /** What was selected by the last pick: while it still is, arrows go on without letting it go. */
  private picked = "";
  /** Another view of the same flow, where copying and pasting mean nodes too. */
  also: HTMLElement | null = null;

  constructor(private readonly canvas: FlowCanvas) {
    const { root } = canvas;
    root.addEventListener("keydown", this.down);
    root.addEventListener("keyup", this.up);
    root.addEventListener("focusin", this.focusIn);
    root.addEventListener("click", this.click);
    document.addEventListener("copy", this.copy);
    document.addEventListener("cut", this.cut);
    document.addEventListener("paste", this.paste);
  }

  stop(): void {
    document.removeEventListener("copy", this.copy);
    document.removeEventListener("cut", this.cut);
    document.removeEventListener("paste", this.paste);
  }

  private get desk() {
    return this.canvas.desk;
  }

  private readonly down = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.isComposing) return;
    this.canvas.root.removeAttribute("data-pointer");
    const handled = event.key === "Tab" ? this.tab(event.shiftKey) : inField(event.target) ? this.inField(event) : this.onCanvas(event);
    if (!handled) return;
    event.preventDefault();
    event.stopPropagation();
  };

  private readonly up = (event: KeyboardEvent): void => {
    if (event.key === " ") {
      this.desk.spaceHeld = false;
      this.desk.hover(null);
    }
  };

  /** Tab goes through the pins and fields of a node, and past its ends on through the page. They are no
   * stops of the page themselves: zoomed out they may be smaller than a stop should be. */
  private tab(back: boolean): boolean {
    const stops = this.desk.view.near.viewOf(document.activeElement)?.stops() ?? [];
    const next = stops[stops.indexOf(document.activeElement as HTMLElement) + (back ? -1 : 1)];
    next?.focus({ preventScroll: true });
    return Boolean(next);
  }

  /** Escape and Enter lead from a field back to its node. */
  private inField(event: KeyboardEvent): boolean {
    const leave = event.key === "Escape" || (event.key === "Enter" && !event.shiftKey && !(event.target instanceof HTMLSelectElement));
    if (!leave) return false;
    this.canvas.fields.pause();
    this.desk.view.near.viewOf(event.target as Element)?.element.focus({ preventScroll: true });
    return true;
  }

  private onCanvas(event: KeyboardEvent): boolean {
    const ctrl = event.ctrlKey || event.metaKey;
    const direction = ARROWS[event.key];
    if (direction) return this.arrow(event, direction, ctrl);
    if (isButton(event.target) && (event.key === "Enter" || event.key === " ")) return false;
    if (!ctrl && !event.altKey) {
      if (event.key === "Escape") return this.escape();
      if (event.key === "Enter") return this.enter(event);
      if (event.key === " ") return this.hold(event);
    }
    const act = keymap.actOf(event);
    return act !== undefined && this.does(act, this.pinAt(event.target));
  }

  /** The acts that mean something of their own here; the others are the page's. Says whether this was one. */
  does(act: Act, onPin: PinAt | null): boolean {
    const { canvas, desk } = this;
    const node = this.current();
    switch (act) {
      case "undo":
        return canvas.undo(), true;
      case "redo":
        return canvas.redo(), true;
      case "select-all":
        return canvas.select(desk.flow.nodes.keys()), desk.say(`${desk.flow.nodes.size} nodes selected`), true;
      case "duplicate":
        return desk.readOnly || desk.duplicate({ x: 32, y: 32 }), true;
      case "remove":
      case "remove-gap":
        return this.erase(onPin, act === "remove"), true;
      case "zoom-in":
        return canvas.zoomTo(canvas.view.zoom * 1.25), true;
      case "zoom-out":
        return canvas.zoomTo(canvas.view.zoom / 1.25), true;
      case "zoom-reset":
        return canvas.zoomTo(1), true;
      case "fit":
        return canvas.fit(), true;
      case "fit-selection":
        return canvas.fit(desk.selection.nodes.size ? { nodes: desk.selection.nodes } : {}), true;
      case "rename":
        if (onPin && desk.flow.wiresAt(onPin.node, onPin.side, onPin.pin).some((wire) => wire.tag)) return false;
        return node ? (canvas.fields.rename(node), true) : false;
      case "settings":
        return node ? this.settings(node) : this.focusFirst();
      case "bookmark":
        return canvas.bookmark(), true;
      case "pins":
        return canvas.fields.fold(canvas.selection.nodes.flatMap((id) => desk.flow.nodes.get(id) ?? [])), true;
      case "lock":
        return canvas.lock(), true;
      case "add":
        return this.add(onPin), true;
      case "wire":
        return this.wire(onPin ?? (node && freePin(canvas, node))), true;
      default:
        return false;
    }
  }

  /** While the space bar is down, the pointer and the arrows move the view. */
  private hold(event: KeyboardEvent): boolean {
    const [wire, ...more] = this.desk.selection.wires;
    const line = wire !== undefined && !more.length ? this.desk.flow.wires.get(wire) : undefined;
    const at = this.pinAt(event.target) ?? (line && { node: line.source, side: "out" as const, pin: line.sourcePin });
    if (at) return this.desk.events.emit("peek", { at }), true;
    this.desk.spaceHeld = true;
    this.desk.hover(null);
    return true;
  }

  private escape(): boolean {
    const { canvas } = this;
    if (canvas.input.cancel()) return true;
    const active = document.activeElement;
    const view = this.desk.view.near.viewOf(active);
    if (view && active !== view.element) return view.element.focus({ preventScroll: true }), true;
    if (this.desk.selection.empty) return false;
    return canvas.select([]), true;
  }

  private erase(onPin: PinAt | null, heal: boolean): void {
    const { flow } = this.desk;
    if (!onPin) return this.canvas.remove(undefined, undefined, heal);
    const all = flow.wiresAt(onPin.node, onPin.side, onPin.pin).map((wire) => wire.key);
    const chosen = all.filter((key) => this.desk.selection.wires.has(key));
    const wires = chosen.length ? chosen : all;
    if (wires.length) this.canvas.remove([], wires);
    else this.canvas.removePin(onPin);
  }

  private enter(event: KeyboardEvent): boolean {
    if (this.pinAt(event.target)) return false;
    const node = this.current();
    if (!node) return this.focusFirst();
    if (event.shiftKey) return this.pick(node), true;
    if (!this.desk.selection.nodes.has(node.id)) this.canvas.select([node.id]);
    this.desk.open(node);
    return true;
  }

  /** Whether several nodes are being selected one by one. */
  get isPicking(): boolean {
    return this.picked !== "" && this.picked === [...this.desk.selection.nodes].join();
  }

  /** Take a node into the selection, or out of it; what was selected stays while arrows go on. */
  pick(node: FlowNode): void {
    const nodes = new Set(this.desk.selection.nodes);
    if (!this.isPicking) nodes.add(node.id);
    else if (!nodes.delete(node.id)) nodes.add(node.id);
    this.canvas.select(nodes);
    this.picked = [...nodes].join();
    this.desk.say(`${nodes.size} selected. Arrows go on, Shift+Enter takes in or out`);
  }

  private settings(node: FlowNode): boolean {
    if (!this.desk.selection.nodes.has(node.id)) this.canvas.select([node.id]);
    this.desk.events.emit("open-inspector", { node: node.id, pin: null });
    return true;
  }

  /** Take the next wire of a pin, or the one before; says where it leads. */
  private wireOf({ node, side, pin }: PinAt, step: number): boolean {
    const { flow, scene, selection } = this.desk;
    const wires = flow.wiresAt(node, side, pin);
    const at = wires.findIndex((each) => selection.wires.has(each.key));
    const wire = wires[(at < 0 ? (step > 0 ? 0 : -1) : at + step + wires.length) % wires.length] ?? wires.at(-1);
    if (!wire) return this.desk.say("No wire here"), true;
    this.canvas.select([], [wire.key]);
    const other = side === "in" ? wire.from : wire.to;
    this.desk.say(`Wire ${side === "in" ? "from" : "to"} ${other ? titleOf(other, scene.shape(other)) : "nowhere"}${wires.length > 1 ? `, ${wires.indexOf(wire) + 1} of ${wires.length}` : ""}`);
    return true;
  }

  private arrow(event: KeyboardEvent, direction: Direction, ctrl: boolean): boolean {
    const at = this.pinAt(event.target);
    if (event.altKey) return at !== null && this.wireOf(at, direction === "left" || direction === "up" ? -1 : 1);
    const step = STEP[direction];
    if (this.desk.spaceHeld) {
      const { x, y, zoom } = this.canvas.view;
      return this.canvas.setView({ x: x - step.x * 80, y: y - step.y * 80, zoom }), true;
    }
    if (event.shiftKey) return this.nudge(step, ctrl ? 64 : 8), true;
    const node = this.current();
    if (!node) return this.focusFirst();
    const sideways = direction === "left" || direction === "right";
    const next = !ctrl ? nearest(this.desk.scene, node, direction) : sideways ? along(node, direction) : sibling(node, direction);
    if (next) this.canvas.focusNode(next.id, undefined, this.isPicking);
    return true;
  }

  private nudge(step: Point, by: number): void {
    const nodes = [...this.desk.selection.nodes].flatMap((id) => this.desk.flow.nodes.get(id) ?? []).filter((node) => !isLocked(node));
    const changes = nodes.map((node) => ({ op: "move" as const, node: node.id, x: node.x + step.x * by, y: node.y + step.y * by }));
    this.canvas.apply(changes, "Move", `nudge ${[...this.desk.selection.nodes].join()}`);
  }

  /** The only node of a flow, when nothing is wired to it yet: what is added is the first step after it. */
  get lone(): FlowNode | null {
    const { nodes } = this.desk.flow;
    const [node] = nodes.size === 1 ? nodes.values() : [];
    return node && !node.wires.length && !this.desk.readOnly ? node : null;
  }

  /** Ask for a new node: beside the current one and wired from it, else in the middle of the view. */
  private add(onPin: PinAt | null): void {
    const { desk, canvas } = this;
    if (desk.readOnly) return;
    const node = this.current() ?? this.lone;
    const way = onPin ? undefined : this.wayOn(node);
    if (way) return this.addInto(way);
    const from = onPin ?? (node && freeStep(canvas, node));
    const start = from && desk.scene.pinPoint(from.node, from.side, from.pin);
    const middle = canvas.input.pointer ?? { x: desk.viewport.width / 2, y: desk.viewport.height / 2 };
    const box = node && desk.scene.box(node);
    const beside = start && from ? { x: start.x + (from.side === "out" ? 80 : -80), y: start.y } : box && { x: box.x + box.w + 180, y: box.y + 48 };
    const point = beside ?? desk.viewport.toWorld(middle);
    desk.emit("request-add", { point, screen: desk.viewport.toScreen(point), from: from ? canvas.describe(from) : null, strict: Boolean(onPin) });
  }

  /** Ask for a new node after one: into its way on, else at a free step output; `pin` names a branch. */
  addAfter(node: FlowNode | null, pin: string | null, screen: Point): void {
    const { desk, canvas } = this;
    if (desk.readOnly) return;
    const named = node && pin ? { node: node.id, side: "out" as const, pin } : null;
    const wire = named ? desk.flow.wiresAt(named.node, "out", named.pin)[0] : this.wayOn(node);
    const from = named ?? (wire ? { node: wire.source, side: "out" as const, pin: wire.sourcePin } : node && freeStep(canvas, node));
    const start = from && desk.scene.pinPoint(from.node, from.side, from.pin);
    const point = start ? { x: start.x + 80, y: start.y } : desk.viewport.toWorld({ x: desk.viewport.width / 2, y: desk.viewport.height / 2 });
    desk.emit("request-add", { point, screen, from: from ? canvas.describe(from) : null, strict: false, ...(wire ? { into: wire.key } : {}) });
  }

  /** Offer the ends for a wire from the pin of a node that most likely starts one. */
  wireFrom(node: FlowNode, pin: PinAt | null = freePin(this.canvas, node), screen?: Point): void {
    this.wire(pin, screen);
  }

  /** Ask for a new node at the selection, as by the key. */
  addHere(): void {
    this.canvas.root.focus({ preventScroll: true });
    this.add(null);
  }

  /** The wire that a new node would go into: the selected one, or the only way on from a step. */
  private wayOn(node: FlowNode | null): FlowWire | undefined {
    const { selection, flow } = this.desk;
    if (!node) return selection.wires.size === 1 ? flow.wires.get([...selection.wires][0] as string) : undefined;
    const steps = this.desk.scene.shape(node).pins.filter((pin) => pin.side === "out" && pin.type === EXEC);
    return steps.length === 1 ? flow.wiresAt(node.id, "out", steps[0]!.id)[0] : undefined;
  }

  private addInto(wire: FlowWire): void {
    const { desk, canvas } = this;
    const [a, b] = [desk.scene.pinPoint(wire.source, "out", wire.sourcePin), desk.scene.pinPoint(wire.target, "in", wire.targetPin)];
    if (!a || !b) return;
    const point = { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
    const from = canvas.describe({ node: wire.source, side: "out", pin: wire.sourcePin });
    desk.emit("request-add", { point, screen: desk.viewport.toScreen(point), from, strict: false, into: wire.key });
  }

  private wire(from: PinAt | null | undefined, screen?: Point): void {
    if (!from || this.desk.readOnly) return;
    const point = this.desk.scene.pinPoint(from.node, from.side, from.pin) ?? { x: 0, y: 0 };
    const detail = { from: this.canvas.describe(from), candidates: this.canvas.candidates(from), screen: screen ?? this.desk.viewport.toScreen(point) };
    this.desk.events.emit("request-wire", detail);
  }

  private focusFirst(): boolean {
    const chosen = [...this.desk.selection.nodes][0];
    const node = this.desk.flow.nodes.get(chosen ?? this.cursor ?? "") ?? readingOrder(this.desk.scene)[0];
    if (node) this.canvas.focusNode(node.id);
    return Boolean(node);
  }

  /** The node that the keyboard is on. */
  private current(): FlowNode | null {
    const view = this.desk.view.near.viewOf(document.activeElement);
    if (view) return view.node;
    const only = this.desk.selection.nodes.size === 1 ? [...this.desk.selection.nodes][0] : undefined;
    return (only !== undefined && this.desk.flow.nodes.get(only)) || null;
  }

  private pinAt(target: EventTarget | null): PinAt | null {
    const pin = (target as Element | null)?.closest?.<HTMLElement>(".fc-pin");
    const view = pin && this.desk.view.near.viewOf(pin);
    return pin && view ? { node: view.node.id, side: pin.dataset.side as "in" | "out", pin: pin.dataset.pin as string } : null;
  }

  /** Tab stops at the node that had the focus last, and at no other. */
  private readonly focusIn = (event: FocusEvent): void => {
    const view = this.desk.view.near.viewOf(event.target as Element);
    for (const other of this.desk.view.near.mounted.values()) if (other !== view) other.open(false);
    view?.open(true);
    if (!view) return;
    this.cursor = view.node.id;
    if (event.target instanceof HTMLElement && event.target.isContentEditable && !this.canvas.root.hasAttribute("data-pointer")) {
      getSelection()?.selectAllChildren(event.target);
    }
    if (inField(event.target) && !this.desk.selection.nodes.has(view.node.id)) this.canvas.select([view.node.id]);
  };

  /** A pin pressed by keyboard or by assistive technology begins a wire. */
  private readonly click = (event: MouseEvent): void => {
    if (event.detail === 0) this.wire(this.pinAt(event.target));
  };

  private get active(): boolean {
    const { activeElement } = document;
    return (this.canvas.root.contains(activeElement) || Boolean(this.also?.contains(activeElement))) && !inField(activeElement);
  }

  private readonly copy = (event: ClipboardEvent): void => {
    const text = this.active ? this.canvas.copy() : "";
    if (!text) return;
    this.copied(text);
    event.clipboardData?.setData("text/plain", text);
    event.preventDefault();
  };

  private readonly cut = (event: ClipboardEvent): void => {
    this.copy(event);
    if (event.defaultPrevented) this.canvas.remove();
  };

  private readonly paste = (event: ClipboardEvent): void => {
    if (!this.active || this.desk.readOnly) return;
    const text = event.clipboardData?.getData("text/plain") || this.buffer;
    const at = this.canvas.input.pointer;
    if (this.bring(text, at ? this.desk.viewport.toWorld(at) : undefined)) event.preventDefault();
  };

  /** Remember what was copied in this browser. */
  copied(text: string): void {
    this.buffer = text;
    localStorage.setItem(COPIED, sumOf(text));
  }

  /** Paste what was copied in this browser; what comes from elsewhere is shown first. False when it holds no nodes. */
  bring(text: string, point?: Point): boolean {
    if (localStorage.getItem(COPIED) === sumOf(text) && !this.canvas.isHoled(text)) return this.canvas.paste(text, point);
    if (!readPasted(text)) return false;
    this.desk.events.emit("request-paste", { text, point });
    return true;
  }
}

function inField(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"));
}

function isButton(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches(".fc-field, .fc-grow, .fc-fold, .fc-act");
}

/** The free step output of a node: where the next step goes. */
function freeStep(canvas: FlowCanvas, node: FlowNode): PinAt | null {
  const { shapes } = canvas.desk.scene;
  const pin = shapes.of(node).pins.find((each) => each.side === "out" && each.type === EXEC && !shapes.isWired(node, each));
  return pin ? { node: node.id, side: "out", pin: pin.id } : null;
}

/** The pin that a wire most likely starts from. */
function freePin(canvas: FlowCanvas, node: FlowNode): PinAt | null {
  const { shapes } = canvas.desk.scene;
  const pins = shapes.of(node).pins;
  const outs = pins.filter((pin) => pin.side === "out");
  const pin = outs.find((each) => !each.folded && !shapes.isWired(node, each)) ?? outs[0] ?? pins[0];
  return freeStep(canvas, node) ?? (pin ? { node: node.id, side: pin.side, pin: pin.id } : null);
}
