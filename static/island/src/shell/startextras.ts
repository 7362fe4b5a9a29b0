// Beside the form that starts a run: examples, which are inputs kept with the flow under a name, and the same start as
// an API call. What holds a key is kept in neither; the server says what does.
import { askJson, Refusal } from "../bridge/http";
import type { FlowCanvas } from "../canvas/flowcanvas";
import type { Change } from "../model/change";
import { isObject, type JsonObject } from "../model/json";
import { button, el } from "./parts";
import type { RunForm } from "./runform";

interface Example {
  name: string;
  inputs: JsonObject;
}

interface Told {
  inputs: JsonObject;
  left_out: string[];
  call: string;
}

type Say = (text: string, urgent?: boolean) => void;

const TOKEN = "It reads the token from FLOWSTUDIO_TOKEN: “flowstudio token”, on the machine of the server, shows it.";

export function startExtras(canvas: FlowCanvas, flow: string, form: RunForm, say: Say): HTMLElement {
  return new Extras(canvas, flow, form, say).element;
}

class Extras {
  readonly element = el("div", "run-extras");
  private readonly pick = el("select", "select");
  private readonly name = el("input", "input");
  private readonly call = el("div", "run-call");
  private readonly own: HTMLElement;

  constructor(
    private readonly canvas: FlowCanvas,
    private readonly flow: string,
    private readonly form: RunForm,
    private readonly say: Say,
  ) {
    const labelled = (label: string, field: HTMLElement, ...acts: HTMLElement[]): HTMLElement => {
      const name = el("label", "name", label);
      name.htmlFor = field.id;
      return el("div", "field", name, el("div", "acts", field, ...acts));
    };
    this.pick.id = "run-example";
    this.name.id = "run-example-name";
    this.name.maxLength = 100;
    this.name.autocomplete = "off";
    this.name.placeholder = "A large order";
    this.pick.addEventListener("change", () => this.choose());
    this.own = labelled("Example", this.pick, button("small", "Rename", null, () => this.rename()), button("small", "Delete", null, () => this.remove()));
    this.name.addEventListener("keydown", (event) => {
      if (event.key === "Enter") void this.keep();
    });
    const keeping = labelled("Keep these values as an example", this.name, button("small", "Keep", null, () => void this.keep()));
    this.element.append(this.own, keeping, el("div", "acts", button("small", "Copy as API call", "copy", () => void this.copy())), this.call);
    this.list("");
  }

  private get examples(): Example[] {
    const given = this.canvas.toJSON().examples;
    const isExample = (each: unknown): each is Example => isObject(each) && typeof each.name === "string" && isObject(each.inputs);
    return Array.isArray(given) ? (given as unknown[]).filter(isExample) : [];
  }

  private list(chosen: string): void {
    this.pick.replaceChildren(new Option("None", ""), ...this.examples.map(({ name }) => new Option(name, name)));
    this.pick.value = chosen;
    this.own.hidden = !this.examples.length;
    this.turn();
  }

  private turn(): void {
    for (const act of this.own.querySelectorAll("button")) act.disabled = !this.pick.value;
  }

  private choose(): void {
    this.turn();
    const found = this.examples.find(({ name }) => name === this.pick.value);
    if (!found) return;
    this.form.fill(found.inputs);
    this.say(`The values of “${found.name}” are filled in.`);
  }

  private write(examples: Example[], label: string, chosen: string): void {
    const change: Change = examples.length ? { op: "flow", path: "examples", value: examples as unknown as JsonObject[] } : { op: "flow", path: "examples" };
    this.canvas.apply(change, label);
    this.list(chosen);
  }

  private async keep(): Promise<void> {
    const name = this.name.value.trim();
    if (!name) return this.name.focus();
    const told = await this.told();
    if (!told) return;
    const kept = { name, inputs: told.inputs };
    const isKnown = this.examples.some((each) => each.name === name);
    const examples = isKnown ? this.examples.map((each) => (each.name === name ? kept : each)) : [...this.examples, kept];
    this.write(examples, `Keep the example “${name}”`, name);
    this.name.value = "";
    const left = told.left_out.length ? ` Left out, for a key is never kept: ${told.left_out.join(", ")}.` : "";
    this.say(`The example “${name}” is kept with the flow.${left}`, left !== "");
    this.call.replaceChildren(...(left ? [el("p", "small muted", left)] : []));
  }

  private rename(): void {
    const [old, name] = [this.pick.value, this.name.value.trim()];
    if (!name || this.examples.some((each) => each.name === name)) {
      this.say(name ? `There is an example “${name}” already.` : "Type the new name below, then press Rename.", true);
      return this.name.focus();
    }
    this.write(this.examples.map((each) => (each.name === old ? { ...each, name } : each)), `Rename the example “${old}” to “${name}”`, name);
    this.name.value = "";
    this.say(`The example is called “${name}”.`);
  }

  private remove(): void {
    const old = this.pick.value;
    this.write(this.examples.filter(({ name }) => name !== old), `Delete the example “${old}”`, "");
    this.name.focus();
    this.say(`The example “${old}” is deleted. Undo brings it back.`);
  }

  private async copy(): Promise<void> {
    const told = await this.told();
    if (!told) return;
    const text = el("pre", "json", told.call);
    text.tabIndex = 0;
    text.setAttribute("aria-label", "API call");
    this.call.replaceChildren(text, el("p", "small muted", TOKEN));
    try {
      await navigator.clipboard.writeText(told.call);
      this.say("The API call is copied.");
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      this.say("The browser does not let the page write the clipboard: copy the text from here.", true);
    }
  }

  private async told(): Promise<Told | null> {
    const inputs = this.form.read();
    if (!inputs) return null;
    try {
      return await askJson<Told>("POST", "/editor/start", { body: { flow_id: this.flow, inputs } });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.say(error.message, true);
      return null;
    }
  }
}
