// A look at the value at a pin or on a wire, in the run that is on the canvas: rest with the pointer, or `Space` on
// a pin. It stays while one is in it, `Esc` closes it, and it covers nothing for longer than it is looked at.
import type { FlowCanvas } from "../canvas/flowcanvas";
import { EXEC, type Json } from "../catalog";
import { typeWord } from "../model/connect";
import { titleOf } from "../model/geometry";
import type { PinAt } from "../model/hit";
import { valueAt } from "../model/pins";
import { pinnedOf } from "../model/marks";
import { countOf } from "../view/node";
import type { Given } from "./comparing";
import { copyText, pinning } from "./datatab";
import { button, el, pretty } from "./parts";

const REST_MS = 300;
const LEAVE_MS = 250;
const MOST = 700;

interface Seen {
  /** Where the value is, in words. */
  about: string;
  value: Json | undefined;
  /** The output that gave it in the run, and in which of its visits. */
  given?: Given;
}

export class Peek {
  private readonly panel = el("div", "peek");
  /** Where the value stands beside another. */
  private readonly beside = el("div", "peek-compared");
  /** The point of the pin on the canvas. */
  private point = { x: 0, y: 0 };
  private timer = 0;
  /** The pin that the pointer is at. */
  private over: PinAt | null = null;
  /** The pin that the keyboard came from. */
  private before: HTMLElement | null = null;

