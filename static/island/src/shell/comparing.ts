// A value beside what it was in another run, or in the visit before: the server says where they differ.
import { partOf, Refusal } from "../bridge/http";
import { el, place } from "./parts";

/** An output of a node in one of its visits (from 1; 0: the last). */
export interface Given {
  node: string;
  pin: string;
  at: number;
}

/** Fill a box with where a value differs from another one, and a list of what else to compare it with. */
export async function compareWith(box: HTMLElement, run: string, given: Given, other = ""): Promise<void> {
  const { node, pin, at } = given;
  const query = new URLSearchParams({ flow: place("editor").dataset["flowId"] ?? "", run, node, pin, at: String(at), other });
  const fresh = document.createElement("template");
  try {
    fresh.innerHTML = await partOf(`/editor/compare?${query.toString()}`);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    fresh.content.append(el("p", "field-wrong small", error.message));
  }
  box.hidden = false;
  // The list stays where it is, since it has the keyboard.
  const list = box.querySelector("label");
  if (list && box.dataset["of"] === `${run} ${node} ${pin}`) {
    for (const old of [...box.children]) if (old !== list) old.remove();
    fresh.content.querySelector("label")?.remove();
    box.append(fresh.content);
    return;
  }
  box.dataset["of"] = `${run} ${node} ${pin}`;
  box.replaceChildren(fresh.content);
  document.dispatchEvent(new CustomEvent("htmx:afterSettle")); // times are said as people say them
  const select = box.querySelector("select");
  select?.addEventListener("change", () => void compareWith(box, run, given, select.value));
  select?.focus();
}
