// The first steps: the server remembers how far somebody has come.
import { ask } from "./http";

/** Remember which coach mark is next, from 1; after the last of them there are no more. */
export async function keepMark(at: number): Promise<void> {
  await ask("POST", "/first-steps/marks", { form: new URLSearchParams({ at: String(at) }), keepalive: true });
}
