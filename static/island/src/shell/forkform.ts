// What a fork of the run begins with: the server's own form, the same as on its page, beside the canvas.
import { button, el } from "./parts";

interface Hooks {
  started(run: string): void;
  left(): void;
  say(text: string, urgent?: boolean): void;
}

const PART = { "HX-Request": "true", Accept: "text/html" };
const GONE = "The server does not answer: nothing was started. Try again.";

/** What the form opens with: for the draft instead of the flow that the run had, and what becomes of outside effects. */
export interface Chosen {
  version?: "draft";
  effects?: "recorded";
}

function titleOf({ version, effects }: Chosen): string {
  if (version) return "Go on with the mended flow";
  return effects ? "Do again what failed" : "Change something, and go on";
}

/** Put the form into its place; a fork that it starts is told. */
export async function openFork(run: string, seq: number | null, chosen: Chosen, place: HTMLElement, hooks: Hooks): Promise<void> {
  const address = `/runs/${encodeURIComponent(run)}/fork`;
  const leave = (): void => {
    place.replaceChildren();
    hooks.left();
  };
  const show = async (answer: Response): Promise<void> => {
    const box = document.createElement("template");
    if (/^text\/html/.test(answer.headers.get("Content-Type") ?? "")) box.innerHTML = await answer.text();
    else box.content.append(el("p", "note danger", ((await answer.json()) as { detail?: string }).detail ?? GONE));
    const form = box.content.querySelector("form");
    const close = button("small quiet", "Leave it", null, leave);
    const past = box.content.querySelector("[data-fork-leave], .acts > a");
    if (past) past.replaceWith(close);
    else box.content.append(close);
    form?.addEventListener("submit", (event) => {
      event.preventDefault();
      void send(form);
    });
    place.replaceChildren(el("section", "fork-card", el("h3", "", titleOf(chosen)), box.content));
    place.onkeydown = (event) => {
      if (event.key === "Escape") {
        event.stopPropagation();
        leave();
      } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form?.requestSubmit();
    };
    const first = place.querySelector<HTMLElement>("[aria-invalid]") ?? place.querySelector<HTMLElement>(":is(fieldset, details[open]) textarea") ?? place.querySelector<HTMLElement>("summary, input:checked, button");
    first?.focus({ preventScroll: true });
    place.scrollIntoView({ block: "nearest" });
    hooks.say(place.querySelector(".fork-instant, [role=alert]")?.textContent?.trim().replace(/\s+/g, " ") ?? "");
  };
  const send = async (form: HTMLFormElement): Promise<void> => {
    const fields = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (typeof value === "string") fields.append(name, value);
    try {
      const answer = await fetch(address, { method: "POST", headers: PART, body: fields });
      const begun = answer.headers.get("X-Run");
      if (begun) {
        hooks.started(begun);
        document.querySelector<HTMLElement>("#tab-run")?.focus({ preventScroll: true }); // the form is gone, and the focus with it
      } else await show(answer);
    } catch {
      hooks.say(GONE, true);
    }
  };
  try {
    await show(await fetch(`${address}?${new URLSearchParams({ ...(seq === null ? {} : { seq: String(seq) }), ...chosen })}`, { headers: PART }));
  } catch {
    hooks.say(GONE, true);
  }
}
