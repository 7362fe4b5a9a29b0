// What Ctrl+K and Ctrl+F offer: the nodes of this flow by everything that is written in them, the
// commands with their keys, node types to add, and the other flows and pages. Loaded at leisure.
import type { FlowCanvas } from "../canvas/flowcanvas";
import type { Card, Json } from "../catalog";
import type { FlowNode } from "../model/document";
import { titleOf } from "../model/geometry";
import { isObject } from "../model/json";
import { type Note, readMarks } from "../model/marks";
import type { nearest } from "../model/alike";
import type { normal, offers } from "../model/rank";
import type { Choice } from "./chooser";
import { brief, el, familyMark, icon } from "./parts";

export interface Found extends Choice {
  act(): void;
}

export interface Command {
  name: string;
  keys: string;
  sign: string;
  act(): void;
}

/** Settings of the editor itself, which nobody looks for. */
const SILENT = new Set(["nodeType", "inputs", "outputs", "icon", "headerColor"]);
/** Where values lie that people know by the name of their input, or mark, alone. */
const PLAIN = new Set(["pinDefaults", "pinExpressions", "canvas"]);
const MOST = 40;

interface Text {
  id: string;
  mark(): Node;
  act(): void;
  title: string;
  about: string;
  parts: { place: string; text: string }[];
  words: string;
}

/** All texts of a flow, read once when a search opens. */
export class Search {
  private readonly texts: Text[];

  constructor(
    private readonly canvas: FlowCanvas,
    private readonly commands: readonly Command[],
    private readonly flows: readonly { id: string; name: string }[],
    /** Ask what a new step of this name is to do. */
    private readonly create: (name: string) => void,
    private readonly rank: { normal: typeof normal; offers: typeof offers; nearest: typeof nearest },
    /** The id of this flow. */
    private readonly flow: string,
  ) {
    this.texts = [...[...canvas.model.nodes.values()].map((node) => this.read(node)), ...this.marks()];
  }

  /** The nodes that hold all words; with no words the flow in reading order. */
  here(words: string): Found[] {
    const wanted = this.rank.normal(words).split(" ").filter(Boolean);
    const hits = this.texts.filter((text) => wanted.every((word) => text.words.includes(word)));
    const named = (text: Text): number => Number(!wanted.every((word) => this.rank.normal(text.title).includes(word)));
    return hits.sort((a, b) => named(a) - named(b)).slice(0, MOST).map((text) => this.row(text, wanted));
  }

  /** The nodes of this flow, and the way to what is in the data of its runs. */
  inFlow(words: string): Found[] {
    return words.trim() ? [...this.here(words), this.inRuns(words, this.flow)] : this.here(words);
  }

  everything(words: string): Found[] {
    const wanted = this.rank.normal(words).split(" ").filter(Boolean);
    const fits = (text: string): boolean => wanted.every((word) => this.rank.normal(text).includes(word));
    const commands = this.commands.filter(({ name }) => fits(name)).map(({ name, keys, sign, act }) => ({ id: name, mark: el("span", "fam-mark small", icon(sign)), name, about: "", note: keys, act }));
    if (!wanted.length) return commands;
    const flows = this.flows.filter(({ id, name }) => fits(`${name} ${id}`)).slice(0, 12);
    const types = this.rank.offers(this.canvas.catalog, { words, from: null, recent: [] }).slice(0, 8);
    const found = [
      ...commands,
      ...this.here(words).slice(0, 12),
      ...flows.map((flow) => this.opens(flow)),
      ...types.map(({ card }) => this.adds(card)),
    ];
    const isCommand = found.length > 0 && found.length === commands.length;
    return [...(found.length ? found : this.insteadOf(words)), ...(isCommand ? [] : [this.inAllFlows(words), this.inRuns(words)])];
  }

  /** Nothing is called that: what is called nearly so, and a new step of this name. */
  private insteadOf(words: string): Found[] {
    const { canvas, commands, flows, texts } = this;
    const named: [string, () => Found][] = [
      ...texts.map((text): [string, () => Found] => [text.title, () => this.row(text, [])]),
      ...flows.map((flow): [string, () => Found] => [flow.name, () => this.opens(flow)]),
      ...canvas.catalog.cards.filter((card) => card.palette !== false).map((card): [string, () => Found] => [card.label, () => this.adds(card)]),
      ...commands.map(({ name, keys, sign, act }): [string, () => Found] => [name, () => ({ id: name, mark: el("span", "fam-mark small", icon(sign)), name, about: "", note: keys, act })]),
    ];
    const near = this.rank.nearest(words, named.map(([name]) => name)).slice(0, 3).map((at) => (named[at] as [string, () => Found])[1]());
    const title = words.trim();
    const step: Found = { id: "create", mark: el("span", "fam-mark small", icon("plus")), name: `Add a step called “${brief(title, 40)}”`, about: "Then choose what it does", act: () => this.create(title) };
    return [...near.map((each) => ({ ...each, about: "Did you mean this?" })), ...(canvas.desk.readOnly ? [] : [step])];
  }

  private inAllFlows(words: string): Found {
    const title = words.trim();
    return { id: "all flows", mark: el("span", "fam-mark small", icon("search")), name: `Look for “${brief(title, 40)}” in all flows`, about: "In names, notes, code and values", act: () => location.assign(`/flows?q=${encodeURIComponent(title)}`) };
  }

  /** What steps were given, gave, asked and printed: the server looks for it in the ledgers. */
  private inRuns(words: string, flow = ""): Found {
    const title = words.trim();
    const query = new URLSearchParams(flow ? { q: title, flow } : { q: title }).toString();
    const of = flow ? "the runs of this flow" : "all runs";
    return { id: "run data", mark: el("span", "fam-mark small", icon("runs")), name: `Look for “${brief(title, 40)}” in the data of ${of}`, about: "In what steps were given, gave, asked and printed", act: () => location.assign(`/runs/search?${query}`) };
  }

