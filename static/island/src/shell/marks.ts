// Notes and groups on the canvas, behind nodes, groups behind wires too: drawn, moved, sized, edited and coloured by
// mouse and by keys. A note is as high as its text. Loaded when a flow has marks or gets its first.
import DOMPurify from "dompurify";
import { Marked } from "marked";
import type { FlowCanvas } from "../canvas/flowcanvas";
import { keymap } from "../canvas/keymap";
import type { Change } from "../model/change";
import { freePlace, liesOnSomething } from "../model/freeplace";
import { GRID, overlap, type Point, type Rect, snap, unite } from "../model/geometry";
import { dissolve, dropNote, makeGroup } from "../model/grouping";
import { freshMarkId, type Group, isLocked, type Note, putGroup, putNote, readMarks, TONES, type Tone } from "../model/marks";
import type { Scene } from "../model/scene";
import { BreakDots } from "./breakdots";
import { paintMarksFar } from "./farmarks";
import { el, icon } from "./parts";

const PAD = 20;
const HEAD = 30;
const NOTE = { w: 240, h: 72 };
/** From afar a note cannot be written: the view comes as near as this. */
const NEAR = 0.6;
/** A note is no smaller. */
const LEAST = { w: 120, h: 56 };
const TAGS = ["p", "br", "strong", "em", "del", "code", "pre", "ul", "ol", "li", "h1", "h2", "h3", "h4", "blockquote", "hr", "a", "table", "thead", "tbody", "tr", "th", "td"];
const ARROWS: { [key: string]: Point } = { ArrowLeft: { x: -1, y: 0 }, ArrowRight: { x: 1, y: 0 }, ArrowUp: { x: 0, y: -1 }, ArrowDown: { x: 0, y: 1 } };

const escape = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
/** Markup in a note is text that is shown, like any other. */
const markdown = new Marked({ async: false, breaks: true, gfm: true, renderer: { html: ({ text }) => escape(text), image: ({ text }) => escape(text) } });

/** Markdown as elements: a few plain tags, links to the web only, and nothing that acts. */
export function rendered(text: string): DocumentFragment {
  const html = markdown.parse(text) as string;
  const clean = DOMPurify.sanitize(html, { ALLOWED_TAGS: TAGS, ALLOWED_ATTR: ["href"], ALLOWED_URI_REGEXP: /^https?:|^mailto:/i, RETURN_DOM_FRAGMENT: true });
  for (const link of clean.querySelectorAll("a")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer";
  }
  return clean;
}

/** Where a group stands, with its title above its nodes; a folded one is its tile. */
export function groupBox(scene: Scene, group: Group): Rect | null {
  const tile = scene.tileOf(group.nodes[0]?.id ?? "");
  const box = tile ? null : unite(group.nodes.map((node) => scene.box(node)));
  return tile ?? (box && { x: box.x - PAD, y: box.y - PAD - HEAD, w: box.w + 2 * PAD, h: box.h + 2 * PAD + HEAD });
}

const nextTone = (tone: Tone): Tone => TONES[(TONES.indexOf(tone) + 1) % TONES.length] as Tone;

export class Marks {
  private readonly layer = el("div", "fc-marks");
  private readonly sheets = el("div", "fc-marks");
  private readonly made = new Map<string, HTMLElement>();
  private frame = 0;

  constructor(private readonly canvas: FlowCanvas) {
    canvas.desk.view.near.world.prepend(this.layer);
    canvas.desk.view.near.wires.element.after(this.sheets);
    canvas.desk.view.paintOver((context, zoom) => paintMarksFar(canvas, context, zoom));
    canvas.on("change", () => (this.frame ||= requestAnimationFrame(() => this.draw())));
    this.draw();
    new BreakDots(canvas);
  }

  /** Put a note where there is room and open it for writing: over what is selected, else by a place. */
  addNote(at: Point): void {
    const { desk } = this.canvas;
    if (desk.readOnly) return;
    if (desk.viewport.far) desk.setView(desk.viewport.zoomedAt(desk.viewport.toScreen(at), NEAR));
    const id = freshMarkId(desk.flow, "note");
    const view = desk.viewport.world(-GRID);
    const chosen = unite(this.canvas.selection.nodes.flatMap((node) => desk.flow.nodes.get(node) ?? []).map((node) => desk.scene.box(node)));
    const by = chosen && overlap(chosen, view) ? { x: chosen.x, y: chosen.y - NOTE.h - 2 * GRID } : at;
    const place = freePlace(desk.scene, { ...NOTE, x: snap(by.x), y: snap(by.y) }, view);
    const changes = putNote(desk.flow, { id, ...place, ...NOTE, text: "", tone: TONES[0] });
    if (!changes.length) return desk.say("Add a node first: a note is kept with one.", true);
    desk.run(changes, "Add a note");
    desk.setView(desk.viewport.revealing({ ...place, ...NOTE }, GRID));
    this.draw();
    this.edit(this.note(id) as Note);
  }

