// Many small news become one redraw per frame.
export class Wake {
  private ids = new Set<string>();
  private frame = 0;

  constructor(private readonly redraw: (ids: ReadonlySet<string>) => void) {}

  add(id: string): void {
    this.ids.add(id);
    if (!this.frame) this.frame = requestAnimationFrame(this.flush);
  }

  stop(): void {
    cancelAnimationFrame(this.frame);
  }

  private readonly flush = (): void => {
    this.frame = 0;
    const ids = this.ids;
    this.ids = new Set();
    this.redraw(ids);
  };
}
