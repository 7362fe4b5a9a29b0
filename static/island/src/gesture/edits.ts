// The gestures that change a flow. A canvas that is only looked at goes without them, and without their weight.
import { drag } from "./drag";
import { reroute, turnPoint } from "./reroute";
import { unwire, wire } from "./wire";

export const edits = { drag, reroute, turnPoint, unwire, wire };
export type Edits = typeof edits;
