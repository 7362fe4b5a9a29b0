// Light, dark, high contrast or as the system says. The choice is a cookie, so that the server can draw the first
// page in it and nothing flashes.

type Theme = "system" | "light" | "dark" | "contrast";
const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "contrast", contrast: "system" };
const WORDS: Record<Theme, string> = {
  system: "Theme: as the system",
  light: "Theme: light",
  dark: "Theme: dark",
  contrast: "Theme: high contrast",
};

function chosen(): Theme {
  const named = document.documentElement.dataset["theme"];
  return named === "light" || named === "dark" || named === "contrast" ? named : "system";
}

function choose(theme: Theme): void {
  const root = document.documentElement;
  if (theme === "system") delete root.dataset["theme"];
  else root.dataset["theme"] = theme;
  const age = theme === "system" ? 0 : 365 * 24 * 3600;
  document.cookie = `theme=${theme}; Path=/; SameSite=Strict; Max-Age=${age}`;
  document.dispatchEvent(new CustomEvent("flowstudio:theme", { detail: theme }));
}

function show(button: HTMLElement): void {
  const theme = chosen();
  for (const sign of button.querySelectorAll<SVGElement>("[data-theme-sign]")) {
    sign.toggleAttribute("hidden", sign.dataset["themeSign"] !== theme);
  }
  const label = button.querySelector(".label");
  if (label) label.textContent = WORDS[theme];
}

export function keepTheme(): void {
  for (const button of document.querySelectorAll<HTMLElement>("[data-theme-switch]")) {
    show(button);
    button.addEventListener("click", () => {
      choose(NEXT[chosen()]);
      show(button);
    });
  }
}
