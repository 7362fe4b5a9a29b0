// Menus close when one looks elsewhere; buttons open the dialog they name; copy buttons copy.

function closeMenus(but?: Element | null): void {
  for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) {
    if (!but || !menu.contains(but)) menu.open = false;
  }
}

async function copy(button: HTMLElement): Promise<void> {
  await navigator.clipboard.writeText(button.dataset["copy"] ?? "");
  const label = button.getAttribute("aria-label") ?? "";
  button.setAttribute("aria-label", "Copied");
  button.dataset["copied"] = "";
  setTimeout(() => {
    button.setAttribute("aria-label", label);
    delete button.dataset["copied"];
  }, 1500);
}

function onClick(event: MouseEvent): void {
  const target = event.target as Element;
  const chosen = target.closest("details.menu [data-tool]")?.closest<HTMLDetailsElement>("details.menu");
  chosen?.querySelector("summary")?.focus(); // where the keyboard comes back to
  closeMenus(chosen ? null : target.closest("details.menu"));
  const opener = target.closest<HTMLElement>("[data-opens]");
  if (opener) document.querySelector<HTMLDialogElement>(`#${CSS.escape(opener.dataset["opens"] ?? "")}`)?.showModal();
  const closer = target.closest<HTMLElement>("[data-closes]");
  if (closer) closer.closest("dialog")?.close();
  const copier = target.closest<HTMLElement>("[data-copy]");
  if (copier) void copy(copier);
  if (target instanceof HTMLDialogElement) target.close();
}

function onKey(event: KeyboardEvent): void {
  if (event.key !== "Escape") return;
  const open = document.querySelector<HTMLDetailsElement>("details.menu[open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary")?.focus();
}

/** While a menu of the bar is open, a press on the page below closes it and does nothing besides. */
function onToggle(event: Event): void {
  const menu = event.target;
  if (menu instanceof HTMLDetailsElement && menu.matches(".bar > .menu")) document.getElementById("content")?.toggleAttribute("inert", menu.open);
}

export function keepLayers(): void {
  document.addEventListener("click", onClick);
  document.addEventListener("keydown", onKey);
  document.addEventListener("toggle", onToggle, true);
}
