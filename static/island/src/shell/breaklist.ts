// All breakpoints of the flow, beside the canvas: where each is, under which condition, on or off; and what runs from the
// editor stop at wherever it is. Loaded when it is first wanted.
import { anywhere, type Anywhere, conditionOf, stopAnywhere } from "../bridge/runs";
import { EXEC } from "../catalog";
import type { FlowCanvas } from "../canvas/flowcanvas";
import { type Break, breakOf, breakOn, breaksOf, setBreak } from "../model/breaks";
import type { FlowNode, FlowWire } from "../model/document";
import { titleOf } from "../model/geometry";
import { wireKey } from "../model/marks";
import { button, el } from "./parts";

interface Hooks {
  readonly flow: string;
  run(): string;
  /** Put a breakpoint at what is selected. */
  turn(): void;
  /** What it stops at anywhere has changed. */
  told(): void;
  say(text: string, urgent?: boolean): void;
  left(): void;
}

const PAUSE_MS = 350;
let shown: BreakList | null = null;

/** Show the list; what is selected gets a breakpoint when it has none, and its condition the keyboard. */
export function openBreaks(canvas: FlowCanvas, place: HTMLElement, hooks: Hooks): void {
  shown ??= new BreakList(canvas, place, hooks);
  shown.open();
}

class BreakList {
  private readonly rows = el("ul", "break-list");
  private readonly wires = el("div", "break-wires");
  private readonly box = el("section", "break-card");
  private chosen = "";
  private timer = 0;

