// Before a run is cancelled the person is asked, in the words of the run's own page: it cannot be taken back.
import { button, el } from "./parts";

/** Ask whether the run is to be cancelled, and do it then; `Esc` and "Keep running" leave it as it is. */
export function askCancel(act: () => void): void {
  const before = document.activeElement instanceof HTMLElement ? document.activeElement : null;
  const dialog = el("dialog", "dialog");
  const heading = el("h2", "", "Cancel this run?");
  heading.id = "cancel-title";
  dialog.setAttribute("aria-labelledby", heading.id);
  const words = el("p", "soft", "It stops where it is and cannot go on. What it has done stays done and stays in its record: steps that would undo it are not run.");
  const keep = button("quiet", "Keep running", null, () => dialog.close());
  const sure = button("danger primary", "Cancel the run", null, () => dialog.close("sure"));
  dialog.append(el("div", "body", heading, words, el("div", "acts", keep, sure)));
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (before?.isConnected) before.focus({ preventScroll: true });
    if (dialog.returnValue === "sure") act();
  });
  dialog.showModal();
}