  constructor(
    private readonly canvas: FlowCanvas,
    private readonly data: (node: string) => void,
    /** The run on the canvas. */
    private readonly run: () => string | null,
    /** Whether an earlier instant of it is shown. */
    private readonly isPast: () => boolean,
  ) {
    this.panel.hidden = true;
    this.panel.setAttribute("role", "dialog");
    document.body.append(this.panel);
    canvas.on("point", ({ at }) => this.rest(at));
    canvas.on("viewport", () => this.moved());
    this.panel.addEventListener("pointerenter", () => clearTimeout(this.timer));
    this.panel.addEventListener("pointerleave", () => this.rest(null));
    this.panel.addEventListener("focusout", ({ relatedTarget }) => this.panel.contains(relatedTarget as Node | null) || this.close());
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.panel.hidden) return;
      event.preventDefault();
      event.stopPropagation();
      this.close(true);
    }, true);
    document.addEventListener("pointerdown", ({ target }) => this.panel.contains(target as Node) || this.close(), true);
  }

  /** Show what is at a pin, and give it the keyboard. */
  ask(at: PinAt): void {
    clearTimeout(this.timer);
    this.show(at);
    this.before = document.activeElement as HTMLElement | null;
    this.panel.querySelector<HTMLElement>("button")?.focus();
  }

  /** The pointer is at a pin or wire, or no longer. */
  private rest(at: PinAt | null): void {
    this.over = at;
    clearTimeout(this.timer);
    if (this.before) return;
    this.timer = window.setTimeout(() => (at && this.isTold(at) ? this.show(at) : this.close()), at ? REST_MS : LEAVE_MS);
  }

  private isTold(at: PinAt): boolean {
    const { look } = this.canvas.desk;
    return look.running && !look.wiring && this.seen(at).value !== undefined;
  }

  /** The view moves: what is shown would hang in the air; where the pointer rests, it comes again. */
  private moved(): void {
    if (this.before) return;
    this.panel.hidden = true;
    this.rest(this.over);
  }

  private show(at: PinAt): void {
    const { canvas } = this;
    const node = canvas.model.nodes.get(at.node);
    const point = canvas.desk.scene.pinPoint(at.node, at.side, at.pin);
    if (!node || !point) return;
    const { about, value, given } = this.seen(at);
    const { label, type } = canvas.describe(at);
    const name = `${titleOf(node, canvas.desk.scene.shape(node))} · ${label}`;
    const told = about || (canvas.desk.look.running ? `The run ${this.isPast() ? "had not come here by then" : "has not come here"}.` : "No run is on the canvas: run the flow, and its values are here.");
    const text = value === undefined ? "" : value === "" ? "empty text" : pretty(value);
    const acts = el("div", "acts");
    this.beside.hidden = true;
    this.beside.replaceChildren();
    if (value !== undefined) acts.append(button("small", "Copy", "copy", () => void copyText(canvas, pretty(value))));
    acts.append(button("small", "Open in Data", null, () => this.open(at.node)));
    if (given) this.offer(acts, given);
    this.panel.replaceChildren(
      el("p", "peek-head", el("strong", "", name), el("span", "muted small", [typeWord(type, canvas.catalog), value === undefined ? "" : sizeOf(value)].filter(Boolean).join(", "))),
      el("p", "small muted", told),
      ...(text ? [el("pre", "json", text.length > MOST ? `${text.slice(0, MOST)}…` : text)] : []),
      acts,
      this.beside,
    );
    this.panel.setAttribute("aria-label", `${name}: ${text.slice(0, 120) || told}`);
    this.point = canvas.desk.viewport.toScreen(point);
    this.put();
  }

  /** What can be done with a value that a node gave in the run: compare it, pin it. */
  private offer(acts: HTMLElement, given: Given): void {
    const { canvas } = this;
    const run = this.run();
    const node = canvas.model.nodes.get(given.node);
    if (!run || !node) return;
    acts.append(button("small", "Compare with…", null, () => this.compare(run, given)));
    const say = (text: string, urgent = false): void => canvas.desk.say(text, urgent);
    const isPinned = pinnedOf(node) !== null;
    const turn = button("small", isPinned ? "Unpin" : "Pin", "pin", () => {
      this.close(true);
      pinning(canvas, (part) => (isPinned ? part.unpin(canvas, [node], say) : void part.pinVisit(canvas, run, node, given.at, say)));
    });
    turn.title = isPinned ? "Trial runs execute the node again" : "Trial runs then take what the node gave here, and do not execute it";
    if (!canvas.desk.readOnly) acts.append(turn);
  }

  private compare(run: string, given: Given): void {
    const away = (): void => this.canvas.desk.events.emit("refuse", { reason: "Nothing to compare with: the server cannot be reached." });
    void import("./comparing").then((part) => part.compareWith(this.beside, run, given).then(() => this.put()), away);
  }

  /** Put the panel below its pin, or above where there is no room. */
  private put(): void {
    const { point, panel } = this;
    const edge = this.canvas.root.getBoundingClientRect();
    panel.hidden = false;
    const { offsetWidth, offsetHeight } = panel;
    const below = edge.top + point.y + 14;
    const top = below + offsetHeight > innerHeight - 8 ? edge.top + point.y - 14 - offsetHeight : below;
    panel.style.left = `${Math.max(8, Math.min(edge.left + point.x - 16, innerWidth - offsetWidth - 8))}px`;
    panel.style.top = `${Math.max(8, top)}px`;
  }

  private close(back = false): void {
    clearTimeout(this.timer);
    this.panel.hidden = true;
    const { before } = this;
    this.before = null;
    if (back && before?.isConnected) before.focus({ preventScroll: true });
  }

  private open(node: string): void {
    this.close();
    this.data(node);
  }

  /** What is at a pin: of an input, what came over its wire, else what is set. */
  private seen({ node: id, side, pin }: PinAt): Seen {
    const { flow, scene, look } = this.canvas.desk;
    const node = flow.nodes.get(id);
    if (!node) return { about: "", value: undefined };
    const wire = side === "in" ? flow.wiresAt(id, "in", pin)[0] : undefined;
    const shape = scene.shapes.pin(node, side, pin);
    if (side === "in" && !wire) {
      const value = shape && valueAt(node, shape.path);
      return value === undefined ? { about: "Nothing is set here.", value } : { about: "As it is set.", value };
    }
    const [from, out] = wire ? [wire.source, wire.sourcePin] : [id, pin];
    if (shape?.type === EXEC) {
      const times = look.progress.taken(from, out);
      return { about: times ? `Taken ${times === 1 ? "once" : `${times} times`} in this run.` : "", value: undefined };
    }
    const gave = look.progress.nodes.get(from);
    const value = gave?.outputs?.[out];
    const origin = flow.nodes.get(from);
    const source = wire?.from ? ` by ${titleOf(wire.from, scene.shape(wire.from))}` : "";
    if (value === undefined || !origin) return { about: "", value };
    const at = scene.shape(origin).step ? (gave?.visits ?? 0) : 0;
    return { about: gave?.instead === "pinned" ? `Pinned${source}, so given in this run.` : `Given${source} in this run, last${this.isPast() ? " by then" : ""}.`, value, given: { node: from, pin: out, at } };
  }
}

function sizeOf(value: Json): string {
  if (typeof value === "string") return `${/… \(([\d,]+) characters\)$/.exec(value)?.[1] ?? value.length.toLocaleString("en")} characters`;
  if (Array.isArray(value)) return `${countOf(value).toLocaleString("en")} items`;
  return typeof value === "object" && value ? `${countOf(value).toLocaleString("en")} fields` : "";
}
