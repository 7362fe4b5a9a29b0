// Which node types a person most likely means: what fits the wire comes first, then what the words
// say, then what was used lately.
import { type Card, type Catalog, EXEC } from "../catalog";
import { cardTakes } from "./connect";
import type { Side } from "./pins";

export interface Wanted {
  words: string;
  /** The pin a wire comes from, when there is one. */
  from: { side: Side; type: string } | null;
  /** The wire is only a wish: what cannot take it is offered too, later. */
  isWish?: boolean;
  /** Types used lately, newest first. */
  recent: readonly string[];
  /** How often each type follows at this place in the person's own flows. */
  usual?: { readonly [type: string]: number };
}

export interface Offer {
  card: Card;
  score: number;
  fits: boolean;
}

/** What it is worth to fit a wire that is only a wish: more than a word in a summary, less than the name. */
const FIT = 24;

/** What it is worth to be what usually follows here: more than to have been used lately. */
const USUAL = 20;

/** Offer node types, best first. With a wire that is no mere wish, only those that can take it. */
export function offers(catalog: Catalog, wanted: Wanted): Offer[] {
  const words = normal(wanted.words).split(" ").filter(Boolean);
  const found: Offer[] = [];
  const most = Math.max(1, ...Object.values(wanted.usual ?? {}));
  for (const card of catalog.cards) {
    if (card.palette === false) continue;
    const fits = !wanted.from || cardTakes(catalog, card, wanted.from);
    if (!fits && !wanted.isWish) continue;
    const said = textScore(card, catalog, words);
    if (words.length && said <= 0) continue;
    const lately = wanted.recent.indexOf(card.type);
    const times = wanted.usual?.[card.type] ?? 0;
    const usual = fits && times ? USUAL * (0.5 + times / (2 * most)) : 0;
    const score = said + usual + (lately < 0 ? 0 : Math.max(0, 8 - lately)) + (wanted.from && fits ? pinScore(card, wanted.from) + (wanted.isWish ? FIT : 0) : 0);
    found.push({ card, score, fits });
  }
  return found.sort((a, b) => b.score - a.score || a.card.label.localeCompare(b.card.label));
}

export function normal(text: string): string {
  return text.toLowerCase().normalize("NFKD").replace(/[\u0300-\u036f]/g, "").replaceAll("_", " ").replace(/[^\p{L}\p{N} ]/gu, " ").replace(/ +/g, " ").trim();
}

/** How well a card answers the words: each word must be found somewhere. */
function textScore(card: Card, catalog: Catalog, words: string[]): number {
  const name = normal(`${card.label}`);
  const places: [string, number][] = [
    [name, 60],
    [normal(card.type), 50],
    [normal((card.keywords ?? []).join(" ")), 30],
    [normal(catalog.family(card.family)?.label ?? ""), 16],
    [normal(card.summary ?? ""), 12],
    [normal([...card.inputs, ...card.outputs].map((pin) => pin.label || pin.id).join(" ")), 6],
  ];
  let total = 0;
  for (const word of words) {
    let best = 0;
    for (const [text, weight] of places) {
      if (!text) continue;
      const at = text.indexOf(word);
      if (at < 0) continue;
      const whole = at === 0 || text[at - 1] === " ";
      best = Math.max(best, weight * (whole ? 1 : 0.45));
    }
    if (!best) return 0;
    total += best;
  }
  if (words.length && name === words.join(" ")) total += 200;
  else if (words.length && name.startsWith(words.join(" "))) total += 80;
  return words.length ? total : 1;
}

function pinScore(card: Card, from: { side: Side; type: string }): number {
  const pins = from.side === "out" ? card.inputs : card.outputs;
  if (from.type === EXEC) return card.kind === "event" ? 0 : 4;
  return pins.some((pin) => pin.type === from.type) ? 12 : 4;
}
