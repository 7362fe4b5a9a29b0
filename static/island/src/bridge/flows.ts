// Flows beside the one that is open: made, and gone to and come back from.
import type { JsonObject } from "../model/json";
import { askJson, flowUrl, loadFlow, Refusal } from "./http";

/** Keep a new flow under the id that it carries; one that exists is a Refusal. */
export function createFlow(document: JsonObject): Promise<{ revision: string }> {
  return askJson("PUT", flowUrl(String(document.id)), { body: document, headers: { "If-None-Match": "*" } });
}

/** A flow as a node that runs it is bound to it: the newest (""), `published`, or a version by its number. */
export async function loadBound(id: string, version: string): Promise<JsonObject> {
  if (!version) return (await loadFlow(id)).document;
  const number = version === "published" ? (await askJson<{ published: number | null }>("GET", `${flowUrl(id)}/versions`)).published : Number(version);
  if (number === null) throw new Refusal(404, "version.not_found", "The flow has no published version yet.", {});
  return askJson("GET", `${flowUrl(id)}/versions/${number}`);
}

/** Keep a flow as it is now as a version, and give its number. */
export async function keepVersion(id: string, name: string): Promise<number> {
  return (await askJson<{ number: number }>("POST", `${flowUrl(id)}/versions`, { body: { name } })).number;
}

/** A flow of the person as a step of others; `uses` nodes run it. */
export interface Own {
  id: string;
  name: string;
  description: string;
  uses: number;
}

/** What the person's own flows tell: what follows what in them (`type.pin` to types with how often), and which
 * can be steps. */
export interface Habits {
  follows: { [place: string]: { [type: string]: number } };
  mine: Own[];
  /** The flows of the gallery. */
  starters: { id: string; name: string; problem: string; about: string }[];
}

export function loadHabits(): Promise<Habits> {
  return askJson("GET", "/editor/habits");
}

export function freshFlowId(): string {
  return [...crypto.getRandomValues(new Uint8Array(4))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The address of a called flow, with the way back: each caller's flow, node and run. */
export function stepInAddress(called: string, run: string | null, from: { flow: string; node: string; run: string | null }): string {
  const here = new URL(location.href);
  const there = new URL(`/flows/${called.split("/").map(encodeURIComponent).join("/")}`, location.origin);
  for (const via of [...here.searchParams.getAll("via"), JSON.stringify([from.flow, from.node, from.run ?? ""])]) there.searchParams.append("via", via);
  if (run) there.searchParams.set("run", run);
  return there.href;
}

/** Make the browser's way back lead to this node, seen as it is now. */
export function rememberPlace(flow: string, node: string, view: { x: number; y: number; zoom: number }): void {
  sessionStorage.setItem(`flowstudio view ${flow}`, JSON.stringify(view));
  const here = new URL(location.href);
  here.searchParams.set("at", node);
  history.replaceState(null, "", here);
}
