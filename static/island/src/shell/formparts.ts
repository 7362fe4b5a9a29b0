// Small parts of the inspector: how its controls are found again, how values and problems are shown.
import { EXEC, type Json } from "../catalog";
import type { FlowNode } from "../model/document";
import { isObject, type JsonObject } from "../model/json";
import type { Problem } from "../view/look";
import { brief, el, pretty } from "./parts";

/** How to find a control again after the form was made anew. */
export function markOf(control: HTMLElement): string | null {
  const { path, do: act } = control.dataset;
  if (path && !act) return `[data-path="${CSS.escape(path)}"]`;
  if (!act) return null;
  const own = control.closest<HTMLElement>("[data-side][data-pin]");
  const within = own && control !== own ? `[data-side="${own.dataset["side"]}"][data-pin="${CSS.escape(own.dataset["pin"] ?? "")}"] ` : "";
  const of = control.getAttribute("role") === "tab" ? ["tab", "visit", "attempt"] : ["pin", "side", "path"];
  const which = of.filter((key) => control.dataset[key]).map((key) => `[data-${key}="${CSS.escape(control.dataset[key] as string)}"]`);
  return `${within}[data-do="${act}"]${which.join("")}`;
}

export function problemNote(problem: Problem): HTMLElement {
  const tone = { error: "danger", risk: "warn", note: "info" };
  return el("div", `note ${tone[problem.severity]}`, el("div", "words", problem.message));
}

/** The node type that a button stands for: its own, or the one chosen in the list beside it; "" when none is. */
export function typeToBe(button: HTMLElement): string {
  const list = button.closest("section")?.querySelector<HTMLSelectElement>("select[data-new-type]");
  if (list?.value === "") list.focus();
  return button.dataset["type"] ?? list?.value ?? "";
}

export function wiredOf(node: FlowNode): string[] {
  return [...node.wires].filter((wire) => wire.to === node).map((wire) => wire.targetPin);
}

/** A constant as Python writes it. */
export function literal(value: Json | undefined): string {
  if (value === undefined || value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map((each) => literal(each)).join(", ")}]`;
  if (isObject(value)) return `{${Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}: ${literal(each)}`).join(", ")}}`;
  return JSON.stringify(value);
}

export function savedForm(pin: Json): JsonObject {
  const row = isObject(pin) ? pin : {};
  return { id: row.id ?? "", label: row.label ?? row.id ?? "", type: row.type ?? EXEC };
}

export function freshId(): string {
  return [...crypto.getRandomValues(new Uint8Array(4))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function valueView(value: Json): HTMLElement {
  const text = pretty(value);
  if (text.length <= 80 && !text.includes("\n")) return el("span", "value mono", text);
  return el("details", "value", el("summary", "mono", brief(value, 60)), el("pre", "json", text));
}
