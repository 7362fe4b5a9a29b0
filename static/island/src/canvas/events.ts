// What the canvas tells the page. Nothing here is a request to the server; whoever listens decides.
import type { Change } from "../model/change";
import type { Candidate, Instead } from "../model/connect";
import type { Point } from "../model/geometry";
import type { Hit, PinAt } from "../model/hit";
import type { View } from "../view/viewport";

/** A pin in words: enough to filter a list of node types by. */
export type PinWords = PinAt & { type: string; label: string };

export interface MenuEntry {
  name: string;
  keys: string;
  act(): void;
}

export interface CanvasEvents {
  /** The flow was changed. Save it; check it. `follow`: somebody else's change, which is saved already. */
  change: { changes: readonly Change[]; label: string; how: "do" | "undo" | "redo" | "follow" };
  select: { nodes: string[]; wires: string[] };
  /** Somebody wants a new node: `point` in the world, `screen` in px from the canvas's corner. With
   * `strict` only types that can take the wire from `from` make sense; else it is only a wish. `into`
   * names the wire that the node is to go into. */
  "request-add": { point: Point; screen: Point; from: PinWords | null; strict: boolean; into?: string };
  /** Wiring by keyboard, or to a node of which several pins fit: show these in a list and call `connect(from, chosen)`. */
  "request-wire": { from: PinWords; candidates: Candidate[]; screen: Point };
  /** A node is to get another name while the canvas does not show. */
  "request-name": { node: string };
  /** The pointer is at a pin, or at the wire that leaves one; or at neither. */
  point: { at: PinAt | null };
  /** Somebody wants to see what is at a pin. */
  peek: { at: PinAt };
  /** Nodes that were copied elsewhere are to be looked at before they are pasted. */
  "request-paste": { text: string; point: Point | undefined };
  "open-inspector": { node: string; pin: string | null };
  /** Somebody wants to see what a node runs. */
  "step-in": { node: string };
  viewport: View;
  /** A sentence for a live region; `shown`: for the eye too. */
  announce: { text: string; urgent: boolean; shown?: boolean };
  /** Something could not be done, and why; `back`: what could be done instead of a wire. */
  refuse: { reason: string; back?: Instead | undefined };
  /** `also` comes before what is offered everywhere. */
  menu: { screen: Point; hit: Hit; also?: readonly MenuEntry[] };
  /** A click or tap on a node that moved nothing. */
  press: { node: string };
}

export type Listener<K extends keyof CanvasEvents> = (detail: CanvasEvents[K]) => void;

export class Emitter {
  private readonly listeners = new Map<string, Set<(detail: never) => void>>();

  /** Listen; the answer stops listening. */
  on<K extends keyof CanvasEvents>(name: K, listener: Listener<K>): () => void {
    const set = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, set.add(listener as (detail: never) => void));
    return () => void set.delete(listener as (detail: never) => void);
  }

  emit<K extends keyof CanvasEvents>(name: K, detail: CanvasEvents[K]): void {
    for (const listener of this.listeners.get(name) ?? []) (listener as Listener<K>)(detail);
  }
}
