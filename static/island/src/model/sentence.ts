// What a node does with its values, in a sentence: its type's own (`Card.sentence`), else the values that are set
// and where the others come from. In a sentence `{prompt}` stands for what is at that pin or, with dots, at that
// setting; what stands in `[...]` is left out while one of its places has nothing.
import { EXEC, type Json } from "../catalog";
import { flowNames } from "./called";
import type { FlowNode } from "./document";
import { titleOf } from "./geometry";
import { type ShapePin, valueAt } from "./pins";
import type { Scene } from "./scene";
import { isStart } from "./ways";

/** A piece of a sentence: plain words, a value, or the name of a way on. */
export interface Piece {
  text: string;
  kind: "" | "value" | "way";
}

const PLACE = /\{([^{}|]+)(?:\|(name|unit))?\}/g;
const OPTIONAL = /\[([^[\]]*)\]/g;
const MOST = 60;
/** Of what computes a value less is told: the ways on stand behind it. */
const COMPUTED = 36;

export const words = (text: string): Piece => ({ text, kind: "" });
const value = (text: string): Piece => ({ text, kind: "value" });

export function textOf(pieces: readonly Piece[]): string {
  return pieces.map((piece) => piece.text).join("");
}

export function sentenceOf(scene: Scene, node: FlowNode): Piece[] {
  const form = scene.shape(node).card?.sentence;
  const pieces = form ? new Sentence(scene, node).of(form) : isStart(scene.shape(node).card ?? undefined) ? taken(scene, node) : listed(scene, node);
  return pieces.filter((piece) => piece.text);
}

/** What gives a value: a node, `whole` where it gives one alone, or what computes it. */
interface Source {
  from: string;
  whole: boolean;
}

class Sentence {
  /** Whether the number that was said last is one. */
  private isOne = false;

  constructor(
    private readonly scene: Scene,
    private readonly node: FlowNode,
  ) {}

  of(form: string): Piece[] {
    const pieces: Piece[] = [];
    let from = 0;
    for (const found of form.matchAll(OPTIONAL)) {
      const inner = found[1] as string;
      pieces.push(...this.part(form.slice(from, found.index)));
      if ([...inner.matchAll(PLACE)].every(([, at]) => this.at(at as string))) pieces.push(...this.part(inner));
      from = found.index + found[0].length;
    }
    return [...pieces, ...this.part(form.slice(from))];
  }

  private part(form: string): Piece[] {
    const pieces: Piece[] = [];
    let from = 0;
    for (const found of form.matchAll(PLACE)) {
      pieces.push(words(form.slice(from, found.index)), ...this.said(found[1] as string, found[2]));
      from = found.index + found[0].length;
    }
    return [...pieces, words(form.slice(from))];
  }

  private said(at: string, how: string | undefined): Piece[] {
    const there = this.at(at);
    if (!there) return [words(`‹${this.label(at)}›`)];
    if ("from" in there) return there.whole ? [words("what "), value(there.from), words(" gives")] : [value(there.from)];
    if (how === "unit" && this.isOne && typeof there.set === "string") return [value(there.set.replace(/s$/, ""))];
    this.isOne = there.set === 1;
    return [value(how && typeof there.set === "string" ? cut(there.set) : said(there.set))];
  }

  /** What is at a pin or a setting, unless it is nothing. */
  private at(at: string): Source | { set: Json } | null {
    const { scene, node } = this;
    const pin = scene.shape(node).index.get(`in ${at}`);
    const from = pin && sourceOf(scene, node, pin);
    if (from) return from;
    const field = pin ? undefined : scene.shape(node).card?.fields?.find((each) => each.path === at);
    const path = pin?.path ?? field?.path.split(".");
    const set = path && (valueAt(node, path) ?? pin?.preset ?? field?.default);
    if (set === undefined || isNothing(set)) return null;
    return { set: field?.type === "flow" ? (flowNames.get(String(set)) ?? set) : set };
  }

  private label(at: string): string {
    const { index, card } = this.scene.shape(this.node);
    return index.get(`in ${at}`)?.label || card?.fields?.find((each) => each.path === at)?.label || at;
  }
}

/** Where the value of an input comes from: the node that gives it, or what computes it. */
function sourceOf(scene: Scene, node: FlowNode, pin: ShapePin): Source | null {
  const wire = node.wires.find((each) => each.to === node && each.targetPin === pin.id);
  if (wire?.from) {
    const shape = scene.shape(wire.from);
    const values = shape.pins.filter((each) => each.side === "out" && each.type !== EXEC && !each.seldom);
    const label = values.length > 1 ? scene.shapes.pin(wire.from, "out", wire.sourcePin)?.label : "";
    return { from: [titleOf(wire.from, shape), label].filter(Boolean).join(" · "), whole: !label };
  }
  const computed = valueAt(node, ["pinExpressions", pin.id]);
  return typeof computed === "string" && computed ? { from: `= ${cut(computed, COMPUTED)}`, whole: false } : null;
}

/** What a flow begins with. */
function taken(scene: Scene, node: FlowNode): Piece[] {
  const names = scene.shape(node).pins.flatMap((pin) => (pin.side === "out" && pin.type !== EXEC && !pin.ghost ? [pin.label || pin.id] : []));
  return names.length ? [words("takes "), value(names.join(", "))] : [];
}

/** The values of a node one after the other, where its type has no sentence. */
function listed(scene: Scene, node: FlowNode): Piece[] {
  const pieces: Piece[] = [];
  const put = (label: string, text: string): number => pieces.push(words(`${pieces.length ? "; " : ""}${label}`), value(text));
  const shape = scene.shape(node);
  for (const pin of shape.pins) {
    if (pin.side === "out" || pin.type === EXEC) continue;
    const from = sourceOf(scene, node, pin);
    const set = valueAt(node, pin.path);
    if (from) put(`${pin.label} from `, from.from);
    else if (set !== undefined) put(`${pin.label} `, said(set));
  }
  const field = shape.field && valueAt(node, shape.field.path);
  if (field !== undefined && field !== null) put("", said(field));
  return pieces;
}

function isNothing(set: Json): boolean {
  return set === null || set === "" || (typeof set === "object" && !Object.keys(set).length);
}

function cut(text: string, most = MOST): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}

export function said(set: Json): string {
  if (typeof set === "string") return `“${cut(set)}”`;
  if (Array.isArray(set) && set.every((each) => typeof each === "string")) return cut(set.join(", "));
  return cut(JSON.stringify(set));
}
