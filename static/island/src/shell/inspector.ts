// The node tab: the server's form of the selected node, bound to changes. Nothing is asked of the
// server per keystroke; a field's text becomes a `set` change, typing in one field is one step of undo.
import { pathOf, readField } from "../bridge/form";
import { keepVersion, loadBound } from "../bridge/flows";
import { partOf, Refusal } from "../bridge/http";
import { expressionOf, inspectorOf, type Looking, manyOf, shapeOf } from "../bridge/panel";
import type { FlowCanvas } from "../canvas/flowcanvas";
import type { Change } from "../model/change";
import type { FlowNode } from "../model/document";
import { bindTo, followFlow, versionOf } from "../model/calls";
import { titleOf } from "../model/geometry";
import { dropPin, growPin } from "../model/grow";
import { type JsonObject, read } from "../model/json";
import { declared } from "../model/pins";
import { addOwnPin, dropOwnPin, renameOwnPin, retypeOwnPin, type OwnSide } from "../model/ownpins";
import { parseFlow } from "../model/serialize";
import type { CodeFields } from "./code";
import { dataAct, searchData, showTick, turned, writePinned } from "./datatab";
import type { Problem } from "../view/look";
import { freshId, literal, markOf, problemNote, savedForm, typeToBe, valueView, wiredOf } from "./formparts";
import { nothingSelected } from "./nothing";
import { showNotes } from "./notestab";
import { el, place } from "./parts";
import { resizable } from "./resize";

const REST_MS = 90;
const AGAIN_MS = 1500;
const COMPUTE_MS = 250;

export class Inspector {
  private readonly pane = place("pane-node");
  private shown: string | null = null;
  private isOwnEdit = false;
  private timer = 0;
  private asked = 0;
  private code: CodeFields | null = null;
  private looking: Looking;
  private wasRunning = false;
  /** How the shown node stood in the run when its tab was asked for. */
  private stood: unknown;
  private computing = 0;
  /** What of the form takes the keyboard when it is there. */
  private wanted: string | null = null;

  constructor(
    private readonly canvas: FlowCanvas,
    private readonly flow: string,
  ) {
    this.looking = { tab: "setup", background: this.chosen, visit: 0, attempt: 0, against: "", views: {}, instant_run: "", upto: 0 };
    canvas.on("select", ({ nodes }) => this.select(nodes));
    canvas.on("change", () => this.changed());
    this.pane.addEventListener("keydown", (event) => this.key(event));
    this.pane.addEventListener("input", (event) => this.input(event));
    this.pane.addEventListener("change", (event) => this.input(event));
    this.pane.addEventListener("click", (event) => this.click(event));
    resizable();
    this.select([...canvas.selection.nodes]);
  }

  /** Put the keyboard into the form: its first field, or the field of a pin. */
  focus(pin: string | null): void {
    const row = pin ? `[data-row="${CSS.escape(pin)}"]` : ".inspector-row";
    this.wanted = `${row} :is(input, textarea, select)`;
    if (this.pane.querySelector(`[data-node="${CSS.escape(this.shown ?? "")}"]`)) this.takeFocus();
  }

  private takeFocus(): void {
    if (this.wanted === null) return;
    const all = [...this.pane.querySelectorAll<HTMLElement>(this.wanted)];
    const stop = this.wanted.startsWith(".own-pin") || this.wanted.startsWith(".case") ? all.at(-1) : all[0];
    // Without a field to begin with, a place where Enter changes nothing by accident.
    (stop ?? this.pane.querySelector<HTMLElement>("input, select, textarea") ?? this.pane.querySelector<HTMLElement>("button"))?.focus();
    this.wanted = null;
  }