  private opens({ id, name }: { id: string; name: string }): Found {
    return { id: `flow ${id}`, mark: el("span", "fam-mark small", icon("flows")), name: name || id, about: "Open this flow", act: () => location.assign(flowPage(id)) };
  }

  private adds(card: Card): Found {
    return { id: `type ${card.type}`, mark: familyMark(card.family), name: `Add ${card.label}`, about: card.summary ?? "", act: () => this.add(card.type) };
  }

  private add(type: string): void {
    const { width, height } = this.canvas.desk.viewport;
    const id = this.canvas.addNodeAt(type, this.canvas.desk.viewport.toWorld({ x: width / 2, y: height / 2 }), null, { free: true });
    if (id) this.canvas.focusNode(id);
  }

  private row(text: Text, wanted: string[]): Found {
    const part = wanted.length && !wanted.every((word) => this.rank.normal(text.title).includes(word)) ? this.said(text, wanted) : undefined;
    const about = part ? `${part.place}: ${around(part.text, wanted)}` : text.about;
    return { id: text.id, mark: text.mark(), name: text.title, about, act: () => text.act() };
  }

  /** The part of a node that holds all words, else one that holds some. */
  private said({ parts }: Text, wanted: string[]): Text["parts"][number] | undefined {
    const holds = (text: string) => (word: string) => this.rank.normal(text).includes(word);
    return parts.find((each) => wanted.every(holds(each.text))) ?? parts.find((each) => wanted.some(holds(each.text)));
  }

  private read(node: FlowNode): Text {
    const { scene } = this.canvas.desk;
    const shape = scene.shape(node);
    const parts: Text["parts"] = [];
    for (const [key, value] of Object.entries(node.data)) if (!SILENT.has(key)) gather(key === "canvas" ? own(value) : value, PLAIN.has(key) ? "" : key, parts);
    gather(this.canvas.desk.look.progress.nodes.get(node.id)?.outputs ?? undefined, "gave", parts);
    const [title, about] = [titleOf(node, shape), shape.card?.label ?? node.type];
    const words = this.rank.normal([title, about, node.id, ...parts.map((part) => part.text)].join(" "));
    return { id: `node ${node.id}`, mark: () => familyMark(shape.card?.family ?? "unknown"), act: () => this.canvas.focusNode(node.id), title, about, parts, words };
  }

  /** The notes and the groups that have a name. */
  private marks(): Text[] {
    const { notes, groups } = readMarks(this.canvas.model);
    const sign = (name: string) => (): Node => el("span", "fam-mark small", icon(name));
    const found = notes.map((note): Text => {
      const [first = "", ...more] = note.text.split("\n").map(bare).filter(Boolean);
      const text = more.join(" ");
      return { id: `note ${note.id}`, mark: sign("edit"), act: () => this.toNote(note), title: brief(first, 60) || "Note", about: "Note", parts: [{ place: "Note", text: text || first }], words: this.rank.normal(`${first} ${text} note`) };
    });
    const named = groups.filter(({ title }) => title);
    return [...found, ...named.map(({ id, title, nodes }): Text => ({ id: `group ${id}`, mark: sign("subflow"), act: () => this.toGroup(nodes), title, about: `Group of ${nodes.length}`, parts: [], words: this.rank.normal(`${title} group`) }))];
  }

  /** Bring a note into view and put the keyboard on it; where there is no canvas, on the node that carries it. */
  private toNote({ id, x, y, w, h, carrier }: Note): void {
    const { root, desk } = this.canvas;
    if (!root.checkVisibility()) return this.canvas.focusNode(carrier.id);
    const box = { x, y, w, h };
    this.canvas.setView(desk.viewport.far ? desk.viewport.fitting(box, 0.8) : desk.viewport.revealing(box));
    const focus = (): void => root.querySelector<HTMLElement>(`[data-mark="${CSS.escape(id)}"]`)?.focus({ preventScroll: true });
    requestAnimationFrame(() => requestAnimationFrame(focus));
  }

  private toGroup(nodes: readonly FlowNode[]): void {
    const ids = nodes.map((node) => node.id);
    this.canvas.root.focus({ preventScroll: true });
    this.canvas.select(ids);
    this.canvas.fit({ nodes: ids });
  }
}

/** What is kept with a node for itself: notes and groups are found by themselves. */
function own(marks: Json | undefined): Json | undefined {
  if (!isObject(marks)) return undefined;
  return Object.fromEntries(Object.entries(marks).filter(([key]) => !["notes", "groups", "group", "wires"].includes(key)));
}

/** A line of Markdown without its signs. */
const bare = (line: string): string => line.replace(/[*_`#>]/g, "").trim();

function gather(value: Json | undefined, place: string, parts: Text["parts"]): void {
  if (typeof value === "string" || typeof value === "number") parts.push({ place: place || "value", text: String(value).slice(0, 20_000) });
  else if (Array.isArray(value)) for (const each of value) gather(each, place, parts);
  else if (isObject(value)) for (const [key, each] of Object.entries(value)) gather(each, place ? `${place} ${key}` : key, parts);
}

/** A text around the first word found in it. */
function around(text: string, wanted: string[]): string {
  const low = text.toLowerCase();
  const spots = wanted.map((word) => low.indexOf(word)).filter((spot) => spot >= 0);
  const spot = spots.length ? Math.min(...spots) : 0;
  return `${spot > 24 ? "…" : ""}${brief(text.slice(Math.max(0, spot - 24), spot + 120), 100)}`;
}

const flowPage = (id: string): string => `/flows/${id.split("/").map(encodeURIComponent).join("/")}`;
