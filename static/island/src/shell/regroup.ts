// What takes steps out into a flow of their own and puts them back: loaded when it is first wanted.
export { collapse } from "../model/collapse";
export { expand } from "../model/expand";
