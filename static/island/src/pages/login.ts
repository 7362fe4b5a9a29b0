// Trades the token of the login link for a session. It travels in the fragment, which browsers keep
// to themselves, and is wiped from the address before anything else happens.
import { Refusal, sendJson } from "./parts/http.ts";

const form = document.querySelector<HTMLFormElement>("#login");
const field = document.querySelector<HTMLInputElement>("#token");
const message = document.querySelector<HTMLElement>("#login-message");

function destination(): string {
  const next = new URLSearchParams(location.search).get("next") ?? "/";
  const url = new URL(next, location.origin);
  return url.origin === location.origin ? url.pathname + url.search : "/";
}

function say(text: string, isWrong: boolean): void {
  if (!message) return;
  message.textContent = text;
  message.hidden = !text;
  message.classList.toggle("wrong", isWrong);
}

async function signIn(token: string): Promise<void> {
  say("Signing in…", false);
  try {
    await sendJson("/login", "POST", { token });
    location.replace(destination());
  } catch (error) {
    const isUsed = error instanceof Refusal && error.status === 401;
    say(isUsed ? "This link or token is not valid any more. Links work once, for ten minutes." : String((error as Error).message), true);
    field?.focus();
  }
}

const fromLink = new URLSearchParams(location.hash.slice(1)).get("token");
if (fromLink) {
  history.replaceState(null, "", location.pathname + location.search);
  void signIn(fromLink);
}
form?.addEventListener("submit", (event) => {
  event.preventDefault();
  if (field?.value.trim()) void signIn(field.value.trim());
});
