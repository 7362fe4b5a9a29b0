import assert from "node:assert/strict";
import { test } from "node:test";
import { lineAt, tops, windowOf } from "../src/model/window";

const starts = tops(Array.from({ length: 5000 }, (_, index) => (index % 2 ? 34 : 66)));

test("lines of different heights are found by where they begin", () => {
  assert.deepEqual(tops([10, 20]), [0, 10, 30]);
  assert.deepEqual([-5, 0, 65, 66, 99, 100, 1e9].map((y) => lineAt(starts, y)), [0, 0, 0, 1, 1, 2, 4999]);
});

test("of a long list the lines around the view are made, and the one with the keyboard", () => {
  const shown = windowOf(starts, 100_000, 800, 3);
  assert.equal(shown[0], 3);
  assert.ok(shown.length < 80);
  assert.ok((starts[shown[1] as number] as number) <= 100_000 && (starts[(shown.at(-1) as number) + 1] as number) >= 100_800);
  assert.equal(windowOf(starts, 0, 800, 4999).at(-1), 4999);
});

test("a short list is there as a whole, an empty one has nothing", () => {
  assert.deepEqual(windowOf(tops([1, 1, 1]), 0, 1, 1), [0, 1, 2]);
  assert.deepEqual(windowOf(tops([]), 0, 1, -1), []);
});