  /** Show what the run says of the node, when it says something new. */
  showRun(isUnderWay = this.wasRunning): void {
    if (this.wasRunning && !isUnderWay) this.again(); // it may be the last good run now
    this.wasRunning = isUnderWay;
    if (this.looking.tab === "data" && this.shown && this.stood !== this.canvas.desk.look.progress.nodes.get(this.shown)?.state) this.again();
    const box = this.pane.querySelector<HTMLElement>("[data-values-of]");
    if (!box || !this.shown) return;
    const run = this.canvas.desk.look.progress.nodes.get(this.shown);
    box.hidden = !run;
    const values = Object.entries(run?.outputs ?? {});
    const rows = values.map(([pin, value]) => el("div", "value-line", el("span", "value-name", pin), valueView(value)));
    if (run?.error) rows.unshift(el("div", "note danger", el("div", "words", run.error)));
    if (!rows.length) rows.push(el("p", "muted small", run ? "No values." : ""));
    box.querySelector(".values")?.replaceChildren(...rows);
  }

  /** The selected nodes, when they are several. */
  private many: FlowNode[] = [];

  private async loadMany(): Promise<void> {
    const turn = ++this.asked;
    const { many } = this;
    try {
      const html = await manyOf(many.map((node) => node.raw), many.map(wiredOf));
      if (turn === this.asked && many === this.many) this.put(html);
    } catch (error) {
      this.refused(error, turn === this.asked && many === this.many);
    }
  }

  /** Say why there is no form of what is shown; when the server is away or busy for a moment, ask again. */
  private refused(error: unknown, isShown: boolean): void {
    if (!(error instanceof Refusal)) throw error;
    if (!isShown) return;
    this.pane.replaceChildren(el("div", "note warn", el("div", "words", error.message)));
    if (error.status === 0 || error.status === 503) this.again(AGAIN_MS);
  }

  /** Set or reset a field of all selected nodes, in one step of undo. */
  private editMany(field: HTMLElement, isDone: boolean): void {
    const path = field.dataset["path"];
    const reading = path === undefined ? null : readField(field);
    if (!path || !reading) return;
    this.refuse(field, reading.ok ? "" : reading.reason);
    if (!reading.ok) return;
    const value = reading.value;
    const changes = this.many.map(({ id }): Change => (value === undefined ? { op: "set", node: id, path: pathOf(path) } : { op: "set", node: id, path: pathOf(path), value }));
    this.edit(changes, `Set ${path.replace(/^pinDefaults\./, "")} of ${changes.length} nodes`, `field of many ${path}`);
    if (isDone) this.again();
  }

  private get node(): FlowNode | undefined {
    return this.shown ? this.canvas.model.nodes.get(this.shown) : undefined;
  }

  private select(nodes: string[]): void {
    const only = nodes.length === 1 ? (nodes[0] as string) : null;
    if (only && only === this.shown) return;
    this.shown = only;
    this.many = nodes.length > 1 ? nodes.flatMap((id) => this.canvas.model.nodes.get(id) ?? []) : [];
    Object.assign(this.looking, { visit: 0, attempt: 0, views: {} });
    clearTimeout(this.timer);
    if (only || this.many.length > 1) this.again();
    else this.pane.replaceChildren(nothingSelected(this.canvas));
  }

  private changed(): void {
    const words = this.pane.querySelector<HTMLTextAreaElement>("#flow-description");
    if (words && words !== document.activeElement) words.value = String(this.canvas.model.flow.description ?? "");
    if (this.isOwnEdit) return;
    if (this.many.length > 1) return this.again();
    if (!this.shown) return;
    if (!this.node) return this.select([]);
    this.again();
  }

