// Values that somebody watches: a strip below the canvas says what each was at the instant that the canvas shows.
import type { FlowCanvas } from "../canvas/flowcanvas";
import type { Json } from "../catalog";
import type { FlowNode } from "../model/document";
import { titleOf } from "../model/geometry";
import { isObject, type JsonObject } from "../model/json";
import { keysOf } from "./dataparts";
import { brief, button, el, place, pretty, RUN_SHOWN, WATCHED } from "./parts";

/** A place in what a node gives. `path` as the data tab writes it: `rows[0]["name"]`. */
interface Watch {
  node: string;
  pin: string;
  path: string;
}

const MOST = 8;
let strip: Watching | null = null;

/** The strip of this page, made when it is first wanted. */
export function watching(canvas: FlowCanvas): Watching {
  return (strip ??= new Watching(canvas));
}

/** Watch what comes in or out at a pin, or a part of it; what came in is watched where it was given. */
export function watch(canvas: FlowCanvas, node: FlowNode, side: string, pin: string, path: string): void {
  const wire = side === "in" ? canvas.model.wiresAt(node.id, "in", pin)[0] : undefined;
  if (side === "in" && !wire) return canvas.desk.events.emit("refuse", { reason: `“${pin}” has no wire today: watch the output that gives it.` });
  const at = wire ? { node: wire.source, pin: wire.sourcePin } : { node: node.id, pin };
  watching(canvas).add({ ...at, path: `${at.pin}${path.slice(pin.length)}` });
}

class Watching {
  private readonly element = el("section", "watched");
  private readonly key = `${WATCHED} ${place("editor").dataset["flowId"] ?? ""}`;
  private list: Watch[];
  private frame = 0;

  constructor(private readonly canvas: FlowCanvas) {
    const kept = JSON.parse(localStorage.getItem(this.key) ?? "[]") as Json;
    this.list = (Array.isArray(kept) ? kept : []).filter(isObject).map(({ node, pin, path }) => ({ node: String(node), pin: String(pin), path: String(path) })).slice(0, MOST);
    this.element.setAttribute("aria-label", "Watched values");
    place("canvas").parentElement?.after(this.element);
    document.addEventListener(RUN_SHOWN, () => this.soon());
    canvas.on("change", () => this.soon());
    this.draw();
  }

  add(watch: Watch): void {
    const { desk } = this.canvas;
    if (this.list.some((each) => each.node === watch.node && each.path === watch.path)) return desk.say(`${watch.path} is watched already.`);
    if (this.list.length >= MOST) return desk.events.emit("refuse", { reason: `${MOST} values are watched: take one away first.` });
    this.list.push(watch);
    this.keep();
    desk.say(`Watching ${watch.path}.${desk.look.running ? "" : " With a run on the canvas, its value stands below the canvas."}`);
  }

  private remove(watch: Watch): void {
    const place = this.list.indexOf(watch);
    this.list = this.list.filter((each) => each !== watch);
    this.keep();
    this.canvas.desk.say(`${watch.path} is no longer watched.`);
    const next = this.element.querySelectorAll<HTMLElement>(".watched-away");
    (next[Math.min(place, next.length - 1)] ?? this.canvas.root).focus({ preventScroll: true });
  }

  private keep(): void {
    if (this.list.length) localStorage.setItem(this.key, JSON.stringify(this.list));
    else localStorage.removeItem(this.key);
    this.draw();
  }

  private soon(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  private draw(): void {
    this.element.hidden = !this.list.length;
    const had = document.activeElement;
    const at = [...this.element.querySelectorAll("button")].findIndex((each) => each === had);
    this.element.replaceChildren(...this.list.map((each) => this.row(each)));
    if (at >= 0) this.element.querySelectorAll("button")[at]?.focus({ preventScroll: true });
  }

  private row(watch: Watch): HTMLElement {
    const { canvas } = this;
    const node = canvas.model.nodes.get(watch.node);
    const title = node ? titleOf(node, canvas.desk.scene.shape(node)) : "gone";
    const name = el("button", "link small", `${brief(title, 24)} · `, el("span", "mono", watch.path));
    name.type = "button";
    name.title = node ? `Show “${title}”` : "This node is no longer in the flow.";
    name.addEventListener("click", () => node && canvas.focusNode(node.id));
    const away = button("quiet only small watched-away", "", "cross", () => this.remove(watch));
    away.setAttribute("aria-label", `No longer watch ${watch.path}`);
    return el("div", "watched-one", name, this.value(watch), away);
  }

  private value({ node, pin, path }: Watch): HTMLElement {
    const { progress, running } = this.canvas.desk.look;
    const gave = running ? progress.nodes.get(node) : undefined;
    let part: Json | undefined = gave?.outputs?.[pin];
    for (const key of keysOf(path)) part = Array.isArray(part) || isObject(part) ? (part as JsonObject)[key] : undefined;
    if (part === undefined) return el("span", "small muted", !running ? "no run here" : gave?.outputs ? "missing" : "not given yet");
    if (part === "") return el("em", "small muted", "empty text");
    const shown = el("span", `small mono of-${typeof part}`, brief(part, 60));
    shown.title = pretty(part).slice(0, 2000);
    return shown;
  }
}
