// Which names are nearly what somebody wrote.
import { normal } from "./rank";

/** The places of the names that are nearest to some words, best first: those that share at least half of their pairs of letters. */
export function nearest(words: string, names: readonly string[]): number[] {
  const wanted = pairs(words);
  const near = names.map((name, at) => ({ at, share: alike(wanted, pairs(name)) }));
  return near.filter(({ share }) => share >= 0.5).sort((a, b) => b.share - a.share || a.at - b.at).map(({ at }) => at);
}

/** The pairs of letters of a text, a word's beginning among them. */
function pairs(text: string): string[] {
  return normal(text).split(" ").filter(Boolean).flatMap((word) => [...` ${word}`].slice(0, -1).map((_, at) => ` ${word}`.slice(at, at + 2)));
}

/** Which share of all pairs two texts have in common (Sørensen and Dice), from 0 to 1. */
function alike(a: readonly string[], b: readonly string[]): number {
  const left = [...b];
  let common = 0;
  for (const pair of a) {
    const at = left.indexOf(pair);
    if (at < 0) continue;
    left.splice(at, 1);
    common += 1;
  }
  return (2 * common) / Math.max(1, a.length + b.length);
}
