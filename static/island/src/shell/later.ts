// What the editor needs just after its start, in one file.
export { showApproval } from "./approval";
export { startCoach } from "./coach";
export { More } from "./more";
