// What is done to notes and groups by hand; what they are is in marks.ts.
import type { Change } from "./change";
import type { FlowDocument, FlowNode } from "./document";
import { isObject, type JsonObject } from "./json";
import { carryChanges, freshMarkId, type Group, type Note, putGroup, rewrite, set, TONES } from "./marks";

export const dropNote = (note: Note): Change[] => [rewrite(note.carrier, (marks) => delete (marks.notes as JsonObject)[note.id])];

/** Make a group of nodes; they leave the groups that they were in. */
export function makeGroup(flow: FlowDocument, nodes: readonly FlowNode[], title: string): { id: string; changes: Change[] } {
  const id = freshMarkId(flow, "group");
  const members = nodes.map((node) => set(node, ["group"], id));
  const keeps = carryChanges(flow, new Set(nodes.map((node) => node.id)), "groups");
  return { id, changes: [...keeps, ...members, ...putGroup({ id, title, tone: TONES[1], nodes: [...nodes], folded: false, carrier: null })] };
}

export function dissolve(group: Group): Change[] {
  return [...new Set([...group.nodes, ...(group.carrier ? [group.carrier] : [])])].map((node) =>
    rewrite(node, (marks) => {
      if (marks.group === group.id) delete marks.group;
      if (isObject(marks.groups)) delete marks.groups[group.id];
    }),
  );
}
