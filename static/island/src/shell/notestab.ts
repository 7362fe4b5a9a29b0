// The notes of a node as they read, below the field in which they are written: Markdown, made safe as on the canvas.

/** Show how the notes of the pane read, now and while they are written; nothing where the pane shows none. */
export async function showNotes(pane: HTMLElement): Promise<void> {
  const field = pane.querySelector<HTMLTextAreaElement>("#node-remark");
  const box = pane.querySelector<HTMLElement>("[data-notes-read]");
  if (!field || !box) return;
  const part = await import("./marks").catch(() => null); // without it the words stand in the field
  if (!part) return;
  const show = (): void => {
    box.hidden = !field.value.trim();
    box.querySelector(".notes-words")?.replaceChildren(part.rendered(field.value));
  };
  field.addEventListener("input", show);
  show();
}
