// The number of open questions beside "Inbox", on pages that need nothing else of htmx and so go without it.
import { updatesCome } from "./updates.ts";

const EVERY = 5000;

async function renew(): Promise<void> {
  if (!updatesCome()) return;
  const slot = document.querySelector(".count-slot");
  const place = slot?.getAttribute("hx-get");
  if (!slot || !place) return;
  const answer = await fetch(place, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (answer?.status !== 200) return; // the same number, or the server is away for now
  const box = document.createElement("template");
  box.innerHTML = await answer.text();
  const fresh = box.content.querySelector(".count-slot");
  if (fresh) slot.replaceWith(fresh);
}

/** Ask for the number now and then, as htmx does on the other pages. */
export function keepCount(): void {
  setInterval(() => void renew(), EVERY);
}
