// What the server says about node types: the body of `GET /api/catalog`, and lookups over it.
// Nothing in the island names a node type; whoever wants to know asks a card.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A pin as a card describes it. An input without a `default` key has no default. */
export interface CardPin {
  id: string;
  label: string;
  type: string;
  default?: Json;
  description?: string;
  choices?: string[];
  widget?: string | null;
  required?: boolean;
}

/** A setting that is not a pin; `path` is dotted under `node.data`. */
export interface CardField {
  path: string;
  type: string;
  default?: Json;
  label?: string;
  description?: string;
  choices?: string[];
  widget?: string | null;
}

/** Pins that an author may add. */
export interface Grows {
  side: "inputs" | "outputs";
  names: "letters" | "then" | "free";
  least: number;
  type: string;
  /** What each such pin is, unless the document says it. */
  description?: string;
}

export type Words = { readonly [pin: string]: string };

export interface Card {
  type: string;
  label: string;
  family: string;
  kind: "event" | "pure" | "action" | "effect" | "control";
  summary?: string;
  doc?: string;
  inputs: CardPin[];
  outputs: CardPin[];
  grows?: Grows | null;
  shaped?: boolean;
  /** What the pins are that a node's settings bring, by id; by "" where they are all alike. */
  words?: { inputs: Words; outputs: Words };
  saved_pins?: boolean;
  /** Whether the author may say what happens when such a step fails (`CatalogBody.error_pins`). */
  may_fail?: boolean;
  /** Whether each such step speaks to another computer. */
  leaves?: boolean;
  /** The pins that most such nodes leave alone, by id. */
  seldom?: string[];
  /** Whether it makes a value of another type of its first input. */
  converts?: boolean;
  /** What a node does with its values (`model/sentence.ts`). */
  sentence?: string;
  fields?: CardField[];
  keywords?: string[];
  template?: { [key: string]: Json };
  palette?: boolean;
}

export interface Family {
  id: string;
  label: string;
  icon?: string;
  order?: number;
}

/** A kind of value: the sign it is drawn with and the types it may be wired to. */
export interface PinType {
  id: string;
  shape: string;
  letter: string;
  into: string[];
  label?: string;
}

/** How a key is told that somebody has written into a flow (model/writtenkeys.ts). */
export interface KeyRule {
  names: string[];
  endings: string[];
  about: string[];
  no_keys: string[];
  words: string;
  scheme: string;
  forms: string;
  values: string[];
  settings: string[];
  bare: string[];
  references: string[];
  /** How a text begins that stands where a key was. */
  hole: string;
}

export interface CatalogBody {
  digest?: string;
  families: Family[];
  pin_types: PinType[];
  types: Card[];
  written_keys?: KeyRule;
  /** The further outputs of a step by what its setting at `path` says of a failure. */
  error_pins?: { path: string; outputs: { [choice: string]: CardPin[] } };
}

export const EXEC = "execution";
export const ANY = "any";

/** The node types, families and pin types of a server. */
export class Catalog {
  readonly cards: readonly Card[];
  readonly families: readonly Family[];
  private readonly byType = new Map<string, Card>();
  private readonly byFamily = new Map<string, Family>();
  private readonly byPinType = new Map<string, PinType>();

  constructor(readonly body: CatalogBody) {
    this.cards = body.types;
    this.families = body.families;
    for (const card of body.types) this.byType.set(card.type, card);
    for (const family of body.families) this.byFamily.set(family.id, family);
    for (const pin of body.pin_types) this.byPinType.set(pin.id, pin);
  }

  card(type: string): Card | undefined {
    return this.byType.get(type);
  }

  family(id: string): Family | undefined {
    return this.byFamily.get(id);
  }

  /** The sign of a pin type; an unknown one looks like `any`. */
  pinType(id: string): PinType {
    return this.byPinType.get(id) ?? this.byPinType.get(ANY) ?? { id, shape: "ring", letter: "", into: [] };
  }

  /** The outputs that a step has besides its own, by what its settings say of a failure. */
  errorPins(card: Card | undefined, data: { [key: string]: Json }): readonly CardPin[] {
    const rule = this.body.error_pins;
    const choice = rule && card?.may_fail ? data[rule.path] : undefined;
    return (typeof choice === "string" && rule?.outputs[choice]) || [];
  }

  /** The type that makes of a value one that fits where it does not. */
  converter(source: string, target: string): Card | undefined {
    return this.cards.find(({ converts, inputs, outputs }) => converts && inputs[0] && outputs[0] && this.mayFlow(source, inputs[0].type) && this.mayFlow(outputs[0].type, target));
  }

  /** Say whether a value of one type may be wired to an input of another. */
  mayFlow(source: string, target: string): boolean {
    if (source === target) return true;
    if (source === EXEC || target === EXEC) return false;
    if (source === ANY || target === ANY) return true;
    return this.byPinType.get(source)?.into.includes(target) ?? false;
  }
}
