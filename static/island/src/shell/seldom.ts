// What many a visit does without: a file of its own, loaded when it is first wanted. It shares nothing with the
// other parts, so that they stay one file each: what it needs of theirs is handed to it.
export { showApproval } from "./approval";
export { askLine } from "./askline";
export { drawWires, turnCurves, turnSteps } from "./curves";
export { commandsOf } from "./commands";
export { Conflict } from "./conflict";
export { KeyList } from "./keylist";
export { doInstead } from "./loopback";
export { CanvasMenu } from "./menu";
export { nameVersion, renameNode } from "./naming";
export { lookAtPaste } from "./pastelook";
export { awaitPlace, nextBookmark, nextFailure } from "./places";
export { showSample } from "./sample";
export { Search } from "./search";
export { tidy } from "./tidy";
export { TouchBar } from "./touchbar";
