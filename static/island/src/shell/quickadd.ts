// Quick add and the list of wire ends: what a chooser offers on the canvas, and what follows.
import type { FlowCanvas } from "../canvas/flowcanvas";
import type { CanvasEvents } from "../canvas/events";
import { type Card, type CardPin, EXEC } from "../catalog";
import { normal, offers } from "../model/rank";
import type { Point } from "../model/geometry";
import type { PinAt } from "../model/hit";
import { type Choice, Chooser } from "./chooser";
import { el, familyMark, MINE, STARTER } from "./parts";
import { Recent } from "./recent";

const SHOWN = 60;
/** On an empty canvas node types leave room for starter flows. */
const FEW = 6;
const PINS = 4; // of each side, as shapes

export class QuickAdd {
  readonly chooser = new Chooser();
  readonly recent = new Recent();
  /** What follows what in the person's own flows, once the server has told. */
  follows: { [place: string]: { [type: string]: number } } = {};

  /** The person's own flows, which can be steps. */
  mine: { id: string; name: string; description: string; uses: number }[] = [];

  /** The flows of the gallery, which an empty canvas offers. */
  starters: { id: string; name: string; problem: string; about: string }[] = [];

  constructor(
    private readonly canvas: FlowCanvas,
    private readonly addFlow: (id: string, point: Point | null, from: PinAt | null) => void,
    /** Put the keyboard on what lies over the canvas; false when nothing does. */
    private readonly back: () => boolean,
    /** Show an example of a type beside the list, or nothing more. */
    private readonly sample: (type: string | null, panel: HTMLElement) => void,
  ) {}

  /** Open at the middle of the view, as for the Add button; after the only node of a new flow. */
  atMiddle(name = ""): void {
    if (this.canvas.keys.lone && !name) return this.canvas.keys.addHere();
    const { width, height } = this.canvas.desk.viewport;
    const screen = { x: width / 2 - 170, y: Math.max(24, height / 2 - 200) };
    this.add({ point: this.canvas.desk.viewport.toWorld({ x: width / 2, y: height / 2 }), screen, from: null, strict: false }, name);
  }

  /** Open at a spot of the canvas, as for its menu. */
  at(screen: { x: number; y: number }): void {
    this.add({ point: this.canvas.desk.viewport.toWorld(screen), screen, from: null, strict: false });
  }

  /** Put a node of a type where there is room, as for a click in the palette. */
  inView(type: string): void {
    if (type.startsWith(MINE)) return this.addFlow(type.slice(MINE.length), null, null);
    const { width, height } = this.canvas.desk.viewport;
    const point = this.canvas.desk.viewport.toWorld({ x: width / 2, y: height / 2 - 60 });
    const id = this.canvas.addNodeAt(type, point, null, { free: true });
    this.recent.add(type);
    if (id) this.canvas.focusNode(id);
  }

  /** Put a node of a type, or one that runs a flow, at a point: what was dragged there. */
  put(type: string, point: Point): void {
    if (type.startsWith(MINE)) return this.addFlow(type.slice(MINE.length), point, null);
    const id = this.canvas.addNodeAt(type, point);
    this.recent.add(type);
    if (id) this.canvas.focusNode(id);
  }

  /** One's own flows by their names; none before a word is typed, so node types stay what one sees first. */
  private own(words: string): Choice[] {
    const wanted = normal(words).split(" ").filter(Boolean);
    const found = wanted.length ? this.mine.filter(({ name }) => wanted.every((word) => normal(name).includes(word))) : [];
    const own = found.map(({ id, name, description }) => ({ id: `${MINE}${id}`, mark: familyMark("subflow"), name, about: description || "Your flow" }));
    const isEmpty = wanted.length > 0 && this.canvas.model.nodes.size < 2;
    const near = isEmpty ? this.starters.filter(({ name, problem, about }) => wanted.every((word) => normal(`${name} ${problem} ${about}`).includes(word))) : [];
    const starters = near.slice(0, 3).map(({ id, name, problem }) => ({ id: `${MINE}${STARTER}${id}`, mark: familyMark("flow"), name, about: problem, note: "starter" }));
    return [...starters, ...own];
  }

