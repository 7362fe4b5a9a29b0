// A choice of the person that is on until it is switched off: kept in this browser, it counts on every page and in
// every tab. The page's switches of it have `data-<name>-switch`. Functions of their own, so that a small page takes
// only what it uses.

const kept = (name: string): string => `flowstudio ${name}`;
const changed = (name: string): string => `flowstudio:${name}`;

export function isOn(name: string): boolean {
  return localStorage.getItem(kept(name)) !== "off";
}

export function turn(name: string, on: boolean): void {
  if (on) localStorage.removeItem(kept(name));
  else localStorage.setItem(kept(name), "off");
  document.dispatchEvent(new CustomEvent(changed(name)));
}

/** Tell when the choice was made anew, here or in another tab. */
export function onTurn(name: string, act: () => void): void {
  document.addEventListener(changed(name), act);
  window.addEventListener("storage", ({ key }) => (key === kept(name) || key === null) && act());
}

/** Make the switches of the page work; more than one may be there. */
export function keepSwitch(name: string): void {
  const show = (): void => {
    for (const button of document.querySelectorAll(`[data-${name}-switch]`)) button.setAttribute("aria-checked", String(isOn(name)));
  };
  document.addEventListener("click", (event) => {
    if ((event.target as Element).closest(`[data-${name}-switch]`)) turn(name, !isOn(name));
  });
  onTurn(name, show);
  show();
}
