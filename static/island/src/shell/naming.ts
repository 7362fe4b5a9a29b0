// `Ctrl+S`: what the flow is now becomes a version with a name. Saving itself needs no key.
import { keepVersion } from "../bridge/flows";
import { Refusal } from "../bridge/http";
import { toast } from "../pages/parts/toast";
import { askLine } from "./askline";

const NEVER = "The flow could not be saved, so there is no version of it.";

/** Ask for a name, save, and keep the version; what the server refuses is said. */
export async function nameVersion(flow: string, save: () => Promise<boolean>, say: (text: string, urgent?: boolean) => void): Promise<void> {
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
    tell(`Version ${await keepVersion(flow, name)} is “${name}” now.`, false);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    tell(error.message, true);
  }
}
