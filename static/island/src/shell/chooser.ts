// A field and a list at a spot of the page: type, choose, done. The field has the focus before the
// panel is painted, so no keystroke is lost; `Esc` closes and changes nothing.
import { el, icon } from "./parts";

export interface Choice {
  id: string;
  mark: Node;
  name: string;
  about: string;
  note?: string;
  /** What stands at the end of its line, for the eye alone. */
  more?: HTMLElement;
}

export interface Choosing {
  /** Where the panel opens, in px of the page. */
  x: number;
  y: number;
  label: string;
  placeholder: string;
  none: string;
  find(words: string): Choice[];
  /** Whether what is searched is still on its way: Enter then takes the first row when it is here. */
  isComing?(): boolean;
  chosen(id: string): void;
  /** Show beside the panel what a row is, when `id` names one; else nothing more. */
  sample?(id: string | null, panel: HTMLElement): void;
  /** Ask once more, after what was chosen with Ctrl+Enter. */
  again?(): void;
  closed(): void;
}

const WIDTH = 360;
const HEIGHT = 420;

export class Chooser {
  private readonly panel = el("div", "chooser");
  private readonly field = el("input", "input");
  private readonly list = el("div", "chooser-list");
  private readonly foot = el("p", "chooser-foot");
  private readonly example = el("button", "link", "Tab: example");
  private asked: Choosing | null = null;
  private before: HTMLElement | null = null;
  private ids: string[] = [];
  private at = 0;
  /** Enter was pressed before there was anything to take. */
  private isEntered = false;
  /** Whether an example of the row that is marked is shown. */
  private isSampled = false;

  constructor() {
    this.example.type = "button";
    this.example.tabIndex = -1;
    this.field.type = "search";
    this.field.autocomplete = "off";
    this.field.spellcheck = false;
    this.field.setAttribute("role", "combobox");
    this.field.setAttribute("aria-expanded", "true");
    this.field.setAttribute("aria-controls", "chooser-list");
    this.list.id = "chooser-list";
    this.list.setAttribute("role", "listbox");
    this.panel.setAttribute("role", "dialog");
    this.panel.append(el("label", "search", icon("search"), this.field), this.list, this.foot);
    this.panel.hidden = true;
    document.body.append(this.panel);
    this.field.addEventListener("input", () => {
      this.isEntered = false;
      this.show();
    });
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.foot.addEventListener("click", (event) => event.target !== this.foot && this.turnSample());
    this.list.addEventListener("click", (event) => this.choose((event.target as Element).closest<HTMLElement>("[data-id]")?.dataset["id"]));
    document.addEventListener("pointerdown", (event) => {
      if (this.asked && !this.panel.contains(event.target as Node)) this.leave();
    });
  }

  get isOpen(): boolean {
    return this.asked !== null;
  }

  open(asked: Choosing): void {
    this.close();
    this.before = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    this.asked = asked;
    this.isEntered = false;
    this.panel.hidden = false;
    this.panel.setAttribute("aria-label", asked.label);
    this.field.setAttribute("aria-label", asked.label);
    this.field.value = "";
    this.field.placeholder = asked.placeholder;
    this.field.focus({ preventScroll: true });
    this.panel.style.left = `${Math.max(8, Math.min(asked.x, innerWidth - WIDTH - 8))}px`;
    this.panel.style.top = `${Math.max(8, Math.min(asked.y, innerHeight - HEIGHT - 8))}px`;
    this.show();
  }

  /** Close and give the keyboard back to where it was. */
  close(): void {
    const asked = this.asked;
    if (!asked) return;
    this.leave();
    if (this.before?.isConnected && this.before !== document.body) this.before.focus({ preventScroll: true });
    else asked.closed();
  }

  /** What is hidden keeps the focus until the next frame, and would swallow a key that comes before. */
  private leave(): void {
    this.isSampled = false;
    this.sample();
    this.asked = null;
    this.panel.hidden = true;
    this.field.blur();
  }

  /** Look again, as when what is searched has come. */
  refresh(): void {
    if (!this.asked) return;
    this.show();
    if (this.isEntered && !this.asked.isComing?.()) this.choose(this.ids[this.at]);
  }

  private show(): void {
    const found = this.asked?.find(this.field.value) ?? [];
    this.ids = found.map((choice) => choice.id);
    const rows = found.map((choice, index) => {
      const name = el("span", "chooser-name", choice.name);
      const row = el("div", "chooser-row", choice.mark, el("span", "chooser-words", name, el("span", "chooser-about", choice.about)));
      if (choice.more) row.append(choice.more);
      if (choice.note) row.append(el("span", "chooser-note", choice.note));
      row.id = `chooser-${index}`;
      row.dataset["id"] = choice.id;
      row.setAttribute("role", "option");
      return row;
    });
    this.list.replaceChildren(...rows);
    this.list.scrollTop = 0;
    const none = this.asked?.isComing?.() ? "Looking…" : (this.asked?.none ?? "");
    this.foot.textContent = rows.length ? `↑ ↓ Enter takes${this.asked?.again ? " · Ctrl Enter: one more" : " · Esc closes"}` : none;
    if (rows.length && this.asked?.sample) this.foot.append(this.example);
    this.mark(0);
  }

  private mark(index: number): void {
    this.at = Math.max(0, Math.min(index, this.ids.length - 1));
    for (const [spot, row] of [...this.list.children].entries()) row.setAttribute("aria-selected", String(spot === this.at));
    const current = this.list.children[this.at];
    this.field.setAttribute("aria-activedescendant", current?.id ?? "");
    current?.scrollIntoView({ block: "nearest" });
    this.sample();
  }

  private sample(): void {
    this.asked?.sample?.((this.isSampled && this.ids[this.at]) || null, this.panel);
  }

  private turnSample(): void {
    this.isSampled = !this.isSampled;
    this.sample();
    this.field.focus();
  }

  private key(event: KeyboardEvent): void {
    event.stopPropagation();
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
    const step = steps[event.key];
    if (step) this.mark(this.at + step);
    else if (event.key === "Enter") this.enter(event.ctrlKey || event.metaKey);
    else if (event.key === "Tab" && !event.shiftKey && this.asked?.sample) this.turnSample();
    else if (event.key === "Tab" && this.isSampled) this.panel.querySelector<HTMLElement>(".chooser-sample")?.focus();
    else if (event.key === "Escape" || event.key === "Tab") this.close();
    else return;
    event.preventDefault();
  }

  private enter(again: boolean): void {
    const { asked } = this;
    this.isEntered = !this.ids.length && Boolean(asked?.isComing?.());
    this.choose(this.ids[this.at]);
    if (again && !this.asked && !this.isEntered) asked?.again?.();
  }

  private choose(id: string | undefined): void {
    const asked = this.asked;
    if (id === undefined || !asked) return;
    this.leave();
    asked.chosen(id);
  }
}
