// The keys of pages that have none of their own: `G` and a letter go to a place, `/` to the search of the page,
// `Ctrl+K` to that of all flows, `?` shows them all. One table: what is shown is what acts.
import { lettersAct } from "./letters.ts";

export const PLACES: Record<string, [name: string, address: string]> = {
  h: ["Home", "/"],
  f: ["Flows", "/flows"],
  r: ["Runs", "/runs"],
  i: ["Inbox", "/inbox"],
  s: ["Schedules", "/schedules"],
  o: ["Outbox", "/outbox"],
  n: ["Nodes", "/nodes"],
};
export const CHORD_MS = 1200;
let going = 0;
let list: HTMLDialogElement | null = null;

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(input|select|textarea)$/i.test(target.tagName));
}

const SEARCH = "#search";

/** To the search of all flows; never away from a field in which something may have been written. */
function onSearchKey(event: KeyboardEvent): boolean {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== "k") return false;
  if (isTyping(event.target) || document.querySelector("dialog[open]")) return false;
  event.preventDefault();
  if (location.pathname === "/flows") focusSearch(event);
  else location.assign(`/flows${SEARCH}`);
  return true;
}

function onKey(event: KeyboardEvent): void {
  if (onSearchKey(event)) return;
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || list?.open || !lettersAct()) return;
  const key = event.key.toLowerCase();
  const place = Date.now() - going < CHORD_MS && PLACES[key];
  if (place) {
    event.preventDefault(); // the letter alone may mean something on this page
    location.assign(place[1]);
  } else if (key === "/") focusSearch(event);
  else if (key === "?") show();
  going = key === "g" ? Date.now() : 0;
}

function focusSearch(event: KeyboardEvent): void {
  const field = document.querySelector<HTMLInputElement>("input[type=search]");
  if (!field) return;
  event.preventDefault();
  field.focus();
}

function make<K extends keyof HTMLElementTagNameMap>(tag: K, name: string, ...inside: (Node | string)[]): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.className = name;
  made.append(...inside);
  return made;
}

function row(words: string, ...keys: string[]): HTMLElement {
  return make("div", "page-key", make("dt", "", words), make("dd", "", ...keys.flatMap((key) => [make("kbd", "", key), " "])));
}

function show(): void {
  list?.remove();
  const title = make("h2", "", "Keys");
  title.id = "page-keys";
  const close = make("button", "button", "Close");
  close.type = "button";
  close.dataset["closes"] = "";
  const rows = Object.entries(PLACES).map(([key, [name]]) => row(`Go to ${name}`, "G", key.toUpperCase()));
  if (document.querySelector("input[type=search]")) rows.push(row("Search this page", "/"));
  rows.push(row("Search all flows", "Ctrl", "K"));
  const fork = document.querySelector<HTMLElement>("[data-fork][data-key]")?.dataset["key"];
  if (fork) rows.push(row("Fork this run, at the step that has the keyboard", ...fork.split(" ")));
  const off = lettersAct() ? [] : [make("p", "soft small", "Single-letter keys are switched off, so none of these acts.")];
  list = make("dialog", "dialog", make("div", "body", title, ...off, make("dl", "page-keys", ...rows, row("This list", "?")), make("div", "acts", close)));
  list.setAttribute("aria-labelledby", title.id);
  document.body.append(list);
  list.showModal();
}

export function keepKeys(): void {
  document.addEventListener("keydown", onKey);
  if (location.hash === SEARCH) document.querySelector<HTMLInputElement>("input[type=search]")?.focus();
  document.addEventListener("click", (event) => {
    if ((event.target as Element).closest("[data-tool=keys]")) show();
  });
}
