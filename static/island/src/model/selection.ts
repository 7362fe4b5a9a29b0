// What is selected: nodes and wires, and the node that the keyboard is on.
export class Selection {
  readonly nodes = new Set<string>();
  readonly wires = new Set<string>();

  get empty(): boolean {
    return !this.nodes.size && !this.wires.size;
  }

  /** Replace the selection; returns whether it changed. */
  set(nodes: Iterable<string>, wires: Iterable<string> = []): boolean {
    const [a, b] = [new Set(nodes), new Set(wires)];
    if (equal(a, this.nodes) && equal(b, this.wires)) return false;
    fill(this.nodes, a);
    fill(this.wires, b);
    return true;
  }

  toggle(id: string): void {
    if (!this.nodes.delete(id)) this.nodes.add(id);
  }

  /** Forget what is no longer in the flow. */
  keep(nodes: { has(id: string): boolean }, wires: { has(id: string): boolean }): boolean {
    return this.set(
      [...this.nodes].filter((id) => nodes.has(id)),
      [...this.wires].filter((id) => wires.has(id)),
    );
  }
}

const equal = (a: Set<string>, b: Set<string>): boolean => a.size === b.size && [...a].every((id) => b.has(id));

function fill(set: Set<string>, from: Iterable<string>): void {
  const ids = [...from];
  set.clear();
  for (const id of ids) set.add(id);
}
