// The view goes along with a run, until a person moves it or works on the canvas.
import type { RunStep } from "../bridge/live";
import type { FlowCanvas } from "../canvas/flowcanvas";

const PAUSE_MS = 160;

export class Lead {
  private isOn = false;
  private node = "";
  private timer = 0;

  constructor(private readonly canvas: FlowCanvas) {
    for (const name of ["pointerdown", "wheel", "keydown"]) {
      canvas.root.addEventListener(name, () => (this.isOn = false), { passive: true, capture: true });
    }
  }

  /** A run begins to be followed. */
  begin(): void {
    this.isOn = true;
    this.node = "";
  }

  /** Bring the step's node in, when it is not in view. */
  to(step: RunStep): void {
    if (!this.isOn || !step.node_id) return;
    this.node = step.node_id;
    this.timer ||= window.setTimeout(() => {
      this.timer = 0;
      if (this.isOn && !this.canvas.desk.viewport.far) this.canvas.reveal(this.node);
    }, PAUSE_MS);
  }
}
