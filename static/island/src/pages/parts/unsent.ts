// Answers that could not be sent, because the server is away: kept in this browser, shown above the page, and sent
// when it is back. The forms work without any of this.
import { draftKey } from "./answer.ts";
import { toast } from "./toast.ts";

/** `refused`: why the server did not take it. */
interface Unsent {
  to: string;
  body: string;
  question: string;
  answer: string;
  draft: string;
  refused?: string;
}

const KEY = "flowstudio unsent";
const EVERY = 3000;
/** So much may still be sent while the page is left. */
const MOST_KEPT = 60_000;

function all(): Unsent[] {
  return JSON.parse(localStorage.getItem(KEY) ?? "[]") as Unsent[];
}

function put(list: Unsent[]): void {
  if (list.length) localStorage.setItem(KEY, JSON.stringify(list));
  else localStorage.removeItem(KEY);
  show();
}

/** Send one; null when it was taken, a text when it was refused. Throws while the server is away, `later` also while
 * nobody is signed in. */
async function post(to: string, body: string, later: boolean): Promise<string | null> {
  const headers = { "HX-Request": "true", "Content-Type": "application/x-www-form-urlencoded" };
  const answer = await fetch(to, { method: "POST", headers, body, keepalive: body.length < MOST_KEPT });
  if (answer.ok) return null;
  if (answer.status >= 500 || (later && answer.status === 401)) throw new Error(`The server answered ${answer.status}.`);
  const problem = (await answer.json().catch(() => ({}))) as { detail?: string };
  return problem.detail ?? `The server answered ${answer.status}.`;
}

/** Keep an answer for later, in the place of an earlier one to the same question. */
export function keepForLater(answer: Unsent): void {
  put([...all().filter(({ to }) => to !== answer.to), answer]);
}

/** Send what is kept, one after the other and in one tab only. */
async function sendAll(): Promise<void> {
  if (!all().some(({ refused }) => !refused)) return;
  await navigator.locks.request(KEY, { ifAvailable: true }, async (lock) => {
    for (const each of lock ? all().filter(({ refused }) => !refused) : []) {
      const refused = await post(each.to, each.body, true).catch(() => undefined);
      if (refused === undefined) return; // still away
      const rest = all().filter(({ to }) => to !== each.to);
      put(refused === null ? rest : [...rest, { ...each, refused }]);
      if (refused !== null) continue;
      toast(`Sent: “${each.answer}”`);
      if (formOf(each)?.hidden) location.assign(after(formOf(each) as HTMLFormElement));
    }
  });
}

const formOf = ({ to }: Unsent): HTMLFormElement | null => document.querySelector(`form[action="${CSS.escape(to)}"]`);

function after(form: HTMLFormElement): string {
  const back = form.querySelector<HTMLInputElement>("[name=back]")?.value;
  return back || `${form.getAttribute("action")}?recorded=true`;
}

async function submitted(event: SubmitEvent): Promise<void> {
  const form = event.target as HTMLFormElement;
  const to = form.getAttribute("action") ?? "";
  if (form.method !== "post" || !/^\/inbox\/[^/]+$/.test(to) || form.dataset["direct"] !== undefined) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const said = new FormData(form, event.submitter);
  const body = new URLSearchParams([...said].map(([name, value]) => [name, String(value)])).toString();
  const answer = String(said.get("choice") ?? said.get("text") ?? "");
  try {
    if ((await post(to, body, false)) === null) {
      localStorage.removeItem(draftKey(form));
      return location.assign(after(form));
    }
    form.dataset["direct"] = ""; // the server's own page says why
    form.requestSubmit(event.submitter);
  } catch {
    const question = form.querySelector(".ask")?.textContent ?? form.closest("li")?.querySelector(".title")?.textContent ?? "A question";
    localStorage.removeItem(draftKey(form));
    keepForLater({ to, body, question, answer, draft: form.dataset["prompt"] ? draftKey(form) : "" });
  }
}

function show(): void {
  const list = all();
  const waiting = list.filter(({ refused }) => !refused).length;
  for (const form of document.querySelectorAll<HTMLFormElement>('form[action^="/inbox/"]')) form.hidden = list.some(({ to, refused }) => !refused && to === form.getAttribute("action"));
  const old = document.querySelector(".unsent");
  const place = document.querySelector("#content");
  if (!list.length || !place) return old?.remove();
  const note = document.createElement("section");
  note.className = "note warn unsent";
  note.setAttribute("role", "status");
  const head = document.createElement("strong");
  head.textContent = waiting ? `Reading only; ${waiting} ${waiting === 1 ? "answer" : "answers"} will be sent later` : "Not recorded";
  const rows = document.createElement("ul");
  rows.append(...list.map(row));
  note.append(head, rows);
  if (old) old.replaceWith(note);
  else place.prepend(note);
}

function row(each: Unsent): HTMLElement {
  const line = document.createElement("li");
  const words = document.createElement("span");
  words.textContent = `“${each.answer}” to “${each.question}”${each.refused ? `. ${each.refused}` : ""}`;
  const away = document.createElement("button");
  away.type = "button";
  away.className = "button small quiet";
  away.textContent = each.refused ? "Close" : "Take back";
  away.addEventListener("click", () => {
    if (each.draft && !each.refused) localStorage.setItem(each.draft, each.answer);
    put(all().filter(({ to }) => to !== each.to));
  });
  line.append(words, away);
  return line;
}

export function keepUnsent(): void {
  document.addEventListener("submit", (event) => void submitted(event), true);
  window.addEventListener("storage", ({ key }) => key === KEY && show());
  window.addEventListener("online", () => void sendAll());
  document.addEventListener("htmx:afterSettle", show);
  setInterval(() => void sendAll(), EVERY);
  show();
  void sendAll();
}
