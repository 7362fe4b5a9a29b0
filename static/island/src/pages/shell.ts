// The script of pages without one of their own: what every page has, and the way by keys.
import "./parts/every.ts";
import { keepKeys } from "./parts/pagekeys.ts";

if (!document.querySelector("[data-own-keys]")) keepKeys();

/** What keeps answers while the server is away comes just after the page. */
const later = document.querySelector<HTMLElement>("script[data-unsent]")?.dataset["unsent"];
if (later) void import(later);