  constructor(
    private readonly canvas: FlowCanvas,
    private readonly place: HTMLElement,
    private readonly hooks: Hooks,
  ) {
    const close = button("small quiet only", "", "cross", () => this.leave());
    close.setAttribute("aria-label", "Close the breakpoints");
    this.box.setAttribute("aria-label", "Breakpoints");
    this.box.append(el("div", "break-head", el("h3", "", "Breakpoints"), close), this.rows, this.wires, this.anywhere());
    this.box.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.leave();
    });
    canvas.on("change", () => this.place.isConnected && this.place.contains(this.box) && this.draw());
  }

  open(): void {
    const { canvas, hooks } = this;
    const { nodes, wires } = canvas.selection;
    const node = nodes.length === 1 ? canvas.model.nodes.get(nodes[0] as string) : undefined;
    const wire = !nodes.length && wires.length === 1 ? canvas.model.wires.get(wires[0] as string) : undefined;
    if ((node && canvas.desk.scene.shape(node).step && !breakOf(node)) || (wire && canvas.desk.scene.wireType(wire) === EXEC && !breakOn(wire))) hooks.turn();
    this.chosen = node ? node.id : wire ? keyOf(wire.to as FlowNode, wire) : "";
    this.place.replaceChildren(this.box);
    this.draw();
    this.wires.replaceChildren(...(node ? this.waysOf(node) : []));
    const first = this.chosen ? this.rows.querySelector<HTMLElement>(`[data-key="${CSS.escape(this.chosen)}"] .break-when`) : null;
    (first ?? this.box.querySelector<HTMLElement>("input, button"))?.focus({ preventScroll: true });
    this.place.scrollIntoView({ block: "nearest" });
  }

  /** The wires by which control leaves the selected step: a breakpoint can be put on each, without a pointer too. */
  private waysOf(node: FlowNode): HTMLElement[] {
    const { canvas } = this;
    const ways = [...canvas.model.wires.values()].filter((wire) => wire.from === node && wire.to && canvas.desk.scene.wireType(wire) === EXEC);
    return ways.map((wire) => {
      const title = titleOf(wire.to as FlowNode, canvas.desk.scene.shapes.of(wire.to as FlowNode));
      return button("small quiet", `Stop on the wire to “${title}”`, "plus", () => {
        if (!breakOn(wire)) canvas.apply([setBreak(wire.to as FlowNode, wire, { at: "wire", when: "", off: false })], "Breakpoint");
        this.rows.querySelector<HTMLElement>(`[data-key="${CSS.escape(keyOf(wire.to as FlowNode, wire))}"] .break-when`)?.focus();
      });
    });
  }

  private leave(): void {
    this.place.replaceChildren();
    this.hooks.left();
  }

  /** Make the rows anew, but for the one that somebody writes in. */
  private draw(): void {
    const breaks = breaksOf(this.canvas.model);
    const now = document.activeElement?.closest<HTMLElement>("[data-key]");
    const kept = now && this.rows.contains(now) ? now : null;
    const rows = breaks.map((each) => (kept?.dataset["key"] === keyOf(each.node, each.wire) ? kept : this.row(each)));
    const none = el("li", "muted small", "None yet: select a step or a wire and press B.");
    this.rows.replaceChildren(...(rows.length ? rows : [none]));
    if (kept && rows.includes(kept)) return;
    if (kept) this.box.querySelector<HTMLElement>("input, button")?.focus({ preventScroll: true });
  }

  private row(held: Break): HTMLElement {
    const key = keyOf(held.node, held.wire);
    const row = el("li", "break-row");
    row.dataset["key"] = key;
    const name = this.nameOf(held);
    const on = el("input", "");
    on.type = "checkbox";
    on.checked = !held.off;
    on.setAttribute("aria-label", `On: ${name}`);
    on.addEventListener("change", () => this.change(held, { off: !on.checked }));
    const show = button("quiet small break-name", name, null, () => this.show(held));
    show.title = "Show it on the canvas";
    const remove = button("small quiet only", "", "trash", () => {
      this.canvas.apply([setBreak(held.node, held.wire, null)], "Remove breakpoint");
    });
    remove.setAttribute("aria-label", `Remove: ${name}`);
    row.append(el("div", "break-line", on, show, remove), el("div", "break-set", ...(held.wire ? [] : [this.where(held, name)]), this.condition(held, name)));
    row.append(el("div", "break-told small"));
    if (held.when) void this.check(held, held.when, row.lastElementChild as HTMLElement);
    return row;
  }

  private where(held: Break, name: string): HTMLElement {
    const where = el("select", "select small");
    where.setAttribute("aria-label", `Where: ${name}`);
    where.append(new Option("Before it", "before"), new Option("After it", "after"));
    where.value = held.at;
    where.addEventListener("change", () => {
      this.change(held, { at: where.value as "before" | "after" });
      const fresh = this.row(breakOf(held.node) ?? held);
      where.closest("li")?.replaceWith(fresh);
      fresh.querySelector<HTMLElement>("select")?.focus();
    });
    return where;
  }

  private condition(held: Break, name: string): HTMLElement {
    const when = el("input", "input mono small break-when");
    when.value = held.when;
    when.placeholder = "if total > 1000";
    when.setAttribute("aria-label", `Only where: ${name}`);
    when.spellcheck = false;
    when.autocapitalize = "off";
    when.addEventListener("input", () => {
      window.clearTimeout(this.timer);
      this.timer = window.setTimeout(() => {
        this.change(held, { when: when.value });
        void this.check(held, when.value, when.closest("li")?.querySelector(".break-told") as HTMLElement);
      }, PAUSE_MS);
    });
    when.addEventListener("change", () => {
      window.clearTimeout(this.timer);
      this.change(held, { when: when.value });
      void this.check(held, when.value, when.closest("li")?.querySelector(".break-told") as HTMLElement);
    });
    return when;
  }

  private change(held: Break, to: Partial<Break>): void {
    const now = held.wire ? breakOn(held.wire) : breakOf(held.node);
    if (!now || Object.entries(to).every(([name, value]) => now[name as keyof Break] === value)) return;
    this.canvas.apply([setBreak(held.node, held.wire, { ...now, ...to })], "Change breakpoint");
  }

  /** Say what the condition gives in the run at hand, or why it gives nothing. */
  private async check(held: Break, text: string, told: HTMLElement): Promise<void> {
    if (!text.trim()) return told.replaceChildren();
    const node = held.wire ? held.wire.from : held.node;
    if (!node) return;
    const wired = [...this.canvas.model.wires.values()].filter((wire) => wire.to === node).map((wire) => wire.targetPin);
    const now = held.wire ? "wire" : (breakOf(held.node)?.at ?? held.at);
    try {
      told.innerHTML = await conditionOf({ flow_id: this.hooks.flow, node: node.raw, wired, at: now, text, background: this.hooks.run() });
    } catch (error) {
      told.textContent = (error as Error).message;
    }
  }

  private show(held: Break): void {
    this.canvas.focusNode(held.node.id);
    if (held.wire) this.canvas.select([], [held.wire.key]);
  }

  private nameOf({ node, wire, at }: Break): string {
    const title = (each: FlowNode | null | undefined): string => (each ? `“${titleOf(each, this.canvas.desk.scene.shapes.of(each))}”` : "");
    return wire ? `From ${title(wire.from)} to ${title(node)}` : `${at === "after" ? "After" : "Before"} ${title(node)}`;
  }

  /** What runs from the editor stop at wherever it is. */
  private anywhere(): HTMLElement {
    const now = anywhere();
    const set = (to: Anywhere): void => {
      const { cost, ...rest } = { ...anywhere(), ...to };
      stopAnywhere({ ...rest, ...(cost === undefined || Number.isNaN(cost) ? {} : { cost }) });
      this.hooks.told();
    };
    const tick = (words: string, name: "errors" | "outside"): HTMLElement => {
      const box = el("input", "");
      box.type = "checkbox";
      box.checked = now[name] === true;
      box.addEventListener("change", () => set({ [name]: box.checked }));
      return el("label", "break-any", box, el("span", "", words));
    };
    const most = el("input", "input small break-cost");
    most.type = "number";
    most.min = "0";
    most.step = "any";
    most.placeholder = "no limit";
    most.value = now.cost === undefined ? "" : String(now.cost);
    most.addEventListener("change", () => set({ cost: most.validity.valid && most.value ? Number(most.value) : Number.NaN }));
    const cost = el("label", "break-any", el("span", "", "Cost over"), most);
    const group = el("fieldset", "break-anywhere", el("legend", "", "Anywhere"), tick("Any error, before it goes its way", "errors"), tick("Each step, before it acts outside", "outside"), cost);
    group.append(el("p", "hint small", "For runs from this browser, the one under way too."));
    return group;
  }
}

const keyOf = (node: FlowNode, wire: FlowWire | null): string => (wire ? `${node.id} ${wireKey(wire)}` : node.id);
