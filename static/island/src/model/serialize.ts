// A flow document as text. Nothing is normalised: what the editor does not know it keeps.
import type { Json } from "../catalog";
import { FlowDocument } from "./document";

/** Read a flow from text or parsed JSON; a mistake names what is wrong. */
export function parseFlow(source: string | Json): FlowDocument {
  if (typeof source !== "string") return FlowDocument.fromJSON(source);
  let json: Json;
  try {
    json = JSON.parse(source) as Json;
  } catch (error) {
    throw new Error(`This is no JSON: ${(error as Error).message}`);
  }
  return FlowDocument.fromJSON(json);
}

/** The document as pretty JSON text, ending with a line break. */
export function flowText(flow: FlowDocument): string {
  return `${JSON.stringify(flow.toJSON(), null, 2)}\n`;
}

/** A copy of the document's JSON that nobody else holds. */
export function flowJSON(flow: FlowDocument): { [key: string]: Json } {
  return structuredClone(flow.toJSON());
}
