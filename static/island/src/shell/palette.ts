// The palette: every node type by family, with a search. A click adds in the middle of the view, a
// drag adds where it is dropped.
import type { Card, Catalog } from "../catalog";
import type { Own } from "../bridge/flows";
import type { FlowCanvas } from "../canvas/flowcanvas";
import { normal, offers } from "../model/rank";
import { aboutOwn } from "./mine";
import { DRAG_TYPE, el, familyMark, icon, MINE, place } from "./parts";
import type { Recent } from "./recent";

const MOST_OWN = 12;
const MOST_RECENT = 5;

/** Let types that are dragged from the palette be dropped on the canvas. */
export function acceptDrops({ root, desk }: FlowCanvas, put: (type: string, point: { x: number; y: number }) => void): void {
  root.addEventListener("dragover", (event) => {
    if (event.dataTransfer?.types.includes(DRAG_TYPE)) event.preventDefault();
  });
  root.addEventListener("drop", (event) => {
    const type = event.dataTransfer?.getData(DRAG_TYPE);
    if (!type) return;
    event.preventDefault();
    const box = root.getBoundingClientRect();
    put(type, desk.viewport.toWorld({ x: event.clientX - box.left, y: event.clientY - box.top }));
  });
}

export class Palette {
  private readonly field = place<HTMLInputElement>("palette-search");
  private readonly list = place("palette-list");

  private mine: Own[] = [];

  constructor(
    private readonly catalog: Catalog,
    private readonly add: (type: string) => void,
    private readonly recent: Recent,
  ) {
    this.field.addEventListener("input", () => this.show());
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.list.addEventListener("keydown", (event) => this.walk(event));
    this.list.addEventListener("focusin", (event) => this.stopAt(event.target as HTMLElement));
    this.list.addEventListener("toggle", () => this.stopAt(this.stops()[0]), true);
    this.list.addEventListener("click", (event) => {
      const type = (event.target as Element).closest<HTMLElement>("[data-type]")?.dataset["type"];
      if (type) this.add(type);
    });
    this.list.addEventListener("dragstart", (event) => {
      const type = (event.target as Element).closest<HTMLElement>("[data-type]")?.dataset["type"];
      if (type && event.dataTransfer) event.dataTransfer.setData(DRAG_TYPE, type);
    });
    this.show();
  }

  private show(): void {
    const words = this.field.value.trim();
    if (words) {
      const found = offers(this.catalog, { words, from: null, recent: this.recent.types });
      const wanted = normal(words).split(" ");
      const own = this.mine.filter(({ name }) => wanted.every((word) => normal(name).includes(word)));
      const rows = [...found.map(({ card }) => this.row(card, true)), ...own.map((each) => this.ownRow(each, true))];
      this.list.replaceChildren(...(rows.length ? rows : [el("p", "palette-none muted small", "No node type matches.")]));
    } else this.list.replaceChildren(...this.groups());
    this.stopAt(this.stops()[0]);
  }

  /** Offer the person's own flows too, as nodes that run them. */
  offer(mine: Own[]): void {
    this.mine = mine;
    const active = document.activeElement as HTMLElement | null;
    if (mine.length && !this.list.contains(active)) this.show();
  }

  /** What the arrow keys walk over: the families and the types of those that are open. */
  private stops(): HTMLElement[] {
    return [...this.list.querySelectorAll<HTMLElement>("summary, .palette-row")].filter((each) => each.checkVisibility());
  }

  /** Tab stops once in the list. */
  private stopAt(stop: HTMLElement | undefined): void {
    if (!stop?.matches("summary, .palette-row")) return;
    for (const each of this.list.querySelectorAll<HTMLElement>("summary, .palette-row")) each.tabIndex = each === stop ? 0 : -1;
  }

  private walk(event: KeyboardEvent): void {
    const stops = this.stops();
    const at = stops.indexOf(event.target as HTMLElement);
    const group = (event.target as HTMLElement).closest("details");
    const goals: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: stops.length - 1 };
    const goal = goals[event.key];
    if (event.key === "ArrowUp" && at === 0) this.field.focus();
    else if (goal !== undefined) stops[goal]?.focus();
    else if (event.key === "ArrowRight" && group) group.open = true;
    else if (event.key === "ArrowLeft" && group) {
      group.open = false;
      group.querySelector("summary")?.focus();
    } else return;
    event.preventDefault();
  }

  private groups(): HTMLElement[] {
    const groups: HTMLElement[] = [];
    const families = [...this.catalog.families].sort((a, b) => (a.order ?? 0) - (b.order ?? 0));
    for (const family of families) {
      const cards = this.catalog.cards.filter((card) => card.family === family.id && card.palette !== false);
      if (!cards.length) continue;
      const group = el("details", "palette-group", el("summary", "", familyMark(family.id), el("span", "", family.label)));
      group.open = groups.length < 4;
      group.append(...cards.map((card) => this.row(card, false)));
      groups.push(group);
    }
    if (this.mine.length) groups.splice(4, 0, this.ownGroup());
    const lately = this.recent.types.flatMap((type) => this.catalog.card(type) ?? []).slice(0, MOST_RECENT);
    if (lately.length) groups.unshift(this.recentGroup(lately));
    return groups;
  }

  /** As it was when the list was drawn: rows do not move away under the pointer with each that is added. */
  private recentGroup(cards: readonly Card[]): HTMLElement {
    const group = el("details", "palette-group", el("summary", "", el("span", "fam-mark small", icon("clock")), el("span", "", "Recent")));
    group.open = true;
    group.append(...cards.map((card) => this.row(card, true)));
    return group;
  }

  private ownGroup(): HTMLElement {
    const group = el("details", "palette-group", el("summary", "", familyMark("subflow"), el("span", "", "Mine")));
    group.append(...this.mine.slice(0, MOST_OWN).map((own) => this.ownRow(own, false)));
    const left = this.mine.length - MOST_OWN;
    if (left > 0) group.append(el("p", "palette-none muted small", `${left} more are found by their name.`));
    return group;
  }

  private ownRow(own: Own, marked: boolean): HTMLElement {
    const row = el("button", "palette-row", ...(marked ? [familyMark("subflow")] : []), el("span", "", own.name));
    row.type = "button";
    row.draggable = true;
    row.dataset["type"] = `${MINE}${own.id}`;
    row.title = own.description || aboutOwn(own);
    return row;
  }

  private row(card: Card, marked: boolean): HTMLElement {
    const row = el("button", "palette-row", ...(marked ? [familyMark(card.family)] : []), el("span", "", card.label));
    row.type = "button";
    row.draggable = true;
    row.dataset["type"] = card.type;
    row.title = card.summary ?? "";
    return row;
  }

  private key(event: KeyboardEvent): void {
    if (event.key === "ArrowDown") {
      this.stops()[0]?.focus();
      event.preventDefault();
    } else if (event.key === "Enter") {
      const first = this.list.querySelector<HTMLElement>("[data-type]");
      if (first?.dataset["type"]) this.add(first.dataset["type"]);
      event.preventDefault();
    } else if (event.key === "Escape" && this.field.value) {
      this.field.value = "";
      this.show();
      event.stopPropagation();
    }
  }
}
