"""The page of the HTTP routes, from the OpenAPI description."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import ALWAYS
from .nodes import MADE

HEAD = """
# HTTP

Everything the pages do can be done by a client. Send `Authorization: Bearer TOKEN`; `flowstudio token` shows the
token, `FLOWSTUDIO_TOKEN` sets it. Every refusal is `application/problem+json` with a stable `code`
([errors](errors.md)). The whole description is served at `/api/openapi.json` (and at `/openapi.json`): also
what an error has besides `code` and `detail`, and the data of each event of a stream.

JSON bodies are read strictly on every route: UTF-8, each key once, no NaN, no half characters, 64 levels at most. What
is no JSON is a 400 with line and column; a key that is there twice, or a value that cannot be kept, is a 422 with its
`place`.

Every route but `/login` and `/healthz` answers 401 without a session or a token. Each may answer 403 to another
site's page, 405 to a method that its path does not know, 421 to a request for another host, 408 and 413 to a body that is too slow or too large, 422 to parts that are wrong, and 500, 503 or 507 when
the server, its store or its disk cannot; the table has what comes besides.

| route | does | answers |
|---|---|---|
"""


def routes_page(schema: Mapping[str, Any]) -> str:
    """Return the text of `docs/http.md`."""
    rows = []
    for path, methods in sorted(schema["paths"].items()):
        for method, route in sorted(methods.items()):  # every one that the app's routes have
            said = str(route.get("description") or route.get("summary") or "").strip()
            first = said.split("\n\n", 1)[0].replace("\n", " ").replace("|", "\\|")
            answers = " ".join(sorted(status for status in route["responses"] if _is_own(route, status)))
            rows.append(f"| `{method.upper()} {path}` | {first} | {answers} |")
    return MADE + "\n" + HEAD + "\n".join(rows) + "\n"


def _is_own(route: Mapping[str, Any], status: str) -> bool:
    """Say whether a route gives an answer for reasons that not every route has."""
    if int(status) < 400:
        return True
    schema = route["responses"][status]["content"]["application/problem+json"]["schema"]
    return not set(schema["properties"]["code"]["enum"]) <= set(ALWAYS)
