// Keeps the page of a run right. The stream only says that something happened; the page then asks the
// server for the parts that changed, so that script and server can never tell two stories.
import type { RunEnd, RunStateEvent, RunStep, Words } from "../bridge/live.ts";
import { lastWords } from "../model/words.ts";
import { keepAnswers, restoreDrafts } from "./parts/answer.ts";
import { keepCount } from "./parts/count.ts";
import { lettersAct } from "./parts/letters.ts";
import { onUpdates, PAUSED, updatesCome } from "./parts/updates.ts";
import { keymap, PAST_NAMES } from "../canvas/keymap.ts";
import type { RunCanvas } from "./runcanvas.ts";

const page = document.querySelector<HTMLElement>("[data-run-page]");
const sign = document.querySelector<HTMLElement>("#stream-state");
const PAUSE = 150;
const MOST_ROWS = 600;
let cursor = Number(page?.dataset["cursor"] ?? 0);
let isOver = page?.dataset["over"] === "true";
let source: EventSource | null = null;
let canvas: RunCanvas | null = null;
/** The last record that came by the stream; the canvas needs them all, the list only the new ones. */
let heard = cursor;
let failures = 0;
let isAsking = false;
let isAskedAgain = false;

function show(state: string, text: string): void {
  if (!sign || sign.dataset["state"] === state) return;
  sign.dataset["state"] = state;
  sign.textContent = text;
}

function putPart(fresh: HTMLElement): void {
  const name = fresh.dataset["part"] ?? "";
  const old = page?.querySelector<HTMLElement>(`[data-part="${CSS.escape(name)}"]`);
  if (!old || old.dataset["key"] === fresh.dataset["key"]) return;
  old.replaceWith(fresh);
}

// A row is named after the position of its first record; rows stand in that order.
const place = (row: Element | null) => Number(row?.id.replace("step-", "") ?? 0);

function putRows(list: HTMLElement): void {
  const target = page?.querySelector<HTMLElement>("[data-steps]");
  if (!target) return;
  for (const fresh of [...list.children] as HTMLElement[]) {
    const old = document.getElementById(fresh.id);
    if (!old && place(fresh) > place(target.lastElementChild)) target.append(fresh);
    else if (!old) continue; // an old row that was let go
    else {
      const isOpen = old.querySelector("details")?.open;
      old.replaceWith(fresh);
      if (isOpen) fresh.querySelector("details")?.setAttribute("open", "");
    }
  }
  count(target);
}

// A page that shows all on demand keeps all; any other lets the oldest rows go.
function count(target: HTMLElement): void {
  const earlier = page?.querySelector<HTMLElement>("[data-earlier]");
  let left = Number(earlier?.dataset["earlier"] ?? 0);
  const isWhole = location.search.includes("steps=all");
  while (!isWhole && target.childElementCount > MOST_ROWS) {
    target.firstElementChild?.remove();
    left += 1;
  }
  if (earlier && left) {
    earlier.dataset["earlier"] = String(left);
    earlier.hidden = false;
  }
  const total = left + target.childElementCount;
  const words = page?.querySelector("[data-count]");
  if (words) words.textContent = `${total.toLocaleString("en")} ${total === 1 ? "step" : "steps"}`;
}

async function renew(): Promise<void> {
  if (!page || isAsking) {
    isAskedAgain = true;
    return;
  }
  isAsking = true;
  isAskedAgain = false;
  try {
    const answer = await fetch(`${location.pathname}/live?after=${cursor}`, { headers: { "HX-Request": "true" } });
    if (answer.ok) take(await answer.text());
  } catch {
    // The stream tells of the broken line and asks again when it is mended.
  }
  setTimeout(() => {
    isAsking = false;
    if (isAskedAgain) void renew();
  }, PAUSE);
}

function take(html: string): void {
  const box = document.createElement("template");
  box.innerHTML = html;
  const news = box.content.querySelector<HTMLElement>("[data-news]");
  if (!news) return;
  cursor = Number(news.dataset["cursor"] ?? cursor);
  isOver = news.dataset["over"] === "true";
  for (const part of news.querySelectorAll<HTMLElement>("[data-part]")) putPart(part);
  const rows = news.querySelector<HTMLElement>("[data-rows]");
  if (rows) putRows(rows);
  restoreDrafts();
  nameKey();
  document.dispatchEvent(new CustomEvent("htmx:afterSettle"));
  if (news.dataset["more"] === "true") isAskedAgain = true;
}

