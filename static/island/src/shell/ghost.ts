// An empty flow says what to do: beside its lone start stands the place of the first step.
import type { FlowCanvas } from "../canvas/flowcanvas";
import { keymap } from "../canvas/keymap";
import { el, firstStep, place } from "./parts";

/** A canvas with nothing on it says what to do. */
export function noteEmpty(canvas: FlowCanvas): void {
  const note = place("canvas-note");
  const draw = (): void => {
    note.hidden = canvas.model.nodes.size > 0;
    if (note.hidden) return;
    const key = keymap.label("add");
    const hands = matchMedia("(pointer: coarse)").matches || !key ? "Press Add" : `Press ${key}, or double-click anywhere,`;
    note.replaceChildren(el("h2", "", "An empty flow"), el("p", "", `${hands} and type what should happen first.`));
  };
  canvas.on("change", draw);
  draw();
}

export class Ghost {
  private readonly place: HTMLElement;

  constructor(private readonly canvas: FlowCanvas) {
    const key = keymap.label("add");
    const add = el("button", "fc-ghost-add", el("strong", "", "What happens first?"), el("span", "", matchMedia("(pointer: coarse)").matches || !key ? "Press here" : `Press ${key} and type`));
    add.type = "button";
    add.addEventListener("click", () => this.add());
    const more = el("a", "fc-ghost-more", "or take a starter flow");
    more.href = "/gallery";
    this.place = el("div", "fc-ghost", add, more);
    this.place.dataset["own"] = "";
    this.place.addEventListener("keydown", (event) => event.key === "Enter" && event.stopPropagation());
    canvas.desk.view.near.world.append(this.place);
    canvas.on("change", () => this.draw());
    this.draw();
  }

  private draw(): void {
    const node = this.canvas.keys.lone;
    this.place.hidden = !node;
    if (!node) return;
    const at = firstStep(this.canvas.desk.scene.box(node), this.canvas.desk.viewport.width);
    this.place.style.transform = `translate(${at.x}px,${at.y}px)`;
  }

  private add(): void {
    const node = this.canvas.keys.lone;
    if (!node) return;
    const { scene, viewport } = this.canvas.desk;
    this.canvas.keys.addAfter(node, null, viewport.toScreen(firstStep(scene.box(node), viewport.width)));
  }
}
