// A JSON schema as a form: a row for each field, the text beside it. Both write the same text area.
import { addField, isShown, KINDS, type Kind, removeField, renameField, rowsOf, type SchemaRow, setAbout, setChoices, setKind, setRequired } from "../model/schema";
import type { JsonObject } from "../model/json";
import { button, el } from "./parts";

type Write = (schema: JsonObject) => void;
const LISTED = 200;
/** Which fields are shown as text, by path: kept while the page is open. */
const asText = new Set<string>();

/** Put the form before a text area and what stands in for it; `put` writes a text from the form. */
export function dressSchema(area: HTMLTextAreaElement, text: HTMLElement, put: (text: string) => void): void {
  const key = area.dataset["path"] ?? "";
  const box = el("div", "schema");
  const form = el("div", "schema-form");
  const modes = el("div", "schema-modes");
  modes.setAttribute("role", "group");
  modes.setAttribute("aria-label", "How the schema is edited");
  const show = (): void => {
    const schema = parsed(area.value);
    const isText = asText.has(key) || !isShown(schema);
    modes.replaceChildren(mode("Form", !isText, !isShown(schema), () => (asText.delete(key), show())), mode("Text", isText, false, () => (asText.add(key), show())));
    form.hidden = isText;
    text.hidden = !isText;
    if (!isText) draw(form, schema, (changed) => {
      put(JSON.stringify(changed, null, 2));
      setTimeout(show); // when the keyboard has come to where it was going
    });
  };
  area.addEventListener("input", () => {
    if (!text.hidden) show();
  });
  text.before(box);
  box.append(modes, form);
  show();
}

function mode(label: string, isOn: boolean, isOff: boolean, act: () => void): HTMLElement {
  const made = button("quiet small", label, null, act);
  made.setAttribute("aria-pressed", String(isOn));
  made.disabled = isOff;
  if (isOff) made.title = "This schema says more than the form can show: edit it as text.";
  return made;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text || "{}");
  } catch {
    return null;
  }
}

function draw(form: HTMLElement, schema: JsonObject, write: Write): void {
  const held = form.contains(document.activeElement) ? (document.activeElement as HTMLElement).dataset["at"] : undefined;
  const rows = rowsOf(schema);
  const shown = rows.slice(0, LISTED).map((row, index) => rowView(row, index, schema, write));
  const more = rows.length > LISTED ? [el("p", "muted small", `${rows.length - LISTED} more fields: edit them as text.`)] : [];
  const none = rows.length ? [] : [el("p", "muted small", "No fields yet.")];
  form.replaceChildren(...shown, ...none, ...more, adder([], "end", schema, write, "Add a field"));
  if (held !== undefined) form.querySelector<HTMLElement>(`[data-at="${CSS.escape(held)}"]`)?.focus();
}

function adder(path: string[], place: string, schema: JsonObject, write: Write, label: string): HTMLElement {
  const made = button("small quiet", label, "plus", () => {
    write(addField(schema, path));
  });
  made.dataset["at"] = `add ${place}`;
  return made;
}

function rowView(row: SchemaRow, index: number, schema: JsonObject, write: Write): HTMLElement {
  const called = row.path.join(" › ");
  const at = (what: string): string => `${what} ${index}`;
  const name = field(row.name, `Name of the field ${called}`, at("name"), (value) => write(renameField(schema, row.path, value.trim())));
  name.spellcheck = false;
  const kind = el("select", "select", ...[...KINDS, ...(row.kind === "other" ? ["other"] : [])].map((each) => new Option(each, each, false, each === row.kind)));
  kind.setAttribute("aria-label", `Kind of ${called}`);
  kind.dataset["at"] = at("kind");
  kind.addEventListener("change", () => write(setKind(schema, row.path, kind.value as Kind)));
  const must = el("input", "");
  must.type = "checkbox";
  must.checked = row.isRequired;
  must.dataset["at"] = at("must");
  must.addEventListener("change", () => write(setRequired(schema, row.path, must.checked)));
  const gone = button("quiet only small", "", "trash", () => write(removeField(schema, row.path)));
  gone.setAttribute("aria-label", `Remove ${called}`);
  gone.title = "Remove";
  const about = field(row.about, `What ${called} is`, at("about"), (value) => write(setAbout(schema, row.path, value.trim())));
  about.placeholder = "what it is";
  const lower = el("div", "schema-line is-lower", about, el("label", "schema-must small", must, "needed"));
  const box = el("div", "schema-row", el("div", "schema-line", name, kind, gone), lower);
  box.dataset["level"] = String(Math.min(row.path.length - 1, 4));
  if (row.kind === "text") {
    const choices = field(row.choices.join(", "), `Choices of ${called}`, at("choices"), (value) => write(setChoices(schema, row.path, listed(value))));
    choices.placeholder = "only these: red, green, …";
    box.append(choices);
  }
  if (row.holds) box.append(adder(row.path, String(index), schema, write, `Add a field to ${row.name}`));
  return box;
}

function field(value: string, label: string, at: string, change: (value: string) => void): HTMLInputElement {
  const made = el("input", "input");
  made.value = value;
  made.autocomplete = "off";
  made.setAttribute("aria-label", label);
  made.dataset["at"] = at;
  made.addEventListener("change", (event) => {
    event.stopPropagation();
    change(made.value);
  });
  return made;
}

function listed(text: string): string[] {
  return text.split(",").map((each) => each.trim()).filter(Boolean);
}
