// What a page could not save before it went away, kept in the browser until the page comes back. A
// reload may overtake the last save, and the server may be away; neither may lose a change.
import type { Command } from "../model/history";
import type { JsonObject } from "../model/json";
import { same } from "../model/json";

interface Kept {
  /** The revision that the document was made from. */
  revision: string;
  document: JsonObject;
  /** A document that was on its way to the server when the page went away. */
  sent: JsonObject | null;
  /** The commands that the server had not acknowledged; the first `sending` of them went with `sent`. */
  commands?: readonly Command[];
  sending?: number;
}

export type Found =
  | { kind: "none" }
  | { kind: "newer"; document: JsonObject; commands: readonly Command[] }
  | { kind: "apart"; document: JsonObject; revision: string };

const key = (flow: string): string => `flowstudio draft ${flow}`;

/** Keep a document; a browser without room for it keeps nothing. */
export function keepDraft(flow: string, kept: Kept): void {
  try {
    localStorage.setItem(key(flow), JSON.stringify(kept));
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
}

export function dropDraft(flow: string): void {
  localStorage.removeItem(key(flow));
}

/** Compare a kept document with the server's: "newer" goes on from it, "apart" means that somebody
 * else has saved meanwhile. */
export function findDraft(flow: string, document: JsonObject, revision: string): Found {
  const text = localStorage.getItem(key(flow));
  if (!text) return { kind: "none" };
  const kept = JSON.parse(text) as Kept;
  if (same(kept.document, document)) {
    dropDraft(flow);
    return { kind: "none" };
  }
  const arrived = kept.sent !== null && same(kept.sent, document);
  if (!arrived && kept.revision !== revision) return { kind: "apart", document: kept.document, revision: kept.revision };
  return { kind: "newer", document: kept.document, commands: (kept.commands ?? []).slice(arrived ? kept.sending : 0) };
}
