// The colours of the style sheets as the 2D canvas needs them: resolved, and forgotten when the
// theme changes.
export class Theme {
  private readonly known = new Map<string, string>();
  private readonly probe: HTMLElement;
  private readonly wishes = ["(prefers-color-scheme: dark)", "(prefers-contrast: more)", "(forced-colors: active)"].map((wish) => matchMedia(wish));
  private readonly watcher: MutationObserver;
  private family: string | undefined;

  constructor(private readonly root: HTMLElement, private readonly changed: () => void) {
    this.probe = document.createElement("span");
    this.probe.hidden = true;
    this.probe.style.setProperty("forced-color-adjust", "none"); // else each colour would be that of text
    root.append(this.probe);
    for (const wish of this.wishes) wish.addEventListener("change", this.forget);
    this.watcher = new MutationObserver(this.forget);
    this.watcher.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme", "class"] });
  }

  /** What a CSS colour comes to, as `var(--surface)` or a mix. */
  color(css: string): string {
    let value = this.known.get(css);
    if (value === undefined) {
      this.probe.style.color = css;
      value = getComputedStyle(this.probe).color;
      this.known.set(css, value);
    }
    return value;
  }

  /** The font family of the canvas. */
  get font(): string {
    this.family ??= getComputedStyle(this.root).fontFamily || "sans-serif";
    return this.family;
  }

  stop(): void {
    for (const wish of this.wishes) wish.removeEventListener("change", this.forget);
    this.watcher.disconnect();
  }

  private readonly forget = (): void => {
    this.known.clear();
    this.family = undefined;
    this.changed();
  };
}
