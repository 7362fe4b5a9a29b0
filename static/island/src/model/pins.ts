// Which pins a node has, and what stands beside them. The card decides; where the document's own
// pins count (growing, shaped and free nodes) they win, in the document's order. A wired pin that
// nobody declares is shown too, as a ghost, so that no wire is ever invisible. Pins that are seldom needed
// fold away behind one row until they have a wire, a value or an expression, or the node is opened.
import { ANY, EXEC, type Card, type CardPin, type Catalog, type Grows, type Json, type Words } from "../catalog";
import type { FlowNode } from "./document";
import { isObject, read } from "./json";
import { isOpened } from "./marks";

export type Side = "in" | "out";
/** How a value is edited in place; `free` reads numbers, yes/no and JSON from what is typed. */
export type Editor = "text" | "number" | "switch" | "choice" | "free" | "value" | "expression";

/** A pin of a node. `row` is -1 for the exec pins of the header. `path` is where its value is kept. */
export interface ShapePin {
  id: string;
  side: Side;
  label: string;
  type: string;
  row: number;
  editor: Editor | null;
  path: readonly string[];
  choices: readonly string[];
  preset: Json | undefined;
  description: string;
  required: boolean;
  ghost: boolean;
  /** Whether most nodes of the type leave it alone. */
  seldom: boolean;
  /** Whether it is folded away; its row is where it would come. */
  folded: boolean;
}

/** A setting edited on the node itself: a row with a field and no pin. */
export interface ShapeField {
  path: readonly string[];
  label: string;
  row: number;
  editor: Editor;
  choices: readonly string[];
  preset: Json | undefined;
}

/** Everything about a node's looks that does not depend on where it stands or what is wired. */
export interface Shape {
  key: string;
  /** The pins by side and id, as "in prompt". */
  index: ReadonlyMap<string, ShapePin>;
  type: string;
  card: Card | null;
  step: boolean;
  pins: readonly ShapePin[];
  field: ShapeField | null;
  grow: { side: Side; row: number; rule: Grows } | null;
  /** The row that shows the pins which are folded away, or folds them again. */
  fold: { row: number; pins: readonly ShapePin[]; open: boolean } | null;
  rows: number;
}

/** So many pins at least are worth a row that stands for them. */
const FOLD_LEAST = 2;

/** The editors in which no text can be written. */
const UNWRITTEN: ReadonlySet<Editor | null> = new Set(["switch", "choice", "value"]);

const EDITORS: { [type: string]: Editor } = {
  string: "text",
  provider: "text",
  model: "text",
  workspace_file: "text",
  workspace_folder: "text",
  number: "number",
  boolean: "switch",
  any: "free",
};

/** The pins of the nodes of one flow; shapes are shared between nodes that look alike. */
export class Shapes {
  private readonly byKey = new Map<string, Shape>();
  /** Nodes whose pins are all shown in this view alone, where the flow may not be changed. */
  readonly opened = new Set<string>();
  /** A pin that stays in view although it has lost its wire or value, while a hand is at it. */
  held: { node: string; side: Side; id: string; editor?: Editor } | null = null;

  constructor(readonly catalog: Catalog) {}

  of(node: FlowNode): Shape {
    node.shape ??= this.find(node);
    return node.shape;
  }

  pin(node: FlowNode, side: Side, id: string): ShapePin | undefined {
    return this.of(node).index.get(side === "in" ? `in ${id}` : `out ${id}`);
  }

  /** The shape that a node has with all its pins shown. */
  whole(node: FlowNode): Shape {
    const was = this.opened.has(node.id);
    this.opened.add(node.id);
    const shape = this.find(node);
    if (!was) this.opened.delete(node.id);
    return shape;
  }

  isWired(node: FlowNode, pin: { side: Side; id: string }): boolean {
    for (const wire of node.wires) {
      if (pin.side === "in" ? wire.to === node && wire.targetPin === pin.id : wire.from === node && wire.sourcePin === pin.id) return true;
    }
    return false;
  }

  private find(node: FlowNode): Shape {
    const type = node.type;
    const card = this.catalog.card(type);
    const own = !card || keepsPins(card);
    const more = this.catalog.errorPins(card, node.data);
    const name = more.length ? `${type} ${more.map((pin) => pin.id).join(" ")}` : type;
    const key = own ? `${name} ${JSON.stringify([node.data.inputs, node.data.outputs])}` : name;
    const shape = this.shared(key, node, card, []);
    const ghosts = ghostsOf(node, shape);
    return this.computed(node, this.fold(node, ghosts.length ? this.shared(`${key} ${JSON.stringify(ghosts)}`, node, card, ghosts) : shape));
  }