  /** Make a group of the selected nodes and ask for its name. */
  group(): void {
    const { desk } = this.canvas;
    const nodes = this.canvas.selection.nodes.flatMap((id) => desk.flow.nodes.get(id) ?? []);
    if (desk.readOnly || !nodes.length) return desk.say("Select the nodes first.", true);
    const { id, changes } = makeGroup(desk.flow, nodes, "Group");
    desk.run(changes, `Group ${nodes.length} nodes`);
    this.draw();
    this.rename(readMarks(desk.flow).groups.find((group) => group.id === id) as Group);
  }

  private note(id: string): Note | undefined {
    return readMarks(this.canvas.model).notes.find((note) => note.id === id);
  }

  private draw(): void {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    const { notes, groups } = readMarks(this.canvas.model);
    const wanted = new Set<string>();
    for (const group of groups) {
      wanted.add(group.id);
      this.drawGroup(group);
    }
    for (const note of notes) {
      wanted.add(note.id);
      this.drawNote(note);
    }
    for (const [id, element] of this.made) {
      if (wanted.has(id)) continue;
      element.remove();
      this.made.delete(id);
    }
  }

  private element(id: string, layer: HTMLElement, make: () => HTMLElement): HTMLElement {
    const known = this.made.get(id);
    if (known) return known;
    const fresh = make();
    this.made.set(id, fresh);
    layer.append(fresh);
    return fresh;
  }

  private drawNote(note: Note): void {
    const element = this.element(note.id, this.sheets, () => this.makeNote(note.id));
    element.style.transform = `translate(${note.x}px,${note.y}px)`;
    element.dataset["tone"] = note.tone;
    const [width, height] = [`${note.w}px`, `${note.h}px`];
    if (element.style.width === width && element.style.height === height && element.dataset["text"] === note.text) return;
    [element.style.width, element.style.height] = [width, height];
    this.write(element, note.text);
    const words = element.firstElementChild as HTMLElement;
    element.toggleAttribute("data-cut", words.scrollHeight > words.clientHeight + GRID);
  }

  private write(element: HTMLElement, text: string): void {
    if (element.dataset["text"] === text) return;
    element.dataset["text"] = text;
    element.setAttribute("aria-label", `Note: ${text.split("\n", 1)[0] || "empty"}`);
    element.firstElementChild?.replaceChildren(text.trim() ? rendered(text) : el("p", "fc-note-none", "Empty note"));
  }

  /** How high a note is that shows a text, or that it has, in some width. */
  private heightOf(id: string, w: number, text?: string): number {
    const element = this.made.get(id) as HTMLElement;
    const words = element.firstElementChild as HTMLElement;
    if (text !== undefined) this.write(element, text);
    [element.style.width, words.style.height] = [`${w}px`, "auto"];
    const high = words.offsetHeight;
    words.style.height = "";
    return Math.max(LEAST.h, Math.ceil(high / GRID) * GRID);
  }

  /** A note in another size, but high enough for its text. */
  private sized(note: Note, by: Point): Note {
    const w = Math.max(LEAST.w, snap(note.w + by.x));
    return { ...note, w, h: Math.max(this.heightOf(note.id, w), snap(note.h + by.y)) };
  }

  /** A note with other words: as high as they are, unless it was made higher; where it would lie on something then,
   * it goes to where it does not. */
  private written(note: Note, text: string): Note {
    const { scene, viewport } = this.canvas.desk;
    const isLoose = note.h > this.heightOf(note.id, note.w) && note.text.trim() !== "";
    const needed = this.heightOf(note.id, note.w, text);
    const next = { ...note, text, h: isLoose ? Math.max(note.h, needed) : needed };
    if (liesOnSomething(scene, note, note.id) || !liesOnSomething(scene, next, note.id)) return next;
    return { ...next, ...freePlace(scene, next, viewport.world(), note.id) };
  }