/** The flow is drawn by a script of its own; the page is whole without it. */
async function draw(): Promise<void> {
  const place = page?.querySelector<HTMLElement>("#run-canvas");
  const script = place?.dataset["script"];
  if (!place || !script) return;
  const { mount } = (await import(script)) as typeof import("./runcanvas.ts");
  canvas = await mount(place);
  if (canvas) heard = 0;
  else place.hidden = true;
}

/** What a model is saying stands in the row of its call until the call is over and the row is told anew. */
function showWords(words: Words): void {
  const rows = [...(page?.querySelectorAll<HTMLElement>(`.step[data-run="${CSS.escape(words.run_id)}"]`) ?? [])];
  const row = rows.findLast((each) => each.dataset["state"] === "running");
  const gist = row?.querySelector<HTMLElement>(".gist");
  if (!gist) return;
  gist.dataset["words"] = "";
  gist.textContent = lastWords(words.text);
}

function hear(step: RunStep): void {
  canvas?.step(step);
  heard = Math.max(heard, step.position);
  if (step.position > cursor) void renew();
}

function listen(): void {
  if (!updatesCome()) return show("paused", PAUSED);
  source = new EventSource(`/api/runs/${encodeURIComponent(page?.dataset["runPage"] ?? "")}/events?after=${heard}`);
  source.onopen = () => {
    failures = 0;
    if (isOver) return;
    show("live", "Live");
    void renew();
  };
  source.addEventListener("step", (event) => hear(JSON.parse((event as MessageEvent<string>).data) as RunStep));
  source.addEventListener("words", (event) => showWords(JSON.parse((event as MessageEvent<string>).data) as Words));
  source.addEventListener("state", (event) => canvas?.state(JSON.parse((event as MessageEvent<string>).data) as RunStateEvent));
  for (const name of ["prompt", "state"]) source.addEventListener(name, () => isOver || void renew());
  source.addEventListener("end", (event) => {
    source?.close();
    canvas?.end((JSON.parse((event as MessageEvent<string>).data) as RunEnd).status);
    show("over", "");
    if (!isOver) void renew();
    isOver = true;
  });
  source.onerror = () => {
    failures += 1;
    show(failures > 3 ? "offline" : "catching-up", failures > 3 ? "Offline: reading only" : "Catching up");
    if (source?.readyState === EventSource.CLOSED) setTimeout(listen, Math.min(15000, 500 * 2 ** Math.min(failures, 5)));
  };
}

/** The key that forks stands by its link; with the keyboard in a step, the fork begins there. */
function nameKey(): void {
  const link = page?.querySelector<HTMLElement>("[data-fork]");
  const key = keymap.label("fork");
  if (!link || !key) return;
  link.title = keymap.hint(PAST_NAMES.fork, "fork");
  link.dataset["key"] = key;
}

window.addEventListener("keydown", (event) => {
  const target = event.target as HTMLElement;
  if (event.defaultPrevented || target.isContentEditable || /^(input|select|textarea)$/i.test(target.tagName) || document.querySelector("dialog[open]")) return;
  if (keymap.actOf(event) !== "fork") return;
  event.preventDefault();
  const link = target.closest(".step")?.querySelector<HTMLElement>("[data-fork-step]") ?? page?.querySelector<HTMLElement>("[data-fork]");
  link?.click();
});

onUpdates(() => {
  source?.close();
  if (isOver) return;
  failures = 0;
  listen();
});

// A tab that nobody sees gives its line back, for browsers open few at a time.
let resting: ReturnType<typeof setTimeout> | undefined;
document.addEventListener("visibilitychange", () => {
  clearTimeout(resting);
  if (document.visibilityState === "hidden") resting = setTimeout(() => source?.close(), 20_000);
  else if (!isOver && updatesCome() && source?.readyState === EventSource.CLOSED) listen();
});

keepAnswers(() => undefined);
nameKey();
if (page) {
  await draw().catch((error: unknown) => console.error(error));
  if (!isOver || canvas) listen();
}
keepCount();

// `T` as in the editor: the run becomes a test of its flow.
document.addEventListener("keydown", (event) => {
  const save = page?.querySelector<HTMLAnchorElement>("[data-save-test]");
  if (event.key.toLowerCase() !== "t" || !save || !lettersAct() || event.ctrlKey || event.metaKey || event.altKey || /^(input|select|textarea)$/i.test((event.target as Element).tagName)) return;
  event.preventDefault();
  save.click();
});
