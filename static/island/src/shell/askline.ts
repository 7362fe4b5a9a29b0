// One line asked for over the page: a title, a field with a first value, one key that goes on. `Esc` and
// "Not now" change nothing; the keyboard goes back to where it was.
import { button, el } from "./parts";

export interface Asked {
  title: string;
  label: string;
  value: string;
  go: string;
  hint: string;
}

/** What was typed, trimmed; null when the person wants it not. */
export function askLine({ title, label, value, go, hint }: Asked): Promise<string | null> {
  const before = document.activeElement instanceof HTMLElement ? document.activeElement : null;
  const dialog = el("dialog", "dialog ask-line");
  const field = el("input", "input");
  const heading = el("h2", "", title);
  const name = el("label", "name small", label);
  const note = el("p", "muted small", hint);
  heading.id = "ask-line-title";
  field.id = "ask-line-field";
  note.id = "ask-line-hint";
  field.value = value;
  field.required = true;
  field.maxLength = 200;
  field.autocomplete = "off";
  field.setAttribute("aria-describedby", note.id);
  name.htmlFor = field.id;
  dialog.setAttribute("aria-labelledby", heading.id);
  const later = button("quiet", "Not now", null, () => dialog.close());
  const form = el("form", "", heading, el("div", "field", name, field, note), el("div", "acts", later, el("button", "button primary", go)));
  dialog.append(form);
  document.body.append(dialog);
  return new Promise((resolve) => {
    let answer: string | null = null;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      answer = field.value.trim();
      if (answer) dialog.close();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (before?.isConnected) before.focus({ preventScroll: true });
      resolve(answer || null);
    });
    dialog.showModal();
    field.select();
  });
}
