// Measures flows as the canvas draws them: `node build.mjs --measure FILE`, where the file holds
// `{"catalog": ..., "flows": [...]}`. Prints, for each flow, the boxes of its nodes and what is wrong with them:
// nodes and notes that lie on each other or on what a run writes under a node, wires that run through a node, names of
// hidden wires that cover one.
import { readFileSync } from "node:fs";
import { Catalog, type CatalogBody, type Json } from "../src/catalog";
import { FlowDocument } from "../src/model/document";
import { FOOT, grown, inside, overlap, type Rect, textWidth } from "../src/model/geometry";
import { readMarks } from "../src/model/marks";
import { type Curve, pointAt } from "../src/model/route";
import { Scene } from "../src/model/scene";

const STEPS = 48;
/** How far a wire may reach into the rounded edge of a box. */
const EDGE = 3;
const TAG = { gap: 14, height: 24, most: 132 };

interface Thing {
  id: string;
  box: Rect;
}

function measure(scene: Scene): { boxes: { [id: string]: Rect }; bounds: Rect | null; overlaps: string[][]; feet: string[][]; crossings: string[][] } {
  const nodes = [...scene.flow.nodes.values()].map((node): Thing => ({ id: node.id, box: scene.box(node) }));
  const notes = readMarks(scene.flow).notes.map(({ id, x, y, w, h }): Thing => ({ id, box: { x, y, w, h } }));
  const things = [...nodes, ...notes, ...tags(scene)];
  const overlaps = things.flatMap((a, index) => things.slice(index + 1).flatMap((b) => (overlap(a.box, b.box) ? [[a.id, b.id]] : [])));
  const solid = [...nodes, ...notes];
  const feet = nodes.flatMap((a) => solid.flatMap((b) => (a !== b && overlap(footOf(a.box), b.box) ? [[a.id, b.id]] : [])));
  const crossings = [...scene.flow.wires.values()].flatMap((wire) => {
    const curve = scene.curve(wire);
    return curve ? solid.filter(({ box }) => crosses(curve, grown(box, -EDGE))).map(({ id }) => [wire.key, id]) : [];
  });
  return { boxes: Object.fromEntries(nodes.map(({ id, box }) => [id, box])), bounds: scene.bounds(), overlaps, feet, crossings };
}

const footOf = ({ x, y, w, h }: Rect): Rect => ({ x, y: y + h, w, h: FOOT });

function crosses(curve: Curve, box: Rect): boolean {
  for (let segment = 0; segment * 6 + 2 < curve.length; segment++) {
    for (let step = 0; step <= STEPS; step++) if (inside(box, pointAt(curve, segment, step / STEPS))) return true;
  }
  return false;
}

/** Where the names of hidden wires stand, by the look that marks.css gives them. */
function tags(scene: Scene): Thing[] {
  const found = new Map<string, Thing>();
  for (const wire of scene.flow.wires.values()) {
    if (!wire.tag) continue;
    const w = Math.min(TAG.most, textWidth(wire.tag, 11, true) + 18);
    for (const side of ["out", "in"] as const) {
      const [node, pin] = side === "out" ? [wire.source, wire.sourcePin] : [wire.target, wire.targetPin];
      const at = scene.pinPoint(node, side, pin);
      const id = `${node}.${pin} (${wire.tag})`;
      if (at) found.set(id, { id, box: { x: side === "out" ? at.x + TAG.gap : at.x - TAG.gap - w, y: at.y - TAG.height / 2, w, h: TAG.height } });
    }
  }
  return [...found.values()];
}

const asked = JSON.parse(readFileSync(process.argv[2] as string, "utf-8")) as { catalog: CatalogBody; flows: Json[] };
const catalog = new Catalog(asked.catalog);
console.log(JSON.stringify(asked.flows.map((flow) => measure(new Scene(FlowDocument.fromJSON(flow), catalog)))));
