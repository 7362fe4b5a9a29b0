// Names that are asked for over the page. `Ctrl+S`: what the flow is now becomes a version with a name (saving
// itself needs no key). `F2` in the outline: another name for a node.
import type { keepVersion } from "../bridge/flows";
import { Refusal } from "../bridge/http";
import { toast } from "../pages/parts/toast";
import type { FlowCanvas } from "../canvas/flowcanvas";
import { titleOf } from "../model/geometry";
import { askLine } from "./askline";

const NEVER = "The flow could not be saved, so there is no version of it.";

export interface Naming {
  flow: string;
  save(): Promise<boolean>;
  say(text: string, urgent?: boolean): void;
  keep: typeof keepVersion;
}

/** Ask for a name, save, and keep the version; what the server refuses is said. */
export async function nameVersion({ flow, save, say, keep }: Naming): Promise<void> {
  if (document.querySelector("dialog[open]")) return;
  const day = new Date().toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  const hint = "The flow is saved by itself; a version with a name stays in Versions for good.";
  const name = await askLine({ title: "Name this version", label: "Name", value: day, go: "Keep it", hint });
  if (!name) return;
  const tell = (text: string, urgent: boolean): void => {
    toast(text, undefined, 5);
    say(text, urgent);
  };
  if (!(await save())) return tell(NEVER, true);
  try {
    tell(`Version ${await keep(flow, name)} is “${name}” now.`, false);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    tell(error.message, true);
  }
}

/** Ask for another name of a node. */
export async function renameNode(canvas: FlowCanvas, id: string): Promise<void> {
  const node = canvas.model.nodes.get(id);
  if (!node || document.querySelector("dialog[open]")) return;
  const before = titleOf(node, canvas.desk.scene.shape(node));
  const name = await askLine({ title: "Rename the node", label: "Name", value: before, go: "Rename", hint: "It stands in its header, in the outline and in the story of a run." });
  if (name && name !== before) canvas.apply({ op: "set", node: id, path: "label", value: name }, "Rename node");
}
