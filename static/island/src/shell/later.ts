// What the editor needs just after its start, in one file.
export { showApproval } from "./approval";
export { More } from "./more";
