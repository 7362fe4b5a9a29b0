import assert from "node:assert/strict";
import test from "node:test";

const kept = new Map<string, string>();
Object.assign(globalThis, {
  localStorage: {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  },
  document: new EventTarget(),
  window: new EventTarget(),
  ...("navigator" in globalThis ? {} : { navigator: { platform: "" } }), // Node 20 has none
});
kept.set("flowstudio keys", '{"run": ["Q"], "unknown": ["W"], "add": "A"}');
const { ACTS, ALL_ACTS, chordOf, isLetter, keymap } = await import("../src/canvas/keymap");
const { giveKey, resetKeys } = await import("../src/canvas/ownkeys");
const { refusalOf } = await import("../src/canvas/reserved");
const { switchLetters } = await import("../src/pages/parts/letters");

const press = (key: string, held: { ctrl?: boolean; shift?: boolean; alt?: boolean; level?: boolean; code?: string } = {}): KeyboardEvent =>
  ({ key, code: held.code ?? "", ctrlKey: Boolean(held.ctrl), metaKey: false, altKey: Boolean(held.alt), shiftKey: Boolean(held.shift), getModifierState: () => Boolean(held.level) }) as unknown as KeyboardEvent;

test("no two acts of one place begin with the same key, and every key is written as presses are", () => {
  for (const onMark of [false, true]) {
    const keys = ALL_ACTS.filter((act) => Boolean(ACTS[act].mark) === onMark).flatMap((act) => [...ACTS[act].keys]);
    assert.equal(new Set(keys).size, keys.length);
    assert.ok(keys.length > 1);
  }
});

test("a press is the same key on every keyboard", () => {
  assert.equal(chordOf(press("B", { shift: true })), "Shift+B");
  assert.equal(chordOf(press("A")), "A", "caps lock");
  assert.equal(chordOf(press("?", { shift: true })), "?");
  assert.equal(chordOf(press("+", { shift: true, ctrl: true })), "Ctrl+Plus");
  assert.equal(chordOf(press("[", { ctrl: true, alt: true, level: true })), "[", "AltGr");
  assert.equal(chordOf(press("ф", { code: "KeyA" })), "A", "another alphabet");
  assert.equal(chordOf(press("Shift", { shift: true })), "");
  assert.ok(isLetter("Shift+B") && isLetter("?") && isLetter("Plus") && isLetter("1"));
  assert.ok(!isLetter("Ctrl+B") && !isLetter("F2") && !isLetter("Delete"));
});

test("what was kept counts where it makes sense; a key that is given is taken from who had it", () => {
  assert.deepEqual(keymap.keysOf("run"), ["Q"]);
  assert.deepEqual(keymap.keysOf("add"), ["A"], "not a list of keys");
  assert.equal(keymap.actOf(press("r")), undefined);
  giveKey("run", "N");
  assert.equal(keymap.actOf(press("n")), "run");
  assert.deepEqual(keymap.keysOf("note"), []);
  resetKeys("note");
  assert.equal(keymap.actOf(press("n")), "note", "the default goes back to whom it belongs");
  assert.deepEqual(keymap.keysOf("run"), []);
  resetKeys();
  assert.equal(keymap.actOf(press("r")), "run");
  assert.equal(kept.has("flowstudio keys"), false);
});

test("keys of the browser and of the way through the page are refused, with the reason", () => {
  for (const chord of ["Ctrl+T", "Ctrl+1", "Tab", "Escape", "Ctrl+V", "Shift+Enter", "ArrowUp", "F5", "Alt+F"]) assert.match(refusalOf(chord), /take another key/, chord);
  for (const chord of ["Q", "Ctrl+M", "F8", "Ctrl+Shift+U"]) assert.equal(refusalOf(chord), "", chord);
});

test("single letters off: only the others act and are shown", () => {
  switchLetters(false);
  assert.equal(keymap.actOf(press("a")), undefined);
  assert.equal(keymap.label("add"), "");
  assert.equal(keymap.hint("Add", "add"), "Add");
  assert.equal(keymap.actOf(press("g", { ctrl: true })), "group");
  assert.equal(keymap.actOf(press("F2")), "rename");
  assert.match(refusalOf("Q"), /switched off/);
  switchLetters(true);
  assert.equal(keymap.label("add"), "A");
});
