// Single-letter keys can be switched off (WCAG 2.1.4): whoever dictates, or whose hand falls on a key, starts
// nothing then. The choice is kept in this browser and counts on every page, in every tab.

const KEPT = "flowstudio letters";
const CHANGED = "flowstudio:letters";

export function lettersAct(): boolean {
  return localStorage.getItem(KEPT) !== "off";
}

export function switchLetters(isOn: boolean): void {
  if (isOn) localStorage.removeItem(KEPT);
  else localStorage.setItem(KEPT, "off");
  document.dispatchEvent(new CustomEvent(CHANGED));
}

/** Tell when the choice was made anew, here or in another tab. */
export function onLetters(act: () => void): void {
  document.addEventListener(CHANGED, act);
  window.addEventListener("storage", ({ key }) => (key === KEPT || key === null) && act());
}

/** The switches of a page; more than one may be there. */
export function keepLetters(): void {
  const show = (): void => {
    for (const button of document.querySelectorAll("[data-letters-switch]")) button.setAttribute("aria-checked", String(lettersAct()));
  };
  document.addEventListener("click", (event) => {
    if ((event.target as Element).closest("[data-letters-switch]")) switchLetters(!lettersAct());
  });
  onLetters(show);
  show();
}
