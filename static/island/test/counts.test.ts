import assert from "node:assert/strict";
import test from "node:test";
import { countOf, summary } from "../src/view/node";

test("a short picture of a large value counts what the value itself held", () => {
  const rows = [...Array<number>(50).fill(1), "… 1,450 more items"];
  const keys = { ...Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`k${at}`, at])), "…": "12 more keys" };
  assert.deepEqual([countOf(rows), summary(rows)], [1500, "[1500]"]);
  assert.deepEqual([countOf(keys), summary(keys)], [62, "{62}"]);
  assert.equal(countOf(["… 500 more items"]), 500, "of which nothing was kept");
});

test("a whole value counts its own parts, also one that only looks alike", () => {
  assert.deepEqual([countOf([]), countOf(["a", "b"]), countOf(["a", "and … 3 more items"]), countOf({ "…": 5 })], [0, 2, 2, 1]);
  assert.deepEqual([summary([]), summary({}), summary([1, 2, 3])], ["[ ]", "{ }", "[3]"]);
});
