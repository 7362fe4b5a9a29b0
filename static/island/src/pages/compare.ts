// Two runs on one canvas: what both did alike, what gave something else, what only one of them came to. The table
// below comes from the server and stands without this script.
import { askJson, loadCatalog, Refusal, runUrl } from "../bridge/http";
import type { FlowCanvas } from "../canvas/flowcanvas";
import type { JsonObject } from "../model/json";
import { union } from "../model/union";
import { el, useIcons } from "../shell/parts";
import { drawDifference, walk } from "../shell/twoflows";
import { keepCount } from "./parts/count";

/** As what a node of a comparison is drawn; what is the same has a sign of its own. */
const DRAWN: Record<string, string> = { same: "same", different: "changed", left: "removed", right: "added" };

interface Told {
  /** How the visits of a node compare: of several that are not alike, "different". */
  state: string;
  words: string;
  isFirst: boolean;
}

function told(rows: readonly HTMLElement[]): Map<string, Told> {
  const found = new Map<string, Told>();
  for (const row of rows) {
    const { node = "", compare: state = "", words = "" } = row.dataset;
    const other = found.get(node);
    const isFirst = row.id === "first-difference" || other?.isFirst === true;
    if (!other) found.set(node, { state, words, isFirst });
    else if (other.state === state) other.isFirst = isFirst;
    else found.set(node, { state: "different", words: other.state === "same" ? words : other.words, isFirst });
  }
  return found;
}

async function mount(place: HTMLElement, rows: readonly HTMLElement[]): Promise<FlowCanvas> {
  const { left = "", right = "", icons = "" } = place.dataset;
  useIcons(icons);
  const [body, one, other] = await Promise.all([loadCatalog(), ...[left, right].map((run) => askJson<JsonObject>("GET", `${runUrl(run)}/flow`))]);
  const nodes = told(rows);
  const differs = new Map([...nodes].map(([id, { state }]) => [id, DRAWN[state] ?? ""]));
  const canvas = drawDifference(place, body, union(one as JsonObject, other as JsonObject).flow, differs, "Both runs");
  canvas.desk.look.foot = ({ element, node }) => {
    const here = nodes.get(node.id);
    if (!here || element.querySelector(".fc-foot")) return;
    const note = el("span", "fc-note", here.isFirst ? "First difference" : here.words);
    element.toggleAttribute("data-first", here.isFirst);
    element.append(el("div", "fc-foot", el("div", "fc-foot-row", note)));
  };
  canvas.desk.view.markAll();
  return canvas;
}

const place = document.getElementById("diff-canvas");
if (place) {
  const rows = [...document.querySelectorAll<HTMLElement>(".compare tbody > tr[data-node]")];
  try {
    const canvas = await mount(place, rows);
    walk(canvas, rows.filter((row) => row.dataset["compare"] !== "same"), document.getElementById("first-difference"));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    place.append(el("p", "soft", error.message));
  }
}
keepCount();
