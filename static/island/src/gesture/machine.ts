// Pointers become gestures here. A state answers pointer events and names the next state by
// returning it; one state a file. The machine itself knows only who is down, and that a second
// finger means pinching.
import type { Change } from "../model/change";
import type { Instead } from "../model/connect";
import type { Guide } from "../model/guides";
import type { Point, Rect } from "../model/geometry";
import type { Hit, PinAt } from "../model/hit";
import type { Scene } from "../model/scene";
import type { Selection } from "../model/selection";
import type { View, Viewport } from "../view/viewport";
import type { Edits } from "./edits";

/** A pointer event, in px from the canvas's corner. */
export interface Pointer {
  id: number;
  kind: "mouse" | "touch" | "pen";
  at: Point;
  button: number;
  shift: boolean;
  alt: boolean;
  ctrl: boolean;
  time: number;
}

/** All that gestures may do: the canvas is one stage, the fake of the tests another. */
export interface Stage {
  readonly scene: Scene;
  readonly viewport: Viewport;
  readonly selection: Selection;
  readonly readOnly: boolean;
  /** The gestures that change the flow; null where it is only looked at. */
  readonly edits: Edits | null;
  /** Whether a drag on empty canvas moves the view instead of drawing a box. */
  readonly dragPans: boolean;
  readonly spaceHeld: boolean;
  /** Taps take nodes into the selection and out of it: a finger has no Shift. */
  picks: boolean;
  hit(at: Point): Hit;
  setView(view: View): void;
  select(nodes: Iterable<string>, wires?: Iterable<string>): void;
  run(changes: readonly Change[], label: string, key?: string): void;
  mark(): number;
  rollBack(mark: number): void;
  seal(): void;
  lift(ids: readonly string[]): void;
  drop(): void;
  duplicate(by?: Point, key?: string): void;
  showMarquee(box: Rect | null): void;
  showGuides(guides: readonly Guide[]): void;
  showWire(draft: WireDraft | null): void;
  hover(hit: Hit | null): void;
  emit(event: string, detail: object): void;
}

/** A wire that hangs on the pointer. */
export interface WireDraft {
  from: PinAt;
  /** Where its loose end is drawn, in the world. */
  end: Point;
  target: PinAt | null;
  /** What the pointer says, and whether it is good news. */
  words: string;
  ok: boolean;
  /** What could be done instead of a wire that cannot be. */
  back?: Instead | undefined;
  pointer: Point;
}

export type Next = State | null | undefined | void;

/** What happens between pointer down and up. `null` ends it; undefined goes on. */
export interface State {
  readonly name: string;
  move?(pointer: Pointer): Next;
  down?(pointer: Pointer): Next;
  up?(pointer: Pointer): Next;
  /** Take everything back: Escape, a second finger, or a lost pointer. */
  cancel?(): void;
  /** Whether the view moves along when the pointer is held at the edge. */
  readonly edges?: boolean;
}

/** So long rests a finger that asks for more than a tap does. */
const LONG_MS = 500;

export const isLong = (start: Pointer, end: Pointer): boolean => start.kind === "touch" && end.time - start.time >= LONG_MS;

const EDGE = 36;
const SPEED = 14;

export class Machine {
  private state: State | null = null;
  private last: Pointer | null = null;
  private readonly fingers = new Map<number, Pointer>();

  constructor(
    private readonly stage: Stage,
    private readonly idle: { down(stage: Stage, pointer: Pointer): Next; move(stage: Stage, pointer: Pointer): void },
    private readonly pinch: (stage: Stage, fingers: Map<number, Pointer>) => State,
  ) {}

  get name(): string {
    return this.state?.name ?? "idle";
  }

  get busy(): boolean {
    return this.state !== null;
  }

  /** Begin a state that no pointer began, as wiring by a click. */
  enter(state: State): void {
    this.cancel();
    this.state = state;
  }

  down(pointer: Pointer): void {
    if (pointer.kind === "touch") this.fingers.set(pointer.id, pointer);
    this.last = pointer;
    if (this.fingers.size === 2) {
      this.state?.cancel?.();
      this.state = this.pinch(this.stage, this.fingers);
      return;
    }
    if (this.state) this.go(this.state.down?.(pointer));
    else this.go(this.idle.down(this.stage, pointer));
  }

  move(pointer: Pointer): void {
    if (this.fingers.has(pointer.id)) this.fingers.set(pointer.id, pointer);
    this.last = pointer;
    if (this.state) this.go(this.state.move?.(pointer));
    else if (pointer.kind !== "touch") this.idle.move(this.stage, pointer);
  }

  up(pointer: Pointer): void {
    this.fingers.delete(pointer.id);
    this.last = pointer;
    if (this.state) this.go(this.state.up ? this.state.up(pointer) : null);
  }

  cancel(): void {
    this.fingers.clear();
    this.state?.cancel?.();
    this.state = null;
  }

  /** Whether the pointer waits at the edge of a gesture that moves the view along. */
  get atEdge(): boolean {
    const push = this.edgePush();
    return push.x !== 0 || push.y !== 0;
  }

  /** Move the view a little while the pointer is held at the edge; called once per frame. */
  tick(): void {
    const push = this.edgePush();
    if (!this.last || (!push.x && !push.y)) return;
    const { x, y, zoom } = this.stage.viewport;
    this.stage.setView({ x: x + push.x, y: y + push.y, zoom });
    this.go(this.state?.move?.(this.last));
  }

  private edgePush(): Point {
    if (!this.state?.edges || !this.last) return { x: 0, y: 0 };
    const { width, height } = this.stage.viewport;
    const { x, y } = this.last.at;
    return { x: inward(x, width), y: inward(y, height) };
  }

  private go(next: Next): void {
    if (next !== undefined) this.state = next as State | null;
  }
}

/** The push of a place near one of two edges: positive near the first, negative near the second. */
function inward(at: number, size: number): number {
  if (at < EDGE) return SPEED * Math.min(1, (EDGE - at) / EDGE);
  if (at > size - EDGE) return -SPEED * Math.min(1, (at - size + EDGE) / EDGE);
  return 0;
}

export const distance = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);

/** How far a pointer goes before a press becomes a drag. */
export const SLACK = 4;
