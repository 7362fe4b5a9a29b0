// The script of pages without one of their own: what every page has, and the way by keys.
import "./parts/every.ts";
import { keepKeys } from "./parts/pagekeys.ts";
import { keepUnsent } from "./parts/unsent.ts";

if (!document.querySelector("[data-own-keys]")) keepKeys();
keepUnsent();
