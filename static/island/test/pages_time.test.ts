import assert from "node:assert/strict";
import { test } from "node:test";
import { ago, since } from "../src/pages/parts/time.ts";

const NOW = Date.parse("2026-05-14T12:00:00Z");
const before = (seconds: number) => NOW - seconds * 1000;

test("a moment is told by the largest unit that fits", () => {
  assert.equal(ago(before(2), NOW), "just now");
  assert.match(ago(before(90), NOW), /^[12] min/);
  assert.match(ago(before(7200), NOW), /^2 hr/);
  assert.match(ago(before(3 * 86400), NOW), /^3 days/);
  assert.match(ago(before(-7200), NOW), /^in 2 hr/);
});

test("sixty of a unit are never shown", () => {
  for (let seconds = 5; seconds < 40 * 86400; seconds = Math.ceil(seconds * 1.01)) {
    assert.doesNotMatch(ago(before(seconds), NOW), /\b(60 (sec|min)|24 hr|7 days)/, String(seconds));
  }
});

test("a stopwatch counts seconds, hours and days", () => {
  assert.equal(since(before(4), NOW), "0:04");
  assert.equal(since(before(64), NOW), "1:04");
  assert.equal(since(before(3661), NOW), "1:01:01");
  assert.equal(since(before(3 * 86400 + 4 * 3600), NOW), "3 d 4 h");
  assert.equal(since(before(-5), NOW), "0:00", "a clock that is behind never counts backwards");
});