  /** The shape with a line to write on where an expression stands for a switch, a choice, a list or an object. */
  private computed(node: FlowNode, shape: Shape): Shape {
    const { held } = this;
    const written = node.data.pinExpressions;
    const isHeld = held?.node === node.id && held.editor === "expression";
    if (!isHeld && !isObject(written)) return shape;
    const some = shape.pins.filter(({ id, side, editor }) => UNWRITTEN.has(editor) && ((isHeld && held.id === id && held.side === side) || (isObject(written) && typeof written[id] === "string")));
    if (!some.length) return shape;
    const key = `${shape.key} = ${some.map(({ id }) => id).join()}`;
    const pins = shape.pins.map((pin): ShapePin => (some.includes(pin) ? { ...pin, editor: "expression" } : pin));
    const found = this.byKey.get(key) ?? { ...shape, key, pins, index: indexOf(pins) };
    this.byKey.set(key, found);
    return found;
  }

  /** The shape with what nobody uses here folded away. */
  private fold(node: FlowNode, whole: Shape): Shape {
    if (!whole.card?.seldom?.length) return whole;
    const open = isOpened(node) || this.opened.has(node.id); // then always of one shape, whatever is typed
    const away = whole.pins.filter((pin) => pin.seldom && (open || !this.isUsed(node, pin)));
    if (away.length < FOLD_LEAST) return whole;
    const key = `${whole.key} ${open ? "opened" : `without ${away.map((pin) => pin.side + pin.id).join()}`}`;
    const found = this.byKey.get(key) ?? folded(whole, key, new Set(away), open);
    this.byKey.set(key, found);
    return found;
  }

  private isUsed(node: FlowNode, pin: ShapePin): boolean {
    const { held } = this;
    if (held?.node === node.id && held.side === pin.side && held.id === pin.id) return true;
    if (this.isWired(node, pin)) return true;
    return pin.side === "in" && (valueAt(node, pin.path) !== undefined || valueAt(node, ["pinExpressions", pin.id]) !== undefined);
  }

  private shared(key: string, node: FlowNode, card: Card | undefined, ghosts: readonly Ghost[]): Shape {
    const found = this.byKey.get(key);
    if (found) return found;
    const { inputs, outputs } = declared(card, node);
    const present = new Set(outputs.map((pin) => pin.id));
    outputs.push(...this.catalog.errorPins(card, node.data).filter((pin) => !present.has(pin.id)));
    const shape = build(key, node.type, card ?? null, inputs, outputs, ghosts);
    if (this.byKey.size > 4000) this.byKey.clear();
    this.byKey.set(key, shape);
    return shape;
  }
}

interface Ghost {
  side: Side;
  id: string;
}

/** The wired pins of a node that its shape lacks. */
function ghostsOf(node: FlowNode, shape: Shape): Ghost[] {
  const ghosts: Ghost[] = [];
  const meet = (side: Side, id: string): void => {
    if (!shape.index.has(`${side} ${id}`) && !ghosts.some((ghost) => ghost.side === side && ghost.id === id)) ghosts.push({ side, id });
  };
  for (const wire of node.wires) {
    if (wire.to === node) meet("in", wire.targetPin);
    if (wire.from === node) meet("out", wire.sourcePin);
  }
  return ghosts;
}

const keepsPins = (card: Card): boolean => Boolean(card.saved_pins || card.shaped || card.grows);

/** The pins that a node's card and document declare. */
export function declared(card: Card | undefined, node: FlowNode): { inputs: CardPin[]; outputs: CardPin[] } {
  const inputs = savedPins(node.data.inputs);
  const outputs = savedPins(node.data.outputs);
  if (!card) return { inputs, outputs };
  const { inputs: addedIn, outputs: addedOut } = added(card);
  const keep = Boolean(card.saved_pins || card.shaped);
  return {
    inputs: keep || addedIn ? kept(inputs, card.inputs, addedIn, card.words?.inputs) : card.inputs,
    outputs: keep || addedOut ? kept(outputs, card.outputs, addedOut, card.words?.outputs) : [...card.outputs],
  };
}

/** Read the pins that a document keeps; malformed entries are left out. */
export function savedPins(raw: Json | undefined): CardPin[] {
  const pins: CardPin[] = [];
  for (const row of Array.isArray(raw) ? raw : []) {
    if (!isObject(row) || typeof row.id !== "string" || !row.id.trim()) continue;
    const id = row.id.trim();
    const label = typeof row.label === "string" ? row.label : id;
    const type = typeof row.type === "string" && row.type ? row.type : ANY;
    pins.push({ id, label, type, description: typeof row.description === "string" ? row.description : "" });
  }
  return pins;
}

/** The rule for added pins, at the side that grows. */
function added(card: Card): { inputs?: Grows; outputs?: Grows } {
  return card.grows ? { [card.grows.side]: card.grows } : {};
}

/** An added pin with the words of its kind, unless its author gave it others; so one that settings bring. */
function described(pin: CardPin, rule: Grows | undefined, words: Words): CardPin {
  if (pin.description) return pin;
  const ofKind = rule && (pin.type === EXEC) === (rule.type === EXEC) ? rule.description : words[pin.id] ?? words[""];
  return ofKind ? { ...pin, description: ofKind } : pin;
}

