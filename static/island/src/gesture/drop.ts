// Where a drawn wire is let go: on a pin, on a node, on its place for a new pin, or on empty canvas,
// where it asks for a new node.
import { EXEC } from "../catalog";
import { bestPin, choicesAt, pinType } from "../model/connect";
import type { Change } from "../model/change";
import { wireTo } from "../model/create";
import type { FlowNode } from "../model/document";
import { type Point, pinPoint } from "../model/geometry";
import { nodeAt, type PinAt } from "../model/hit";
import { forkWords, wireChanges } from "../model/wiring";
import type { Stage, WireDraft } from "./machine";

/** Let a wire go. `carried`: it was taken off a pin, so dropping it nowhere leaves it off. */
export function dropWire(stage: Stage, draft: WireDraft, carried: boolean): void {
  const { scene } = stage;
  if (draft.target) {
    drawWire(stage, draft.from, draft.target, carried ? "Move wire" : "Add wire");
    return;
  }
  const at = stage.viewport.toWorld(draft.pointer);
  const node = nodeAt(scene, at);
  if (node) {
    if (node.id !== draft.from.node && draft.ok) wireToNode(stage, draft, node, at, carried);
    else if (draft.words) stage.emit("refuse", { reason: draft.words, back: draft.back });
    return;
  }
  if (!draft.ok) stage.emit("refuse", { reason: draft.words, back: draft.back });
  else if (!carried) stage.emit("request-add", { point: at, screen: draft.pointer, from: describe(stage, draft.from) });
}

/** Wire to the pin of a node that fits; of several one is chosen from a list. A wire that hangs on
 * something already takes the best. */
function wireToNode(stage: Stage, draft: WireDraft, node: FlowNode, at: Point, carried: boolean): void {
  const { flow, shapes } = stage.scene;
  if (grownAt(stage, draft.from, node, at)) {
    wireTo(flow, shapes, draft.from, node, (changes) => stage.run(changes, "Add pin and wire", "wire"), true);
    return;
  }
  const choices = carried ? [] : choicesAt(flow, shapes, draft.from, node);
  if (choices.length > 1) {
    stage.emit("request-wire", { from: describe(stage, draft.from), candidates: choices, screen: draft.pointer });
    return;
  }
  const pin = choices[0]?.pin ?? bestPin(flow, shapes, draft.from, node)?.id;
  const side = draft.from.side === "out" ? "in" : "out";
  if (pin) drawWire(stage, draft.from, { node: node.id, side, pin }, carried ? "Move wire" : "Add wire");
}

/** Draw a wire, and say what else that did. */
export function drawWire(stage: Stage, from: PinAt, to: PinAt, label: string): void {
  const changes = wireChanges(stage.scene.flow, stage.scene.shapes, from, to);
  stage.run(changes, label, "wire");
  tellFork(stage, changes);
}

/** Say that a node was put in to lead to several places. */
export function tellFork(stage: Stage, changes: readonly Change[]): void {
  const text = forkWords(stage.scene.shapes, changes);
  if (text) stage.emit("announce", { text, urgent: false, shown: true });
}

/** What letting go would do when the pointer is at a node's place for a new pin, else nothing. */
export function grownAt(stage: Stage, from: PinAt, node: FlowNode, at: Point): string | null {
  const { scene } = stage;
  const grow = scene.shape(node).grow;
  if (!grow || grow.side === from.side) return null;
  const exec = pinType(scene.flow, scene.shapes, from) === EXEC;
  const there = pinPoint(scene.box(node), grow);
  if (exec !== (grow.rule.type === EXEC) || Math.abs(there.y - at.y) > 12) return null;
  return "adds a pin";
}

/** A pin in words that the quick add can filter by. */
export function describe(stage: Stage, at: PinAt): PinAt & { type: string; label: string } {
  const pin = stage.scene.pin(at.node, at.side, at.pin);
  return { ...at, type: pin?.type ?? "any", label: pin?.label || at.pin };
}
