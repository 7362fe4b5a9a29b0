// What is seldom done with a value in the data tab: copy a part of it, read a large one on.
import { Refusal } from "../bridge/http";
import type { Json } from "../catalog";
import type { JsonObject } from "../model/json";
import { el, pretty } from "./parts";

/** A part of a value as text, of the text of the whole, by the path that the list of parts gives it. */
export function partOf(whole: string, path: string): string {
  let part: Json | undefined = JSON.parse(whole) as Json;
  for (const key of keysOf(path)) part = (part as JsonObject)[key];
  return pretty(part);
}

/** The keys and places of a path, as `rows[0]["name"]` has two. */
export function keysOf(path: string): string[] {
  return [...path.matchAll(/\[("(?:[^"\\]|\\.)*"|\d+)\]/g)].map(([, key]) => String(JSON.parse(key as string)));
}

/** Put the next part of a large value in the place of the button that asks for it. */
export async function readOn(at: HTMLElement, read: (pin: string, start: string) => Promise<string>): Promise<void> {
  const { pin, start } = at.dataset;
  try {
    const box = document.createElement("template");
    box.innerHTML = await read(pin ?? "", start ?? "0");
    const first = box.content.querySelector<HTMLElement>("pre");
    if (start === "0") at.closest(".datum")?.querySelector("dd > pre")?.parentElement?.remove();
    at.replaceWith(box.content);
    first?.focus({ preventScroll: start !== "0" });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    at.after(el("p", "field-wrong small", error.message));
  }
}
