// The server's JSON, as functions. A refusal is a `Refusal` with the problem's code and words.
import type { CatalogBody } from "../catalog";
import type { Command } from "../model/history";
import type { JsonObject } from "../model/json";
import type { Problem } from "../view/look";

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
export const runUrl = (id: string): string => `/api/runs/${encodeURIComponent(id)}`;

export function loadCatalog(): Promise<CatalogBody> {
  return askJson("GET", "/api/catalog");
}

export async function loadFlows(): Promise<{ id: string; name: string }[]> {
  return (await askJson<{ flows: { id: string; name: string }[] }>("GET", "/api/flows")).flows;
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

/** A part of a form that is made when it is open, as HTML of our own server. */
export async function partOf(address: string): Promise<string> {
  return (await ask("GET", address)).text;
}
