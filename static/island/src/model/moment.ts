// A date, with or without time, as a field of the browser takes it, and back in the form that it had.

export interface Moment {
  kind: "date" | "datetime-local";
  /** What the field of this kind takes. */
  value: string;
  /** What stands behind it: `Z` or a distance from UTC. */
  zone: string;
}

const FORM = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:?\d\d)?)?$/i;

/** Read a text as a moment, an empty one as one that is not chosen yet; null for what such a field cannot hold. */
export function readMoment(text: string): Moment | null {
  if (!text.trim()) return { kind: "datetime-local", value: "", zone: "" };
  const found = FORM.exec(text.trim());
  if (!found || Number.isNaN(Date.parse(`${found[1]}T${found[2] ?? "00:00"}Z`))) return null;
  const [, day, time, zone] = found as unknown as [string, string, string | undefined, string | undefined];
  return time ? { kind: "datetime-local", value: `${day}T${time}`, zone: zone ?? "" } : { kind: "date", value: day, zone: "" };
}

/** What such a field says now, in the form of what stood there; nothing when it is empty. */
export const writeMoment = (moment: Moment, value: string): string | undefined => (value ? value + moment.zone : undefined);
