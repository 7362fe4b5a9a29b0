// A flow in the words of an older version: what would change, and a button that changes it. Opening
// writes nothing; what is taken here is an edit like any other, saved with the next save, undone by Undo.
import type { upgradeOf } from "../bridge/panel";
import type { FlowCanvas } from "../canvas/flowcanvas";
import { titleOf } from "../model/geometry";
import type { Problem } from "../view/look";
import { button, el, icon, place } from "./parts";

const SHOWN = 200;

export class UpgradeBar {
  private readonly bar = place("upgrade");
  private refused = false;

  constructor(
    private readonly canvas: FlowCanvas,
    /** What would change today; null where it cannot be told. */
    private readonly ask: () => Promise<Awaited<ReturnType<typeof upgradeOf>> | null>,
    private readonly say: (text: string) => void,
  ) {}

  /** Show what would change, if anything. */
  async look(): Promise<void> {
    const found = await this.ask();
    if (!found?.changes.length || this.refused) return this.close();
    this.show(found.differences);
  }

  private show(differences: readonly Problem[]): void {
    const count = differences.length;
    const title = `${count} ${count === 1 ? "thing is" : "things are"} written as in an older version.`;
    const details = el("details", "upgrade-list", el("summary", "", "What would change"));
    details.append(el("ul", "", ...differences.slice(0, SHOWN).map((each) => el("li", "", this.words(each)))));
    if (count > SHOWN) details.append(el("p", "small muted", `and ${count - SHOWN} more`));
    const take = button("small primary", "Bring up to date", null, () => void this.take());
    const leave = button("small", "Leave it", null, () => this.leave());
    const words = el("div", "upgrade-words", el("p", "", el("strong", "", title), " It runs as it is. Nothing is written until you save."), details);
    this.bar.replaceChildren(icon("info"), words, el("div", "acts", take, leave));
    this.bar.hidden = false;
  }

  private words(difference: Problem): string {
    const node = difference.node ? this.canvas.model.nodes.get(difference.node) : undefined;
    if (!node) return difference.message;
    return difference.message.replace(`Node '${node.id}'`, titleOf(node, this.canvas.desk.scene.shapes.of(node)));
  }

  private async take(): Promise<void> {
    const found = await this.ask();
    this.close();
    if (!found?.changes.length) return;
    this.canvas.apply(found.changes, "Bring up to date");
    this.say("The flow is written in today's words. Undo takes that back.");
  }

  private leave(): void {
    this.refused = true;
    this.close();
  }

  private close(): void {
    const held = this.bar.contains(document.activeElement);
    this.bar.hidden = true;
    this.bar.replaceChildren();
    if (held) this.canvas.root.focus({ preventScroll: true });
  }
}
