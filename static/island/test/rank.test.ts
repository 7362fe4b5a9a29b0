import assert from "node:assert/strict";
import test from "node:test";
import { nearest } from "../src/model/alike";
import { offers } from "../src/model/rank";
import { catalog } from "./fixture";

const types = (wanted: Partial<Parameters<typeof offers>[1]>): string[] =>
  offers(catalog, { words: "", from: null, recent: [], ...wanted }).map(({ card }) => card.type);

test("a name that begins with the words comes first", () => {
  assert.equal(types({ words: "ask" })[0], "ask");
  assert.deepEqual(types({ words: "no such thing" }), []);
});

test("a wire leaves only what can take it; a wish only puts that first", () => {
  const from = { side: "out", type: "execution" } as const;
  assert.ok(!types({ from }).includes("glue"));
  const wished = types({ from, isWish: true });
  assert.ok(wished.includes("glue"));
  assert.ok(wished.indexOf("ask") < wished.indexOf("glue"));
});

test("what was used lately comes before what was not", () => {
  assert.equal(types({ recent: ["sum"] })[0], "sum");
});

test("what usually follows in the person's own flows comes first among what fits, and never before a name that was typed", () => {
  const from = { side: "out", type: "execution" } as const;
  const usual = { branch: 1, finish: 7, glue: 50 };
  assert.deepEqual(types({ from, usual, recent: ["ask"] }).slice(0, 2), ["finish", "branch"]);
  assert.ok(!types({ from, usual }).includes("glue"), "what cannot take the wire is not offered, however usual");
  assert.equal(types({ from, usual, words: "ask" })[0], "ask");
});

test("names that share most of their letters with the words are near, the nearest first", () => {
  const names = ["Answer User", "Ask User", "Write Table", "User"];
  assert.deepEqual(nearest("anwser usr", names), [0, 1, 3]);
  assert.deepEqual(nearest("aks user", names), [3, 1, 0]);
  assert.deepEqual(nearest("zebra", names), []);
  assert.deepEqual(nearest("", names), []);
});
