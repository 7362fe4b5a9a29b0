// What a code field offers while one writes: the inputs of the node, names of the text itself, and the
// names that the sandbox knows. The server says both; nothing is guessed from other Pythons.
import { type Completion, type CompletionContext, type CompletionResult, completeFromList } from "@codemirror/autocomplete";
import { localCompletionSource } from "@codemirror/lang-python";

/** As the server writes it into the form. */
export interface Words {
  /** Names that are there before the text begins, with what they are: inputs, variables of the run. */
  inputs?: { name: string; type: string; what?: string }[];
  functions?: string[];
  constants?: string[];
  errors?: string[];
  words?: string[];
  modules?: { [module: string]: string[] };
}

/** The completion source for these words. */
export function completionOf(words: () => Words): (context: CompletionContext) => CompletionResult | Promise<CompletionResult | null> | null {
  return (context) => {
    const known = words();
    const member = context.matchBefore(/\b[A-Za-z_]\w*\.\w*$/);
    if (member) return membersOf(known, member.text, member.from, context);
    const word = context.matchBefore(/[A-Za-z_]\w*$/);
    if (!word && !context.explicit) return null;
    if (isInText(context)) return null;
    const offered = completeFromList(optionsOf(known))(context);
    const own = localCompletionSource(context);
    return merged(offered as CompletionResult | null, own as CompletionResult | null);
  };
}

function optionsOf(known: Words): Completion[] {
  const plain = (names: readonly string[] | undefined, type: string, detail: string, boost = 0): Completion[] => (names ?? []).map((label) => ({ label, type, detail, boost }));
  return [
    ...(known.inputs ?? []).map(({ name, type, what }): Completion => ({ label: name, type: "variable", detail: what ? `${what} · ${type}` : type, boost: 50 })),
    ...plain(known.functions, "function", "function"),
    ...plain(Object.keys(known.modules ?? {}), "namespace", "module"),
    ...plain(known.words, "keyword", "", -5),
    ...plain(known.constants, "constant", "", -5),
    ...plain(known.errors, "class", "error", -10),
  ];
}

function membersOf(known: Words, text: string, from: number, context: CompletionContext): CompletionResult | null {
  const module = text.split(".")[0] as string;
  const names = known.modules?.[module];
  if (!names || context.state.sliceDoc(from - 1, from) === ".") return null;
  return { from: from + module.length + 1, options: names.map((label) => ({ label, detail: module })), validFor: /^\w*$/ };
}

/** Words inside a text or a remark are the author's own. */
function isInText(context: CompletionContext): boolean {
  const line = context.state.doc.lineAt(context.pos);
  const before = context.state.sliceDoc(line.from, context.pos);
  const bare = before.replace(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'/g, "");
  return /["'#]/.test(bare);
}

function merged(offered: CompletionResult | null, own: CompletionResult | null): CompletionResult | null {
  if (!offered || !own) return offered ?? own;
  const known = new Set(offered.options.map((each) => each.label));
  return { ...offered, options: [...offered.options, ...own.options.filter((each) => !known.has(each.label))] };
}
