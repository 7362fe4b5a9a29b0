// What each act of the keymap is called, by the part of the list of keys where it stands.
import { type Act, PAST_NAMES } from "./keymap";

const BUILD = {
  add: "Add a node",
  wire: "Wire from the selected node",
  settings: "Edit its settings",
  rename: "Rename a node, or a named wire",
  remove: "Remove, and join what is left",
  "remove-gap": "Remove, and leave a gap",
  disable: "Disable, or enable",
  duplicate: "Duplicate",
  note: "Add a note",
  group: "Group the selection",
  colour: "On a note or group: its colour",
  members: "On a group: select its nodes",
  pins: "Show all pins, or fold unused",
  tags: "Hide data wires behind names, or draw them",
  follow: "Follow a named wire",
  collapse: "Collapse into a subflow",
  expand: "Expand the subflow here",
  fix: "Mend the first problem",
  undo: "Undo",
  redo: "Redo",
} satisfies Partial<Record<Act, string>>;

const MOVE = {
  "select-all": "Select everything",
  tidy: "Arrange the selection, or the flow",
  curves: "Draw wires as curves, or in right angles",
  "steps-only": "Show the steps alone, or values too",
  lock: "Lock or unlock its place",
  bookmark: "Bookmark, or no longer",
  "next-bookmark": "Go to the next bookmark",
  "zoom-in": "Zoom in",
  "zoom-out": "Zoom out",
  "zoom-reset": "Zoom to 100 %",
  fit: "Fit the whole flow",
  "fit-selection": "Fit the selection",
} satisfies Partial<Record<Act, string>>;

const RUN = {
  go: "Go to, or do, anything",
  find: "Find in this flow",
  places: "Go to a page: then H, F, R, I, S, O or N",
  preferences: "Settings of the installation",
  run: "Run, with the same input again",
  "run-form": "Run with other input",
  "go-on": "Pause the run, or let it go on",
  test: "Save the run as a test",
  breakpoint: "Breakpoint, or no longer",
  "run-to": "Run to the selected node",
  "step-over": "Step over, to the next node",
  "step-into": "Step into the subflow",
  pin: "Pin the outputs, or no longer",
  fork: PAST_NAMES["fork"],
  failure: "Go to the next failure",
  back: PAST_NAMES["back"],
  forward: PAST_NAMES["forward"],
  "node-back": PAST_NAMES["node-back"],
  "node-forward": PAST_NAMES["node-forward"],
  view: "Go on to outline, text or canvas",
  "view-back": "Go back to text, outline or canvas",
  palette: "Show or hide the node types",
  side: "Show or hide the side panel",
  tab: "Next tab of the side panel",
  minimap: "Show or hide the map",
  name: "Name this version (saving is automatic)",
  keys: "Keys",
} satisfies Partial<Record<Act, string>>;

export const NAMES: { readonly [act in Act]: string } = { ...BUILD, ...MOVE, ...RUN };
export const PARTS: { readonly [part: string]: readonly Act[] } = { Build: actsOf(BUILD), Move: actsOf(MOVE), "Run and look": actsOf(RUN) };

function actsOf(names: Partial<Record<Act, string>>): Act[] {
  return Object.keys(names) as Act[];
}
