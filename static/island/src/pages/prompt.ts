// The page of one question follows when somebody else answers it first.
import { keepAnswers } from "./parts/answer.ts";
import { keepTimes } from "./parts/time.ts";
import { keepUnsent } from "./parts/unsent.ts";

const EVERY = 2000;
const form = document.querySelector<HTMLFormElement>("form[data-prompt]");
let isSending = false;

async function look(): Promise<void> {
  const run = encodeURIComponent(form?.dataset["prompt"] ?? "");
  const asked = encodeURIComponent(form?.dataset["asked"] ?? "");
  try {
    const answer = await fetch(`/inbox/${run}/open?asked_at=${asked}`, { headers: { "HX-Request": "true" } });
    if (answer.status === 205 && !isSending) location.reload();
  } catch {
    // The server is away; the question stays on the screen and so does what was typed.
  }
}

keepTimes();
keepUnsent();
keepAnswers(() => (isSending = true));
if (form) setInterval(() => void look(), EVERY);
