// What one does on the body of a node, also where a flow is only looked at: folding its pins away and
// back, and going from a value that has no room there to the inspector.
import type { FlowNode } from "../model/document";
import { giveWay } from "../model/giveway";
import { turnMark } from "../model/marks";
import type { Grown } from "../model/grow";
import type { Desk } from "./desk";

export class Bodies {
  constructor(protected readonly desk: Desk) {
    desk.root.addEventListener("click", this.click);
  }

  /** Let the next change of a field be a step of its own. Nothing can be changed here. */
  pause(): void {}

  /** Put a field in place of a node's title. Nothing can be changed here. */
  rename(_node: FlowNode): void {}

  /** Give a node one more pin. Nothing can be changed here. */
  grow(_node: FlowNode): Grown | null {
    return null;
  }

  /** Show all pins of some nodes, and let what stands below make room; or fold those again that are not used. */
  fold(nodes: readonly FlowNode[]): void {
    const { desk } = this;
    const { opened } = desk.scene.shapes;
    const some = nodes.filter((node) => desk.scene.shape(node).fold);
    for (const { id } of some) desk.view.near.raise(id);
    const open = some.some((node) => !desk.scene.shape(node).fold?.open);
    if (desk.readOnly) {
      for (const { id } of some) {
        if (open) opened.add(id);
        else opened.delete(id);
        desk.reshape(id);
      }
    } else {
      const marks = some.map((node) => turnMark(node, "opened", open));
      desk.run(open ? [...marks, ...giveWay(desk.scene, some)] : marks, open ? "Show all pins" : "Fold pins");
    }
    desk.say(!some.length ? "All pins are shown" : open ? "All pins shown" : "Pins that are not used are folded");
  }

  private readonly click = (event: MouseEvent): void => {
    const element = event.target as HTMLElement;
    const view = this.desk.view.near.viewOf(element);
    if (!view) return;
    if (element.closest(".fc-fold")) this.fold([view.node]);
    else if (element.closest(".fc-grow")) this.grow(view.node);
    else if (element.closest(".fc-field.is-json")) this.desk.events.emit("open-inspector", { node: view.node.id, pin: view.fieldOf(element)?.pin ?? null });
  };
}