  /** Offer what fits; what is chosen gets the name, when one is given. */
  add(wish: CanvasEvents["request-add"], name = ""): void {
    const { catalog } = this.canvas;
    const from = wish.from ? { side: wish.from.side, type: wish.from.type } : null;
    this.chooser.open({
      ...this.onPage(wish.screen),
      label: name ? `What should “${name}” do?` : "Add a node: type what it should do",
      placeholder: name ? `What should “${name}” do?` : from ? "What comes next?" : "What should happen?",
      none: "No node type matches. Try another word.",
      find: (words) =>
        offers(catalog, { words, from, isWish: !wish.strict, recent: this.recent.types, usual: wish.from || words ? this.usual(wish.from) : this.often() })
          .slice(0, this.canvas.model.nodes.size < 2 && words ? FEW : SHOWN)
          .map(({ card }): Choice => ({ id: card.type, mark: familyMark(card.family), name: card.label, about: card.summary ?? "", more: this.pinsOf(card) }))
          .concat(wish.strict || wish.into || name ? [] : this.own(words)),
      chosen: (type) => {
        if (type.startsWith(MINE)) return this.addFlow(type.slice(MINE.length), wish.point, wish.from);
        const card = catalog.card(type);
        const fits = wish.from && card && this.canvas.takes(card, wish.from);
        const from = fits && !wish.into ? wish.from : null;
        const id = this.canvas.addNodeAt(type, wish.point, from, { free: !wish.strict, into: wish.into });
        this.recent.add(type);
        if (id && name) this.canvas.apply({ op: "set", node: id, path: "label", value: name }, "Name the step");
        if (id) this.canvas.focusNode(id);
      },
      sample: this.sample,
      again: () => this.canvas.keys.addHere(),
      closed: () => this.back() || this.canvas.root.focus({ preventScroll: true }),
    });
  }

  /** The values that a type takes and gives, as small shapes. */
  private pinsOf(card: Card): HTMLElement {
    const signs = (pins: readonly CardPin[]): HTMLElement[] =>
      pins
        .filter((pin) => pin.type !== EXEC && !card.seldom?.includes(pin.id))
        .slice(0, PINS)
        .map(({ type }) => {
          const mark = el("span", "pin-sign");
          mark.dataset["type"] = type;
          mark.dataset["shape"] = this.canvas.catalog.pinType(type).shape;
          return mark;
        });
    const [takes, gives] = [signs(card.inputs), signs(card.outputs)];
    const made = el("span", "chooser-pins", ...takes, ...(takes.length || gives.length ? ["→"] : []), ...gives);
    made.setAttribute("aria-hidden", "true");
    return made;
  }

  private usual(from: CanvasEvents["request-add"]["from"]): { [type: string]: number } {
    const node = from && this.canvas.model.nodes.get(from.node);
    return (node && this.follows[`${from.side === "in" ? "<" : ""}${node.type}.${from.pin}`]) ?? {};
  }

  /** How often each type stands in the person's own flows: what comes first where nothing leads to it. */
  private often(): { [type: string]: number } {
    const often: { [type: string]: number } = {};
    for (const [place, types] of Object.entries(this.follows)) {
      if (place.startsWith("<")) continue;
      for (const [type, times] of Object.entries(types)) often[type] = (often[type] ?? 0) + times;
    }
    return often;
  }

  /** Offer the pins that could take a wire. */
  wire(wish: CanvasEvents["request-wire"]): void {
    const here = new Set(wish.candidates.map((end) => end.node)).size === 1;
    const ends = wish.candidates.map((end) => ({ end, words: normal(`${end.title} ${end.label}`) }));
    this.chooser.open({
      ...this.onPage(wish.screen),
      label: `Wire ${wish.from.label || "this pin"} to`,
      placeholder: "Wire it to…",
      none: "No pin here can take this wire. Press Esc, then A to add a node.",
      find: (words) => {
        const wanted = normal(words).split(" ").filter(Boolean);
        return ends
          .map(({ end, words: text }, index) => ({ end, text, index }))
          .filter(({ text }) => wanted.every((word) => text.includes(word)))
          .slice(0, SHOWN)
          .map(({ end, index }) => {
            const mark = el("span", "pin-sign");
            mark.dataset["type"] = end.type;
            mark.dataset["shape"] = this.canvas.catalog.pinType(end.type).shape;
            const note = end.back ? end.note : end.taken && end.type !== EXEC ? "replaces" : "";
            return { id: String(index), mark, name: here ? end.label : end.title, about: here ? end.title : end.label, note };
          });
      },
      chosen: (index) => {
        const to = wish.candidates[Number(index)];
        if (to) this.canvas.connect(wish.from, to);
        if (!this.back()) this.canvas.focusNode(wish.from.node);
      },
      closed: () => this.back() || this.canvas.focusNode(wish.from.node),
    });
  }

  private onPage(screen: { x: number; y: number }): { x: number; y: number } {
    const box = this.canvas.root.getBoundingClientRect();
    return { x: box.left + screen.x, y: box.top + screen.y };
  }
}
