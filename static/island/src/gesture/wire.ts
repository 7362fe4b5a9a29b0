// Drawing a wire: by dragging from a pin, or by a click on one pin and a click on another. The pin of
// a wired input lets its wire be taken off and carried elsewhere.
import { EXEC } from "../catalog";
import { bestPin, checker, choicesAt, pinType, type Verdict } from "../model/connect";
import { type PinAt, nodeAt, pinNear } from "../model/hit";
import { distance, type Next, type Pointer, SLACK, type Stage, type State, type WireDraft } from "./machine";
import { dropWire, grownAt } from "./drop";

const SNAP = 32;

/** Begin at a pin. A wired value input hands over the wire that hangs on it. */
export function wire(stage: Stage, at: PinAt, start: Pointer): State {
  const { flow } = stage.scene;
  const hanging = at.side === "in" && pinType(flow, stage.scene.shapes, at) !== EXEC ? flow.wiresAt(at.node, "in", at.pin)[0] : undefined;
  if (!hanging) return wiring(stage, at, start, null);
  const source: PinAt = { node: hanging.source, side: "out", pin: hanging.sourcePin };
  return {
    name: "press pin",
    move(pointer): Next {
      if (distance(pointer.at, start.at) <= SLACK) return undefined;
      const mark = stage.mark();
      stage.scene.shapes.held = { node: at.node, side: at.side, id: at.pin };
      stage.run([{ op: "disconnect", edge: hanging.key }], "Take off wire", "wire");
      return wiring(stage, source, start, mark);
    },
    up: () => wiring(stage, at, start, null, true),
  };
}

/** The wire hangs on the pointer. `mark`: what to roll back to when it is given up. */
export function wiring(stage: Stage, from: PinAt, start: Pointer, mark: number | null, sticky = false): State {
  const test = checker(stage.scene.flow, stage.scene.shapes, from);
  let stays = sticky;
  let pressed = !sticky;
  if (sticky) stage.showWire(draftAt(stage, from, test, start));
  const carried = mark !== null;
  const end = (): null => {
    stage.showWire(null);
    return null;
  };
  return {
    name: "wire",
    edges: true,
    move: (pointer) => stage.showWire(draftAt(stage, from, test, pointer, carried)),
    down() {
      pressed = true;
    },
    up(pointer): Next {
      if (!pressed) return undefined;
      if (!stays && mark === null && distance(pointer.at, start.at) <= SLACK) {
        stays = true;
        pressed = false;
        stage.showWire(draftAt(stage, from, test, pointer));
        return undefined;
      }
      const draft = draftAt(stage, from, test, pointer, carried);
      end();
      dropWire(stage, draft, carried);
      stage.seal();
      return null;
    },
    cancel() {
      end();
      if (mark !== null) stage.rollBack(mark);
    },
  };
}

/** What the wire would do if it were let go here. */
export function draftAt(stage: Stage, from: PinAt, test: (at: PinAt) => Verdict, pointer: Pointer, carried = false): WireDraft {
  const { scene, viewport } = stage;
  const at = viewport.toWorld(pointer.at);
  const draft: WireDraft = { from, end: at, target: null, words: "", ok: true, pointer: pointer.at };
  const same = (pin: PinAt): boolean => pin.node === from.node && pin.side === from.side && pin.pin === from.pin;
  const near = pinNear(scene, at, SNAP / viewport.zoom, (pin) => test(pin).ok);
  const under = pinNear(scene, at, 12 / viewport.zoom, (pin) => !same(pin));
  if (under && !test(under).ok) {
    return refused(draft, test(under));
  }
  const node = nodeAt(scene, at);
  const grown = node && node.id !== from.node ? grownAt(stage, from, node, at) : null;
  if (grown) return { ...draft, words: grown };
  if (near) return { ...draft, target: near, end: scene.pinPoint(near.node, near.side, near.pin) ?? at, words: noteOf(test(near)) };
  if (!node || node.id === from.node) return draft;
  const best = bestPin(scene.flow, scene.shapes, from, node);
  const several = best && !carried ? choicesAt(scene.flow, scene.shapes, from, node).length : 0;
  if (several > 1) return { ...draft, words: `${several} pins fit; let go to choose` };
  if (best) return { ...draft, words: `→ ${best.label || (best.side === "in" ? "start" : "then")}` };
  const start = test({ node: node.id, side: "in", pin: "exec-in" });
  return refused(draft, !start.ok && start.back ? start : { ok: false, reason: "No pin of this node fits." });
}

const refused = (draft: WireDraft, verdict: Verdict): WireDraft => (verdict.ok ? draft : { ...draft, words: verdict.reason, ok: false, ...(verdict.back && { back: verdict.back }) });

const noteOf = (verdict: Verdict): string => (verdict.ok ? verdict.note : verdict.reason);

/** Take every wire off a pin. */
export function unwire(stage: Stage, at: PinAt): void {
  const wires = stage.scene.flow.wiresAt(at.node, at.side, at.pin);
  stage.run(wires.map((each) => ({ op: "disconnect", edge: each.key })), wires.length > 1 ? "Remove wires" : "Remove wire");
}
