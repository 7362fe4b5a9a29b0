// A node let go on a wire goes between its ends; a node taken away leaves its neighbours joined.
import { EXEC } from "../catalog";
import type { Change } from "./change";
import { checkTypes, wireJSON } from "./connect";
import type { FlowDocument, FlowNode, FlowWire } from "./document";
import { inside, type Rect } from "./geometry";
import type { ShapePin, Shapes } from "./pins";
import { pointAt } from "./route";
import type { Scene } from "./scene";

/** Where a node would go into a wire. */
export interface Splice {
  wire: FlowWire;
  into: ShapePin;
  out: ShapePin;
}

/** The wire that a node lies on and could go into, or null. */
export function spliceAt(scene: Scene, node: FlowNode): Splice | null {
  const box = scene.box(node);
  for (const wire of scene.wiresIn(box)) {
    if (wire.from === node || wire.to === node || !crosses(scene, wire, box)) continue;
    const found = spliceInto(scene, node, wire);
    if (found) return found;
  }
  return null;
}

/** How a node would go into a wire: by its first free pins that fit, or null. */
export function spliceInto(scene: Scene, node: FlowNode, wire: FlowWire): Splice | null {
  const { catalog, shapes } = scene;
  const [from, to] = [scene.wireType(wire), wire.to && shapes.pin(wire.to, "in", wire.targetPin)?.type];
  if (!to) return null;
  const free = shapes.of(node).pins.filter((pin) => !pin.ghost && !shapes.isWired(node, pin)).sort((a, b) => Number(a.folded) - Number(b.folded));
  const into = free.find((pin) => pin.side === "in" && checkTypes(catalog, from, pin.type).ok);
  const out = free.find((pin) => pin.side === "out" && checkTypes(catalog, pin.type, to).ok);
  return into && out ? { wire, into, out } : null;
}

export function spliceChanges(flow: FlowDocument, node: FlowNode, { wire, into, out }: Splice): Change[] {
  const exec = into.type === EXEC;
  return [
    { op: "disconnect", edge: wire.key },
    { op: "connect", edge: wireJSON(flow, { node: wire.source, side: "out", pin: wire.sourcePin }, { node: node.id, side: "in", pin: into.id }, exec) },
    { op: "connect", edge: wireJSON(flow, { node: node.id, side: "out", pin: out.id }, { node: wire.target, side: "in", pin: wire.targetPin }, exec) },
  ];
}

/** The changes that join what comes before some nodes to what comes after them; to be applied after
 * the nodes are gone. Where the way on is not plain (a branch, several values) nothing is joined. */
export function healChanges(flow: FlowDocument, shapes: Shapes, gone: ReadonlySet<string>): Change[] {
  const changes: Change[] = [];
  for (const id of gone) {
    const node = flow.nodes.get(id);
    for (const wire of node?.wires ?? []) {
      if (wire.to !== node || gone.has(wire.source) || !wire.from) continue;
      const exec = wire.targetPin === "exec-in";
      const type = shapes.pin(wire.from, "out", wire.sourcePin)?.type ?? EXEC;
      for (const goal of goalsAfter(wire, exec, gone)) {
        const want = goal.to && shapes.pin(goal.to, "in", goal.targetPin)?.type;
        if (!want || goal.target === wire.source || !checkTypes(shapes.catalog, type, want).ok) continue;
        const from = { node: wire.source, side: "out" as const, pin: wire.sourcePin };
        changes.push({ op: "connect", edge: wireJSON(flow, from, { node: goal.target, side: "in", pin: goal.targetPin }, exec) });
      }
    }
  }
  return changes;
}

/** The wires by which the way of one wire leaves the nodes that go away. */
function goalsAfter(start: FlowWire, exec: boolean, gone: ReadonlySet<string>): FlowWire[] {
  const seen = new Set<FlowNode>();
  for (let wire = start; wire.to && !seen.has(wire.to); ) {
    const node: FlowNode = wire.to;
    seen.add(node);
    const ins = node.wires.filter((each) => each.to === node && (each.targetPin === "exec-in") === exec);
    const outs = node.wires.filter((each) => each.from === node && (each.targetPin === "exec-in") === exec);
    if (!exec && (ins.length !== 1 || node.wires.some((each) => each.targetPin === "exec-in"))) return [];
    if (exec && outs.length !== 1) return [];
    const inner = outs.find((each) => gone.has(each.target));
    if (!inner) return outs;
    if (outs.length > 1) return [];
    wire = inner;
  }
  return [];
}

function crosses(scene: Scene, wire: FlowWire, box: Rect): boolean {
  const line = scene.curve(wire);
  if (!line) return false;
  for (let segment = 0; segment * 6 + 2 < line.length; segment++) {
    for (let step = 0; step <= 24; step++) if (inside(box, pointAt(line, segment, step / 24))) return true;
  }
  return false;
}
