// All that can be done in the editor, with its key: what Ctrl+K offers.
import type { FlowCanvas } from "../canvas/flowcanvas";
import { type Act, keymap } from "../canvas/keymap";
import { NAMES } from "../canvas/keynames";
import type { Command } from "./search";

/** The acts that a tool of the editor does, with their signs. */
const TOOLS: readonly [Act, string][] = [
  ["run", "play"],
  ["run-form", "play"],
  ["go-on", "pause"],
  ["test", "check"],
  ["breakpoint", "breakpoint"],
  ["disable", "minus"],
  ["run-to", "step"],
  ["step-over", "step"],
  ["step-into", "subflow"],
  ["pin", "pin"],
  ["fork", "branch"],
  ["failure", "cross"],
  ["back", "undo"],
  ["forward", "redo"],
  ["node-back", "undo"],
  ["node-forward", "redo"],
  ["add", "plus"],
  ["find", "search"],
  ["fix", "check"],
  ["undo", "undo"],
  ["redo", "redo"],
  ["view", "lists"],
  ["view-back", "lists"],
  ["note", "edit"],
  ["tags", "wire"],
  ["follow", "wire"],
  ["group", "subflow"],
  ["collapse", "subflow"],
  ["expand", "subflow"],
  ["tidy", "flows"],
  ["curves", "wire"],
  ["steps-only", "flows"],
  ["fit", "fit"],
  ["zoom-in", "zoom-in"],
  ["zoom-out", "zoom-out"],
  ["zoom-reset", "zoom-in"],
  ["minimap", "minimap"],
  ["palette", "panel-left"],
  ["side", "panel-right"],
  ["tab", "panel-right"],
  ["name", "check"],
  ["next-bookmark", "flag"],
  ["keys", "keyboard"],
  ["preferences", "settings"],
];
/** The acts on what is selected on the canvas. */
const HERE: readonly [Act, string][] = [
  ["wire", "wire"],
  ["settings", "settings"],
  ["rename", "edit"],
  ["remove", "trash"],
  ["remove-gap", "trash"],
  ["pins", "nodes"],
  ["lock", "lock"],
  ["bookmark", "flag"],
  ["fit-selection", "fit"],
  ["duplicate", "copy"],
  ["select-all", "nodes"],
];
/** What has no key. */
const KEYLESS: readonly [string, string, string][] = [
  ["Give the subflow node a copy of its own, or follow the flow again", "copy", "link"],
  ["Breakpoints: conditions, any error, costs", "breakpoint", "breakpoints"],
  ["Ask before each step that acts outside, or no longer", "breakpoint", "asks"],
  ["Show problems", "warn", "problems"],
  ["Export as a .flow file", "download", "export"],
  ["Versions and every change", "again", "versions"],
  ["Publish…", "upload", "publish"],
  ["Tests of this flow", "check", "tests"],
];

const PAGES: readonly [string, string, string][] = [
  ["Home", "home", "/"],
  ["Flows", "flows", "/flows"],
  ["Starter flows", "nodes", "/gallery"],
  ["Runs", "runs", "/runs"],
  ["Inbox", "inbox", "/inbox"],
  ["Schedules", "clock", "/schedules"],
  ["Outbox", "send", "/outbox"],
  ["Settings", "settings", "/settings"],
  ["Node reference", "nodes", "/nodes"],
];

export function commandsOf(canvas: FlowCanvas, use: (tool: string) => void, say: (text: string, urgent?: boolean) => void): Command[] {
  const of = (act: Act, sign: string, does: () => void): Command => ({ name: NAMES[act], keys: keymap.label(act), sign, act: does });
  return [
    ...TOOLS.map(([act, sign]) => of(act, sign, () => use(act))),
    ...KEYLESS.map(([name, sign, tool]): Command => ({ name, keys: "", sign, act: () => use(tool) })),
    ...HERE.map(([act, sign]) => of(act, sign, () => void canvas.keys.does(act, null))),
    { ...of("rename", "wire", () => use("rename")), name: "Rename a wire that is behind a name" },
    ...PAGES.map(([name, sign, address]): Command => ({ name: `Go to ${name}`, keys: "", sign, act: () => location.assign(address) })),
    { name: "Show the first steps", keys: "", sign: "flag", act: () => void import("./coach").then((part) => part.startCoach(say)) },
  ];
}
