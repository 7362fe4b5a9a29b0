// What many a visit does without: a file of its own, loaded when it is first wanted. It shares nothing with the
// other parts, so that they stay one file each.
export { KeyList } from "./keylist";
export { CanvasMenu } from "./menu";
export { Search } from "./search";
export { loopBack } from "./loopback";
export { lookAtPaste } from "./pastelook";
export { tidy } from "./tidy";
