// Nothing is going on: a press decides what begins.
import type { Hit } from "../model/hit";
import { marquee } from "./marquee";
import type { Next, Pointer, Stage } from "./machine";
import { pan } from "./pan";
import { press } from "./press";

export const idle = {
  down(stage: Stage, pointer: Pointer): Next {
    if (pointer.button === 1 || (pointer.button === 0 && stage.spaceHeld)) return pan(stage, pointer);
    if (pointer.button !== 0) return undefined;
    const hit = stage.hit(pointer.at);
    const edits = stage.readOnly ? null : stage.edits;
    if (hit.kind === "pin" && edits) return pointer.alt ? void edits.unwire(stage, hit.at) : edits.wire(stage, hit.at, pointer);
    if (hit.kind === "empty") return onEmpty(stage, pointer);
    if (hit.kind === "wire" && hit.point !== undefined && !pointer.alt && edits) return edits.reroute(stage, pointer, hit.wire, hit.point);
    if (hit.kind === "wire") return onWire(stage, pointer, hit.wire);
    return press(stage, pointer, nodeOf(hit));
  },

  move(stage: Stage, pointer: Pointer): void {
    stage.hover(stage.hit(pointer.at));
  },
};

function nodeOf(hit: Hit): string {
  if (hit.kind === "pin") return hit.at.node;
  return hit.kind === "wire" || hit.kind === "empty" ? "" : hit.node;
}

function onEmpty(stage: Stage, pointer: Pointer): Next {
  if (pointer.kind === "touch" || stage.dragPans) return pan(stage, pointer, true);
  return marquee(stage, pointer);
}

function onWire(stage: Stage, pointer: Pointer, key: string): Next {
  if (pointer.alt && !stage.readOnly) {
    stage.run([{ op: "disconnect", edge: key }], "Remove wire");
    return undefined;
  }
  if (pointer.shift) stage.select(stage.selection.nodes, [...stage.selection.wires, key]);
  else stage.select([], [key]);
  return pan(stage, pointer, false);
}
