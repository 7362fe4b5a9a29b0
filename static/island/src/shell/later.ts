// What the editor needs just after its start, in one file.
export { More } from "./more";
