// What every page has: theme switch, times in the reader's zone, menus and dialogs, the way by keys.
import { keepLayers } from "./parts/layers.ts";
import { keepLetters } from "./parts/letters.ts";
import { keepKeys } from "./parts/pagekeys.ts";
import { keepTheme } from "./parts/theme.ts";
import { keepTimes } from "./parts/time.ts";
import { keepUpdates } from "./parts/updates.ts";
import { toast } from "./parts/toast.ts";

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
if (!document.querySelector("[data-own-keys]")) keepKeys();
