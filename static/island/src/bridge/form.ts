// Reads the fields of the inspector's form. A field says where its value belongs (`data-path`) and how
// its text is meant (`data-kind`); what cannot be read is said beside the field and changes nothing.
import type { Json } from "../catalog";
import type { Path } from "../model/json";

export type Reading = { ok: true; value: Json | undefined } | { ok: false; reason: string };

/** A path as the form writes it: dotted, or a JSON list where a key holds a dot. */
export function pathOf(written: string): Path {
  return written.startsWith("[") ? (JSON.parse(written) as string[]) : written.split(".");
}

/** Read text by kind; an optional field that is empty has no value. */
export function readText(kind: string, text: string, isOptional: boolean): Reading {
  if (isOptional && text.trim() === "") return { ok: true, value: undefined };
  if (kind === "number") return readNumber(text);
  if (kind === "json") return readJson(text);
  if (kind === "any") return readAny(text);
  if (kind === "lines") return { ok: true, value: text.split("\n").map((line) => line.trim()).filter(Boolean) };
  return { ok: true, value: text };
}

function readNumber(text: string): Reading {
  const value = Number(text.trim().replace(",", "."));
  return Number.isFinite(value) ? { ok: true, value } : { ok: false, reason: `“${text}” is not a number.` };
}

function readJson(text: string): Reading {
  try {
    return { ok: true, value: JSON.parse(text) as Json };
  } catch (error) {
    return { ok: false, reason: `This is not JSON: ${(error as Error).message}` };
  }
}

/** Text that reads as a JSON number, list, object, true, false or null is that; the rest is text. */
function readAny(text: string): Reading {
  const looks = /^\s*(?:[[{"]|-?\d|true\s*$|false\s*$|null\s*$)/.test(text);
  const parsed = looks ? readJson(text) : null;
  return parsed?.ok ? parsed : { ok: true, value: text };
}

/** Read a field of the form; null when it is no field. */
export function readField(field: HTMLElement): Reading | null {
  const kind = field.dataset["kind"];
  if (!kind) return null;
  if (field instanceof HTMLInputElement && field.type === "checkbox") return { ok: true, value: field.checked };
  if (field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement || field instanceof HTMLSelectElement) {
    return readText(kind, field.value, field.dataset["optional"] !== undefined);
  }
  return null;
}