/** The saved pins completed by the declared ones; a side that grows may have lost a value pin on purpose. */
function kept(saved: CardPin[], card: readonly CardPin[], rule: Grows | undefined, words: Words = {}): CardPin[] {
  if (!saved.length) return [...card];
  const known = new Map(card.map((pin) => [pin.id, pin]));
  const present = new Set(saved.map((pin) => pin.id));
  const missing = card.filter((pin) => !present.has(pin.id) && (!rule || pin.type === EXEC));
  return [
    ...missing.filter((pin) => pin.type === EXEC),
    ...saved.map((pin) => known.get(pin.id) ?? described(pin, rule, words)),
    ...missing.filter((pin) => pin.type !== EXEC),
  ];
}

function build(key: string, type: string, card: Card | null, inputs: CardPin[], outputs: CardPin[], ghosts: readonly Ghost[]): Shape {
  const pins: ShapePin[] = [];
  const rows = { in: 0, out: 0 };
  const place = (pin: CardPin, side: Side, ghost: boolean): void => {
    const header = pin.type === EXEC && pin.id === (side === "in" ? "exec-in" : "exec-out");
    pins.push({ ...shapePin(pin, side, header ? -1 : rows[side]++, ghost), seldom: !ghost && Boolean(card?.seldom?.includes(pin.id)) });
  };
  for (const pin of inputs) place(pin, "in", false);
  for (const pin of outputs) place(pin, "out", false);
  for (const { side, id } of ghosts) {
    place({ id, label: id, type: id === "exec-in" || id === "exec-out" ? EXEC : ANY }, side, true);
  }
  const step = pins.some((pin) => pin.type === EXEC);
  const field = fieldOf(card, pins, rows.in);
  if (field) rows.in++;
  const side: Side = card?.grows?.side === "outputs" ? "out" : "in";
  const grow = card?.grows ? { side, row: rows[side]++, rule: card.grows } : null;
  return { key, index: indexOf(pins), type, card, step, pins, field, grow, fold: null, rows: Math.max(rows.in, rows.out) };
}

function indexOf(pins: readonly ShapePin[]): Map<string, ShapePin> {
  const index = new Map<string, ShapePin>();
  for (const pin of pins) if (!index.has(`${pin.side} ${pin.id}`)) index.set(`${pin.side} ${pin.id}`, pin);
  return index;
}

/** A shape with a row that stands for some of its pins; while it is not open, those have no rows of their own. */
function folded(whole: Shape, key: string, away: ReadonlySet<ShapePin>, open: boolean): Shape {
  const rows = { in: 0, out: 0 };
  const pins = whole.pins.map((pin): ShapePin => {
    const gone = !open && away.has(pin);
    return pin.row < 0 ? pin : { ...pin, row: gone ? rows[pin.side] : rows[pin.side]++, folded: gone };
  });
  const field = whole.field && { ...whole.field, row: rows.in++ };
  const grow = whole.grow && { ...whole.grow, row: rows[whole.grow.side]++ };
  const fold = { row: rows.in++, pins: pins.filter((_, index) => away.has(whole.pins[index] as ShapePin)), open };
  return { ...whole, key, index: indexOf(pins), pins, field, grow, fold, rows: Math.max(rows.in, rows.out) };
}

function shapePin(pin: CardPin, side: Side, row: number, ghost: boolean): ShapePin {
  return {
    id: pin.id,
    side,
    label: pin.label || (row < 0 ? "" : pin.id),
    type: pin.type,
    row,
    editor: side === "in" && !ghost ? editorOf(pin) : null,
    path: ["pinDefaults", pin.id],
    choices: pin.choices ?? [],
    preset: pin.default,
    description: pin.description ?? "",
    required: pin.required ?? false,
    ghost,
    seldom: false,
    folded: false,
  };
}

function editorOf(pin: { type: string; choices?: string[]; widget?: string | null }): Editor | null {
  if (pin.type === EXEC) return null;
  if (pin.choices?.length) return "choice";
  return EDITORS[pin.type] ?? "value";
}

/** A value node without inputs shows its first setting in place: constants, names of variables. */
function fieldOf(card: Card | null, pins: readonly ShapePin[], row: number): ShapeField | null {
  const first = card?.fields?.[0];
  if (!first || pins.some((pin) => pin.side === "in")) return null;
  const editor = editorOf(first);
  if (!editor) return null;
  return { path: first.path.split("."), label: first.label || "", row, editor, choices: first.choices ?? [], preset: first.default };
}

/** The value that an input has in the document, or undefined when it is unset. */
export function valueAt(node: FlowNode, path: readonly string[]): Json | undefined {
  return read(node.data, path);
}
