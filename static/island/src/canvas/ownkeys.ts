// How a person gives actions keys of their own; what keys do is in keymap.ts.
import { type Act, ACTS, keymap } from "./keymap";

export const isOwn = (act: Act): boolean => act in keymap.own;

export const isChanged = (): boolean => Object.keys(keymap.own).length > 0;

/** Give an action a key, or none. It is taken from the action that had it. */
export function giveKey(act: Act, chord: string | null): void {
  if (chord) take(chord, act);
  keymap.put(act, chord ? [chord] : []);
  keymap.keep();
}

/** Give an action, or every one, the keys of the table again. */
export function resetKeys(act?: Act): void {
  if (!act) keymap.own = {};
  else for (const chord of ACTS[act].keys) take(chord, act);
  if (act) delete keymap.own[act];
  keymap.keep();
}

function take(chord: string, act: Act): void {
  const other = keymap.holder(chord, Boolean(ACTS[act].mark));
  if (other && other !== act) keymap.put(other, keymap.keysOf(other).filter((each) => each !== chord));
}
