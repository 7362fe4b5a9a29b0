"""The clients of models: in process, several in process, behind HTTP; and the date and country they may be told.

Grounding puts `[YYYY-MM-DD HH:MM:SS CC]` before a turn. It is off unless `RuntimeConfig.grounding` says
otherwise, because it changes what small models answer. The names with an underscore are published
(source: contract/kernel.md 9.3.2): other hosts replace them here, so they are looked up in this module.
"""

from __future__ import annotations

import locale
import os
import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from .llm_errors import LLMCallFailed
from .llm_http_sender import HttpResponse, RequestSender
from .llm_local import (
    LocalAbstractCoreLLMClient,
    MultiLocalAbstractCoreLLMClient,
    normalize_local_response,
)
from .llm_protocol import LLMClient as AbstractCoreLLMClient
from .llm_remote import RemoteAbstractCoreLLMClient
from .llm_result import normalize_tool_calls
from .llm_stream import subscribe_llm_tokens
from .llm_text_calls import parse_tool_calls_from_text

__all__ = [
    "AbstractCoreLLMClient",
    "HttpResponse",
    "LLMCallFailed",
    "LocalAbstractCoreLLMClient",
    "MultiLocalAbstractCoreLLMClient",
    "RemoteAbstractCoreLLMClient",
    "RequestSender",
    "ground",
    "subscribe_llm_tokens",
]

SYSTEM, USER_TURN = "system", "user_turn"
_COUNTRY_VARIABLES = ("ABSTRACT_COUNTRY", "ABSTRACTFRAMEWORK_COUNTRY")
_LOCALE_VARIABLES = ("LC_ALL", "LANG", "LC_CTYPE")
_UNKNOWN_COUNTRY = "XX"
_ZONEINFO_TAB_CANDIDATES = (
    Path("/usr/share/zoneinfo/zone.tab"),
    Path("/usr/share/zoneinfo/zone1970.tab"),
    Path("/usr/lib/zoneinfo/zone.tab"),
)
_HEADER = re.compile(r"^\s*\[\d{4}[-/]\d{2}[-/]\d{2} \d{2}:\d{2}(?::\d{2})? [A-Z]{2}\]")
_OLD_LINE = re.compile(r"^Grounding: (\d{4})/(\d{2})/(\d{2})\|(\d{2}:\d{2})\|([A-Z]{2})[ \t]*\n?")
_REGION = re.compile(r"^[A-Za-z]{2,3}[_-]([A-Za-z]{2})(?:[.@_-]|$)")

_normalize_tool_calls = normalize_tool_calls
_normalize_local_response = normalize_local_response
Messages = list[dict[str, Any]]


def ground(
    how: Any, *, prompt: str, messages: Messages | None, system_prompt: str | None
) -> tuple[str, Messages | None, str | None]:
    """Return prompt, messages and system prompt with the date and country where `how` wants them."""
    if how == USER_TURN:
        prompt, grounded = _inject_turn_grounding(prompt=prompt, messages=messages)
        return prompt, grounded, _without_header(system_prompt)
    if how == SYSTEM:
        head = _system_context_header()
        return prompt, messages, "\n\n".join(filter(None, (head, _without_header(system_prompt))))
    return prompt, messages, system_prompt


def _system_context_header() -> str:
    """Return local date and time and the country, such as `[2026-01-31 09:30:00 NO]`."""
    return f"[{datetime.now().astimezone():%Y-%m-%d %H:%M:%S} {_detect_country()}]"


def _inject_turn_grounding(*, prompt: str, messages: Messages | None) -> tuple[str, Messages | None]:
    """Return the user's turn with the header before it; a turn that has one keeps it."""
    if prompt.strip():
        return _headed(prompt), messages
    made = [dict(each) for each in messages or []]
    last = next((each for each in reversed(made) if each.get("role") == "user"), None)
    if last is None:
        return prompt, [*made, {"role": "user", "content": _system_context_header()}]
    if isinstance(last.get("content"), str):
        last["content"] = _headed(last["content"])
    return prompt, made


def _headed(text: str) -> str:
    old = _OLD_LINE.match(text)
    if old:
        year, month, day, minute, country = old.groups()
        return f"[{year}-{month}-{day} {minute}:00 {country}] {text[old.end() :].lstrip()}".rstrip()
    return text if _HEADER.match(text) else f"{_system_context_header()} {text}"


def _without_header(text: str | None) -> str | None:
    """Return a system prompt without a first line that is only a header of old."""
    if text is None:
        return None
    first, _, rest = text.partition("\n")
    return rest.lstrip("\n") or None if _HEADER.match(first) or _OLD_LINE.match(first) else text


def _detect_country() -> str:
    """Return a country's two letters: as the environment says, by the locale, by the time zone, else XX."""
    for variable in _COUNTRY_VARIABLES:
        named = os.environ.get(variable, "").strip()
        if len(named) == 2 and named.isalpha():
            return named.upper()
    for told in (locale.getlocale()[0], *map(os.environ.get, _LOCALE_VARIABLES)):
        region = _REGION.match(told or "")
        if region:
            return region[1].upper()
    return _country_of(_detect_timezone_name()) or _UNKNOWN_COUNTRY


def _detect_timezone_name() -> str | None:
    """Return the name of the local time zone, such as `Europe/Oslo`, or None."""
    named = os.environ.get("TZ", "").strip().lstrip(":")
    if "/" in named:
        return named
    try:
        place = os.path.realpath("/etc/localtime")
        _, found, zone = place.partition("zoneinfo/")
        return zone if found else Path("/etc/timezone").read_text(encoding="utf-8").strip() or None
    except OSError:
        return None


def _country_of(zone: str | None) -> str | None:
    if zone is None:
        return None
    for table in _ZONEINFO_TAB_CANDIDATES:
        try:
            lines = Path(table).read_text(encoding="utf-8").splitlines()
        except OSError:
            continue
        for line in lines:
            cells = line.split("\t")
            if not line.startswith("#") and len(cells) > 2 and cells[2] == zone:
                return cells[0].split(",")[0].upper()
    return None


def _maybe_parse_tool_calls_from_text(
    *,
    content: Any,
    allowed_tool_names: Iterable[str] | None = None,
    model_name: str | None = None,
    tool_handler: Any = None,
) -> tuple[Messages | None, Any]:
    """Return the tool calls that a model has written into its text, and the text without them.

    `model_name` and `tool_handler` are taken for hosts of old; every known form is read for every model.
    """
    return parse_tool_calls_from_text(content, allowed_tool_names=allowed_tool_names)
