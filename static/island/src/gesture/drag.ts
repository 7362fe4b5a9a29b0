// Dragging the selected nodes: on the 8 px grid, aligned with their neighbours, as one step of undo.
import { align, type Guide } from "../model/guides";
import { type Splice, spliceAt, spliceChanges } from "../model/splice";
import { grown, overlap, type Point, type Rect, snap } from "../model/geometry";
import { isLocked } from "../model/marks";
import type { FlowNode } from "../model/document";
import type { Pointer, Stage, State } from "./machine";

const REACH = 6;

export function drag(stage: Stage, start: Pointer, node: string): State {
  const mark = stage.mark();
  const key = `drag ${mark} ${start.id} ${start.time}`;
  if (start.alt) stage.duplicate({ x: 0, y: 0 }, key); // with its way one step
  const chosen = stage.selection.nodes.has(node) || start.alt ? [...stage.selection.nodes] : [node];
  const moved = chosen.filter((id) => !isLocked(stage.scene.flow.nodes.get(id) as FlowNode));
  const lead = stage.selection.nodes.has(node) ? node : (moved[0] as string);
  const origins = new Map(moved.map((id) => [id, placeOf(stage, id)]));
  const grip = stage.viewport.toWorld(start.at);
  const others = neighbours(stage, new Set(moved));
  let went = false;
  let splice: Splice | null = null;
  stage.lift(moved);
  const done = (): void => {
    stage.showGuides([]);
    stage.drop();
    stage.seal();
  };
  const move = (pointer: Pointer): void => {
    const at = stage.viewport.toWorld(pointer.at);
    const shift = shiftOf(stage, lead, origins, { x: at.x - grip.x, y: at.y - grip.y }, pointer.alt && !start.alt, others);
    stage.showGuides(shift.guides);
    if (!went && !shift.x && !shift.y) return;
    went = true;
    const changes = moved.map((id) => {
      const from = origins.get(id) as Point;
      return { op: "move" as const, node: id, x: from.x + shift.x, y: from.y + shift.y };
    });
    stage.run(changes, moved.length > 1 ? `Move ${moved.length} nodes` : "Move node", key);
    const only = moved.length === 1 ? stage.scene.flow.nodes.get(lead) : undefined;
    splice = only ? spliceAt(stage.scene, only) : null;
    stage.hover(splice && { kind: "wire", wire: splice.wire.key });
  };
  return {
    name: "drag",
    edges: true,
    move,
    up(pointer) {
      move(pointer);
      const node = stage.scene.flow.nodes.get(lead);
      if (splice && node) stage.run(spliceChanges(stage.scene.flow, node, splice), "Put node into a wire", key);
      stage.hover(null);
      done();
      return null;
    },
    cancel() {
      stage.rollBack(mark);
      done();
    },
  };
}

function placeOf(stage: Stage, id: string): Point {
  const node = stage.scene.flow.nodes.get(id);
  return { x: node?.x ?? 0, y: node?.y ?? 0 };
}

/** The boxes on screen that stay where they are. */
function neighbours(stage: Stage, moved: Set<string>): Rect[] {
  const view = stage.viewport.world();
  const nodes = stage.scene.nodesIn(view).filter((node) => !moved.has(node.id));
  return nodes.length > 300 ? [] : nodes.map((node) => stage.scene.box(node));
}

function shiftOf(stage: Stage, lead: string, origins: Map<string, Point>, by: Point, free: boolean, others: readonly Rect[]): Point & { guides: readonly Guide[] } {
  const from = origins.get(lead) as Point;
  if (free) return { x: Math.round(by.x), y: Math.round(by.y), guides: [] };
  const x = snap(from.x + by.x) - from.x;
  const y = snap(from.y + by.y) - from.y;
  const node = stage.scene.flow.nodes.get(lead);
  if (!node) return { x, y, guides: [] };
  const box = { ...stage.scene.box(node), x: from.x + by.x, y: from.y + by.y };
  const reach = REACH / stage.viewport.zoom;
  const near = others.filter((other) => overlap(grown(box, 600), other));
  const { dx, dy, guides } = align(box, near, reach);
  return { x: dx || hasAxis(guides, "x") ? by.x + dx : x, y: dy || hasAxis(guides, "y") ? by.y + dy : y, guides };
}

const hasAxis = (guides: readonly Guide[], axis: string): boolean => guides.some((guide) => guide.axis === axis);
