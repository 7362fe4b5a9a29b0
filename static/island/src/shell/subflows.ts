// Subflows: take steps out into a flow of their own, put them back, step into a called flow and out again,
// and choose whether a node follows its flow or has a copy for itself.
import { createFlow, freshFlowId, loadBound, rememberPlace, stepInAddress } from "../bridge/flows";
import { Refusal } from "../bridge/http";
import type { FlowCanvas } from "../canvas/flowcanvas";
import { type Json } from "../catalog";
import { calledAt, isCall } from "../model/called";
import { bindTo, versionOf } from "../model/calls";
import type { Change } from "../model/change";
import type { FlowNode } from "../model/document";
import { titleOf } from "../model/geometry";
import { ownOf, rewrite } from "../model/marks";
import { readingOrder } from "../model/neighbour";
import { parseFlow } from "../model/serialize";
import { toast } from "../pages/parts/toast";

/** What the page knows of a run: its id, and the newest run of each flow that it called. */
export interface RunTree {
  run: string | null;
  calls: ReadonlyMap<string, string>;
}

export class Subflows {
  private isBusy = false;

  constructor(
    private readonly canvas: FlowCanvas,
    private readonly flow: string,
  ) {}

  /** Take the selected steps out into a flow of their own. */
  collapse(): Promise<void> {
    return this.alone(async () => {
      const { canvas } = this;
      const { scene } = canvas.desk;
      const { collapse } = await regroup();
      const id = freshFlowId();
      const made = collapse(scene, canvas.selection.nodes, { id, name: this.nameFor() });
      if ("reason" in made) return this.refuse(made.reason);
      const { version } = canvas.model;
      await createFlow(made.called);
      if (canvas.model.version !== version) return this.refuse("The flow changed meanwhile, so nothing was taken out.");
      canvas.apply(made.changes, "Collapse into a subflow");
      canvas.focusNode(made.node);
      canvas.desk.say(`Collapsed into the subflow ${String(made.called.name)}`);
      const node = canvas.model.nodes.get(made.node);
      if (node) canvas.fields.rename(node);
    });
  }

  /** Put the steps of the selected node's flow in its place. */
  expand(): Promise<void> {
    return this.alone(async () => {
      const { canvas } = this;
      const node = this.only();
      if (!node) return this.refuse("Select one node that runs a flow.");
      const { version } = canvas.model;
      const [{ expand }, document] = await Promise.all([regroup(), loadBound(this.called(node), versionOf(node))]);
      if (canvas.model.version !== version) return this.refuse("The flow changed meanwhile, so nothing was put in place.");
      const made = expand(canvas.desk.scene, node, parseFlow(document));
      if ("reason" in made) return this.refuse(made.reason);
      canvas.apply(made.changes, "Expand a subflow");
      canvas.select(made.nodes);
      canvas.desk.say(`Expanded into ${made.nodes.length} nodes`);
    });
  }

  /** Go into the flow that a node runs, with the call's own run when there is one. */
  async enter(id: string, { run, calls }: RunTree): Promise<void> {
    const node = this.canvas.model.nodes.get(id);
    const called = node && this.called(node);
    if (!node || !called) return;
    const last = this.canvas.desk.look.progress.nodes.get(id)?.outputs?.["sub_run_id"];
    const inner = typeof last === "string" && last ? last : (calls.get(called) ?? null);
    rememberPlace(this.flow, id, this.canvas.view);
    location.assign(stepInAddress(called, inner, { flow: this.flow, node: id, run }));
  }

  /** Give the selected node a copy of its flow for itself; or let it follow the flow again. */
  link(): Promise<void> {
    return this.alone(async () => {
      const { canvas } = this;
      const node = this.only();
      if (!node) return this.refuse("Select one node that runs a flow.");
      const before = ownOf(node);
      if (before) {
        canvas.apply([this.calls(node, before), setOwn(node, null)], "Follow the flow again");
        return canvas.desk.say("The node follows its flow again");
      }
      const called = this.called(node);
      const document = await loadBound(called, versionOf(node));
      const id = freshFlowId();
      const title = titleOf(node, canvas.desk.scene.shapes.of(node));
      await createFlow({ ...document, id, name: `${String(document.name ?? called)} (${title})` });
      canvas.apply([this.calls(node, id), bindTo(node, ""), setOwn(node, called)], "Make it a copy of its own");
      canvas.desk.say("The node has a copy of its own");
    });
  }

  private calls(node: FlowNode, flow: string): Change {
    return { op: "set", node: node.id, path: this.path(node), value: flow };
  }

  private only(): FlowNode | undefined {
    const [id, more] = this.canvas.selection.nodes;
    const node = id && !more ? this.canvas.model.nodes.get(id) : undefined;
    return node && isCall(this.canvas.catalog.card(node.type)) && this.called(node) ? node : undefined;
  }

  private path(node: FlowNode): string {
    return calledAt(this.canvas.catalog.card(node.type)) ?? "";
  }

  private called(node: FlowNode): string {
    const value: Json | undefined = node.data[this.path(node)];
    return typeof value === "string" ? value.trim() : "";
  }

  /** What the part is called at first: by the steps that it begins and ends with. */
  private nameFor(): string {
    const { scene } = this.canvas.desk;
    const chosen = new Set(this.canvas.selection.nodes);
    const titles = readingOrder(scene).flatMap((node) => (chosen.has(node.id) && scene.shape(node).step ? [titleOf(node, scene.shape(node))] : []));
    return titles.length > 1 ? `${titles[0]} to ${titles.at(-1)}` : (titles[0] ?? "Subflow");
  }

  private refuse(reason: string): void {
    toast(reason, undefined, 8);
    this.canvas.desk.say(reason, true);
  }

  /** One at a time; what the server refuses is said. */
  private async alone(act: () => Promise<void>): Promise<void> {
    if (this.isBusy || this.canvas.desk.readOnly) return;
    this.isBusy = true;
    try {
      await act();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.refuse(error.message);
    } finally {
      this.isBusy = false;
    }
  }
}

async function regroup(): Promise<typeof import("./regroup")> {
  return import("./regroup").catch(() => {
    throw new Refusal(0, "unloaded", "This part of the editor cannot be loaded: the server cannot be reached.", {});
  });
}

/** Say which flow a node's own copy was made from, or that the node follows its flow again. */
function setOwn(node: FlowNode, flow: string | null): Change {
  return rewrite(node, (marks) => {
    if (flow) marks.own = flow;
    else delete marks.own;
  });
}
