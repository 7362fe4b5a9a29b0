// Single-letter keys can be switched off (WCAG 2.1.4): whoever dictates, or whose hand falls on a key, starts
// nothing then.
import { isOn, keepSwitch, onTurn, turn } from "./choice.ts";

const NAME = "letters";

export const lettersAct = (): boolean => isOn(NAME);
export const switchLetters = (on: boolean): void => turn(NAME, on);
export const onLetters = (act: () => void): void => onTurn(NAME, act);
export const keepLetters = (): void => keepSwitch(NAME);
