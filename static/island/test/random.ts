// Random work in the editor: the commands that its gestures, keys, forms and menus run, chosen by dice.
import type { Change } from "../src/model/change";
import { copyText, pasteText } from "../src/model/clipboard";
import { candidates } from "../src/model/connect";
import { createNode } from "../src/model/create";
import type { FlowNode } from "../src/model/document";
import { dropPin, growPin } from "../src/model/grow";
import type { History } from "../src/model/history";
import { dissolve, makeGroup } from "../src/model/grouping";
import { carryChanges, freshMarkId, leadWire, putGroup, putNote, readMarks, turnMark } from "../src/model/marks";
import { addOwnPin, renameOwnPin, retypeOwnPin } from "../src/model/ownpins";
import type { Scene } from "../src/model/scene";
import { healChanges, spliceChanges, spliceInto } from "../src/model/splice";
import { movesOf } from "../src/model/tidy";
import { catalog } from "./fixture";
import { wireChanges } from "../src/model/wiring";

type Roll = () => number;
const WORDS = ["Who?", "näher ✓", "", "{{x}}", "a\nb", "=1+1"];

export class Hands {
  constructor(
    private readonly scene: Scene,
    private readonly history: History,
    private readonly roll: Roll,
  ) {}

  /** Do one thing; most take effect, some (no pin fits) leave all as it is. */
  act(): void {
    const acts = [this.add, this.add, this.addWired, this.wire, this.wire, this.unwire, this.remove, this.drag, this.drag, this.type, this.type, this.type, this.rename, this.grow, this.shrink, this.own, this.paste, this.note, this.group, this.fold, this.mark, this.lead, this.splice, this.arrange, this.nameFlow, this.broken, this.whole];
    this.pick(acts).call(this);
    if (this.roll() < 0.4) this.history.seal();
    this.settle();
  }

  private settle(): void {
    this.scene.sync(this.scene.flow.take());
  }

