// What the editor needs just after its start, in one file.
export { loadHabits } from "../bridge/flows";
export { showApproval } from "./approval";
export { begin } from "./begin";
export { Coach, startCoach } from "./coach";
export { Inspector } from "./inspector";
export { addFlow } from "./mine";
export { nameVersion, renameNode } from "./naming";
export { acceptDrops, Palette } from "./palette";
export { Peek } from "./peek";
export { ProblemRows } from "./problemrows";
export { RunPane } from "./runner";
export { Subflows } from "./subflows";
export { Sync } from "./sync";
export { Tags } from "./tags";
export { UpgradeBar } from "./upgrade";
