// Keys that cannot be given to an action, and why: asked only where a person changes keys.
import { lettersAct } from "../pages/parts/letters";
import { isLetter, written } from "./keymap";

/** Keys that mean one thing everywhere, or that the browser does not give away. */
const RESERVED: readonly [RegExp, string][] = [
  [/(^|\+)(Escape|Enter|Tab|Space|Arrow\w+)$/, "leads through the page"],
  [/(^|\+)(F5|F6|F11|F12)$|^Ctrl\+(Shift\+)?[TWNRQPJI]$|^Ctrl\+\d$|^Alt\+\w$/, "belongs to the browser"],
  [/^Ctrl\+(Shift\+)?[CXV]$/, "copies, cuts and pastes"],
];

/** Why a key cannot be given to an action, or nothing. */
export function refusalOf(chord: string): string {
  const why = RESERVED.find(([pattern]) => pattern.test(chord))?.[1];
  if (why) return `${written(chord)} ${why}: take another key.`;
  return !lettersAct() && isLetter(chord) ? "Single-letter keys are switched off: take one with Ctrl, or a function key." : "";
}
