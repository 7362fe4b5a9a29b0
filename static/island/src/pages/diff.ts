// Two versions of a flow on one canvas: what was added, removed (as a ghost), changed, or only moved. The
// list beside it comes from the server and stands without this script.
import { askJson, flowUrl, loadCatalog, Refusal } from "../bridge/http";
import type { FlowCanvas } from "../canvas/flowcanvas";
import type { JsonObject } from "../model/json";
import { union } from "../model/union";
import { el, useIcons } from "../shell/parts";
import { drawDifference, walk } from "../shell/twoflows";
import { keepCount } from "./parts/count";

interface Difference {
  nodes: { state: string; id: string }[];
  wires: { state: string; source: string; source_pin: string; target: string; target_pin: string }[];
}

const read = (flow: string, word: string): Promise<JsonObject> => askJson("GET", word === "draft" ? flowUrl(flow) : `${flowUrl(flow)}/versions/${word}`);

async function mount(place: HTMLElement): Promise<FlowCanvas> {
  const { flowId = "", before = "", after = "", icons = "" } = place.dataset;
  useIcons(icons);
  const [body, old, fresh, difference] = await Promise.all([
    loadCatalog(),
    read(flowId, before),
    read(flowId, after),
    askJson<Difference>("GET", `${flowUrl(flowId)}/diff/${before}..${after}`),
  ]);
  const { flow, ends } = union(old, fresh);
  const states = new Map(difference.wires.map((wire) => [JSON.stringify([wire.source, wire.source_pin, wire.target, wire.target_pin]), wire.state]));
  const differs = new Map(difference.nodes.map(({ id, state }) => [id, state]));
  for (const [id, end] of ends) {
    const state = states.get(end);
    if (state) differs.set(`wire ${id}`, state);
  }
  return drawDifference(place, body, flow, differs, "Both versions");
}

const place = document.getElementById("diff-canvas");
if (place) {
  try {
    walk(await mount(place), [...document.querySelectorAll<HTMLElement>(".diff-rows > li[data-node]")]);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    place.append(el("p", "soft", error.message));
  }
}
keepCount();
