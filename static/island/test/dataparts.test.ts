// Paths of parts, as the data tab writes them, and what its controls turn to.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Looking } from "../src/bridge/panel";
import { keysOf } from "../src/shell/dataparts";
import { turned } from "../src/shell/datatab";

test("the keys of a path are read whatever is in them", () => {
  assert.deepEqual(keysOf('rows[0]["name"]'), ["0", "name"]);
  assert.deepEqual(keysOf('v["a \\"b\\" [1]"][12]'), ['a "b" [1]', "12"]);
  assert.deepEqual(keysOf("plain"), []);
});

test("a control of the tab turns to one thing and keeps the others", () => {
  const now: Looking = { tab: "data", background: "", visit: 3, attempt: 2, against: "", views: { "in a": "raw" }, instant_run: "", upto: 0 };
  const at = (dataset: { [key: string]: string }): HTMLElement => ({ dataset }) as unknown as HTMLElement;
  Object.assign(globalThis, { HTMLSelectElement: class {} });
  assert.deepEqual(turned(at({ do: "visit", visit: "5" }), now), { visit: 5, attempt: 0 });
  assert.deepEqual(turned(at({ do: "attempt", attempt: "1" }), now), { attempt: 1 });
  assert.deepEqual(turned(at({ do: "view", side: "out", pin: "b" }), now), { views: { "in a": "raw", "out b": "" } });
  assert.equal(turned(at({ do: "copy" }), now), null);
});
