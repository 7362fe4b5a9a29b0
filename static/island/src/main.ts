// The editor page's script: what every page has, and the editor.
import { Refusal } from "./bridge/http";
import "./pages/parts/every";
import { Editor } from "./shell/editor";
import { Early } from "./shell/kept";

/** No await at the top: the parts that come later import this file, and would wait for it to end. */
async function begin(): Promise<void> {
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
}

void begin();
