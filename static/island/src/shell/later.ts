// What the editor needs later than at its start, in one file: so it shares as few others as can be.
export { loadFollows } from "../bridge/flows";
export { showApproval } from "./approval";
export { Coach } from "./coach";
export { commandsOf } from "./commands";
export { Conflict } from "./conflict";
export { Ghost } from "./ghost";
export { KeyList } from "./keylist";
export { CanvasMenu } from "./menu";
export { addFlow, ownFlows } from "./mine";
export { nameVersion } from "./naming";
export { OutlineView } from "./outline";
export { Palette } from "./palette";
export { Search } from "./search";
export { Subflows } from "./subflows";
export { Sync } from "./sync";
export { Tags } from "./tags";
export { tidy } from "./tidy";
export { UpgradeBar } from "./upgrade";
