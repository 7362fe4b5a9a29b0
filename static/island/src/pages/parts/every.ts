// What every page has: theme switch, times in the reader's zone, menus and dialogs.
import { keepLayers } from "./layers.ts";
import { keepLetters } from "./letters.ts";
import { keepTheme } from "./theme.ts";
import { keepTimes } from "./time.ts";
import { keepUpdates } from "./updates.ts";
import { toast } from "./toast.ts";

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
keepUpdates();
keepTimes();
keepLayers();
