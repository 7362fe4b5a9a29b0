// The flow as a tree: one line per node, in the order it runs, with all that the canvas can do. It is
// what a screen reader reads, and what a small screen shows first. Loaded when it is first wanted.
import type { FlowCanvas } from "../canvas/flowcanvas";
import { type Act, keymap } from "../canvas/keymap";
import { loadFlows } from "../bridge/http";
import { flowNames, isCall } from "../model/called";
import type { Change } from "../model/change";
import type { FlowNode } from "../model/document";
import type { PinAt } from "../model/hit";
import { hasBreakpoint, pinnedOf } from "../model/marks";
import { type Line, outlineOf, places } from "../model/outline";
import type { Scene } from "../model/scene";
import { healChanges, spliceChanges, spliceInto } from "../model/splice";
import { tops, WHOLE, windowOf } from "../model/window";
import { PROBLEM_SIGNS, worstOf } from "../view/look";
import { Heights, spacer } from "./heights";
import { button, el, familyMark, icon } from "./parts";

/** What a line does as the node on the canvas does. */
const AS_CANVAS: ReadonlySet<Act> = new Set<Act>(["duplicate", "select-all", "bookmark", "lock", "pins", "rename"]);

/** Lines that lie deeper are not moved in further. */
const DEEPEST = 14;

const STATES: { [state: string]: string } = { queued: "queued", running: "running", waiting: "waiting", stopped: "stopped", retry: "another attempt is planned", done: "done", failed: "failed", cancelled: "cancelled" };

export class OutlineView {
  readonly element = el("div", "outline");
  private readonly tree = el("div", "outline-tree");
  private readonly closed = new Set<string>();
  /** The nodes that show their pins. */
  private readonly opened = new Set<string>();
  private lines: Line[] = [];
  private shown: Line[] = [];
  private among: { place: number; of: number }[] = [];
  private readonly heights = new Heights();
  private at = "";
  private frame = 0;
  private isNamed = false;

  constructor(
    private readonly canvas: FlowCanvas,
    private readonly settings: (node: string, pin: string | null) => void,
  ) {
    this.tree.setAttribute("role", "tree");
    this.tree.setAttribute("aria-label", "Steps in the order they run");
    this.element.hidden = true;
    const add = button("quiet small outline-add", "Add a step", "plus", () => this.add());
    this.element.append(this.tree, add);
    this.tree.addEventListener("keydown", (event) => this.key(event));
    this.tree.addEventListener("click", (event) => this.click(event));
    this.tree.addEventListener("focusin", (event) => this.focused(event.target as HTMLElement));
    this.tree.addEventListener("contextmenu", (event) => this.menu(event));
    this.element.addEventListener("scroll", () => this.scrolled(), { passive: true });
    new ResizeObserver(() => this.heights.clear(this.tree.clientWidth) && this.refresh()).observe(this.tree);
    canvas.keys.also = this.tree;
    canvas.on("change", () => this.refresh());
    canvas.on("select", ({ nodes }) => this.follow(nodes));
  }

  get isOpen(): boolean {
    return !this.element.hidden;
  }

  /** Show or hide; with `focus` the keyboard goes to the line of the selected node. */
  open(isOpen: boolean, focus: boolean): void {
    this.element.hidden = !isOpen;
    if (!isOpen) return;
    this.at = this.canvas.selection.nodes[0] ?? this.at;
    this.draw();
    if (focus) this.row()?.focus();
    else this.row()?.scrollIntoView({ block: "nearest" });
  }

  focus(): void {
    this.row()?.focus();
  }

  /** Other lines come into view. */
  private scrolled(): void {
    if (this.shown.length > WHOLE) this.refresh();
  }

