// The nodes and wires near enough to read: mounted while they are in view, pooled when they leave.
// A node that has the focus, is being edited or is dragged stays, wherever the view goes.
import type { FlowNode, FlowWire } from "../model/document";
import type { Rect } from "../model/geometry";
import { make } from "./element";
import type { Look } from "./look";
import { NodePool, type NodeView } from "./node";
import { WireLayer } from "./wire";

/** How long a frame may go on mounting, and how many nodes it mounts in any case and at most: what
 * is mounted is also styled, laid out and painted before the frame is on screen. */
const BUDGET_MS = 5;
const LEAST = 4;
const MOST = 10;

export class NearView {
  readonly world = make("div", "fc-world");
  readonly wires: WireLayer;
  readonly mounted = new Map<FlowNode, NodeView>();
  /** Nodes to keep in the document whatever the view: the one with the focus, the dragged ones. */
  readonly pinned = new Set<string>();
  private readonly nodes = make("div", "fc-nodes");
  private readonly pool = new NodePool();
  private readonly raised = new Map<string, number>();
  private order = 0;
  private spin = 0;

  constructor(private readonly look: Look, prefix: string) {
    this.wires = new WireLayer(prefix);
    this.world.append(this.wires.element, this.nodes);
  }

  /** Mount what the rectangle holds and unmount the rest; with null only the kept nodes remain.
   * Stops mounting after some milliseconds and returns what is left for the next frame. */
  cull(view: Rect | null, budget = BUDGET_MS, most = MOST): FlowNode[] {
    const { scene } = this.look;
    const wanted = new Set(view ? scene.nodesIn(view) : []);
    for (const id of this.kept()) {
      const node = scene.flow.nodes.get(id);
      if (node) wanted.add(node);
    }
    for (const [node, mounted] of this.mounted) if (!wanted.has(node)) this.unmount(node, mounted);
    const fresh = document.createDocumentFragment();
    const waiting: FlowNode[] = [];
    const end = performance.now() + budget;
    for (const node of wanted) {
      if (this.mounted.has(node)) continue;
      const count = fresh.childElementCount;
      if (count < LEAST || (count < most && performance.now() < end)) fresh.append(this.mount(node).element);
      else waiting.push(node);
    }
    if (fresh.hasChildNodes()) this.nodes.append(fresh);
    this.wires.show(new Set(view ? scene.wiresIn(view) : []), this.look);
    return waiting;
  }

  /** Redraw nodes whose document part changed; a new shape needs new elements. */
  refresh(nodes: Iterable<FlowNode>, wires: Iterable<FlowWire>): void {
    for (const node of nodes) {
      const view = this.mounted.get(node);
      if (!view) continue;
      if (view.shape !== this.look.scene.shape(node)) this.remount(node, view);
      else {
        view.place(this.look.scene.box(node));
        view.fill(this.look);
        view.mark(this.look);
      }
    }
    for (const wire of wires) {
      this.wires.route(wire, this.look);
      this.wires.mark(wire, this.look);
    }
  }

  /** Redraw selection, problems and run states. */
  markAll(): void {
    for (const view of this.mounted.values()) view.mark(this.look);
    for (const wire of this.wires.mounted.keys()) this.wires.mark(wire, this.look);
    this.wires.tell();
    if (this.look.running) this.spinSoon();
  }

  /** Redraw the run state of a node. */
  markRun(node: FlowNode): void {
    this.mounted.get(node)?.markRun(this.look);
    if (this.look.progress.nodes.get(node.id)?.state === "running") this.spinSoon();
    for (const wire of node.wires) this.wires.mark(wire, this.look);
  }

  fillAll(): void {
    for (const view of this.mounted.values()) view.fill(this.look);
  }

  /** Drop everything, as when another flow or theme of shapes comes. */
  clear(): void {
    for (const view of this.mounted.values()) view.element.remove();
    this.mounted.clear();
    this.pool.clear();
    this.raised.clear();
    this.wires.show(new Set(), this.look);
  }

  /** Most steps are over at once: only nodes that go on running get a turning sign. */
  private spinSoon(): void {
    this.spin ||= window.setTimeout(() => {
      this.spin = 0;
      for (const view of this.mounted.values()) view.turn(this.look);
    }, 300);
  }

  viewOf(element: Element | null): NodeView | undefined {
    const id = element?.closest<HTMLElement>("[data-node-id]")?.dataset.nodeId;
    const node = id === undefined ? undefined : this.look.scene.flow.nodes.get(id);
    return node && this.mounted.get(node);
  }

  /** Mount a node now, in view or not, so that it can take the focus. */
  ensure(node: FlowNode): NodeView {
    const known = this.mounted.get(node);
    if (known) return known;
    const view = this.mount(node);
    this.nodes.append(view.element);
    return view;
  }

  /** Put a node in front of the others. */
  raise(id: string): void {
    this.raised.set(id, ++this.order);
    const node = this.look.scene.flow.nodes.get(id);
    const view = node && this.mounted.get(node);
    if (view) view.element.style.zIndex = String(this.order);
  }

  top = (id: string): number => this.raised.get(id) ?? 0;

  private *kept(): Iterable<string> {
    yield* this.pinned;
    const focused = this.nodes.contains(document.activeElement) ? this.viewOf(document.activeElement) : undefined;
    if (focused) yield focused.node.id;
  }

  private mount(node: FlowNode): NodeView {
    const view = this.pool.take(this.look.scene.shape(node), this.look);
    view.show(node, this.look);
    view.element.style.zIndex = this.raised.has(node.id) ? String(this.raised.get(node.id)) : "";
    this.mounted.set(node, view);
    if (this.look.running) this.spinSoon();
    return view;
  }

  private unmount(node: FlowNode, view: NodeView): void {
    view.open(false);
    view.element.remove();
    this.mounted.delete(node);
    this.pool.give(view);
  }

  /** A node got other pins: swap its elements and keep the focus at the same place. */
  private remount(node: FlowNode, old: NodeView): void {
    const active = old.element.contains(document.activeElement) ? (document.activeElement as HTMLElement) : null;
    const fresh = this.pool.take(this.look.scene.shape(node), this.look);
    fresh.show(node, this.look);
    fresh.element.style.zIndex = old.element.style.zIndex;
    fresh.open(old.element.tabIndex === 0);
    old.element.replaceWith(fresh.element);
    this.mounted.set(node, fresh);
    this.pool.give(old);
    if (!active) return;
    const { field, pin, side, grow } = active.dataset;
    const control = grow === "fold" ? ".fc-fold" : grow ? ".fc-grow" : "";
    const query = field ? `[data-field="${CSS.escape(field)}"]` : pin ? `[data-pin="${CSS.escape(pin)}"][data-side="${side}"]` : control;
    const again = query ? fresh.element.querySelector<HTMLElement>(query) : fresh.element;
    (again ?? fresh.element).focus({ preventScroll: true });
  }
}
