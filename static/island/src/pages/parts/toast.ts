// A sentence at the foot of the page, in the editor at the foot of the canvas beside its map, with one thing to do about it.

function place(): HTMLElement {
  const found = document.querySelector<HTMLElement>(".toasts");
  if (found) return found;
  const made = document.createElement("div");
  made.className = "toasts";
  made.setAttribute("role", "status");
  (document.querySelector(".canvas-place") ?? document.body).append(made);
  return made;
}

export function toast(text: string, action?: { label: string; run: () => void }, seconds = 10): void {
  const box = document.createElement("div");
  box.className = "toast";
  const words = document.createElement("span");
  words.textContent = text;
  box.append(words);
  const leave = () => box.remove();
  if (action) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button small";
    button.textContent = action.label;
    button.addEventListener("click", () => {
      leave();
      action.run();
    });
    box.append(button);
  }
  let timer = setTimeout(leave, seconds * 1000);
  box.addEventListener("pointerenter", () => clearTimeout(timer));
  box.addEventListener("pointerleave", () => (timer = setTimeout(leave, 3000)));
  place().append(box);
}
