// A question of the run, answered in the side panel. Whoever answers first wins; the others are told.
import { Refusal } from "../bridge/http";
import type { Prompt } from "../bridge/live";
import { answerPrompt, promptFormOf, sendPromptForm } from "../bridge/runs";
import { type Act, keymap } from "../canvas/keymap";
import { button, el, icon, place } from "./parts";

const STOPS: { [why: string]: string } = { breakpoint: "Stopped at a breakpoint", step: "Stopped after a step", to: "The run is where it was to go", after: "Stopped at a breakpoint", wire: "Stopped at a breakpoint", error: "Stopped at an error", outside: "Stopped before it acts outside", cost: "Stopped: it has cost more" };
/** The keys of what can be said to a stop, in the order of its choices. */
const STOP_ACTS: readonly Act[] = ["go-on", "step-over", "step-into"];

export class PromptForm {
  readonly element = el("section", "ask-card");
  private readonly field = el("textarea", "textarea");
  private readonly said = el("p", "field-wrong small");
  private readonly self = place("editor").dataset["actor"] ?? "";
  private isSending = false;
  private closed: Prompt | null = null;

  /** `words` stand for those of the run: of a stop, how its node is called. */
  constructor(
    readonly prompt: Prompt,
    words = prompt.prompt || "A question without words",
  ) {
    this.element.dataset["prompt"] = prompt.run_id;
    this.element.toggleAttribute("data-stop", Boolean(prompt.stop));
    const head = el("p", "ask-head small", icon(prompt.stop ? "breakpoint" : "person"), prompt.stop ? STOPS[prompt.stop] ?? "Stopped" : "The run asks");
    this.element.append(head);
    this.said.hidden = true;
    this.said.setAttribute("role", "alert");
    if (prompt.approves) {
      void this.approval();
      return;
    }
    this.element.append(el("p", "ask-words", words));
    const choices = prompt.choices.map((choice, index) => button(index === 0 ? "primary" : "", choice, null, () => void this.send(choice)));
    if (prompt.stop) choices.forEach((each, index) => (each.title = keymap.label(STOP_ACTS[index] ?? "go-on")));
    if (choices.length) this.element.append(el("div", "ask-choices", ...choices));
    if (prompt.allow_free_text || !choices.length) this.element.append(...this.freeText(choices.length > 0));
    this.element.append(this.said);
  }

  /** The form comes from the server, as in the inbox. */
  private async approval(): Promise<void> {
    try {
      const { showApproval } = await import("./seldom");
      await showApproval(this.element, this.prompt, this.said, (said, post) => void this.send(said, post), { form: promptFormOf, answer: sendPromptForm });
    } catch (error) {
      this.said.textContent = `The question could not be loaded: ${(error as Error).message} Answer it in the inbox.`;
      this.said.hidden = false;
      this.element.append(this.said);
    }
  }

  focus(): void {
    this.element.querySelector<HTMLElement>("button, textarea")?.focus({ preventScroll: true });
  }

  get isTouched(): boolean {
    return [this.field, ...this.element.querySelectorAll("textarea")].some((field) => field.value !== field.defaultValue);
  }

  private freeText(besides: boolean): HTMLElement[] {
    this.field.rows = 2;
    this.field.setAttribute("aria-label", besides ? "Or in your own words" : "Your answer");
    this.field.placeholder = besides ? "Or in your own words" : "Your answer";
    this.field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      void this.send(this.field.value);
    });
    const send = button(besides ? "" : "primary", "Send answer", "send", () => void this.send(this.field.value));
    return [this.field, el("div", "acts", send)];
  }

  /** The question is answered, or gone. Who was about to answer it is told, and keeps what was typed. */
  close(prompt: Prompt): void {
    this.closed = prompt;
    if (!this.isSending) this.leave(this.isTouched ? this.field.value || "with changed arguments" : null);
  }

  private async send(response: string, post = () => answerPrompt(this.prompt.run_id, this.prompt.wait_key, response)): Promise<void> {
    if (this.isSending || this.closed) return;
    this.isSending = true;
    this.element.toggleAttribute("data-busy", true);
    let late: Refusal | null = null;
    try {
      await post();
      for (const field of [this.field, ...this.element.querySelectorAll("textarea")]) field.value = field.defaultValue;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      late = error;
    } finally {
      this.isSending = false;
      this.element.toggleAttribute("data-busy", false);
    }
    if (late && (late.status === 409 || this.closed)) this.leave(response, late);
    else if (late) this.refused(late);
    else if (this.closed) this.leave(null);
  }

  private refused(error: Refusal): void {
    this.said.textContent = error.message;
    this.said.hidden = false;
    this.said.scrollIntoView({ block: "nearest" });
  }

  /** Give way; with `typed`, to a note that says who was first and what was not recorded. */
  private leave(typed: string | null, refusal?: Refusal): void {
    if (typed === null) return takeAway(this.element);
    const body = { ...refusal?.body, ...this.closed } as Pick<Prompt, "answered_by" | "answered_at" | "answer" | "timed_out_at">;
    const [by, at] = [body.answered_by, body.answered_at ?? body.timed_out_at];
    const who = by === this.self ? "you, in another tab" : by;
    const time = at ? ` at ${new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}` : "";
    const gone = (refusal?.message ?? "This question is gone").replace(/\.$/, "");
    const told = body.timed_out_at ? `Timed out${time}: nobody had answered` : who ? `Already answered by ${who}${time}` : gone;
    const words = [el("p", "", `${told}${typeof body.answer === "string" ? `: “${body.answer}”` : ""}.`), el("p", "small", `Your answer “${typed}” was not recorded.`)];
    const note = el("div", "note warn ask-late", icon("warn"), el("div", "words", ...words), button("quiet only small", "", "cross", () => note.remove()));
    note.setAttribute("role", "alert");
    note.querySelector("button")?.setAttribute("aria-label", "Close");
    this.element.replaceWith(note);
  }
}

/** Take a question away; who had the keyboard in it goes on beside where it was. */
export function takeAway(card: Element): void {
  const hadFocus = card.contains(document.activeElement);
  card.remove();
  if (hadFocus) place("tab-run").focus();
}
