// The menu at a spot of the canvas: the same commands as by keys, with their keys beside them.
import type { FlowCanvas } from "../canvas/flowcanvas";
import { keymap } from "../canvas/keymap";
import type { CanvasEvents, MenuEntry as Entry } from "../canvas/events";
import { EXEC } from "../catalog";
import { turnPoint } from "../gesture/reroute";
import { breakOn } from "../model/breaks";
import { isCall } from "../model/called";
import type { FlowNode, FlowWire } from "../model/document";
import type { Point } from "../model/geometry";
import type { Hit } from "../model/hit";
import { hasBreakpoint, leadWire, ownOf, pinnedOf } from "../model/marks";
import { toast } from "../pages/parts/toast";
import { el } from "./parts";

const WIDTH = 256;

export class CanvasMenu {
  private readonly list = el("div", "menu-list canvas-menu");
  private before: HTMLElement | null = null;

  constructor(
    private readonly canvas: FlowCanvas,
    private readonly add: (screen: { x: number; y: number }) => void,
    private readonly use: (tool: string) => void,
  ) {
    this.list.setAttribute("role", "menu");
    this.list.setAttribute("aria-label", "Canvas");
    this.list.hidden = true;
    document.body.append(this.list);
    this.list.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("pointerdown", (event) => {
      if (!this.list.contains(event.target as Node)) this.list.hidden = true;
    });
  }

  open({ screen, hit, also = [] }: CanvasEvents["menu"]): void {
    const entries = hit.kind === "wire" ? this.forWire(hit, screen) : hit.kind === "empty" ? this.forEmpty(screen) : this.forNode();
    this.before = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    this.list.replaceChildren(...[...also, ...entries].map((entry) => this.item(entry)));
    this.list.hidden = false;
    const edge = this.canvas.root.getBoundingClientRect();
    const height = this.list.offsetHeight;
    this.list.style.left = `${Math.max(8, Math.min(edge.left + screen.x, innerWidth - WIDTH - 8))}px`;
    this.list.style.top = `${Math.max(8, Math.min(edge.top + screen.y, innerHeight - height - 8))}px`;
    this.list.querySelector<HTMLElement>("button")?.focus();
  }

  private item(entry: Entry): HTMLElement {
    const made = el("button", "menu-item", el("span", "menu-name", entry.name), el("kbd", "", entry.keys));
    made.type = "button";
    made.tabIndex = -1;
    made.setAttribute("role", "menuitem");
    made.addEventListener("click", () => {
      this.close();
      entry.act();
    });
    return made;
  }

  private forNode(): Entry[] {
    const { canvas } = this;
    const { nodes } = canvas.selection;
    const only = nodes.length === 1 ? canvas.model.nodes.get(nodes[0] as string) : undefined;
    const isPinned = (id: string): boolean => Boolean(canvas.model.nodes.get(id) && pinnedOf(canvas.model.nodes.get(id) as FlowNode));
    const single: Entry[] = only
      ? [
          { name: "Settings", keys: keymap.label("settings"), act: () => canvas.desk.events.emit("open-inspector", { node: only.id, pin: null }) },
          { name: "Rename", keys: keymap.label("rename"), act: () => canvas.fields.rename(only) },
        ]
      : [];
    return [
      ...single,
      { name: "Copy", keys: "Ctrl C", act: () => void this.copy() },
      { name: "Duplicate", keys: keymap.label("duplicate"), act: () => canvas.desk.duplicate({ x: 32, y: 32 }) },
      { name: "Group", keys: keymap.label("group"), act: () => this.use("group") },
      ...this.forFlow(only),
      ...(nodes.length > 1 ? [{ name: "Arrange", keys: keymap.label("tidy"), act: () => this.use("tidy") }] : []),
      ...this.forPins(nodes),
      { name: nodes.every(isPinned) ? "Unpin the outputs" : "Pin the outputs", keys: keymap.label("pin"), act: () => this.use("pin") },
      { name: nodes.every((id) => canvas.isLocked(id)) ? "Unlock the place" : "Lock the place", keys: keymap.label("lock"), act: () => canvas.lock() },
      { name: nodes.every((id) => canvas.model.nodes.get(id)?.data.disabled === true) ? "Enable" : "Disable", keys: keymap.label("disable"), act: () => this.use("disable") },
      { name: "Run to here", keys: keymap.label("run-to"), act: () => this.use("run-to") },
      { name: nodes.every((id) => hasBreakpoint(canvas.model.nodes.get(id) as FlowNode)) ? "Remove the breakpoint" : "Breakpoint", keys: keymap.label("breakpoint"), act: () => this.use("breakpoint") },
      { name: "Breakpoint with a condition…", keys: "", act: () => this.use("breakpoints") },
      { name: "Fit the selection", keys: keymap.label("fit-selection"), act: () => canvas.fit({ nodes }) },
      { name: nodes.length > 1 ? `Delete ${nodes.length} nodes` : "Delete", keys: keymap.label("remove"), act: () => canvas.remove(undefined, undefined, true) },
      { name: "Leave a gap", keys: keymap.label("remove-gap"), act: () => canvas.remove() },
    ];
  }

