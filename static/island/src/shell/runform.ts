// The form that a run starts with, made from the flow's parameters. It keeps what was typed last.
import type { Reading, readText } from "../bridge/form";
import { askFirst, asksFirst } from "../bridge/runs";
import type { Json } from "../catalog";
import type { Parameter } from "../model/entry";
import type { JsonObject } from "../model/json";
import { button, el } from "./parts";

const KINDS: { [type: string]: string } = { string: "text", number: "number", boolean: "boolean", any: "any", provider: "text", model: "text" };

type Field = HTMLInputElement | HTMLTextAreaElement;

export class RunForm {
  readonly element = el("form", "run-form");
  private readonly fields = new Map<string, { field: Field; kind: string }>();

  constructor(
    parameters: readonly Parameter[],
    private readonly kept: JsonObject,
    start: (inputs: JsonObject) => void,
    private readonly readAs: typeof readText,
  ) {
    this.element.noValidate = true;
    for (const parameter of parameters) this.element.append(this.row(parameter));
    const send = button("primary", parameters.length ? "Run with these" : "Run", "play", () => undefined);
    send.type = "submit";
    this.element.append(el("div", "acts", send), this.asks());
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      const inputs = this.read();
      if (inputs) start(inputs);
    });
  }

  private asks(): HTMLElement {
    const box = el("input", "");
    box.type = "checkbox";
    box.checked = asksFirst();
    box.addEventListener("change", () => askFirst(box.checked));
    return el("label", "run-asks check small", box, "Ask before each step that acts outside");
  }

  focus(): void {
    const first = this.element.querySelector<HTMLElement>("input, textarea, button");
    first?.focus();
  }

  /** The inputs as typed, or null when a field cannot be read (it says why). */
  read(): JsonObject | null {
    const inputs: JsonObject = {};
    let isRight = true;
    for (const [id, { field, kind }] of this.fields) {
      const reading: Reading = kind === "boolean" ? { ok: true, value: (field as HTMLInputElement).checked } : this.readAs(kind, field.value, true);
      field.parentElement?.querySelector(":scope > .field-wrong")?.remove();
      if (!reading.ok) {
        field.after(el("p", "field-wrong small", reading.reason));
        if (isRight) field.focus();
        isRight = false;
      } else if (reading.value !== undefined) inputs[id] = reading.value;
    }
    return isRight ? inputs : null;
  }

  /** Put these values into the fields; those of which there is none stay as they are. */
  fill(inputs: JsonObject): void {
    for (const [id, { field, kind }] of this.fields) {
      if (!Object.hasOwn(inputs, id)) continue;
      if (kind === "boolean") (field as HTMLInputElement).checked = inputs[id] === true;
      else field.value = asText(inputs[id]);
    }
  }

  private row({ pin, preset }: Parameter): HTMLElement {
    const kind = KINDS[pin.type] ?? "json";
    const long = kind === "json" || (kind === "text" && String(preset ?? "").length > 60);
    const field: Field = long ? el("textarea", kind === "json" ? "textarea mono" : "textarea") : el("input", "input");
    field.id = `run-${pin.id}`;
    const value = Object.hasOwn(this.kept, pin.id) ? this.kept[pin.id] : preset;
    if (kind === "boolean" && field instanceof HTMLInputElement) {
      field.type = "checkbox";
      field.className = "";
      field.checked = value === true;
    } else {
      field.value = asText(value);
      field.placeholder = kind === "json" ? "JSON" : "";
    }
    field.autocomplete = "off";
    this.fields.set(pin.id, { field, kind });
    const words = [pin.label || pin.id, el("span", "muted small", ` ${pin.type}`)];
    if (kind === "boolean") return el("div", "field", el("label", "check", field, el("span", "name", ...words)));
    const name = el("label", "name", ...words);
    name.htmlFor = field.id;
    return el("div", "field", name, field);
  }
}

function asText(value: Json | undefined): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}
