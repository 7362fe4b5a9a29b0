// The list of flows: delete with undo, and files dropped anywhere on the page.
import { Refusal, ask, sendJson } from "./parts/http.ts";
import { toast } from "./parts/toast.ts";

/** What the server answers to an import. */
interface Done {
  entrypoint: string;
  reaches: { what: string; nodes: number }[];
}

const row = (id: string) => document.querySelector<HTMLElement>(`[data-flow="${CSS.escape(id)}"]`);
const refresh = () => document.body.dispatchEvent(new CustomEvent("flows-changed", { bubbles: true }));

async function remove(id: string, name: string): Promise<void> {
  const line = row(id);
  try {
    const answer = await ask(`/api/flows/${encodeURIComponent(id)}`);
    const kept: unknown = await answer.json();
    await ask(`/api/flows/${encodeURIComponent(id)}`, {
      method: "DELETE",
      headers: { "HX-Request": "true", "If-Match": answer.headers.get("ETag") ?? "*" },
    });
    line?.setAttribute("hidden", "");
    toast(`“${name}” was deleted.`, { label: "Undo", run: () => void restore(id, kept) }, 15);
    refresh();
  } catch (error) {
    toast((error as Error).message);
  }
}

async function restore(id: string, document: unknown): Promise<void> {
  try {
    await sendJson(`/api/flows/${encodeURIComponent(id)}`, "PUT", document, { "If-None-Match": "*" });
    row(id)?.removeAttribute("hidden");
    refresh();
  } catch (error) {
    toast((error as Error).message);
  }
}

const form = () => document.querySelector<HTMLFormElement>("#import");

function sayWrong(text: string, isClash: boolean): void {
  const wrong = form()?.querySelector<HTMLElement>("[data-import-wrong]");
  const clash = form()?.querySelector<HTMLElement>("[data-import-clash]");
  if (wrong) wrong.textContent = text;
  wrong?.toggleAttribute("hidden", !text);
  clash?.toggleAttribute("hidden", !isClash);
}

/** Say what the newcomers touch outside of a run before anybody runs them. */
function sayReaches(reaches: Done["reaches"], address: string): void {
  const dialog = document.querySelector<HTMLDialogElement>("#import-dialog");
  const list = dialog?.querySelector("[data-reaches]");
  const look = dialog?.querySelector<HTMLAnchorElement>("[data-arrived]");
  if (!dialog || !list || !look) return location.assign(address);
  const lines = reaches.map(({ what, nodes }) => {
    const line = document.createElement("li");
    line.textContent = `${what} (${nodes === 1 ? "1 node" : `${nodes} nodes`})`;
    return line;
  });
  list.replaceChildren(...lines);
  look.href = address;
  form()?.setAttribute("hidden", "");
  dialog.querySelector("#arrived")?.removeAttribute("hidden");
  if (!dialog.open) dialog.showModal();
  look.focus();
  refresh();
}

async function takeIn(onConflict: string): Promise<void> {
  const files = form();
  if (!files) return;
  sayWrong("", false);
  try {
    const options = { method: "POST", body: new FormData(files), headers: { "HX-Request": "true" } };
    const answer = await ask(`/api/imports?on_conflict=${onConflict}`, options);
    const done: Done = await answer.json();
    const address = `/flows/${encodeURIComponent(done.entrypoint)}`;
    if (done.reaches.length) sayReaches(done.reaches, address);
    else location.assign(address);
  } catch (error) {
    document.querySelector<HTMLDialogElement>("#import-dialog:not([open])")?.showModal();
    sayWrong((error as Error).message, error instanceof Refusal && error.status === 409);
  }
}

function takeDrop(event: DragEvent): void {
  const input = form()?.querySelector<HTMLInputElement>("input[type=file]");
  const files = event.dataTransfer?.files;
  if (!input || !files?.length) return;
  event.preventDefault();
  input.files = files;
  void takeIn("refuse");
}

document.addEventListener("click", (event) => {
  const button = (event.target as Element).closest<HTMLElement>("[data-delete-flow], [data-import-as]");
  if (!button) return;
  button.closest("details")?.removeAttribute("open");
  if (button.dataset["importAs"]) void takeIn(button.dataset["importAs"]);
  else void remove(button.dataset["deleteFlow"] ?? "", button.dataset["name"] ?? "");
});
document.addEventListener("change", (event) => {
  const input = event.target as HTMLInputElement;
  if (input.matches("#import input[type=file]") && input.files?.length) void takeIn("refuse");
});
document.addEventListener("dragover", (event) => {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  for (const place of document.querySelectorAll("[data-drop-here]")) place.setAttribute("data-over", "");
});
for (const name of ["dragleave", "drop"]) {
  document.addEventListener(name, () => {
    for (const place of document.querySelectorAll("[data-drop-here]")) place.removeAttribute("data-over");
  });
}
document.addEventListener("drop", takeDrop);
if (location.hash === "#import") document.querySelector<HTMLDialogElement>("#import-dialog")?.showModal();
