// The colours of families and pin types, as rules for the attributes that name them. They come from
// the catalog, so a new family or type needs no line of CSS; a script-made sheet is allowed where
// style attributes are not.
import type { Catalog } from "../catalog";

export function paletteSheet(catalog: Catalog): CSSStyleSheet {
  const sheet = new CSSStyleSheet();
  const rules = [
    ...catalog.families.map(({ id }) => `.fc-node[data-family="${CSS.escape(id)}"]{--fam:var(--fam-${CSS.escape(id)})}`),
    ...catalog.body.pin_types.map(({ id }) => `.pin-sign[data-type="${CSS.escape(id)}"], .fc [data-type="${CSS.escape(id)}"]{--pin:var(--pin-${CSS.escape(id)},var(--pin-any))}`),
  ];
  sheet.replaceSync(rules.join("\n"));
  return sheet;
}