  /** Ask for the node's tab once more, in a moment. */
  private again(after = REST_MS): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void (this.many.length > 1 ? this.loadMany() : this.load()), after);
  }

  look(at: Partial<Looking>): void {
    Object.assign(this.looking, at);
    if (at.background !== undefined) localStorage.setItem(`background ${this.flow}`, at.background);
    void this.load();
  }

  /** The run that somebody chose for the values; "" for the last one that ended well. */
  private get chosen(): string {
    return localStorage.getItem(`background ${this.flow}`) ?? "";
  }

  /** Show a run as it stood at a position of its story; 0: as it is now. */
  instant(run: string, upto: number): void {
    if (upto === this.looking.upto) return;
    Object.assign(this.looking, { instant_run: run, upto, visit: 0, attempt: 0 });
    this.showRun();
    if (this.shown && /setup|data/.test(this.looking.tab)) this.again();
  }

  /** Show the values of the run on the canvas until another is chosen; without one those of the chosen one again. */
  background(run: string): void {
    Object.assign(this.looking, { background: run || this.chosen, visit: 0, attempt: 0 });
    void this.load();
  }

  private async load(): Promise<void> {
    const node = this.node;
    if (!node) return;
    const turn = ++this.asked;
    this.stood = this.canvas.desk.look.progress.nodes.get(node.id)?.state;
    try {
      const html = await inspectorOf(this.flow, node.raw, wiredOf(node), this.looking);
      if (turn !== this.asked || this.shown !== node.id) return;
      this.put(html);
    } catch (error) {
      this.refused(error, turn === this.asked && this.shown === node.id);
    }
  }

  /** Put the server's form in; the field that has the keyboard keeps it. */
  private put(html: string): void {
    const active = document.activeElement instanceof HTMLElement && this.pane.contains(document.activeElement) ? document.activeElement : null;
    const mark = active && markOf(active);
    const scroll = this.pane.scrollTop;
    const box = document.createElement("template");
    box.innerHTML = html;
    this.code?.hold();
    this.pane.replaceChildren(box.content);
    this.pane.scrollTop = scroll;
    document.dispatchEvent(new CustomEvent("htmx:afterSettle")); // times are said as people say them
    for (const box of this.pane.querySelectorAll<HTMLElement>("[data-load]")) void this.fill(box);
    void this.dress();
    void showNotes(this.pane);
    if (mark) this.pane.querySelector<HTMLElement>(mark)?.focus();
    this.takeFocus();
    this.showRun();
    this.showProblems();
    showTick(this.pane);
  }

  /** Fill what others are asked for: the models of a provider, the tools of servers. */
  private async fill(box: HTMLElement): Promise<void> {
    box.setAttribute("aria-busy", "true");
    const html = await partOf(box.dataset["load"] ?? "").catch((error: unknown) => {
      if (!(error instanceof Refusal)) throw error;
      return null;
    });
    box.removeAttribute("aria-busy");
    if (html !== null) box.innerHTML = html;
  }

  /** The tools that are ticked, and one more by its name. */
  private tools(field: HTMLInputElement, node: FlowNode, isDone: boolean): void {
    const box = field.closest<HTMLElement>(".tools-picker");
    if (!box || (field.dataset["toolName"] !== undefined && !isDone)) return;
    const ticked = [...box.querySelectorAll<HTMLInputElement>("[data-tool]:checked")].map((each) => each.dataset["tool"] ?? "");
    const named = field.dataset["toolName"] === undefined ? "" : field.value.trim();
    const value = named && !ticked.includes(named) ? [...ticked, named] : ticked;
    this.edit([{ op: "set", node: node.id, path: pathOf(box.dataset["path"] ?? ""), value }], "Choose tools", "", Boolean(named));
  }

  /** Make editors of the fields that hold code; where they cannot be had, plain text serves. */
  private async dress(): Promise<void> {
    if (!this.code && !this.pane.querySelector("textarea[data-code]")) return;
    if (!this.code) {
      const part = await import("./code").catch(() => null);
      if (!part) return;
      this.code ??= new part.CodeFields({ undo: () => this.canvas.undo(), redo: () => this.canvas.redo() });
    }
    this.code.dress(this.pane, this.shown ?? "");
    this.showProblems();
    for (const field of this.pane.querySelectorAll<HTMLTextAreaElement>("textarea[data-expression]")) void this.compute(field);
  }

  /** Show what an expression gives in the run of the background. */
  private async compute(field: HTMLTextAreaElement): Promise<void> {
    const [node, pin, text] = [this.node, field.dataset["expression"] ?? "", field.value];
    if (!node) return;
    const html = await expressionOf(this.flow, node.raw, wiredOf(node), pin, text, this.looking).catch((error: unknown) => {
      if (!(error instanceof Refusal)) throw error;
      return null;
    });
    const box = this.pane.querySelector<HTMLElement>(`[data-result-of="${CSS.escape(pin)}"]`);
    if (box && html !== null && this.node?.id === node.id && field.value === text) box.innerHTML = html;
  }

  /** An input gets an expression that says its constant, or is a constant again. */
  private toggleExpression(node: FlowNode, pin: string): void {
    const path = ["pinExpressions", pin];
    const change: Change = { op: "set", node: node.id, path };
    if (read(node.data, path) === undefined) {
      const preset = this.canvas.desk.scene.shape(node).pins.find((each) => each.side === "in" && each.id === pin)?.preset;
      const constant = read(node.data, ["pinDefaults", pin]) ?? preset;
      change.value = constant === undefined || constant === null || constant === "" ? "" : literal(constant);
      this.wanted = `textarea[data-expression="${CSS.escape(pin)}"]`;
    }
    this.edit([change], change.value === undefined ? "No expression" : "Compute by an expression", "", true);
  }

  showProblems(): void {
    const box = this.pane.querySelector<HTMLElement>("[data-problems-of]");
    if (!box || !this.shown) return;
    const found = this.canvas.desk.look.problems.get(this.shown) ?? [];
    for (const old of this.pane.querySelectorAll(".row-problem")) old.remove();
    // What is wrong with a field stands below it, so that the form does not move away while one types.
    const apart = found.filter((problem) => !this.underRow(problem));
    box.replaceChildren(...apart.map(problemNote));
    this.code?.mark(found);
  }

  private underRow(problem: Problem): boolean {
    const row = problem.pin ? this.pane.querySelector(`.inspector-row[data-row="${CSS.escape(problem.pin)}"]`) : null;
    if (!row) return false;
    const note = problemNote(problem);
    note.classList.add("row-problem");
    row.append(note);
    return true;
  }

  private edit(changes: readonly Change[], label: string, key = "", reload = false): void {
    if (!changes.length) return;
    this.isOwnEdit = !reload;
    this.canvas.apply(changes, label, key);
    this.isOwnEdit = false;
  }

  private input(event: Event): void {
    const field = event.target as HTMLElement;
    if (field instanceof HTMLInputElement && field.dataset["do"] === "search-data") return searchData(this.pane, field.value);
    if (this.many.length > 1) return this.editMany(field, event.type === "change");
    const node = this.node;
    if (!node) return;
    const turn = turned(field, this.looking);
    if (turn) return event.type === "change" ? this.look(turn) : undefined;
    if (field instanceof HTMLInputElement && field.matches("[data-tool], [data-tool-name]")) return this.tools(field, node, event.type === "change");
    const wrong = writePinned(field, node, (change) => this.edit([change], "Write the pinned outputs", `pinned ${node.id}`));
    if (wrong !== null) return this.refuse(field, wrong);
    if (field.dataset["do"] && event.type === "change") return this.ownPin(field, node);
    if (field.matches("[data-case-value]")) return this.cases(field, event.type === "change");
    if (field instanceof HTMLSelectElement && field.matches("[data-version]")) return event.type === "change" ? void this.follow(this.calledNow, field.value, field) : undefined;
    const path = field.dataset["path"];
    const reading = path === undefined ? null : readField(field);
    if (!path || !reading) return;
    this.refuse(field, reading.ok ? "" : reading.reason);
    if (!reading.ok) return;
    const change: Change = { op: "set", node: node.id, path: pathOf(path) };
    if (reading.value !== undefined) change.value = reading.value;
    // A field that is left as it was has set nothing.
    if (JSON.stringify(read(node.data, change.path)) !== JSON.stringify(change.value)) this.edit([change], `Set ${path.replace(/^pinDefaults\./, "")} of ${titleOf(node, this.canvas.desk.scene.shape(node))}`, `field ${node.id} ${path}`);
    if (field instanceof HTMLTextAreaElement && field.dataset["expression"] !== undefined) {
      clearTimeout(this.computing);
      this.computing = window.setTimeout(() => void this.compute(field), COMPUTE_MS);
    }
    if (field instanceof HTMLInputElement && field.type === "checkbox") {
      const word = field.nextElementSibling;
      if (word) word.textContent = field.checked ? "on" : "off";
    }
    if (event.type !== "change") return;
    if (field.dataset["again"] !== undefined) return this.again();
    if (field.dataset["calls"] !== undefined) void this.follow(String(reading.value ?? ""), "", field);
    else void this.reshape();
  }

  private get calledNow(): string {
    return this.pane.querySelector<HTMLSelectElement>("[data-calls]")?.value ?? "";
  }

  /** Bind the node to a version of the flow it runs ("+now" makes one), and give it the pins of that. */
  private async follow(called: string, word: string, field: HTMLElement): Promise<void> {
    const node = this.node;
    if (!node || !called) return;
    try {
      const version = word === "+now" ? String(await keepVersion(called, `For ${String(this.canvas.model.flow.name ?? this.flow)}`)) : word;
      const document = await loadBound(called, version);
      if (this.node !== node) return;
      const bound = version === versionOf(node) ? [] : [bindTo(node, version)];
      this.edit([...bound, ...followFlow(this.canvas.catalog, node, parseFlow(document))], "Take the pins of the flow", "", true);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.refuse(field, error.message);
    }
  }

  private refuse(field: HTMLElement, reason: string): void {
    field.toggleAttribute("aria-invalid", Boolean(reason));
    if (reason) field.setAttribute("aria-invalid", "true");
    const old = field.parentElement?.querySelector(":scope > .field-wrong");
    old?.remove();
    if (reason) field.after(el("p", "field-wrong small", reason));
  }

  private click(event: MouseEvent): void {
    const at = (event.target as Element).closest<HTMLElement>("button[data-do]");
    const node = this.node;
    if (at?.dataset["do"] === "reset" && this.many.length > 1) {
      return this.edit(this.many.map(({ id }): Change => ({ op: "set", node: id, path: pathOf(at.dataset["path"] ?? "") })), "Reset a value", "", true);
    }
    if (!at || !node || dataAct(this.canvas, this.pane, at, node)) return;
    const { flow, scene } = this.canvas.desk;
    const own = at.closest<HTMLElement>("[data-side][data-pin]");
    const side = (own?.dataset["side"] ?? at.dataset["side"] ?? "inputs") as OwnSide;
    switch (at.dataset["do"]) {
      case "tab":
        return this.look({ tab: at.dataset["tab"] ?? "setup" });
      case "run":
        return place("run-button").click();
      case "visit":
      case "attempt":
        return this.look(turned(at, this.looking) ?? {});
      case "expression":
        return this.toggleExpression(node, at.dataset["pin"] ?? "");
      case "reset":
        return this.edit([{ op: "set", node: node.id, path: pathOf(at.dataset["path"] ?? "") }], "Reset a value", "", true);
      case "grow": {
        const grown = growPin(scene.shapes, node);
        return grown ? this.edit([grown.change], "Add a pin", "", true) : undefined;
      }
      case "shrink":
        return this.edit(dropPin(flow, scene.shapes, node, "in", at.dataset["pin"] ?? "") ?? [], "Remove a pin", "", true);
      case "pin-add":
        this.wanted = `.own-pin[data-side="${side}"] [data-do="pin-rename"]`;
        return this.edit(addOwnPin(scene.shapes, node, side), "Add a pin", "", true);
      case "pin-remove":
        return this.edit(dropOwnPin(flow, scene.shapes, node, side, own?.dataset["pin"] ?? ""), "Remove a pin", "", true);
      case "case-add":
      case "case-remove":
        return this.cases(at, true);
      case "follow-flow":
        return void this.follow(this.calledNow, versionOf(node), at);
      case "retype":
        return this.retype(node, typeToBe(at));
    }
  }

  private key(event: KeyboardEvent): void {
    const tab = (event.target as Element).closest<HTMLElement>("[role=tab]");
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!tab || !step) return;
    const all = [...(tab.closest("[role=tablist]")?.querySelectorAll<HTMLElement>("[role=tab]") ?? [])];
    const next = all[(all.indexOf(tab) + step + all.length) % all.length] as HTMLElement;
    next.focus();
    next.click();
    event.preventDefault();
  }

  private ownPin(field: HTMLElement, node: FlowNode): void {
    const own = field.closest<HTMLElement>("[data-side][data-pin]");
    if (!own || !(field instanceof HTMLInputElement || field instanceof HTMLSelectElement)) return;
    const { flow, scene } = this.canvas.desk;
    const side = own.dataset["side"] as OwnSide;
    const pin = own.dataset["pin"] ?? "";
    if (field.dataset["do"] === "pin-type") return this.edit(retypeOwnPin(scene.shapes, node, side, pin, field.value), "Change a pin's type", "", true);
    this.edit(renameOwnPin(flow, scene.shapes, node, side, pin, field.value), "Rename a pin", "", true);
  }

  /** Read the cases of the form; every case keeps its id, so its wire stays. */
  private cases(from: HTMLElement, isDone: boolean): void {
    const box = from.closest<HTMLElement>("[data-kind=cases]");
    const node = this.node;
    if (!box || !node) return;
    if (from.dataset["do"] === "case-remove") from.closest(".case")?.remove();
    const rows: JsonObject[] = [...box.querySelectorAll<HTMLElement>(".case")].map((row) => ({
      id: row.dataset["case"] || freshId(),
      value: row.querySelector<HTMLInputElement>("[data-case-value]")?.value ?? "",
    }));
    if (from.dataset["do"] === "case-add") {
      rows.push({ id: freshId(), value: `case ${rows.length + 1}` });
      this.wanted = ".case [data-case-value]";
    }
    const path = pathOf(box.dataset["path"] ?? "");
    const structure = from.dataset["do"] !== undefined;
    this.edit([{ op: "set", node: node.id, path, value: rows }], "Change the cases", structure ? "" : `field ${node.id} cases`, structure);
    if (isDone) void this.reshape();
  }

  /** Ask the server for the pins of a node whose pins follow its settings. */
  private async reshape(): Promise<void> {
    const node = this.node;
    if (!node || !this.canvas.catalog.card(node.type)?.shaped) return;
    const shape = await shapeOf(node.type, node.data).catch((error: unknown) => {
      if (!(error instanceof Refusal)) throw error;
      this.canvas.desk.events.emit("refuse", { reason: `The pins could not follow the settings. ${error.message}` });
      return null;
    });
    if (!shape) return;
    const now = this.canvas.model.nodes.get(node.id);
    if (!now) return;
    const changes: Change[] = [];
    for (const side of ["inputs", "outputs"] as const) {
      const pins = shape[side].map(savedForm);
      const before = declared(this.canvas.catalog.card(now.type), now)[side].map((pin) => pin.id).join("\n");
      if (pins.map((pin) => String(pin.id)).join("\n") !== before) changes.push({ op: "set", node: now.id, path: side, value: pins });
      const ids = new Set(pins.map((pin) => String(pin.id)));
      for (const wire of now.wires) {
        const mine = side === "outputs" ? wire.from === now && wire.sourcePin : wire.to === now && wire.targetPin;
        if (mine && !ids.has(mine)) changes.unshift({ op: "disconnect", edge: wire.key });
      }
    }
    this.edit(changes, "Follow the settings", "", true);
  }

  private retype(node: FlowNode, type: string): void {
    if (!type) return;
    const raw = { ...node.raw, type, data: { ...node.data, nodeType: type } };
    const wires = [...node.wires].map((wire) => wire.raw);
    const back: Change[] = wires.map((edge) => ({ op: "connect", edge }));
    this.edit([{ op: "remove", node: node.id }, { op: "add", node: raw }, ...back], "Change the node's type", "", true);
    this.canvas.select([node.id]);
  }
}
