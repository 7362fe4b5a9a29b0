// Wires behind names: how they get them. What is read of it is in marks.ts.
import type { Change } from "./change";
import type { FlowNode, FlowWire } from "./document";
import { isObject } from "./json";
import { rewrite, wireKey } from "./marks";

/** Hide wires behind names, or draw them again. */
export function nameWires(wires: readonly FlowWire[], name: ((wire: FlowWire) => string) | null): Change[] {
  const byNode = new Map<FlowNode, FlowWire[]>();
  for (const wire of wires) if (wire.to) byNode.set(wire.to, [...(byNode.get(wire.to) ?? []), wire]);
  return [...byNode].map(([node, list]) =>
    rewrite(node, (marks) => {
      const tags = isObject(marks.tags) ? marks.tags : {};
      for (const wire of list) {
        if (name) tags[wireKey(wire)] = name(wire);
        else delete tags[wireKey(wire)];
      }
      marks.tags = tags;
    }),
  );
}
