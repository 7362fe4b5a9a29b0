// Answers given while the server is away, on every page that is not one question's own; loaded just after the page.
import { keepUnsent } from "./parts/unsent.ts";

keepUnsent();
