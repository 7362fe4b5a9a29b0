import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import test from "node:test";

const SOURCES = resolve(process.cwd(), "src");
// From the bottom up: a file imports its own floor and those below.
const FLOORS = ["catalog", "parts", "model", "view", "gesture", "canvas", "bridge", "shell", "pages", "main"];
const PURE = ["catalog", "model"];

const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
const floorOf = (path: string): string => (path.startsWith("pages/parts/") ? "parts" : (path.split("/")[0] as string).replace(/\.ts$/, ""));
const textOf = (name: string): string => readFileSync(join(SOURCES, name), "utf8");

test("imports go down the stairs, and every file stands on one", () => {
  for (const name of files) {
    const own = FLOORS.indexOf(floorOf(name));
    assert.notEqual(own, -1, `${name} stands on no floor`);
    for (const [, target] of textOf(name).matchAll(/from "(\.[^"]+)"/g)) {
      const path = resolve("/", name, "..", target as string).slice(1);
      const other = FLOORS.indexOf(floorOf(path));
      assert.ok(other !== -1 && other <= own, `${name} imports ${target}, which is above it`);
    }
  }
});

test("the model knows no page, no network, no clock and no chance", () => {
  const banned = /\b(document\.(?!ts)|window\b|HTMLElement|fetch\(|performance\.|Date\.now|new Date|setTimeout|requestAnimationFrame|Math\.random|localStorage)/;
  for (const name of files.filter((each) => PURE.includes(floorOf(each)))) {
    const code = textOf(name).replace(/^\s*(\/\/|\*|\/\*).*$/gm, "");
    assert.doesNotMatch(code, banned, name);
  }
});

test("nothing is written as a style attribute or as markup", () => {
  for (const name of files.filter((each) => ["view", "gesture", "canvas"].includes(floorOf(each)))) {
    assert.doesNotMatch(textOf(name), /setAttribute\("style"|innerHTML|insertAdjacentHTML|eval\(/, name);
  }
});

test("files stay under 500 lines and functions under 60", () => {
  for (const name of files) {
    const lines = textOf(name).split("\n");
    assert.ok(lines.length <= 501, `${name} has ${lines.length} lines`);
    let start = -1;
    for (const [index, line] of lines.entries()) {
      if (/^(export )?(async )?function |^  (private |readonly |static |async |override |\*|get |set )*[\w]+\(.*\{$/.test(line)) start = index;
      if (start >= 0 && /^(  )?\}$/.test(line)) {
        assert.ok(index - start < 60, `${name}:${start + 1} has ${index - start + 1} lines`);
        start = -1;
      }
    }
  }
});