  private makeNote(id: string): HTMLElement {
    const sizer = el("span", "fc-note-size");
    const element = el("div", "fc-note-card", el("div", "fc-note-words"), sizer);
    element.tabIndex = 0;
    element.setAttribute("role", "note");
    element.dataset["own"] = "";
    element.dataset["mark"] = id;
    element.addEventListener("dblclick", () => this.edit(this.note(id)));
    element.addEventListener("keydown", (event) => this.noteKey(event, this.note(id)));
    element.addEventListener("pointerdown", (event) => {
      const note = this.note(id);
      if (!note || event.button !== 0 || (event.target as Element).closest("a, textarea")) return;
      const { x, y, w, h } = note;
      const sizes = event.target === sizer;
      this.drag(event, element, sizes ? "Size a note" : "Move a note", (by) => {
        const now = this.note(id);
        if (!now) return [];
        if (sizes) return putNote(this.canvas.model, this.sized({ ...now, w, h }, by));
        return putNote(this.canvas.model, { ...now, x: snap(x + by.x), y: snap(y + by.y) });
      });
    });
    return element;
  }

  private noteKey(event: KeyboardEvent, note: Note | undefined): void {
    if (!note || event.target !== event.currentTarget) return;
    const step = event.ctrlKey || event.metaKey ? undefined : ARROWS[event.key];
    const act = keymap.actOf(event, true) ?? keymap.actOf(event);
    const { desk } = this.canvas;
    const put = (more: Partial<Note>, label: string): void => desk.run(putNote(desk.flow, { ...note, ...more }), label, `${label} ${note.id}`);
    if (event.key === "Enter" || act === "rename") this.edit(note);
    else if (act === "remove" || act === "remove-gap") this.remove(dropNote(note), "Remove a note");
    else if (act === "colour") put({ tone: nextTone(note.tone) }, "Colour a note");
    else if (step && event.altKey) put(this.sized(note, { x: step.x * GRID, y: step.y * GRID }), "Size a note");
    else if (step && event.shiftKey) put({ x: note.x + step.x * GRID, y: note.y + step.y * GRID }, "Move a note");
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private edit(note: Note | undefined): void {
    const element = note && this.made.get(note.id);
    if (!note || !element || this.canvas.desk.readOnly || element.querySelector("textarea")) return;
    const field = el("textarea", "fc-note-field");
    field.value = note.text;
    field.setAttribute("aria-label", "Text of the note, Markdown");
    field.placeholder = "Write in Markdown…";
    let open = true;
    const close = (keep: boolean): void => {
      if (!open) return;
      open = false;
      const now = this.note(note.id);
      const back = document.activeElement === field;
      field.remove();
      if (keep && now && field.value !== now.text) this.canvas.desk.run(putNote(this.canvas.model, this.written(now, field.value)), "Edit a note");
      else if (now) this.drawNote(now);
      if (back) element.focus({ preventScroll: true });
    };
    field.addEventListener("blur", () => close(true));
    field.addEventListener("input", () => (element.style.height = `${Math.max(note.h, field.scrollHeight + 3)}px`));
    field.addEventListener("keydown", (event) => {
      if (event.key === "Escape" || (event.key === "Enter" && (event.ctrlKey || event.metaKey))) close(true);
      event.stopPropagation();
    });
    element.append(field);
    field.focus({ preventScroll: true });
  }

  private drawGroup(group: Group): void {
    const at = groupBox(this.canvas.desk.scene, group);
    if (!at) return;
    const element = this.element(group.id, this.layer, () => this.makeGroupElement(group.id));
    element.style.transform = `translate(${at.x}px,${at.y}px)`;
    element.style.width = `${at.w}px`;
    element.style.height = `${at.h}px`;
    element.toggleAttribute("data-folded", group.folded);
    element.dataset["tone"] = group.tone;
    const head = element.firstElementChild as HTMLElement;
    const title = group.title || "Group";
    if (!head.querySelector("input")) head.replaceChildren(el("span", "fc-group-title", title), el("span", "fc-group-count", group.folded ? `${group.nodes.length} nodes` : String(group.nodes.length)), el("span", "fc-group-fold", icon("chevron")));
    head.setAttribute("aria-expanded", String(!group.folded));
    head.setAttribute("aria-label", `Group: ${title}, ${group.nodes.length} nodes`);
  }

  private makeGroupElement(id: string): HTMLElement {
    const head = el("div", "fc-group-head");
    const find = (): Group | undefined => readMarks(this.canvas.model).groups.find((group) => group.id === id);
    head.tabIndex = 0;
    head.setAttribute("role", "group");
    head.dataset["own"] = "";
    head.addEventListener("dblclick", () => this.rename(find()));
    head.addEventListener("keydown", (event) => this.groupKey(event, find()));
    head.addEventListener("pointerdown", (event) => {
      const group = find();
      if (!group || event.button !== 0 || (event.target as Element).closest("input")) return;
      if ((event.target as Element).closest(".fc-group-fold")) return this.fold(group);
      this.canvas.select(group.nodes.map((node) => node.id));
      const origins = group.nodes.filter((node) => !isLocked(node)).map((node) => ({ node: node.id, x: node.x, y: node.y }));
      this.drag(event, head, "Move a group", (by) => origins.map(({ node, x, y }): Change => ({ op: "move", node, x: x + snap(by.x), y: y + snap(by.y) })));
    });
    return el("div", "fc-group", head);
  }

  private groupKey(event: KeyboardEvent, group: Group | undefined): void {
    if (!group || event.target !== event.currentTarget) return;
    const step = event.ctrlKey || event.metaKey ? undefined : ARROWS[event.key];
    const act = keymap.actOf(event, true) ?? keymap.actOf(event);
    const { desk } = this.canvas;
    if (event.key === "Enter") this.fold(group);
    else if (act === "members") this.canvas.select(group.nodes.map((node) => node.id));
    else if (act === "rename") this.rename(group);
    else if (act === "remove" || act === "remove-gap") this.remove(dissolve(group), "Dissolve a group");
    else if (act === "colour") desk.run(putGroup({ ...group, tone: nextTone(group.tone) }), "Colour a group", `tone ${group.id}`);
    else if (step && event.shiftKey) desk.run(group.nodes.map((node): Change => ({ op: "move", node: node.id, x: node.x + step.x * GRID, y: node.y + step.y * GRID })), "Move a group", `move ${group.id}`);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Let one tile stand for the nodes, or bring them back. */
  private fold(group: Group): void {
    const { desk } = this.canvas;
    this.canvas.select([]);
    desk.run(putGroup({ ...group, folded: !group.folded }), group.folded ? "Unfold a group" : "Fold a group");
    this.draw();
    this.made.get(group.id)?.querySelector<HTMLElement>(".fc-group-head")?.focus({ preventScroll: true });
  }

  private rename(group: Group | undefined): void {
    const head = group && this.made.get(group.id)?.querySelector<HTMLElement>(".fc-group-head");
    if (!group || !head || this.canvas.desk.readOnly || head.querySelector("input")) return;
    const field = el("input", "fc-group-name");
    field.value = group.title;
    field.setAttribute("aria-label", "Name of the group");
    let open = true;
    const close = (keep: boolean): void => {
      if (!open) return;
      open = false;
      const back = document.activeElement === field;
      field.remove();
      const title = field.value.trim();
      if (keep && title && title !== group.title) this.canvas.desk.run(putGroup({ ...group, title }), "Rename a group");
      this.draw();
      if (back) head.focus({ preventScroll: true });
    };
    field.addEventListener("blur", () => close(true));
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === "Escape") close(event.key === "Enter");
      event.stopPropagation();
    });
    head.replaceChildren(field);
    field.focus({ preventScroll: true });
    field.select();
  }

  private remove(changes: Change[], label: string): void {
    this.canvas.root.focus({ preventScroll: true });
    this.canvas.desk.run(changes, label);
    this.canvas.desk.say(label.replace("Remove", "Removed").replace("Dissolve", "Dissolved"));
  }

  /** Follow the pointer; all moves are one step of undo. */
  private drag(event: PointerEvent, element: HTMLElement, label: string, changes: (by: Point) => Change[]): void {
    const { desk } = this.canvas;
    if (desk.readOnly) return;
    const key = `mark ${desk.mark()}`;
    const start = { x: event.clientX, y: event.clientY };
    element.setPointerCapture(event.pointerId);
    const move = (now: PointerEvent): void => {
      const by = { x: (now.clientX - start.x) / desk.viewport.zoom, y: (now.clientY - start.y) / desk.viewport.zoom };
      if (Math.hypot(now.clientX - start.x, now.clientY - start.y) > 3) desk.run(changes(by), label, key);
    };
    const up = (): void => {
      element.removeEventListener("pointermove", move);
      for (const name of ["pointerup", "pointercancel"] as const) element.removeEventListener(name, up);
      desk.seal();
    };
    element.addEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel"] as const) element.addEventListener(name, up);
  }
}
