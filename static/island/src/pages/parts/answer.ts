// Forms of questions: what one types is kept on the device until it is recorded, Ctrl+Enter sends,
// digits choose. The forms work without any of this.

import { lettersAct } from "./letters";

type Form = HTMLFormElement;
export const draftKey = (form: Form): string => `draft:${form.dataset["prompt"]}:${form.dataset["asked"]}`;
const forms = (root: ParentNode = document) => root.querySelectorAll<Form>("form[data-prompt]");

export function restoreDrafts(root: ParentNode = document): void {
  for (const form of forms(root)) {
    const field = form.querySelector("textarea");
    const kept = localStorage.getItem(draftKey(form));
    if (field && !field.value && kept) field.value = kept;
  }
}

function onInput(event: Event): void {
  const field = event.target;
  const form = field instanceof HTMLTextAreaElement ? field.closest<Form>("form[data-prompt]") : null;
  if (form) localStorage.setItem(draftKey(form), (field as HTMLTextAreaElement).value);
}

function onKey(event: KeyboardEvent): void {
  const target = event.target as HTMLElement;
  const form = target.closest<Form>("form[data-prompt]") ?? (forms().length === 1 ? forms()[0] : null);
  if (!form) return;
  const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && form.contains(target)) {
    event.preventDefault();
    form.querySelector<HTMLButtonElement>("button[name=send]")?.click();
  } else if (isPlain && lettersAct() && /^[1-9]$/.test(event.key) && !target.matches("input, textarea, select")) {
    form.querySelectorAll<HTMLButtonElement>("button[name=choice]")[Number(event.key) - 1]?.focus();
  }
}

export function keepAnswers(onSent: (form: Form) => void): void {
  restoreDrafts();
  document.addEventListener("input", onInput);
  document.addEventListener("keydown", onKey);
  document.addEventListener("submit", (event) => {
    const form = event.target as Form;
    if (!form.matches("form[data-prompt]")) return;
    localStorage.removeItem(draftKey(form));
    onSent(form);
  });
}
