// All that can be done in the editor, with its key: what Ctrl+K offers.
import type { FlowCanvas } from "../canvas/flowcanvas";
import { startCoach } from "./coach";
import type { Command } from "./search";

/** Commands by the name of the editor's tool that does them. */
const TOOLS: readonly [string, string, string, string][] = [
  ["Run", "R", "play", "run"],
  ["Add a node", "A", "plus", "add"],
  ["Find in this flow", "Ctrl F", "search", "find"],
  ["Undo", "Ctrl Z", "undo", "undo"],
  ["Redo", "Ctrl Shift Z", "redo", "redo"],
  ["Go on to outline, text or canvas", "V", "lists", "view"],
  ["Add a note", "N", "edit", "note"],
  ["Hide data wires behind names, or draw them", "H", "wire", "tags"],
  ["Go to the other end of a named wire", "Shift H", "wire", "follow"],
  ["Rename a wire that is behind a name", "F2", "wire", "rename-tag"],
  ["Group the selection", "Ctrl G", "subflow", "group"],
  ["Collapse the selection into a subflow", "Ctrl E", "subflow", "collapse"],
  ["Expand the subflow here", "Ctrl Shift E", "subflow", "expand"],
  ["Give the subflow node a copy of its own, or follow the flow again", "", "copy", "link"],
  ["Arrange the selection, or the flow", "Ctrl Shift L", "flows", "tidy"],
  ["Fit the whole flow", "1", "fit", "fit"],
  ["Zoom to 100 %", "0", "zoom-in", "zoom-reset"],
  ["Show or hide the map", "M", "minimap", "minimap"],
  ["Show or hide the node types", "[", "panel-left", "palette"],
  ["Show or hide the side panel", "]", "panel-right", "side"],
  ["Show problems", "", "warn", "problems"],
  ["Name this version", "Ctrl S", "check", "name"],
  ["Export as a .flow file", "", "download", "export"],
  ["Versions and every change", "", "again", "versions"],
  ["Publish…", "", "upload", "publish"],
  ["Keys", "?", "keyboard", "keys"],
];

export function commandsOf(canvas: FlowCanvas, use: (tool: string) => void, say: (text: string, urgent?: boolean) => void): Command[] {
  return [
    ...TOOLS.map(([name, keys, sign, tool]): Command => ({ name, keys, sign, act: () => use(tool) })),
    { name: "Lock or unlock the place of the selection", keys: "L", sign: "lock", act: () => canvas.lock() },
    { name: "Bookmark the selection, or no longer", keys: "Shift B", sign: "flag", act: () => canvas.bookmark() },
    { name: "Go to the next bookmark", keys: "Ctrl B", sign: "flag", act: () => canvas.nextBookmark() },
    { name: "Fit the selection", keys: "2", sign: "fit", act: () => canvas.fit({ nodes: canvas.selection.nodes }) },
    { name: "Show the first steps", keys: "", sign: "flag", act: () => void startCoach(say) },
    { name: "Select everything", keys: "Ctrl A", sign: "nodes", act: () => canvas.select(canvas.model.nodes.keys()) },
  ];
}
