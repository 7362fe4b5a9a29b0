// What tools, keys and commands do beside the canvas, each by its name.
import { keymap } from "../canvas/keymap";
import { toast } from "../pages/parts/toast";
import { keysWait } from "./kept";
import type { More } from "./more";
import { place } from "./parts";

const TOOLS: { readonly [tool: string]: (more: More) => unknown } = {
  add: (more) => more.quick.atMiddle(),
  note: async (more) => (await keysWait(more.marks()))?.addNote(here(more)),
  group: async (more) => (await keysWait(more.marks()))?.group(),
  tags: async (more) => (await keysWait(more.tags()))?.turn(),
  follow: async (more) => (await keysWait(more.tags()))?.follow(),
  rename: async (more) => (await keysWait(more.tags()))?.rename(),
  tidy: async (more) => (await more.part(import("./seldom")))?.tidy(more.canvas),
  curves: async (more) => (await more.part(import("./seldom")))?.turnCurves(more.canvas),
  "steps-only": async (more) => (await more.part(import("./seldom")))?.turnSteps(more.canvas),
  places: async (more) => (await more.seldom())?.awaitPlace((text) => more.say(text)),
  "next-bookmark": async (more) => (await more.seldom())?.nextBookmark(more.canvas),
  failure: (more) => more.failure(),
  collapse: (more) => more.subflow("collapse"),
  expand: (more) => more.subflow("expand"),
  link: (more) => more.subflow("link"),
  preferences: () => location.assign("/settings"),
  name: (more) => more.nameVersion(),
  versions: (more) => leave(more, "versions"),
  publish: (more) => leave(more, "publish"),
  export: () => place("export").click(),
  problems: (more) => more.host.side.show("problems"),
  tab: (more) => more.say(more.host.side.next()),
  fix: (more) => fix(more),
  find: (more) => more.search(false),
  go: (more) => more.search(true),
  view: (more) => more.cycle(false),
  "view-back": (more) => more.cycle(true),
  keys: (more) => more.keys(),
  minimap: (more) => turnMap(more),
  pin: (more) => more.pin(more.run?.run ?? null),
};

export function useTool(more: More, tool: string): void {
  const act = TOOLS[tool];
  if (act) act(more);
  else void more.running((run) => run.use(tool), true);
}

/** Where something new goes: at the pointer, else in the middle of the view. */
function here({ canvas }: More): { x: number; y: number } {
  const { viewport } = canvas.desk;
  return viewport.toWorld(canvas.input.pointer ?? { x: viewport.width / 2, y: viewport.height / 2 });
}

/** Leave the editor for a page of the flow, with everything saved. */
async function leave({ host }: More, page: "versions" | "publish"): Promise<void> {
  await host.saver.flush();
  location.assign(`${place<HTMLAnchorElement>("versions").href.replace(/versions$/, "")}${page}`);
}

function turnMap({ canvas }: More): void {
  canvas.minimap = !canvas.minimap;
  document.querySelector('[data-tool="minimap"]')?.setAttribute("aria-pressed", String(canvas.minimap));
}

/** Take what a refusal on the page offers instead, else the first fix of a problem. */
function fix(more: More): void {
  const offered = [...document.querySelectorAll<HTMLElement>(".toast button")].find((each) => each.textContent?.endsWith(` ${keymap.label("fix")}`));
  if (offered) return offered.click();
  more.problems.fixFirst((text) => {
    toast(text, undefined, 5);
    more.say(text);
  });
}
