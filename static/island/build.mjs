// Builds the island: one ES module per entry into static/dist, beside htmx and its stream extension.
//
//   node build.mjs           bundle src/main.ts -> editor.js, src/pages/<name>.ts -> <name>.js and
//                            ../css/style.css, editor-style.css, settings.css, schedules.css, difference-style.css and prompt-style.css with all they import
//   node build.mjs --watch   the same, again on every change
//   node build.mjs --test    bundle test/*.test.ts and run them with Node's own runner
//   node build.mjs --measure FILE   print where the nodes of flows stand and what is in their way (test/measure.ts)
//   node build.mjs --sizes   build and print what the browser has to load
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";

const ROOT = import.meta.dirname;
const DIST = resolve(process.env.ISLAND_DIST || join(ROOT, "..", "dist"));
const VENDOR = {
  "htmx.min.js": "htmx.org/dist/htmx.min.js",
  "sse.min.js": "htmx-ext-sse/dist/sse.min.js",
  "elk-worker.min.js": "elkjs/lib/elk-worker.min.js",
};

function sources(folder, suffix) {
  const path = join(ROOT, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path).filter((name) => name.endsWith(suffix)).sort().map((name) => join(path, name));
}

function bundle(entryPoints, outdir, more = {}) {
  return {
    absWorkingDir: ROOT,
    entryPoints,
    outdir,
    bundle: true,
    format: "esm",
    target: "es2022",
    minify: true,
    sourcemap: "linked",
    legalComments: "none",
    logLevel: "warning",
    ...more,
  };
}

function pageEntries() {
  const entries = sources("src/pages", ".ts").map((path) => ({ in: path, out: basename(path, ".ts") }));
  const styles = ["style", "editor-style", "settings", "schedules", "difference-style", "prompt-style"].map((name) => ({ in: join(ROOT, `../css/${name}.css`), out: name }));
  return [...styles, ...entries];
}

function copyVendor() {
  mkdirSync(DIST, { recursive: true });
  for (const [name, path] of Object.entries(VENDOR)) copyFileSync(join(ROOT, "node_modules", path), join(DIST, name));
}

/** The editor's script is split: what is seldom wanted is a file of its own, loaded when it is. */
const EDITOR = [{ in: join(ROOT, "src/main.ts"), out: "editor" }];
const SPLIT = { splitting: true, chunkNames: "part-[name]-[hash]", metafile: true, plugins: [{ name: "together", setup: together }] };
/** Names for the page the file that holds a script whole. */
const PARTS = join(DIST, "parts.json");

/** A part comes to an editor that is there: it imports all of it. So what parts share with the editor is one file
 * that the page asks for, and not a file for every set of parts that share something. */
function together(build) {
  const shell = sources("src/shell", ".ts");
  const later = new Set(shell.flatMap((path) => [...readFileSync(path, "utf8").matchAll(/\bimport\("(\.\/\w+)"\)/g)].map(([, part]) => resolve(path, "..", `${part}.ts`))));
  build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
    if (!later.has(path)) return undefined;
    return { contents: `${readFileSync(path, "utf8")}\nimport ${JSON.stringify(EDITOR[0].in)};\n`, loader: "ts" };
  });
}

function holderOf({ outputs }, script) {
  const [, output] = Object.entries(outputs).find(([path]) => basename(path) === script);
  const needed = output.imports.filter(({ kind }) => kind === "import-statement");
  if (needed.length !== 1) throw new Error(`${script} is in ${needed.length} files and not in one: ${needed.map(({ path }) => path).join(", ")}`);
  return basename(needed[0].path);
}

async function build() {
  copyVendor();
  for (const name of readdirSync(DIST)) if (name.startsWith("part-")) rmSync(join(DIST, name));
  const [{ metafile }] = await Promise.all([esbuild.build(bundle(EDITOR, DIST, SPLIT)), esbuild.build(bundle(pageEntries(), DIST))]);
  writeFileSync(PARTS, JSON.stringify({ "editor.js": holderOf(metafile, "editor.js") }));
}

async function watch() {
  copyVendor();
  rmSync(PARTS, { force: true });
  const loud = { minify: false, logLevel: "info" };
  const contexts = [await esbuild.context(bundle(EDITOR, DIST, { ...SPLIT, ...loud })), await esbuild.context(bundle(pageEntries(), DIST, loud))];
  for (const context of contexts) await context.watch();
}

async function test() {
  const wanted = process.argv.slice(3).filter((word) => !word.startsWith("-"));
  const files = sources("test", ".test.ts").filter((path) => !wanted.length || wanted.some((word) => path.includes(word)));
  await inNode(files, (bundles) => ["--test", ...bundles]);
}

/** Bundle files for Node, run it with what `argv` makes of them, and end as it ends. */
async function inNode(files, argv) {
  const cache = join(ROOT, "node_modules", ".cache");
  mkdirSync(cache, { recursive: true });
  const out = mkdtempSync(join(cache, "test-"));
  await esbuild.build(bundle(files, out, { platform: "node", minify: false, sourcemap: "inline", outExtension: { ".js": ".mjs" } }));
  const bundles = readdirSync(out).filter((name) => name.endsWith(".mjs")).map((name) => join(out, name));
  const done = spawnSync(process.execPath, ["--enable-source-maps", ...argv(bundles)], { cwd: ROOT, stdio: "inherit" });
  rmSync(out, { recursive: true, force: true });
  process.exit(done.status ?? 1);
}

function printSizes() {
  for (const name of readdirSync(DIST).filter((file) => file.endsWith(".js")).sort()) {
    const bytes = readFileSync(join(DIST, name));
    console.log(`${name.padEnd(20)} ${String(bytes.length).padStart(8)} bytes  ${String(gzipSync(bytes, { level: 9 }).length).padStart(7)} gzip`);
  }
}

const flag = process.argv[2];
if (flag === "--test") await test();
else if (flag === "--measure") await inNode([join(ROOT, "test/measure.ts")], ([script]) => [script, resolve(process.argv[3])]);
else if (flag === "--watch") await watch();
else await build();
if (flag === "--sizes") printSizes();
