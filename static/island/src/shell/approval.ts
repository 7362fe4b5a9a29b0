// Calls of tools that a person is to allow: the same form as in the inbox, and checked by the same rule.
import type { promptFormOf, sendPromptForm } from "../bridge/runs";
import type { Prompt } from "../bridge/live";

/** How the form of a question is fetched and sent. */
export interface Post {
  form: typeof promptFormOf;
  answer: typeof sendPromptForm;
}

export type Send = (said: string, post: () => Promise<void>) => void;

/** Put the form of the question into its card; what it says goes out by `send`. */
export async function showApproval(card: HTMLElement, prompt: Prompt, said: HTMLElement, send: Send, post: Post): Promise<void> {
  const box = document.createElement("template");
  box.innerHTML = await post.form(prompt.run_id);
  const form = box.content.querySelector("form");
  if (!form) return;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const pressed = event.submitter as HTMLButtonElement | null;
    const fields = new URLSearchParams();
    for (const [name, value] of new FormData(form, pressed)) if (typeof value === "string") fields.append(name, value);
    send(fields.get("choice") ?? fields.get("text") ?? "", () => post.answer(prompt.run_id, fields));
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.querySelector<HTMLButtonElement>("[name=send]")?.click();
  });
  form.querySelector(".choices")?.before(said); // what is wrong stands by the arguments
  card.append(form);
}
