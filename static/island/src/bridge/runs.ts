// What the page asks of runs and of their questions; loaded with what follows a run.
import type { Told } from "../model/breaks";
import type { JsonObject } from "../model/json";
import { ask, askJson, runUrl } from "./http";

const ASKS = "flowstudio asks first";

/** Whether runs from the editor wait for a yes before each step that acts outside; kept in this browser. */
export const asksFirst = (): boolean => localStorage.getItem(ASKS) === "yes";

export function askFirst(asks: boolean): void {
  if (asks) localStorage.setItem(ASKS, "yes");
  else localStorage.removeItem(ASKS);
}

const ANYWHERE = "flowstudio breaks";

/** What runs from the editor stop at wherever it is; kept in this browser. */
export interface Anywhere {
  errors?: boolean;
  outside?: boolean;
  cost?: number;
}

export function anywhere(): Anywhere {
  try {
    const { errors, outside, cost } = JSON.parse(localStorage.getItem(ANYWHERE) ?? "{}") as { [name: string]: unknown };
    return { ...(errors === true ? { errors } : {}), ...(outside === true ? { outside } : {}), ...(typeof cost === "number" && cost >= 0 ? { cost } : {}) };
  } catch {
    return {}; // written by something else
  }
}

export function stopAnywhere(wanted: Anywhere): void {
  localStorage.setItem(ANYWHERE, JSON.stringify(wanted));
}

/** Where a trial run stops beside its breakpoints: before a node, or at once. */
export interface Trial {
  to?: string;
  step?: boolean;
}

export async function startRun(flow: string, inputs: JsonObject, trial: Trial): Promise<string> {
  return (await askJson<{ run_id: string }>("POST", "/api/runs", { body: { flow_id: flow, inputs, draft: true, trial: { pins: true, breaks: true, asks: asksFirst(), anywhere: anywhere(), ...trial } } })).run_id;
}

/** Tell a trial run which breakpoints a flow has now, and to which node it is to run. */
export async function putBreakpoints(run: string, flow: string, told: Told, to = ""): Promise<void> {
  await ask("PUT", `${runUrl(run)}/breakpoints`, { body: { flow_id: flow, ...told, anywhere: anywhere(), ...(to ? { to } : {}) } });
}

/** What a condition gives with the values of a run, as HTML of our own server; nothing is run but the expression. */
export async function conditionOf(asked: { flow_id: string; node: JsonObject; wired: string[]; at: string; text: string; background: string }): Promise<string> {
  return (await ask("POST", "/editor/condition", { body: asked })).text;
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
