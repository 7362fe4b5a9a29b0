// The server's JSON, as functions. A refusal is a `Refusal` with the problem's code and words.
import type { CatalogBody, Json } from "../catalog";
import type { Change } from "../model/change";
import type { Command } from "../model/history";
import type { JsonObject } from "../model/json";
import type { Problem } from "../view/look";

export interface RunView {
  run_id: string;
  flow_id: string;
  status: string;
  paused: boolean;
  output: Json;
  error: string | null;
  failed_node?: string | null;
}

export interface Saved {
  revision: string;
  problems: Problem[];
  /** The newest row of the edit log. */
  seq: number;
  /** Whether the log has the commands, and not only what they led to. */
  is_told: boolean;
}

export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly body: JsonObject,
  ) {
    super(message);
  }
}

interface Asked {
  body?: unknown;
  form?: URLSearchParams;
  headers?: Record<string, string>;
  keepalive?: boolean;
}

/** An answer read whole: a line that breaks in the middle of it is a Refusal like any other. */
interface Answer {
  text: string;
  revision: string;
}

export async function ask(method: string, url: string, asked: Asked = {}): Promise<Answer> {
  const headers: Record<string, string> = { "HX-Request": "true", ...asked.headers };
  if (asked.body !== undefined) headers["Content-Type"] = "application/json";
  const init: RequestInit = { method, headers, credentials: "same-origin", keepalive: asked.keepalive ?? false };
  if (asked.body !== undefined) init.body = JSON.stringify(asked.body);
  else if (asked.form) init.body = asked.form;
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(url, init);
    text = await answer.text();
  } catch {
    throw new Refusal(0, "offline", "The server cannot be reached.", {});
  }
  if (!answer.ok) throw refusal(answer, text);
  return { text, revision: (answer.headers.get("ETag") ?? "").replace(/^W\//, "").replaceAll('"', "") };
}

export async function askJson<Body>(method: string, url: string, asked: Asked = {}): Promise<Body> {
  return JSON.parse((await ask(method, url, asked)).text) as Body;
}

function refusal(answer: Response, text: string): Refusal {
  let body: JsonObject = {};
  const type = answer.headers.get("Content-Type") ?? "";
  if (type.includes("json")) body = JSON.parse(text) as JsonObject;
  const words = [body.detail, body.title, type.startsWith("text/plain") ? text : ""].find((said) => typeof said === "string") as string;
  return new Refusal(answer.status, String(body.code ?? ""), words || `The server answered ${answer.status}.`, body);
}

export const flowUrl = (id: string): string => `/api/flows/${id.split("/").map(encodeURIComponent).join("/")}`;
const runUrl = (id: string): string => `/api/runs/${encodeURIComponent(id)}`;

export function loadCatalog(): Promise<CatalogBody> {
  return askJson("GET", "/api/catalog");
}

export async function loadFlows(): Promise<{ id: string; name: string }[]> {
  return (await askJson<{ flows: { id: string; name: string }[] }>("GET", "/api/flows")).flows;
}

/** By the code of a problem: what it means, and what to do. */
export type Reasons = { [code: string]: { means: string; do: string } | undefined };

export function loadReasons(): Promise<Reasons> {
  return askJson("GET", "/editor/problems");
}

export async function loadFlow(id: string): Promise<{ document: JsonObject; revision: string }> {
  const { text, revision } = await ask("GET", flowUrl(id));
  return { document: JSON.parse(text) as JsonObject, revision };
}

/** Save a document made from `revision`, with the commands that led there; a newer one on the server is a
 * Refusal with status 412. */
export function saveFlow(id: string, document: JsonObject, commands: readonly Command[], revision: string, keepalive = false): Promise<Saved> {
  const told = commands.map(({ how, label, changes, joins }) => (how === "do" ? { how, label, changes, joins } : { how }));
  return askJson("POST", `${flowUrl(id)}/edits`, { body: { document, commands: told }, headers: { "If-Match": `"${revision}"` }, keepalive });
}

export async function validateFlow(id: string, document: JsonObject): Promise<Problem[]> {
  return (await askJson<{ problems: Problem[] }>("POST", `${flowUrl(id)}/validate`, { body: document })).problems;
}

/** What a flow says in the words of an older version, and the changes that write it in today's. */
export function upgradeOf(id: string, document: JsonObject): Promise<{ differences: Problem[]; changes: Change[] }> {
  return askJson("POST", `${flowUrl(id)}/upgrade`, { body: document });
}

export function shapeOf(type: string, data: JsonObject): Promise<{ inputs: Json[]; outputs: Json[] }> {
  return askJson("POST", "/api/catalog/shape", { body: { type, data } });
}

export async function startRun(flow: string, inputs: JsonObject): Promise<string> {
  return (await askJson<{ run_id: string }>("POST", "/api/runs", { body: { flow_id: flow, inputs, draft: true, trial: { pins: true } } })).run_id;
}

/** The flow as a run executes it. */
export function loadRunFlow(id: string): Promise<JsonObject> {
  return askJson("GET", `${runUrl(id)}/flow`);
}

export async function latestRun(flow: string): Promise<RunView | null> {
  const { runs } = await askJson<{ runs: RunView[] }>("GET", `/api/runs?flow_id=${encodeURIComponent(flow)}&limit=1`);
  return runs[0] ?? null;
}

export type Verb = "pause" | "resume" | "cancel" | "retry";

export async function controlRun(id: string, verb: Verb): Promise<void> {
  await ask("POST", `${runUrl(id)}/${verb}`, { body: {} });
}

export async function answerPrompt(run: string, key: string, response: string): Promise<void> {
  await ask("POST", `/api/prompts/${encodeURIComponent(run)}`, { body: { wait_key: key, response } });
}

/** The form of a question, as HTML of our own server. */
export async function promptFormOf(run: string): Promise<string> {
  return (await ask("GET", `/inbox/${encodeURIComponent(run)}/form`)).text;
}

export async function sendPromptForm(run: string, form: URLSearchParams): Promise<void> {
  await ask("POST", `/inbox/${encodeURIComponent(run)}`, { form });
}

/** What is looked at of a node: a tab, against which run ("" the last good one), and which of its visits. */
export interface Looking {
  tab: string;
  background: string;
  visit: number;
}

/** A tab of a node, as HTML of our own server. */
export async function inspectorOf(flow: string, node: JsonObject, wired: string[], looking: Looking): Promise<string> {
  return (await ask("POST", "/editor/inspector", { body: { flow_id: flow, node, wired, ...looking } })).text;
}

/** What an expression of a node gives, as HTML of our own server; nothing is run but the expression. */
export async function expressionOf(flow: string, node: JsonObject, wired: string[], pin: string, text: string, background: string): Promise<string> {
  return (await ask("POST", "/editor/expression", { body: { flow_id: flow, node, wired, pin, text, background } })).text;
}

/** A part of a form that is made when it is open, as HTML of our own server. */
export async function partOf(address: string): Promise<string> {
  return (await ask("GET", address)).text;
}

/** The form of what several nodes have in common, as HTML of our own server. */
export async function manyOf(nodes: JsonObject[], wired: string[][]): Promise<string> {
  return (await ask("POST", "/editor/inspector/many", { body: { nodes, wired } })).text;
}

/** A part of a large value that a node gave, as HTML of our own server. */
export async function valueOf(run: string, node: string, pin: string, start: string): Promise<string> {
  const query = new URLSearchParams({ run, node, pin, start });
  return (await ask("GET", `/editor/value?${query.toString()}`)).text;
}