  /** Draw again with the next frame. */
  refresh(): void {
    if (this.element.hidden || this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  /** What the lines were made of the last time. */
  private made: { scene: Scene; version: number; opened: string } | null = null;

  private read(): void {
    const { scene } = this.canvas.desk;
    const { made } = this;
    const opened = [...this.opened].join("\n");
    if (made?.scene === scene && made.version === scene.flow.version && made.opened === opened) return;
    this.made = { scene, version: scene.flow.version, opened };
    this.lines = outlineOf(scene, this.opened);
  }

  /** Learn once what the flows are called that steps run. */
  private name(): void {
    if (this.isNamed || !this.lines.some(({ node }) => node && isCall(this.canvas.desk.scene.shape(node).card ?? undefined))) return;
    this.isNamed = true;
    loadFlows().then(
      (flows) => {
        for (const { id, name } of flows) flowNames.set(id, name);
        this.refresh();
      },
      () => {
        this.isNamed = false; // offline: with the next drawing
      },
    );
  }

  private draw(): void {
    const hadFocus = this.tree.contains(document.activeElement);
    this.read();
    this.name();
    this.shown = visible(this.lines, this.closed);
    if (!this.shown.some((line) => line.key === this.at)) this.at = this.shown.find((line) => line.node)?.key ?? "";
    this.among = places(this.shown.map((line) => line.level));
    this.put();
    this.tree.setAttribute("role", this.shown.length ? "tree" : "group");
    if (!this.shown.length) this.tree.append(el("p", "outline-none muted", "An empty flow. Add the first step."));
    if (hadFocus) this.row()?.focus({ preventScroll: true });
  }

  /** Make the lines that are in view. Those that say what they said stay: whatever gives the keyboard back finds them. */
  private put(): void {
    const { tree, element } = this;
    const isLong = this.shown.length > WHOLE;
    const starts = tops(this.shown.map((line) => (isLong ? this.heights.of(line.key) : 0)));
    tree.toggleAttribute("data-long", isLong);
    const before = new Map([...tree.children].map((row) => [(row as HTMLElement).dataset["key"], row]));
    const fresh: Element[] = [];
    let next = 0;
    const gap = (to: number): void => {
      const height = (starts[to] as number) - (starts[next] as number);
      if (height) fresh.push(spacer(height));
    };
    for (const index of windowOf(starts, element.scrollTop - tree.offsetTop, element.clientHeight, this.shown.findIndex((line) => line.key === this.at))) {
      gap(index);
      const row = this.line(this.shown[index] as Line, index);
      const was = before.get(row.dataset["key"]);
      fresh.push(was?.isEqualNode(row) ? was : row);
      next = index + 1;
    }
    gap(this.shown.length);
    const { scrollTop } = element;
    const stay = new Set(fresh);
    for (const row of [...tree.children]) if (!stay.has(row)) row.remove();
    fresh.forEach((row, at) => row !== tree.children[at] && tree.insertBefore(row, tree.children[at] ?? null));
    if (element.scrollTop !== scrollTop) element.scrollTop = scrollTop; // while lines were away the list was shorter
    if (isLong) this.heights.measure(tree);
  }

  private line(line: Line, index: number): HTMLElement {
    const row = el("div", `outline-row is-${line.kind}`);
    row.setAttribute("role", "treeitem");
    row.setAttribute("aria-level", String(line.level));
    row.dataset["key"] = line.key;
    row.setAttribute("aria-posinset", String(this.among[index]?.place));
    row.setAttribute("aria-setsize", String(this.among[index]?.of));
    row.style.paddingInlineStart = `${10 + (Math.min(line.level, DEEPEST) - 1) * (innerWidth < 400 ? 6 : innerWidth < 600 ? 12 : 18)}px`;
    row.tabIndex = line.key === this.at ? 0 : -1;
    const isNode = line.kind === "step" || line.kind === "value";
    if (line.holds || isNode) row.setAttribute("aria-expanded", String(line.holds && !this.closed.has(line.key)));
    row.append(el("span", "outline-fold", line.holds ? icon("chevron") : ""));
    if (isNode) this.fill(row, line, line.node as FlowNode);
    else if (line.pin) this.fillPin(row, line, line.pin);
    else row.append(line.kind === "link" ? icon("again") : "", el("span", "outline-title", line.title), about(line));
    return row;
  }

  private fill(row: HTMLElement, line: Line, node: FlowNode): void {
    const { scene, progress, problems, selection } = this.canvas.desk.look;
    const run = progress.nodes.get(node.id);
    row.setAttribute("aria-selected", String(selection.nodes.has(node.id)));
    row.append(el("span", "outline-number", line.number ? String(line.number) : ""), familyMark(scene.shape(node).card?.family ?? "unknown"));
    row.append(el("span", "outline-title", line.title), about(line));
    if (node.data.disabled === true) row.append(el("span", "outline-off", "disabled"));
    if (hasBreakpoint(node)) row.append(el("span", "outline-break", icon("breakpoint"), el("span", "unseen", "breakpoint")));
    const worst = worstOf(problems.get(node.id));
    if (worst) {
      const words = problems.get(node.id)?.map((problem) => problem.message).join(" ") ?? "";
      const sign = el("span", "outline-problem", icon(PROBLEM_SIGNS[worst]), el("span", "unseen", `${worst}: `), el("span", "outline-about", words));
      sign.dataset["severity"] = worst;
      row.append(sign);
    }
    if (pinnedOf(node)) {
      const pin = el("span", "outline-pinned", icon("pin"), el("span", "unseen", "outputs pinned"));
      pin.title = "Outputs pinned: trial runs do not execute it";
      row.append(pin);
    }
    if (run) {
      const state = el("span", "state", run.instead ?? STATES[run.state] ?? run.state);
      state.dataset["state"] = run.state !== "done" ? run.state : run.instead === "reused" ? "reused" : "completed"; // the page's word for it
      row.append(state);
    }
    const more = this.does("More", line.title, () => {
      const { left, bottom } = more.getBoundingClientRect();
      row.focus();
      this.offer(node, left, bottom);
    });
    row.append(this.does(this.opened.has(node.id) ? "Hide pins" : "Pins", line.title, () => this.pins(line, !this.opened.has(node.id))), more);
  }

  /** What keys do on a line, for a pointer. */
  private does(word: string, title: string, act: () => void): HTMLElement {
    const does = button("small quiet outline-does", word, null, act);
    does.tabIndex = -1;
    does.setAttribute("aria-label", `${word}: ${title}`);
    return does;
  }

  private fillPin(row: HTMLElement, line: Line, at: PinAt): void {
    const type = this.canvas.describe(at).type;
    const mark = el("span", "pin-sign");
    mark.dataset["type"] = type;
    mark.dataset["shape"] = this.canvas.catalog.pinType(type).shape;
    row.append(mark, el("span", "outline-title", line.title), about(line), this.does("Wire", line.title, () => this.wire(line)));
  }

  /** Show the pins of a node as lines below it, or no longer. */
  private pins(line: Line, open: boolean): void {
    const { node } = line;
    if (!node) return;
    if (open) this.opened.add(node.id);
    else this.opened.delete(node.id);
    this.closed.delete(node.id);
    this.at = node.id;
    this.draw();
    this.row()?.focus();
  }

  private wire({ node, pin }: Line): boolean {
    if (node) this.canvas.keys.wireFrom(node, pin, this.spot());
    return Boolean(node);
  }

  /** Where something opens that belongs to the current line, in px from the canvas's corner. */
  private spot(): { x: number; y: number } {
    const box = this.row()?.getBoundingClientRect() ?? this.element.getBoundingClientRect();
    const edge = this.canvas.root.getBoundingClientRect();
    return { x: box.left - edge.left + 40, y: box.top - edge.top + 30 };
  }

  /** The menu that the node has on the canvas. */
  private menu(event: MouseEvent): void {
    const row = (event.target as Element).closest<HTMLElement>("[data-key]");
    const node = this.shown.find((line) => line.key === row?.dataset["key"])?.node;
    if (!row || !node) return;
    event.preventDefault();
    row.focus();
    this.offer(node, event.clientX, event.clientY);
  }

  /** Offer what the canvas does with a node, and to move a step along its chain. */
  private offer(node: FlowNode, x: number, y: number): void {
    const edge = this.canvas.root.getBoundingClientRect();
    const moves = (["up", "down"] as const).map((way) => ({ name: `Move ${way}`, keys: way === "up" ? "Alt ↑" : "Alt ↓", act: () => this.shift(node, way === "up") }));
    const also = this.canvas.desk.scene.shape(node).step && !this.canvas.desk.readOnly ? moves : [];
    this.canvas.desk.events.emit("menu", { screen: { x: x - edge.left, y: y - edge.top }, hit: { kind: "node", node: node.id }, also });
  }

  private row(key = this.at): HTMLElement | null {
    return this.tree.querySelector(`[data-key="${CSS.escape(key)}"]`);
  }

  private go(line: Line | undefined): void {
    if (!line) return;
    if (!this.row(line.key)) {
      this.at = line.key; // the line with the keyboard is always there
      this.put();
    }
    this.row(line.key)?.focus();
  }

  /** The keyboard is on a line: Tab stops there, and the canvas selects its node. */
  private focused(target: HTMLElement): void {
    const key = target.closest<HTMLElement>("[data-key]")?.dataset["key"];
    if (key === undefined) return;
    const before = this.row();
    if (before) before.tabIndex = -1;
    this.at = key;
    target.tabIndex = 0;
    const node = this.current?.node;
    if (node && !this.canvas.keys.isPicking) this.canvas.select([node.id]);
  }

  private follow(nodes: string[]): void {
    if (this.element.hidden) return;
    for (const row of this.tree.querySelectorAll<HTMLElement>("[aria-selected]")) row.setAttribute("aria-selected", String(nodes.includes(row.dataset["key"] ?? "")));
    const [only] = nodes;
    if (nodes.length !== 1 || this.current?.node?.id === only) return;
    this.at = only as string;
    this.draw();
    if (document.activeElement === document.body || this.canvas.root.contains(document.activeElement)) this.row()?.focus();
  }

  private get current(): Line | undefined {
    return this.shown.find((line) => line.key === this.at);
  }

  private click(event: MouseEvent): void {
    const row = (event.target as Element).closest<HTMLElement>("[data-key]");
    const line = this.shown.find((each) => each.key === row?.dataset["key"]);
    if (!line || (event.target as Element).closest(".outline-does")) return;
    if ((event.target as Element).closest(".outline-fold") && line.holds) return this.fold(line, !this.closed.has(line.key));
    if (line.kind === "link" && line.node) return this.go(this.shown.find((each) => each.key === line.node?.id));
    row?.focus();
    if (line.node && innerWidth < 900 && line.kind !== "branch") this.settings(line.node.id, line.pin?.pin ?? null);
  }

  private fold(line: Line, close: boolean): void {
    if (close) this.closed.add(line.key);
    else this.closed.delete(line.key);
    this.at = line.key;
    this.draw();
    this.row()?.focus();
  }

  private key(event: KeyboardEvent): void {
    const line = this.current;
    if (!line) return;
    const index = this.shown.indexOf(line);
    if (!this.walk(event, line, index) && !this.act(event, line)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  private walk(event: KeyboardEvent, line: Line, index: number): boolean {
    if (event.altKey || event.ctrlKey || event.metaKey) return false;
    switch (event.key) {
      case "ArrowDown":
        return this.go(this.shown[index + 1]), true;
      case "ArrowUp":
        return this.go(this.shown[index - 1]), true;
      case "Home":
        return this.go(this.shown[0]), true;
      case "End":
        return this.go(this.shown.at(-1)), true;
      case "ArrowRight":
        if (line.holds && this.closed.has(line.key)) return this.fold(line, false), true;
        if (this.isShut(line)) return this.pins(line, true), true;
        return line.holds && this.go(this.shown[index + 1]), true;
      case "ArrowLeft":
        if (line.node && this.opened.has(line.key)) return this.pins(line, false), true;
        if (line.holds && !this.closed.has(line.key)) return this.fold(line, true), true;
        return this.go(this.shown.slice(0, index).findLast((each) => each.level < line.level)), true;
      default:
        return false;
    }
  }

  private isShut({ kind, key }: Line): boolean {
    return (kind === "step" || kind === "value") && !this.opened.has(key);
  }

  private act(event: KeyboardEvent, line: Line): boolean {
    const { node } = line;
    if (event.key === "Enter" && event.shiftKey && node && (line.kind === "step" || line.kind === "value")) return this.canvas.keys.pick(node), true;
    if (event.altKey && event.key.startsWith("Arrow")) return node && line.kind === "step" ? this.shift(node, event.key === "ArrowUp") : false;
    const isEnter = event.key === "Enter" && !event.ctrlKey && !event.metaKey && !event.altKey;
    const act = isEnter ? "settings" : keymap.actOf(event);
    switch (act) {
      case "settings":
        if (line.kind === "link") return this.go(this.shown.find((each) => each.key === node?.id)), true;
        return node ? (this.settings(node.id, line.pin?.pin ?? null), true) : false;
      case "add":
        return this.add(), true;
      case "wire":
        return this.wire(line);
      case "remove":
      case "remove-gap":
        if (line.pin) return this.canvas.keys.does(act, line.pin);
        return node && line.kind !== "branch" ? this.remove(node, act === "remove-gap") : false;
      default:
        return act !== undefined && AS_CANVAS.has(act) && this.canvas.keys.does(act, line.pin ?? null);
    }
  }

  /** Ask for a step after the current line: into its way on, or at the end of its branch. */
  private add(): void {
    const line = this.current;
    const pin = line?.kind === "branch" ? line.key.slice((line.node?.id.length ?? 0) + 1) : null;
    this.canvas.keys.addAfter(line?.node ?? null, pin, this.spot());
  }

  private remove(node: FlowNode, leaveGap: boolean): boolean {
    const index = this.shown.findIndex((line) => line.key === node.id);
    this.at = (this.shown[index - 1] ?? this.shown[index + 1])?.key ?? "";
    this.canvas.remove([node.id], [], !leaveGap);
    this.draw();
    this.row()?.focus();
    return true;
  }

  /** Move a step along its chain: out of its place, its neighbours joined, into the wire beyond. */
  private shift(node: FlowNode, up: boolean): boolean {
    const { canvas } = this;
    const { flow, scene } = canvas.desk;
    const exec = node.wires.filter((wire) => wire.targetPin === "exec-in");
    const before = exec.find((wire) => wire.to === node)?.from;
    const after = exec.find((wire) => wire.from === node)?.to;
    const other = up ? before : after;
    const goal = other?.wires.find((wire) => wire.targetPin === "exec-in" && (up ? wire.to === other : wire.from === other) && wire.from !== node && wire.to !== node);
    const joins = healChanges(flow, scene.shapes, new Set([node.id])).filter((change) => change.op === "connect" && change.edge.targetHandle === "exec-in");
    if (!other || !goal || !joins.length) {
      canvas.desk.say(up ? "It cannot go further up." : "It cannot go further down.", true);
      return true;
    }
    const key = `shift ${canvas.desk.mark()}`;
    const run = (changes: Change[]): void => canvas.apply(changes, up ? "Move a step up" : "Move a step down", key);
    run([...exec.map((wire): Change => ({ op: "disconnect", edge: wire.key })), ...joins]);
    const splice = spliceInto(scene, node, goal);
    if (splice) run(spliceChanges(flow, node, splice));
    const [a, b] = [{ x: node.x, y: node.y }, { x: other.x, y: other.y }];
    run([{ op: "move", node: node.id, ...b }, { op: "move", node: other.id, ...a }]);
    canvas.desk.seal();
    this.draw();
    this.row()?.focus();
    canvas.desk.say(`Moved ${up ? "up" : "down"}`);
    return true;
  }
}

function visible(lines: readonly Line[], closed: ReadonlySet<string>): Line[] {
  const shown: Line[] = [];
  let hidden = Infinity;
  for (const line of lines) {
    if (line.level > hidden) continue;
    hidden = closed.has(line.key) ? line.level : Infinity;
    shown.push(line);
  }
  return shown;
}

/** What a line tells of its node; a value and the name of a way stand out. */
function about(line: Line): HTMLElement {
  return el("span", "outline-about", ...line.about().map(({ text, kind }) => (kind ? el(kind === "value" ? "b" : "i", "", text) : text)));
}
