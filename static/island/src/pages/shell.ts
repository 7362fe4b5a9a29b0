// What every page has: theme switch, times in the reader's zone, menus and dialogs, the way by keys.
import { keepLayers } from "./parts/layers.ts";
import { keepLetters, lettersAct } from "./parts/letters.ts";
import { keepTheme } from "./parts/theme.ts";
import { keepTimes } from "./parts/time.ts";
import { toast } from "./parts/toast.ts";

const PLACES: Record<string, string> = { h: "/", f: "/flows", r: "/runs", i: "/inbox", n: "/nodes" };
let going = 0;

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(input|select|textarea)$/i.test(target.tagName));
}

function onKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || !lettersAct()) return;
  const key = event.key.toLowerCase();
  if (Date.now() - going < 1200 && PLACES[key]) location.assign(PLACES[key]);
  else if (key === "/") focusSearch(event);
  going = key === "g" ? Date.now() : 0;
}

function focusSearch(event: KeyboardEvent): void {
  const field = document.querySelector<HTMLInputElement>("input[type=search]");
  if (!field) return;
  event.preventDefault();
  field.focus();
}

async function signOut(): Promise<void> {
  await fetch("/logout", { method: "POST", headers: { "HX-Request": "true" } });
  location.assign("/login");
}

document.addEventListener("click", (event) => {
  if ((event.target as Element).closest("[data-sign-out]")) void signOut();
});
document.addEventListener("htmx:responseError", (event) => {
  const request: XMLHttpRequest | undefined = (event as CustomEvent).detail?.xhr;
  if (request && request.status !== 401) toast(request.responseText.slice(0, 300) || "The server refused this.");
});
keepTheme();
keepLetters();
keepTimes();
keepLayers();
if (!document.querySelector("[data-own-keys]")) document.addEventListener("keydown", onKey);
