"""Render pages: one Jinja environment, everything escaped, nothing undefined.

Text of flows, people and models is data. It reaches a page through autoescape only: no template
marks anything as safe, and no template is ever built from text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from typing import Any, cast
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from abstractruntime.core.models import RunStatus, WaitReason
from abstractruntime.integrations.hiding import COVER
from abstractruntime.storage.base import QueryableRunStore

from ..runner_views import asks
from ..settings import is_loopback, packaged
from ..studio import Studio, studio_of
from .words import lasting, moment, money, short_run, size, state, took

THEMES = frozenset({"light", "dark", "contrast"})
HTMX = json.dumps(
    {
        "includeIndicatorStyles": False,
        "allowEval": False,
        "allowScriptTags": False,
        "selfRequestsOnly": True,
        "historyCacheSize": 0,
        "attributesToSettle": ["class"],
    }
)
_COVER = re.compile(rf"({re.escape(COVER)}|\[redacted: [^\[\]\n]{{1,60}}\])")
JSON_SHOWN = 20_000
TEXT_SHOWN = 4_000
MOST_WAITS = 500


@cache
def environment() -> Environment:
    """Return the one environment: autoescape for every suffix, an error for every missing word."""
    made = Environment(
        loader=FileSystemLoader(packaged("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        compact=compact,
        pretty=pretty,
        one_line=one_line,
        moment=moment,
        short_run=short_run,
        took=took,
        lasting=lasting,
        size=size,
        money=money,
        state=state,
        path=path,
        paragraphs=paragraphs,
        code_parts=code_parts,
        shortened=shortened,
        covers=covers,
        cover_rule=cover_rule,
    )
    made.globals["htmx_config"] = HTMX
    return made


def render(request: Request, template: str, status: int = 200, /, **words: Any) -> HTMLResponse:
    """Render a template as the answer to a request."""
    return HTMLResponse(text_of(request, template, **words), status)


def text_of(request: Request, template: str, /, **words: Any) -> str:
    """Render a template with what every page knows: its assets, theme and place."""
    studio = studio_of(request)
    known: dict[str, Any] = {
        "asset": studio.assets.url,
        "script": studio.assets.script,
        "theme": theme_of(request),
        "here": request.url.path,
        "standstill": studio.standstill(),
        "own_machine": can_restart(request),
    }
    if "inbox_count" not in words:
        known["inbox_count"] = questions(studio)
    return environment().get_template(template).render({**known, **words})


def can_restart(request: Request) -> bool:
    """Say whether this server can be started anew from a page: by `flowstudio serve`, for this machine alone."""
    state = request.app.state
    return getattr(state, "restart", None) is not None and is_loopback(studio_of(request).settings.host)


def fragment(request: Request, template: str, /, **words: Any) -> Response:
    """Render a part that the page asks for again and again; 204 when it is what the page shows.

    The page sends back the `digest` of the part it has as `?have=`.
    """
    body = text_of(request, template, **{**words, "digest": ""})
    digest = sha256(body.encode()).hexdigest()[:12]
    if request.query_params.get("have") == digest:
        return Response(status_code=204)
    return HTMLResponse(text_of(request, template, **{**words, "digest": digest}))


def questions(studio: Studio) -> int:
    """Count the open questions for the badge; of very many waits only the newest are looked at."""
    runs = cast(QueryableRunStore, studio.stores.runs)
    waits = (WaitReason.USER, WaitReason.EVENT)
    found = [runs.list_runs(status=RunStatus.WAITING, wait_reason=each, limit=MOST_WAITS) for each in waits]
    return sum(asks(run) for part in found for run in part)


def theme_of(request: Request) -> str:
    """Return the reader's theme, or nothing for the system's."""
    chosen = request.cookies.get("theme", "")
    return chosen if chosen in THEMES else ""


def pretty(value: Any) -> str:
    """Write a value as JSON for people, cut when it is long."""
    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    return text if len(text) <= JSON_SHOWN else f"{text[:JSON_SHOWN]}\n… {len(text):,} characters in all"


def gist(values: Mapping[str, Any]) -> str:
    """Write the first few values in one short line: "amount: 750 · customer: Ana"."""
    return one_line(" · ".join(f"{key}: {one_line(value, 40)}" for key, value in list(values.items())[:3]))


def shortened(text: str) -> str:
    """Cut a long text, saying how long it is."""
    return text if len(text) <= TEXT_SHOWN else f"{text[:TEXT_SHOWN]} … ({len(text):,} characters in all)"


def compact(value: Any) -> str:
    """Write a value as JSON in one short line."""
    return one_line(json.dumps(value, ensure_ascii=False, default=str))


def one_line(value: Any, most: int = 120) -> str:
    """Write a value in one short line: text as it is, the rest as JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = " ".join(text[: most * 8].split())
    return text if len(text) <= most else f"{text[: most - 1]}…"


def paragraphs(text: str) -> list[str]:
    """Cut help text at its empty lines; other line breaks are only the source's."""
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]


def code_parts(text: str) -> list[str]:
    """Cut help text at its backticks: every second part is code. One that stands alone is text."""
    parts = text.split("`")
    return parts if len(parts) % 2 else [text]


def covers(text: str) -> list[str]:
    """Cut a text at the marks that stand for what was covered: every second part is one."""
    return _COVER.split(text)


def cover_rule(mark: str) -> str:
    """Return the rule that put a mark: what it says after its colon, "a secret" for the mark of secrets."""
    rule = mark.strip("[]").partition(":")[2].strip()
    return rule or "a secret of the server"


def path(text: str) -> str:
    """Quote a part of an address; ids may hold slashes."""
    return quote(text, safe="/")
