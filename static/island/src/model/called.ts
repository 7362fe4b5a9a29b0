// Which steps run another flow: those with a setting that names one.
import type { Card } from "../catalog";

/** The path of the setting that names the flow, under the data of a node. */
export const calledAt = (card: Card | undefined): string | undefined => card?.fields?.find((field) => field.type === "flow")?.path;

export const isCall = (card: Card | undefined): boolean => calledAt(card) !== undefined;

/** What flows are called, by their ids, of those that have been asked for. */
export const flowNames = new Map<string, string>();
