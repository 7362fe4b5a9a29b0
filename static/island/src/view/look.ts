// What the drawing code reads: the scene, and everything laid over it.
import type { Verdict } from "../model/connect";
import type { PinAt } from "../model/hit";
import type { Progress } from "../model/progress";
import type { Scene } from "../model/scene";
import type { Selection } from "../model/selection";
import type { NodeView } from "./node";

/** What the server found wrong, at a node and perhaps a pin. */
export interface Problem {
  severity: "error" | "risk" | "note";
  code: string;
  node: string | null;
  pin: string | null;
  message: string;
  fix?: unknown;
  /** In the text of the setting that `pin` names, from 1. */
  line?: number | null;
}

export interface Look {
  scene: Scene;
  readonly selection: Selection;
  readonly progress: Progress;
  /** The address of the sheet of icons. */
  readonly icons: string;
  problems: ReadonlyMap<string, readonly Problem[]>;
  running: boolean;
  /** The run that is shown is over: what it did not come to was not taken. */
  over: boolean;
  /** Writes what stands under a node. */
  foot: ((view: NodeView) => void) | null;
  readOnly: boolean;
  /** Only what acts is drawn: steps, and the wires that lead from one to the next. */
  stepsOnly: boolean;
  /** While a wire is being drawn: where it starts, and what may end it. */
  /** What is drawn is somebody else's change: fields take it on while they have the keyboard, too. */
  following: boolean;
  /** Two versions compared: "added", "removed", "changed" or "moved" by node id, and by "wire " and key. */
  difference: ReadonlyMap<string, string> | null;
  wiring: { from: PinAt; test: (at: PinAt) => Verdict } | null;
}

export const TONES = { amber: "--warn", blue: "--info", green: "--ok", red: "--danger", grey: "--text-3" };

/** The token of a run state's colour. */
export const stateToken = (state: string): string => (state === "stopped" || state === "retry" ? "--warn" : `--st-${state}`);

export const WORST = ["error", "risk", "note"] as const;
/** Kinds of problems differ by their signs, not by colour alone. */
export const PROBLEM_SIGNS = { error: "cross", risk: "warn", note: "info" } as const;

/** The worst severity of some problems, or null when there are none. */
export function worstOf(problems: readonly Problem[] | undefined): Problem["severity"] | null {
  return WORST.find((severity) => problems?.some((problem) => problem.severity === severity)) ?? null;
}
