// Arranging nodes: what the layout engine is asked, and the moves that its answer comes to. The same
// nodes give the same picture, so arranging twice changes nothing the second time.
import { EXEC } from "../catalog";
import type { Change } from "./change";
import type { FlowNode } from "./document";
import { FOOT, type Point, pinY, snap, unite } from "./geometry";
import { isLocked } from "./marks";
import type { Scene } from "./scene";

/** A graph as the engine (elkjs) takes it. */
export interface Graph {
  id: string;
  layoutOptions: { [name: string]: string };
  children: { id: string; width: number; height: number; ports: Port[]; layoutOptions: { [name: string]: string } }[];
  edges: { id: string; sources: string[]; targets: string[]; layoutOptions: { [name: string]: string } }[];
}

interface Port {
  id: string;
  width: number;
  height: number;
  x: number;
  y: number;
  layoutOptions: { [name: string]: string };
}

export interface Placed {
  id: string;
  x?: number | undefined;
  y?: number | undefined;
}

const OPTIONS: Graph["layoutOptions"] = {
  "elk.algorithm": "layered",
  "elk.direction": "RIGHT",
  "elk.randomSeed": "1",
  "elk.spacing.nodeNode": "24",
  "elk.spacing.componentComponent": "72",
  "elk.layered.spacing.nodeNodeBetweenLayers": "80",
  "elk.layered.spacing.edgeNodeBetweenLayers": "24",
  "elk.layered.nodePlacement.strategy": "NETWORK_SIMPLEX",
  "elk.layered.considerModelOrder.strategy": "PREFER_NODES",
};

const STRAIGHT: Graph["layoutOptions"] = { "elk.layered.priority.straightness": "10", "elk.layered.priority.direction": "10" };

/** The nodes that may be arranged: those given, else all, but for locked ones. */
export function arrangeable(scene: Scene, ids: readonly string[]): FlowNode[] {
  const nodes = ids.length > 1 ? ids.flatMap((id) => scene.flow.nodes.get(id) ?? []) : [...scene.flow.nodes.values()];
  return nodes.filter((node) => !isLocked(node));
}

export function graphOf(scene: Scene, nodes: readonly FlowNode[]): Graph {
  const ids = new Set(nodes.map((node) => node.id));
  // In the order of the document, not of the places: so the answer does not depend on where they stand.
  const order = [...scene.flow.nodes.values()].filter((node) => ids.has(node.id));
  const edges = [...scene.flow.wires.values()].filter((wire) => wire.from && wire.to && ids.has(wire.source) && ids.has(wire.target));
  return {
    id: "flow",
    layoutOptions: OPTIONS,
    children: order.map((node) => {
      const { w, h } = scene.box(node);
      return { id: node.id, width: w, height: h + FOOT, ports: portsOf(scene, node, w), layoutOptions: { "elk.portConstraints": "FIXED_POS" } };
    }),
    edges: edges.map((wire): Graph["edges"][number] => ({
      id: wire.key,
      sources: [portId(wire.source, "out", wire.sourcePin)],
      targets: [portId(wire.target, "in", wire.targetPin)],
      layoutOptions: scene.wireType(wire) === EXEC ? STRAIGHT : {},
    })),
  };
}

const portId = (node: string, side: "in" | "out", pin: string): string => JSON.stringify([node, side, pin]);

function portsOf(scene: Scene, node: FlowNode, width: number): Port[] {
  return [...scene.shape(node).index.values()].map((pin) => ({
    id: portId(node.id, pin.side, pin.id),
    width: 0,
    height: 0,
    x: pin.side === "in" ? 0 : width,
    y: pinY(pin.row),
    layoutOptions: { "elk.port.side": pin.side === "in" ? "WEST" : "EAST" },
  }));
}

/** The moves to where the engine put the nodes, their upper left corner staying where it was. */
export function movesOf(scene: Scene, nodes: readonly FlowNode[], placed: readonly Placed[]): Change[] {
  const spots = new Map(placed.map(({ id, x, y }): [string, Point] => [id, { x: x ?? 0, y: y ?? 0 }]));
  const before = unite(nodes.map((node) => scene.box(node)));
  const after = unite([...spots.values()].map(({ x, y }) => ({ x, y, w: 0, h: 0 })));
  if (!before || !after) return [];
  return nodes.flatMap((node): Change[] => {
    const spot = spots.get(node.id);
    if (!spot) return [];
    const [x, y] = [snap(before.x) + snap(spot.x - after.x), snap(before.y) + snap(spot.y - after.y)];
    return x === node.x && y === node.y ? [] : [{ op: "move", node: node.id, x, y }];
  });
}
