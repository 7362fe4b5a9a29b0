// The node types that were added last in this browser, the newest first.
const KEPT = "flowstudio recent";
const MOST = 12;

export class Recent {
  readonly types: string[] = read();

  add(type: string): void {
    const known = this.types.indexOf(type);
    if (known >= 0) this.types.splice(known, 1);
    this.types.unshift(type);
    this.types.length = Math.min(this.types.length, MOST);
    localStorage.setItem(KEPT, JSON.stringify(this.types));
  }
}

/** What is kept; what somebody else has put there counts for nothing. */
function read(): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEPT) ?? "[]");
    return Array.isArray(kept) ? kept.filter((each) => typeof each === "string").slice(0, MOST) : [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}
