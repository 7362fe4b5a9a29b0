// JSON text that a person edits: the value, where each part of it stands, and for a mistake the place.
// Refuses what the server would: a key twice in one object, endless nesting, half a character.
import type { Json } from "../catalog";
import type { JsonObject } from "./json";

/** Where a value stands in the text. */
export interface Span {
  from: number;
  to: number;
}

export interface ReadText {
  value: Json;
  /** The place of each node and wire, by "nodes 3" and "edges 0"; and of keys of the flow, by "key name". */
  places: Map<string, Span>;
}

export class TextMistake extends Error {
  constructor(
    readonly at: number,
    message: string,
  ) {
    super(message);
  }
}

const DEPTH = 64;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SPACE = /[ \t\n\r]*/y;

/** Line and column of a place, from 1. */
export function lineOf(text: string, at: number): { line: number; column: number } {
  const before = text.slice(0, at).split("\n");
  return { line: before.length, column: (before.at(-1) as string).length + 1 };
}

/** Read a flow's text; a TextMistake says where it is no JSON. */
export function readText(text: string): ReadText {
  const reader = new Reader(text);
  const value = reader.value([], 0);
  reader.space();
  if (reader.at < text.length) throw new TextMistake(reader.at, "Something follows after the end of the flow.");
  return { value, places: reader.places };
}

class Reader {
  at = 0;
  readonly places = new Map<string, Span>();

  constructor(private readonly text: string) {}

  space(): void {
    this.match(SPACE);
  }

  private match(pattern: RegExp): string | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (!found) return null;
    this.at = pattern.lastIndex;
    return found[0];
  }

  private take(sign: string): boolean {
    this.space();
    if (this.text[this.at] !== sign) return false;
    this.at += 1;
    return true;
  }

  private expect(sign: string, words: string): void {
    if (!this.take(sign)) throw new TextMistake(this.at, words);
  }

  value(path: readonly (string | number)[], depth: number): Json {
    this.space();
    const from = this.at;
    const sign = this.text[from];
    if (depth > DEPTH) throw new TextMistake(from, `This is nested deeper than ${DEPTH} levels.`);
    let value: Json;
    if (sign === "{") value = this.object(path, depth);
    else if (sign === "[") value = this.list(path, depth);
    else if (sign === '"') value = this.string();
    else value = this.plain();
    if (path.length === 2 && typeof path[1] === "number") this.places.set(`${path[0]} ${path[1]}`, { from, to: this.at });
    else if (path.length === 1) this.places.set(`key ${path[0]}`, { from, to: this.at });
    return value;
  }

  private object(path: readonly (string | number)[], depth: number): JsonObject {
    this.at += 1;
    const found: JsonObject = {};
    if (this.take("}")) return found;
    do {
      this.space();
      const from = this.at;
      if (this.text[from] !== '"') throw new TextMistake(from, "A key in quotes is missing here.");
      const key = this.string();
      if (Object.hasOwn(found, key)) throw new TextMistake(from, `The key "${key}" appears twice in one object.`);
      this.expect(":", `A colon is missing after "${key}".`);
      const value = this.value([...path, key], depth + 1);
      Object.defineProperty(found, key, { value, enumerable: true, configurable: true, writable: true });
    } while (this.take(","));
    this.expect("}", "A comma or a closing brace } is missing here.");
    return found;
  }

  private list(path: readonly (string | number)[], depth: number): Json[] {
    this.at += 1;
    const found: Json[] = [];
    if (this.take("]")) return found;
    do found.push(this.value([...path, found.length], depth + 1));
    while (this.take(","));
    this.expect("]", "A comma or a closing bracket ] is missing here.");
    return found;
  }

  private string(): string {
    const from = this.at;
    const said = this.match(STRING);
    if (said === null) throw new TextMistake(from, "This text has no closing quote on its line, or a sign that must be written as an escape.");
    const text = JSON.parse(said) as string;
    if (/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text)) throw new TextMistake(from, "This text holds half a character.");
    return text;
  }

  private plain(): Json {
    const from = this.at;
    const word = this.match(WORD);
    if (word) return JSON.parse(word) as Json;
    const number = this.match(NUMBER);
    if (number === null) throw new TextMistake(from, from >= this.text.length ? "The text ends too early." : "A value is missing here: text in quotes, a number, true, false, null, { or [.");
    const value = Number(number);
    if (!Number.isFinite(value)) throw new TextMistake(from, "This number is too large.");
    return value;
  }
}
