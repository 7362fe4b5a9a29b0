// The editor page's script.
import { Refusal } from "./bridge/http";
import { Early } from "./shell/kept";
import { Editor } from "./shell/editor";

const early = new Early();
try {
  await Editor.open();
  early.replay();
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  const note = document.getElementById("canvas-note");
  if (note) {
    note.hidden = false;
    note.textContent = error.message;
  }
}
