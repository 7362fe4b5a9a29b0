// The small signs in the header of a node: what was set for it beyond its type. Each stands there only
// when it is set, has a sign and words, and is read from the settings by what they are called.
import type { Card, Json } from "../catalog";
import { type Break, breakOf } from "./breaks";
import type { FlowNode } from "./document";
import { isObject, read } from "./json";
import { isPin, marksOf } from "./marks";

export interface Chip {
  icon: string;
  text: string;
  words: string;
}

/** The room that a chip takes in a header, in px; with a number behind it, this twice. */
export const CHIP = 18;

const many = (count: number, word: string): string => `${count} ${count === 1 ? word : `${word === "retry" ? "retrie" : word}s`}`;

/** What a setting says on a chip, by the last part of its path; nothing where it is at rest. */
const SIGNS: { [setting: string]: (value: Json) => Chip | null } = {
  retries: (value) => (typeof value === "number" && value > 0 ? { icon: "again", text: String(value), words: many(value, "retry") } : null),
  timeout: seconds,
  timeout_s: seconds,
  seconds: seconds,
  secretHeaders: (value) => (typeof value === "string" && value.trim() ? { icon: "lock", text: "", words: "needs a secret" } : null),
  subflowVersion: (value) => {
    if (value === "published") return { icon: "link", text: "", words: "runs the published version" };
    return typeof value === "string" && value ? { icon: "link", text: value, words: `bound to version ${value}` } : null;
  },
  onError: (value) => {
    if (value === "branch") return { icon: "warn", text: "", words: "goes on by “On error” when it fails" };
    return value === "continue" ? { icon: "warn", text: "", words: "goes on when it fails" } : null;
  },
};

function seconds(value: Json): Chip | null {
  return typeof value === "number" && value > 0 ? { icon: "clock", text: "", words: `at most ${value} s` } : null;
}

function stopChip({ at, when, off }: Break): Chip {
  const words = `breakpoint${at === "after" ? " after it" : ""}${when ? ` where ${when}` : ""}`;
  return off ? { icon: "breakpoint-off", text: "", words: `${words}, off` } : { icon: "breakpoint", text: "", words };
}

/** The chips of a node, in the order of its settings. */
export function chipsOf(node: FlowNode, card: Card | null): Chip[] {
  const chips: Chip[] = [];
  for (const { path } of card?.fields ?? []) {
    const sign = SIGNS[path.slice(path.lastIndexOf(".") + 1)];
    const value = sign && read(node.data, path);
    const chip = sign && value !== undefined ? sign(value) : null;
    if (chip) chips.push(chip);
  }
  if (card?.leaves) chips.push({ icon: "external", text: "", words: "leaves this machine" });
  const given = isObject(node.data.pinDefaults) ? node.data.pinDefaults.timeout : undefined;
  const limit = given === undefined ? null : seconds(given);
  if (limit) chips.push(limit);
  const again = read(node.data, ["policy", "retries"]);
  const tries = again === undefined ? null : SIGNS["retries"]?.(again);
  if (tries) chips.unshift(tries);
  const named = read(node.data, ["policy", "key"]);
  if (typeof named === "string" && named.trim()) chips.push({ icon: "check", text: "", words: `done once for each ${named.trim()}` });
  if (node.data.disabled === true) chips.unshift({ icon: "minus", text: "", words: "disabled" });
  if ("canvas" in node.data) {
    const { own, remark, pinned } = marksOf(node);
    const stops = breakOf(node);
    if (isPin(pinned)) chips.unshift({ icon: "pin", text: "", words: "outputs pinned: trial runs do not execute it" });
    if (stops) chips.unshift(stopChip(stops));
    if (typeof own === "string") chips.push({ icon: "copy", text: "", words: "has a copy of its own of its flow" });
    if (typeof remark === "string" && remark.trim()) chips.push({ icon: "info", text: "", words: `note: ${remark.trim().split("\n", 1)[0]}` });
  }
  return chips;
}

export const chipsWidth = (chips: readonly Chip[]): number => chips.reduce((sum, chip) => sum + (chip.text ? 2 * CHIP - 8 : CHIP), 0);

/** As many of the chips as have room in a header; where not all have, room is kept for `+n`. */
export function chipsIn(chips: readonly Chip[], room: number): readonly Chip[] {
  let shown = chips;
  while (shown.length && chipsWidth(shown) + (shown === chips ? 0 : CHIP) > room) shown = shown.slice(0, -1);
  return shown;
}
