// From the browser's events to the gestures: pointers, wheel, double clicks, clipboard.
import { idle } from "../gesture/idle";
import { Machine, type Pointer } from "../gesture/machine";
import { pinch, wheel } from "../gesture/zoom";
import type { Point } from "../model/geometry";
import type { Desk } from "./desk";
import type { Bodies } from "./bodies";

const OWN = "input, textarea, select, .fc-field, .fc-grow, .fc-fold, .fc-map, [data-own]";

export class Input {
  readonly machine: Machine;
  /** Where the pointer was last, in px from the canvas's corner. */
  pointer: Point | null = null;
  private edge = { left: 0, top: 0 };
  private ticking = 0;

  constructor(
    private readonly desk: Desk,
    private readonly fields: Bodies,
  ) {
    this.machine = new Machine(desk, idle, pinch);
    const { root } = desk;
    root.addEventListener("pointerdown", this.down);
    root.addEventListener("pointermove", this.move);
    root.addEventListener("pointerup", this.up);
    root.addEventListener("pointercancel", () => this.machine.cancel());
    root.addEventListener("pointerenter", () => this.measure());
    root.addEventListener("pointerleave", () => this.desk.hover(null));
    root.addEventListener("wheel", this.turn, { passive: false });
    root.addEventListener("dblclick", this.double);
    root.addEventListener("contextmenu", this.menu);
    root.addEventListener("auxclick", (event) => event.button === 1 && event.preventDefault());
  }

  /** Give up the gesture that is going on; says whether there was one. */
  cancel(): boolean {
    const busy = this.machine.busy;
    this.machine.cancel();
    return busy;
  }

  stop(): void {
    cancelAnimationFrame(this.ticking);
  }

  private measure(): void {
    const { left, top } = this.desk.root.getBoundingClientRect();
    this.edge = { left, top };
  }

  /** Before what is under the pointer is looked up: what the person sees there counts. */
  private settle(): void {
    this.measure();
    if (!this.machine.busy) this.desk.view.hold();
  }

  private at(event: MouseEvent): Point {
    return { x: event.clientX - this.edge.left, y: event.clientY - this.edge.top };
  }

  private read(event: PointerEvent): Pointer {
    const kind = event.pointerType === "touch" || event.pointerType === "pen" ? event.pointerType : "mouse";
    const ctrl = event.ctrlKey || event.metaKey;
    return { id: event.pointerId, kind, at: this.at(event), button: event.button, shift: event.shiftKey, alt: event.altKey, ctrl, time: event.timeStamp };
  }

  private readonly down = (event: PointerEvent): void => {
    const target = event.target as Element;
    this.desk.root.toggleAttribute("data-pointer", true);
    this.desk.root.toggleAttribute("data-touch", event.pointerType === "touch");
    if (target.closest(OWN)) return;
    this.settle();
    const active = document.activeElement;
    if (active instanceof HTMLElement && (active.isContentEditable || active.matches("input, textarea, select"))) active.blur();
    if (event.button === 1) event.preventDefault();
    this.desk.root.setPointerCapture(event.pointerId);
    this.machine.down(this.read(event));
    this.focusAt(event);
  };

  /** Put the keyboard where the pointer pressed: on the node, else on the canvas. */
  private focusAt(event: PointerEvent): void {
    const hit = this.desk.hit(this.at(event));
    const id = hit.kind === "pin" ? hit.at.node : "node" in hit ? hit.node : "";
    const node = this.desk.flow.nodes.get(id);
    const view = node && this.desk.view.near.mounted.get(node);
    (view?.element ?? this.desk.root).focus({ preventScroll: true });
    event.preventDefault();
  }

  private readonly move = (event: PointerEvent): void => {
    const pointer = this.read(event);
    this.pointer = pointer.at;
    this.machine.move(pointer);
    if (this.machine.busy) this.tickSoon();
  };

  private readonly up = (event: PointerEvent): void => {
    this.machine.up(this.read(event));
  };

  /** While a drag rests at the edge the view moves along, frame by frame. */
  private tickSoon(): void {
    if (this.ticking || !this.machine.atEdge) return;
    const tick = (): void => {
      this.ticking = 0;
      if (!this.machine.atEdge) return;
      this.machine.tick();
      this.ticking = requestAnimationFrame(tick);
    };
    this.ticking = requestAnimationFrame(tick);
  }

  private readonly turn = (event: WheelEvent): void => {
    if (document.activeElement instanceof HTMLSelectElement && event.target === document.activeElement) return;
    event.preventDefault();
    this.measure();
    const { deltaX: dx, deltaY: dy, deltaMode: mode, shiftKey: shift } = event;
    wheel(this.desk, { at: this.at(event), dx, dy, mode, ctrl: event.ctrlKey || event.metaKey, shift });
  };

  private readonly double = (event: MouseEvent): void => {
    if ((event.target as Element).closest(OWN) || event.button !== 0) return;
    const at = this.at(event);
    const hit = this.desk.hit(at);
    if (hit.kind === "empty") {
      if (!this.desk.readOnly) this.desk.emit("request-add", { point: this.desk.viewport.toWorld(at), screen: at, from: null, strict: false });
      return;
    }
    if (hit.kind === "wire") return this.desk.edits?.turnPoint(this.desk, hit.wire, this.desk.viewport.toWorld(at), hit.point);
    const node = "node" in hit ? this.desk.flow.nodes.get(hit.node) : undefined;
    if (!node) return;
    if (hit.kind === "title" && !this.desk.viewport.far) this.fields.rename(node);
    else this.desk.open(node);
  };

  private readonly menu = (event: MouseEvent): void => {
    if ((event.target as Element).closest("input, select, [contenteditable]")) return;
    event.preventDefault();
    if ((event as PointerEvent).pointerType === "touch") return; // a finger that rests is a gesture of its own
    this.settle();
    const screen = this.at(event);
    const hit = this.desk.hit(screen);
    if (hit.kind !== "empty" && "node" in hit && !this.desk.selection.nodes.has(hit.node)) this.desk.select([hit.node]);
    this.desk.events.emit("menu", { screen, hit });
  };
}