  private pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.roll() * list.length)] as T;
  }

  private run(changes: readonly Change[], label: string, key = ""): void {
    this.history.run(changes, label, key);
  }

  private get nodes(): FlowNode[] {
    return [...this.scene.flow.nodes.values()];
  }

  private some(most: number): FlowNode[] {
    return this.nodes.filter(() => this.roll() < most / (this.nodes.length + 1));
  }

  private get point(): { x: number; y: number } {
    return { x: Math.round(this.roll() * 2000), y: Math.round(this.roll() * 1200) };
  }

  private add(): void {
    const key = `create ${this.history.mark}`;
    createNode(this.scene.flow, this.scene.shapes, this.pick(catalog.cards).type, this.point, null, (changes) => this.run(changes, "Add", key));
  }

  private pinOf(node: FlowNode): { node: string; side: "in" | "out"; pin: string } | null {
    const { pins } = this.scene.shapes.of(node);
    const pin = pins.length ? this.pick(pins) : null;
    return pin && { node: node.id, side: pin.side, pin: pin.id };
  }

  private addWired(): void {
    const from = this.nodes.length ? this.pinOf(this.pick(this.nodes)) : null;
    if (!from) return;
    const key = `create ${this.history.mark}`;
    createNode(this.scene.flow, this.scene.shapes, this.pick(catalog.cards).type, this.point, from, (changes) => this.run(changes, "Add wired", key));
  }

  private wire(): void {
    const from = this.nodes.length ? this.pinOf(this.pick(this.nodes)) : null;
    const found = from ? candidates(this.scene.flow, this.scene.shapes, from) : [];
    if (from && found.length) this.run(wireChanges(this.scene.flow, this.scene.shapes, from, this.pick(found)), "Add wire", "wire");
  }

  private unwire(): void {
    const keys = [...this.scene.flow.wires.keys()];
    if (keys.length) this.run([{ op: "disconnect", edge: this.pick(keys) }], "Remove wire");
  }

  private remove(): void {
    const gone = new Set(this.some(3).map(({ id }) => id));
    const { flow, shapes } = this.scene;
    const joins = this.roll() < 0.5 ? healChanges(flow, shapes, gone) : [];
    const changes: Change[] = [...carryChanges(flow, gone), ...[...gone].map((node): Change => ({ op: "remove", node })), ...joins];
    if (gone.has(String(flow.flow.entryNode ?? ""))) changes.push({ op: "flow", path: "entryNode" });
    this.run(changes, `Remove ${gone.size}`);
  }

  private drag(): void {
    const nodes = this.some(4);
    const key = `drag ${this.history.mark}`;
    for (let move = 0; move < 3; move++) this.run(nodes.map(({ id }): Change => ({ op: "move", node: id, ...this.point })), "Move", key);
  }

  /** A drag or a wire that Esc breaks off. */
  private broken(): void {
    const mark = this.history.mark;
    this.drag();
    this.unwire();
    this.history.rollBack(mark);
  }

  private type(): void {
    if (!this.nodes.length) return;
    const node = this.pick(this.nodes);
    const path = this.pick<string | string[]>(["pinDefaults.prompt", "pinDefaults.a", "literalValue", ["pinDefaults", "a.b"], "deep.er.still", "unknown"]);
    for (let sign = 0; sign < 3; sign++) {
      const value = this.pick([...WORDS, 3, 1.5, true, null, [1, "x"], { b: 1, a: 2 }, undefined]);
      this.run([value === undefined ? { op: "set", node: node.id, path } : { op: "set", node: node.id, path, value }], "Edit", `edit ${node.id} ${String(path)}`);
    }
  }

  private rename(): void {
    if (this.nodes.length) this.run([{ op: "set", node: this.pick(this.nodes).id, path: "label", value: this.pick(WORDS) }], "Rename node");
  }

  private grow(): void {
    const grown = this.nodes.length ? growPin(this.scene.shapes, this.pick(this.nodes)) : null;
    if (grown) this.run([grown.change], "Add pin");
  }

  private shrink(): void {
    const node = this.nodes.length ? this.pick(this.nodes) : null;
    const pin = node && this.pinOf(node);
    const changes = node && pin ? dropPin(this.scene.flow, this.scene.shapes, node, pin.side, pin.pin) : null;
    if (changes) this.run(changes, "Remove pin");
  }

  private own(): void {
    const node = this.nodes.find(({ type }) => type === "begin" || type === "finish");
    if (!node) return;
    const side = node.type === "begin" ? "outputs" : "inputs";
    const pins = (Array.isArray(node.data[side]) ? node.data[side] : []) as { id: string; type: string }[];
    const named = pins.filter(({ type }) => type !== "execution");
    const { flow, shapes } = this.scene;
    if (!named.length || this.roll() < 0.4) this.run(addOwnPin(shapes, node, side, this.pick(["value", "total"])), "Add a parameter");
    else if (this.roll() < 0.5) this.run(renameOwnPin(flow, shapes, node, side, this.pick(named).id, this.pick(["sum", "Name", "x y"])), "Rename a parameter");
    else this.run(retypeOwnPin(shapes, node, side, this.pick(named).id, this.pick(["number", "object"])), "Change a type");
  }

  private paste(): void {
    const pasted = pasteText(this.scene.flow, copyText(this.scene.flow, this.some(3).map(({ id }) => id)), this.roll() < 0.5 ? this.point : null);
    if (pasted) this.run(pasted.changes, "Paste");
  }

  private note(): void {
    const { notes } = readMarks(this.scene.flow);
    const size = { w: 200, h: 120, tone: "amber" as const };
    if (notes.length && this.roll() < 0.5) this.run(putNote(this.scene.flow, { ...this.pick(notes), text: this.pick(WORDS), ...this.point }), "Edit a note", "note");
    else this.run(putNote(this.scene.flow, { id: freshMarkId(this.scene.flow, "note"), text: this.pick(WORDS), ...this.point, ...size }), "Add a note");
  }

  private group(): void {
    const nodes = this.some(4);
    if (nodes.length > 1) this.run(makeGroup(this.scene.flow, nodes, "Together").changes, "Group");
  }

  private fold(): void {
    const { groups } = readMarks(this.scene.flow);
    if (!groups.length) return;
    const group = this.pick(groups);
    this.run(this.roll() < 0.3 ? dissolve(group) : putGroup({ ...group, folded: !group.folded }), "Fold a group");
  }

  private mark(): void {
    const name = this.pick(["locked", "bookmark"] as const);
    this.run(this.some(3).map((node) => turnMark(node, name, this.roll() < 0.6)), "Mark");
  }

  private lead(): void {
    const wires = [...this.scene.flow.wires.values()].filter(({ to }) => to);
    if (wires.length) this.run(leadWire(this.pick(wires), this.roll() < 0.7 ? [this.point] : []), "Lead a wire");
  }

  private splice(): void {
    const wires = [...this.scene.flow.wires.values()];
    if (!wires.length || !this.nodes.length) return;
    const node = this.pick(this.nodes);
    const into = spliceInto(this.scene, node, this.pick(wires));
    if (into) this.run(spliceChanges(this.scene.flow, node, into), "Put node into a wire");
  }

  private arrange(): void {
    const nodes = this.some(6);
    this.run(movesOf(this.scene, nodes, nodes.map(({ id }) => ({ id, ...this.point }))), "Arrange");
  }

  private nameFlow(): void {
    this.run([{ op: "flow", path: this.pick(["name", "description"]), value: this.pick(WORDS) }], "Rename the flow", "flow name");
  }

  /** Another version in the place of this one: text form, conflicts, restored versions. */
  private whole(): void {
    if (this.roll() > 0.1) return;
    const now = this.scene.flow.toJSON();
    const nodes = [...(now.nodes as object[])].reverse();
    this.run([{ op: "whole", document: { ...now, nodes } as never }], "Edit as text");
  }
}
