// A JSON schema of an object as rows: one for each field, with those of inner objects. Every change gives a
// new schema in which all words that are not shown here stay as they were.
import { isObject, type JsonObject } from "./json";

export const KINDS = ["text", "number", "whole number", "yes or no", "object", "list of texts", "list of numbers", "list of objects", "anything"] as const;
export type Kind = (typeof KINDS)[number];

/** A field of a schema. `path` are the names from the outermost object to it. */
export interface SchemaRow {
  path: string[];
  name: string;
  kind: Kind | "other";
  about: string;
  choices: string[];
  isRequired: boolean;
  /** Whether fields can stand inside it. */
  holds: boolean;
}

const TYPES: { [kind in Kind]: JsonObject } = {
  text: { type: "string" },
  number: { type: "number" },
  "whole number": { type: "integer" },
  "yes or no": { type: "boolean" },
  object: { type: "object", properties: {} },
  "list of texts": { type: "array", items: { type: "string" } },
  "list of numbers": { type: "array", items: { type: "number" } },
  "list of objects": { type: "array", items: { type: "object", properties: {} } },
  anything: {},
};

/** Whether a schema is one that rows can show: an object with named fields, or still nothing at all. */
export function isShown(schema: unknown): schema is JsonObject {
  if (!isObject(schema)) return false;
  const { type, properties } = schema;
  return (type === undefined || type === "object") && (properties === undefined || (isObject(properties) && Object.values(properties).every(isObject)));
}

/** The fields in order, inner ones after the field that holds them. */
export function rowsOf(schema: JsonObject, above: string[] = []): SchemaRow[] {
  const required = namesOf(schema.required);
  return Object.entries(isObject(schema.properties) ? schema.properties : {}).flatMap(([name, field]) => {
    const body = isObject(field) ? field : {};
    const path = [...above, name];
    const inner = innerOf(body);
    const row: SchemaRow = {
      path,
      name,
      kind: kindOf(body),
      about: typeof body.description === "string" ? body.description : "",
      choices: namesOf(body.enum),
      isRequired: required.includes(name),
      holds: inner !== null,
    };
    return [row, ...(inner ? rowsOf(inner, path) : [])];
  });
}

/** A new field at the end of the object at `path` ([] is the outermost). */
export function addField(schema: JsonObject, path: string[]): JsonObject {
  return inside(schema, path, (object) => {
    const fields = isObject(object.properties) ? object.properties : {};
    let number = Object.keys(fields).length + 1;
    while (`field_${number}` in fields) number += 1;
    return { type: "object", ...object, properties: { ...fields, [`field_${number}`]: { type: "string" } } };
  });
}

export function removeField(schema: JsonObject, path: string[]): JsonObject {
  const name = path.at(-1) as string;
  return inside(schema, path.slice(0, -1), (object) => {
    const fields = Object.entries(object.properties as JsonObject).filter(([each]) => each !== name);
    return needed({ ...object, properties: Object.fromEntries(fields) }, namesOf(object.required).filter((each) => each !== name));
  });
}

/** Give a field another name, at its place; the schema itself when the name is taken or empty. */
export function renameField(schema: JsonObject, path: string[], name: string): JsonObject {
  const old = path.at(-1) as string;
  return inside(schema, path.slice(0, -1), (object) => {
    const fields = object.properties as JsonObject;
    if (!name || name in fields) return object;
    const renamed = Object.entries(fields).map(([each, body]) => [each === old ? name : each, body]);
    return needed({ ...object, properties: Object.fromEntries(renamed) as JsonObject }, namesOf(object.required).map((each) => (each === old ? name : each)));
  });
}

/** Change what a field is; its description stays, what another kind does not know goes. */
export function setKind(schema: JsonObject, path: string[], kind: Kind): JsonObject {
  return onField(schema, path, (body) => {
    const { type: _type, items: _items, properties: _properties, required: _required, enum: _choices, ...rest } = body;
    return { ...TYPES[kind], ...rest };
  });
}

export function setAbout(schema: JsonObject, path: string[], about: string): JsonObject {
  return onField(schema, path, (body) => {
    const { description: _old, ...rest } = body;
    return about ? { ...rest, description: about } : rest;
  });
}

/** The only texts that the field may be; none: any. */
export function setChoices(schema: JsonObject, path: string[], choices: readonly string[]): JsonObject {
  return onField(schema, path, (body) => {
    const { enum: _old, ...rest } = body;
    return choices.length ? { ...rest, enum: [...choices] } : rest;
  });
}

export function setRequired(schema: JsonObject, path: string[], isRequired: boolean): JsonObject {
  const name = path.at(-1) as string;
  return inside(schema, path.slice(0, -1), (object) => {
    const names = namesOf(object.required).filter((each) => each !== name);
    return needed(object, isRequired ? [...names, name] : names);
  });
}

function needed(object: JsonObject, names: string[]): JsonObject {
  const { required: _old, ...rest } = object;
  return names.length ? { ...rest, required: names } : rest;
}

function kindOf(body: JsonObject): SchemaRow["kind"] {
  const item = isObject(body.items) ? body.items : {};
  const found = KINDS.find((kind) => {
    const wanted = TYPES[kind];
    return wanted.type === body.type && (wanted.type !== "array" || (wanted.items as JsonObject).type === item.type);
  });
  return found ?? "other";
}

/** The object whose fields stand inside a field: itself, or what its list is of. */
function innerOf(body: JsonObject): JsonObject | null {
  if (body.type === "object") return body;
  return body.type === "array" && isObject(body.items) && body.items.type === "object" ? body.items : null;
}

function inside(schema: JsonObject, path: readonly string[], change: (object: JsonObject) => JsonObject): JsonObject {
  if (!path.length) return change(schema);
  return onField(schema, path, (body) => (body.type === "array" ? { ...body, items: change(body.items as JsonObject) } : change(body)));
}

function onField(schema: JsonObject, path: readonly string[], change: (body: JsonObject) => JsonObject): JsonObject {
  const name = path.at(-1) as string;
  return inside(schema, path.slice(0, -1), (object) => {
    const fields = object.properties as JsonObject;
    return { ...object, properties: { ...fields, [name]: change(isObject(fields[name]) ? fields[name] : {}) } };
  });
}

function namesOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === "string") : [];
}
