import assert from "node:assert/strict";
import test from "node:test";
import type { JsonObject } from "../src/model/json";
import { addField, isShown, KINDS, removeField, renameField, rowsOf, setAbout, setChoices, setKind, setRequired } from "../src/model/schema";

const ORDER: JsonObject = {
  title: "Order",
  type: "object",
  properties: {
    id: { type: "string", description: "its number", pattern: "[0-9]+" },
    lines: { type: "array", items: { type: "object", properties: { sku: { type: "string" } }, required: ["sku"] } },
    odd: { oneOf: [] , type: ["string", "null"] },
  },
  required: ["id"],
  additionalProperties: false,
};

test("a schema is shown as rows, inner fields after the one that holds them", () => {
  const rows = rowsOf(ORDER);
  assert.deepEqual(rows.map((row) => row.path.join(".")), ["id", "lines", "lines.sku", "odd"]);
  assert.deepEqual(rows.map((row) => row.kind), ["text", "list of objects", "text", "other"]);
  assert.deepEqual(rows.map((row) => row.isRequired), [true, false, true, false]);
  assert.equal(rows[0]?.about, "its number");
  assert.deepEqual(rows.map((row) => row.holds), [false, true, false, false]);
});

test("a change keeps all that the form does not show, and leaves the old schema alone", () => {
  const before = JSON.stringify(ORDER);
  const renamed = renameField(setAbout(ORDER, ["id"], "a number"), ["id"], "number");
  assert.deepEqual(Object.keys(renamed.properties as JsonObject), ["number", "lines", "odd"]);
  assert.deepEqual((renamed.properties as JsonObject).number, { type: "string", pattern: "[0-9]+", description: "a number" });
  assert.deepEqual(renamed.required, ["number"]);
  assert.equal(renamed.title, "Order");
  assert.equal(renamed.additionalProperties, false);
  assert.equal(JSON.stringify(ORDER), before);
});

test("fields are added, removed, needed and limited at any depth", () => {
  const more = addField(ORDER, ["lines"]);
  assert.deepEqual(rowsOf(more).map((row) => row.path.join(".")), ["id", "lines", "lines.sku", "lines.field_2", "odd"]);
  const must = setRequired(more, ["lines", "field_2"], true);
  assert.equal(rowsOf(must)[3]?.isRequired, true);
  const limited = setChoices(must, ["lines", "field_2"], ["a", "b"]);
  assert.deepEqual(rowsOf(limited)[3]?.choices, ["a", "b"]);
  assert.deepEqual(rowsOf(removeField(limited, ["lines", "field_2"])), rowsOf(ORDER));
  assert.equal(removeField(ORDER, ["id"]).required, undefined);
});

test("a name that is taken or empty changes nothing", () => {
  assert.equal(renameField(ORDER, ["id"], "lines"), ORDER);
  assert.equal(renameField(ORDER, ["id"], ""), ORDER);
});

test("every kind reads back as itself", () => {
  for (const kind of KINDS) assert.equal(rowsOf(setKind(ORDER, ["id"], kind))[0]?.kind, kind);
  assert.equal(rowsOf(setKind(ORDER, ["id"], "number"))[0]?.about, "its number");
});

test("what is no schema of an object is for the text", () => {
  for (const other of [null, [], "x", true, { type: "array" }, { properties: { a: true } }, { type: "object", properties: [] }]) assert.equal(isShown(other), false);
  assert.equal(isShown({}), true);
  assert.deepEqual(rowsOf(addField({}, [])).map((row) => row.name), ["field_1"]);
});
