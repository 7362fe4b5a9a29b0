// How a run stands, as it is shown wherever the run tab says so.
import { el, icon } from "./parts";

const STATES: { readonly [status: string]: readonly [key: string, sign: string, word: string] } = {
  running: ["running", "play", "Running"],
  waiting: ["waiting", "person", "Waiting"],
  completed: ["completed", "check", "Done"],
  failed: ["failed", "cross", "Failed"],
  cancelled: ["cancelled", "stop", "Cancelled"],
  paused: ["paused", "pause", "Paused"],
  stopped: ["stopped", "breakpoint", "Stopped"],
};

/** What a run waits for that is no person. */
const WAIT_SIGNS: { readonly [reason: string]: string } = { until: "clock", event: "flag", subworkflow: "subflow", job: "wait" };

export const wordOf = (status: string): string => STATES[status]?.[2] ?? status;

/** The sign and word of a state; of a waiting run the sign says for what. */
export function chipOf(status: string, waits = ""): HTMLElement {
  const [key, sign, word] = STATES[status] ?? ["queued", "queue", status];
  const chip = el("span", "state", icon((status === "waiting" ? WAIT_SIGNS[waits] : undefined) ?? sign), word);
  chip.dataset["state"] = key;
  return chip;
}
