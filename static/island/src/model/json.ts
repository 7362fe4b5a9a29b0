// Reading and changing JSON values by path. Values are never changed in place: a change copies the
// containers on its way down, so that an older version stays as it was, key order included.
import type { Json } from "../catalog";

export type Path = string | readonly string[];
export type JsonObject = { [key: string]: Json };

/** Split a dotted path; a list of keys is taken as it is (for keys that hold dots). */
export function keysOf(path: Path): readonly string[] {
  const keys = typeof path === "string" ? path.split(".") : path;
  if (!keys.length || keys.some((key) => key === "")) throw new Error(`The path "${String(path)}" is empty.`);
  return keys;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Return the value at a path, or undefined. */
export function read(value: Json | undefined, path: Path): Json | undefined {
  let here = value;
  for (const key of keysOf(path)) {
    if (Array.isArray(here)) here = here[Number(key)];
    else if (isObject(here) && Object.hasOwn(here, key)) here = here[key];
    else return undefined;
  }
  return here;
}

/** Return a copy with the value put at a path; containers that are missing are made. */
export function write(value: Json | undefined, path: Path, put: Json): Json {
  return writeKeys(value, keysOf(path), put);
}

function writeKeys(value: Json | undefined, keys: readonly string[], put: Json): Json {
  const [key, ...rest] = keys as [string, ...string[]];
  if (Array.isArray(value)) {
    const at = Number(key);
    if (!Number.isInteger(at) || at < 0 || at > value.length) {
      throw new Error(`"${key}" is no place in a list of ${value.length}.`);
    }
    const copy = value.slice();
    copy[at] = rest.length ? writeKeys(value[at], rest, put) : put;
    return copy;
  }
  const base = isObject(value) ? value : {};
  const inner = Object.hasOwn(base, key) ? base[key] : undefined;
  return { ...base, [key]: rest.length ? writeKeys(inner, rest, put) : put };
}

/** Return a copy without the value at a path; nothing there means nothing changes. */
export function without(value: Json, path: Path): Json {
  return withoutKeys(value, keysOf(path));
}

function withoutKeys(value: Json, keys: readonly string[]): Json {
  const [key, ...rest] = keys as [string, ...string[]];
  if (Array.isArray(value)) {
    const at = Number(key);
    if (!Number.isInteger(at) || at < 0 || at >= value.length) return value;
    const copy = value.slice();
    if (rest.length) copy[at] = withoutKeys(value[at] as Json, rest);
    else copy.splice(at, 1);
    return copy;
  }
  if (!isObject(value) || !Object.hasOwn(value, key)) return value;
  if (rest.length) return { ...value, [key]: withoutKeys(value[key] as Json, rest) };
  const copy = { ...value };
  delete copy[key];
  return copy;
}

/** Whether two JSON values say the same, whatever the order of their keys. */
export function same(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((each, index) => same(each, b[index]));
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((name) => Object.hasOwn(b, name) && same(a[name], b[name]));
}
