// Which lines of a long list are elements: those in view, some around them, and the one with the keyboard.

/** Lists up to this length are there as a whole. */
export const WHOLE = 200;
/** So far around the view lines are there, in px: what scrolls in, or is read next, is there already. */
const AROUND = 900;

/** Where each line begins; at the end, where the list ends. */
export function tops(heights: readonly number[]): number[] {
  let y = 0;
  return [0, ...heights.map((height) => (y += height))];
}

/** The index of the line at a height. */
export function lineAt(starts: readonly number[], y: number): number {
  let low = 0;
  let high = starts.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] as number) <= y) low = middle;
    else high = middle - 1;
  }
  return Math.max(0, low);
}

/** The indices of the lines to make, in their order; `keep` is among them wherever it stands. */
export function windowOf(starts: readonly number[], from: number, height: number, keep: number): number[] {
  const count = starts.length - 1;
  const [first, last] = count <= WHOLE ? [0, count - 1] : [lineAt(starts, from - AROUND), lineAt(starts, from + height + AROUND)];
  const shown: number[] = [];
  if (keep >= 0 && keep < first) shown.push(keep);
  for (let index = first; index <= last; index++) shown.push(index);
  if (keep > last && keep < count) shown.push(keep);
  return shown;
}
