// Keys that somebody has written into a flow, told by their name or their form: the rule of the server, which comes
// with the catalog, carried out here as there (nodes/written_keys.py), so that none gets onto the clipboard.
import type { Json, KeyRule } from "../catalog";
import { isObject, type JsonObject } from "./json";

export class WrittenKeys {
  private readonly forms: RegExp;
  private readonly words: RegExp;
  private readonly scheme: RegExp;
  private readonly values: readonly string[][];

  constructor(private readonly rule: KeyRule) {
    this.forms = new RegExp(rule.forms, "g");
    this.words = new RegExp(rule.words, "g");
    this.scheme = new RegExp(rule.scheme);
    this.values = rule.values.map((path) => path.split("."));
  }

  /** A node with a named hole for each key that is written into it. */
  cover(node: JsonObject): JsonObject {
    return node.data === undefined ? node : { ...node, data: this.walk(node.data, []) };
  }

  /** The text of a flow, or a part of one, with such holes. */
  text(text: string): string {
    const named = text.replace(/"([^"\\\n]+)"(\s*:\s*)"((?:[^"\\\n]|\\.)*)"/g, (all, name: string, between: string, value: string) =>
      this.isName(name) && this.isWritten(value) ? `"${name}"${between}"${this.named(name, value)}"` : all,
    );
    return named.replace(this.forms, (_all, ...groups) => `${before(groups)}${this.hole("a key")}`);
  }

  private walk(value: Json, place: readonly string[]): Json {
    if (typeof value === "string") return this.string(value, place);
    if (Array.isArray(value)) return value.map((item) => this.walk(item, place));
    if (!isObject(value) || "$secret" in value) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.walk(item, [...place, key])]));
  }

  private string(value: string, place: readonly string[]): string {
    const name = place.at(-1) ?? "";
    if (this.isNamed(place) && this.isWritten(value)) return this.named(name, value);
    return value.replace(this.forms, (_all, ...groups) => `${before(groups)}${this.hole(name)}`);
  }

  private named(name: string, value: string): string {
    return `${this.scheme.exec(value)?.[0] ?? ""}${this.hole(name)}`;
  }

  private hole(name: string): string {
    return `${this.rule.hole}${name}]`;
  }

  private isNamed(place: readonly string[]): boolean {
    const name = place.at(-1);
    if (name === undefined || !this.isName(name)) return false;
    if (this.values.some((path) => place.length > path.length && path.every((key, index) => key === place[index]))) return true;
    const whole = this.wordsOf(name).join("");
    return !this.rule.bare.includes(place[0] as string) && this.rule.settings.some((ending) => whole.endsWith(ending));
  }

  private isName(name: string): boolean {
    const { names, endings, about } = this.rule;
    const words = this.wordsOf(name);
    if (!words.length || about.includes(words.at(-1) as string)) return false;
    const ends = (word: string): boolean => endings.some((ending) => word.endsWith(ending));
    return words.some((word) => names.includes(word) || ends(word)) || ends(words.join(""));
  }

  private wordsOf(name: string): string[] {
    return (name.match(this.words) ?? []).map((word) => word.toLowerCase());
  }

  private isWritten(value: string): boolean {
    const text = value.trim();
    const { no_keys, references, hole } = this.rule;
    return text !== "" && !no_keys.includes(text.toLowerCase()) && ![...references, hole].some((each) => text.includes(each));
  }
}

/** What stands before the key in a text that the forms have found: one of their groups, which come before its place. */
const before = (groups: readonly unknown[]): string => (groups.slice(0, groups.findIndex((each) => typeof each === "number")).find(Boolean) as string | undefined) ?? "";