  /** Pins that are folded away can be shown, and those that are not used folded again. */
  private forPins(nodes: readonly string[]): Entry[] {
    const { fields, model, desk } = this.canvas;
    const chosen = nodes.flatMap((id) => model.nodes.get(id) ?? []);
    const folds = chosen.flatMap((node) => desk.scene.shape(node).fold ?? []);
    if (!folds.length) return [];
    return [{ name: folds.some((fold) => !fold.open) ? "Show all pins" : "Fold pins that are not used", keys: keymap.label("pins"), act: () => fields.fold(chosen) }];
  }

  /** What can be done about subflows: with a node that runs a flow, or with steps that could be one. */
  private forFlow(only: FlowNode | undefined): Entry[] {
    if (!only || !isCall(this.canvas.catalog.card(only.type))) return [{ name: "Collapse into a subflow", keys: keymap.label("collapse"), act: () => this.use("collapse") }];
    return [
      { name: "Step in", keys: "Enter", act: () => this.canvas.desk.open(only) },
      { name: "Expand here", keys: keymap.label("expand"), act: () => this.use("expand") },
      { name: ownOf(only) ? "Follow the flow again" : "Make it a copy of its own", keys: "", act: () => this.use("link") },
    ];
  }

  private forWire({ wire, point }: Extract<Hit, { kind: "wire" }>, screen: Point): Entry[] {
    const { canvas } = this;
    const put = (): void => {
      canvas.select([], [wire]);
      canvas.keys.addHere();
    };
    const line = canvas.model.wires.get(wire) as FlowWire;
    const turn = (): void => turnPoint(canvas.desk, wire, canvas.desk.viewport.toWorld(screen), point);
    const hide = (): void => {
      canvas.select([], [wire]);
      this.use("tags");
    };
    return [
      { name: "Put a node in", keys: keymap.label("add"), act: put },
      { name: point === undefined ? "Add a reroute point" : "Remove the reroute point", keys: "", act: turn },
      ...(line.points.length ? [{ name: "Let it go its own way", keys: "", act: () => canvas.apply(leadWire(line, []), "Straighten a wire") }] : []),
      ...(canvas.desk.scene.wireType(line) === EXEC ? [] : [{ name: "Hide behind a name", keys: keymap.label("tags"), act: hide }]),
      ...(canvas.desk.scene.wireType(line) === EXEC ? this.forStops(line) : []),
      { name: "Remove the wire", keys: keymap.label("remove"), act: () => canvas.remove([], [wire]) },
    ];
  }

  /** A stop when control goes along a wire. */
  private forStops(line: FlowWire): Entry[] {
    const does = (tool: string) => (): void => {
      this.canvas.select([], [line.key]);
      this.use(tool);
    };
    return [
      { name: breakOn(line) ? "Remove the breakpoint" : "Breakpoint", keys: keymap.label("breakpoint"), act: does("breakpoint") },
      { name: "Breakpoint with a condition…", keys: "", act: does("breakpoints") },
    ];
  }

  private forEmpty(screen: { x: number; y: number }): Entry[] {
    const { canvas } = this;
    return [
      { name: "Add a node", keys: keymap.label("add"), act: () => this.add(screen) },
      { name: "Paste", keys: "Ctrl V", act: () => void this.paste(screen) },
      { name: "Add a note", keys: keymap.label("note"), act: () => this.use("note") },
      { name: "Arrange the flow", keys: keymap.label("tidy"), act: () => this.use("tidy") },
      { name: canvas.stepsOnly ? "Show values too" : "Show the steps alone", keys: keymap.label("steps-only"), act: () => this.use("steps-only") },
      { name: canvas.curves ? "Draw wires in right angles" : "Draw wires as curves", keys: keymap.label("curves"), act: () => this.use("curves") },
      { name: "Select everything", keys: keymap.label("select-all"), act: () => canvas.select(canvas.model.nodes.keys()) },
      { name: "Fit the whole flow", keys: keymap.label("fit"), act: () => canvas.fit() },
    ];
  }

  private async copy(): Promise<void> {
    const text = this.canvas.copy();
    this.canvas.keys.copied(text);
    await navigator.clipboard.writeText(text);
  }

  private async paste(screen: { x: number; y: number }): Promise<void> {
    let text: string;
    try {
      text = await navigator.clipboard.readText();
    } catch {
      return toast("The browser does not let the page read the clipboard: press Ctrl+V instead.");
    }
    if (!this.canvas.keys.bring(text, this.canvas.desk.viewport.toWorld(screen))) toast("The clipboard holds no nodes.");
  }

  private key(event: KeyboardEvent): void {
    const items = [...this.list.querySelectorAll<HTMLElement>("button")];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const goals: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 };
    const goal = goals[event.key];
    if (goal !== undefined) items[goal % items.length]?.focus();
    else if (event.key === "Escape" || event.key === "Tab") this.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private close(): void {
    this.list.hidden = true;
    (this.before?.isConnected ? this.before : this.canvas.root).focus({ preventScroll: true });
  }
}
