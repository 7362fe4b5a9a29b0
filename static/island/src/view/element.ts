// Making elements, short.
export function make<K extends keyof HTMLElementTagNameMap>(tag: K, name: string, attributes: { [name: string]: string } = {}): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  element.className = name;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

export function makeSvg<K extends keyof SVGElementTagNameMap>(tag: K, name: string, attributes: { [name: string]: string } = {}): SVGElementTagNameMap[K] {
  const element = document.createElementNS(SVG, tag);
  element.setAttribute("class", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** A sign from the page's icon sheet. */
export function makeIcon(sheet: string, id: string, name: string): SVGSVGElement {
  const icon = makeSvg("svg", `icon ${name}`, { "aria-hidden": "true", focusable: "false" });
  icon.append(makeSvg("use", "", { href: `${sheet}#${id}` }));
  return icon;
}
