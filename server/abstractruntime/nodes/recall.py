"""What a model or an agent is reminded of before it is asked.

A node asks memory for one thing after the other in the same visit: earlier parts of the conversation
(spans), then those put back into it, then facts of the knowledge graph. `gather` says what to ask
next, `learned` what the last reply brought; between them `Ask` keeps what is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.models import Effect, EffectType
from .define import Ask, Call, Pin
from .values import items, text, truth

Json = Any

KG_MARK = "## KG ACTIVE MEMORY"
_SWITCHES = ("use_session_attachments", "use_span_memory", "use_semantic_search", "use_kg_memory")
_TEXTS = ("memory_query", "memory_scope", "recall_level")
_NUMBERS = ("max_span_messages", "kg_max_input_tokens", "kg_limit", "kg_min_score")
_MOST_SPAN_MESSAGES = 80
_MOST_KG_TOKENS = 1200

MEMORY_PIN = Pin(
    "memory",
    "memory",
    description="What it may be reminded of: an object of switches such as use_kg_memory, recall_level.",
)
OLD_PINS = (
    *(Pin(name, "boolean", hidden=True) for name in _SWITCHES),
    *(Pin(name, "string", hidden=True) for name in _TEXTS),
    *(Pin(name, "number", hidden=True) for name in _NUMBERS),
)


def settings_of(call: Call) -> dict[str, Json]:
    """Return the memory settings: the `memory` object, each pin of its own laid over it."""
    given = call.get("memory")
    settings = dict(given) if isinstance(given, Mapping) else {}
    for name in (*_SWITCHES, *_TEXTS, *_NUMBERS):
        if call.get(name) is not None:
            settings[name] = call.get(name)
    return {name: value for name, value in settings.items() if value is not None and value != ""}


def positive(value: Json) -> int | None:
    """Read a positive whole number; anything else counts as not set."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if 1 <= value < 2**53 else None


def wants(settings: Mapping[str, Json], switch: str) -> bool:
    """Say whether a switch is on."""
    return truth(settings.get(switch), switch)


def gather(call: Call, query: str, model: str, found: Mapping[str, Json]) -> Ask | None:
    """Return what memory is to be asked next, or None when all is known that was wanted."""
    settings = settings_of(call)
    asked = text(settings.get("memory_query")).strip() or query.strip()
    if wants(settings, "use_semantic_search") and "warned" not in found:
        call.note.setdefault("warnings", []).append("use_semantic_search has no effect.")
    if not asked:
        return None
    if wants(settings, "use_span_memory"):
        if "span_ids" not in found:
            return Ask(_span_query(settings, asked), {**found, "asked": "spans"})
        if found["span_ids"] and "rehydrated" not in found:
            return Ask(_rehydrate(settings, found["span_ids"]), {**found, "asked": "rehydrate"})
    if wants(settings, "use_kg_memory") and "kg_text" not in found:
        return Ask(_kg_query(settings, asked, model), {**found, "asked": "kg"})
    return None


def learned(reply: Json, kept: Mapping[str, Json]) -> dict[str, Json]:
    """Return what is known after a reply of memory."""
    known = reply if isinstance(reply, Mapping) else {}
    found = {key: value for key, value in kept.items() if key != "asked"}
    if kept.get("asked") == "spans":
        found["span_ids"] = [each for each in items(meta_of(known).get("span_ids")) if isinstance(each, str)]
    elif kept.get("asked") == "rehydrate":
        found["rehydrated"] = True
    else:
        found["kg_text"] = text(known.get("active_memory_text")).strip()
    return found


def meta_of(reply: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return the `meta` of the first result of a reply of memory."""
    results = items(reply.get("results"))
    first = results[0] if results and isinstance(results[0], Mapping) else {}
    meta = first.get("meta")
    return meta if isinstance(meta, Mapping) else {}


def _scope(settings: Mapping[str, Json]) -> str:
    return text(settings.get("memory_scope")).strip() or "run"


def _level(settings: Mapping[str, Json]) -> dict[str, Json]:
    level = text(settings.get("recall_level")).strip()
    return {"recall_level": level} if level else {}


def _span_query(settings: Mapping[str, Json], query: str) -> Effect:
    payload = {"query": query, "scope": _scope(settings), "return": "meta", **_level(settings)}
    return Effect(EffectType.MEMORY_QUERY, payload)


def _rehydrate(settings: Mapping[str, Json], span_ids: list[Json]) -> Effect:
    payload = {"span_ids": span_ids, "placement": "after_summary", **_level(settings)}
    most = positive(settings.get("max_span_messages"))
    if most is not None or "recall_level" not in payload:
        payload["max_messages"] = most or _MOST_SPAN_MESSAGES
    return Effect(EffectType.MEMORY_REHYDRATE, payload)


def _kg_query(settings: Mapping[str, Json], query: str, model: str) -> Effect:
    payload: dict[str, Json] = {"query_text": query, "scope": _scope(settings), **_level(settings)}
    score = settings.get("kg_min_score")
    if isinstance(score, (int, float)) and not isinstance(score, bool):
        payload["min_score"] = score
    if limit := positive(settings.get("kg_limit")):
        payload["limit"] = limit
    most = positive(settings.get("kg_max_input_tokens"))
    if most is not None or "recall_level" not in payload:
        payload["max_input_tokens"] = most or _MOST_KG_TOKENS
    if model:
        payload["model"] = model
    return Effect(EffectType.MEMORY_KG_QUERY, payload)
