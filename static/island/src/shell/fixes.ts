// What mends a problem without a question: changes that the server has worked out.
import type { Json } from "../catalog";
import type { Change } from "../model/change";
import { isObject } from "../model/json";
import type { Problem } from "../view/look";

export function fixOf(problem: Problem): { label: string; changes: Change[] } | null {
  const fix = problem.fix as Json | undefined;
  if (!isObject(fix) || !Array.isArray(fix.changes)) return null;
  return { label: String(fix.label ?? "Fix"), changes: fix.changes as unknown as Change[] };
}
