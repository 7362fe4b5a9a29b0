// The editor page's script.
import { Refusal } from "./bridge/http";
import { Editor } from "./shell/editor";

try {
  await Editor.open();
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  const note = document.getElementById("canvas-note");
  if (note) {
    note.hidden = false;
    note.textContent = error.message;
  }
}
