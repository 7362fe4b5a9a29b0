"""MEMORY_KG_QUERY: facts come out of the graph, the best or the newest first (contract/kernel.md 9.9)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from ...core.boundary import guarded
from ...core.effects import EffectOutcome
from ...core.models import Effect, RunState
from ...memory.kg_packets import (
    KG_MEMORY_PACKETS_VERSION,
    pack_active_memory_text,
    packetize_assertions,
)
from ...memory.recall_levels import Clamp, RecallLevel, parse_recall_level, policy_for
from .assertions import words
from .scopes import ALL, SCOPES, resolve_scope_owner_id

DEFAULT_LIMIT, MOST_LIMIT = 100, 10_000
_ALL = 2**31 - 1


@dataclass
class Bounds:
    """How much may be looked for, and what was changed about it."""

    limit: int
    min_score: float | None
    max_input_tokens: int | None
    level: RecallLevel | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def effort(self) -> dict[str, Any]:
        """What a result tells of the level and of what it came to."""
        applied = {
            "limit": self.limit,
            "min_score": self.min_score,
            "max_input_tokens": self.max_input_tokens,
        }
        return {"recall_level": self.level.value if self.level else None, "applied": applied}


def query_facts(store: Any, run_store: Any, run: RunState, effect: Effect) -> EffectOutcome:
    """Return the facts that an effect asks for; a scope or a store that cannot be asked is `ok: false`."""
    payload = effect.payload
    try:
        bounds = read_bounds(payload)
    except ValueError as error:
        return EffectOutcome.failed(f"memory_kg_query: {error}")
    scope = str(payload.get("scope") or "run")
    try:
        owners = owners_of(run, payload, scope, run_store)
    except ValueError as error:
        return EffectOutcome.completed(refused(str(error)))
    rows: list[dict[str, Any]] = []
    failures: list[str] = []
    for name, owner in owners:
        found, failure = guarded(_ask, store, payload, name, owner, bounds)
        if failure is not None:
            failures.append(f"{name}: {failure}")
        rows += found or []
    if failures and len(failures) == len(owners):
        return EffectOutcome.completed(refused("; ".join(failures)))
    bounds.warnings += failures
    rows = _ordered(rows, payload)[: bounds.limit]
    made: dict[str, Any] = {"ok": True, "count": len(rows), "items": rows}
    if bounds.level is not None:
        made["effort"] = bounds.effort
    if bounds.max_input_tokens:
        made |= _packed(rows, scope, bounds.max_input_tokens, payload.get("model"))
    if bounds.warnings:
        made["warnings"] = bounds.warnings
    return EffectOutcome.completed(made)


def read_bounds(payload: dict[str, Any]) -> Bounds:
    """Return how much a payload may ask for; raise ValueError for an unknown recall level."""
    level = parse_recall_level(payload.get("recall_level"))
    limit, score = _whole(payload.get("limit")), _number(payload.get("min_score"))
    tokens = _whole(payload.get("max_input_tokens", payload.get("max_in_tokens")))
    if level is None:
        limit = DEFAULT_LIMIT if limit is None else limit
        return Bounds(max(1, min(limit, MOST_LIMIT)), score, tokens)
    kg, warnings = policy_for(level).kg, list[str]()
    clamp = Clamp(level, warnings)
    if tokens != 0:  # an explicit 0 wants no text
        tokens = clamp.most("max_input_tokens", tokens, kg.max_input_tokens_default, kg.max_input_tokens_max)
    return Bounds(
        clamp.most("limit", limit, kg.limit_default, kg.limit_max),
        clamp.least("min_score", score, kg.min_score_default, kg.min_score_floor),
        tokens,
        level,
        warnings,
    )


def owners_of(run: RunState, payload: dict[str, Any], scope: str, run_store: Any) -> list[tuple[str, str]]:
    """Return the scopes to look in, and whose; raise ValueError for an unknown one."""
    names = SCOPES if scope == ALL else (scope,)
    given = payload.get("owner_id")
    return [
        (name, str(given) if given else resolve_scope_owner_id(run, scope=name, run_store=run_store))
        for name in names
    ]


def refused(reason: str) -> dict[str, Any]:
    """Return the result of a question that could not be asked."""
    return {"ok": False, "count": 0, "items": [], "error": reason}


def _ask(store: Any, payload: dict[str, Any], scope: str, owner: str, bounds: Bounds) -> list[dict[str, Any]]:
    memory = words()
    text = str(payload.get("query_text") or "").strip()
    known = {key: payload[key] for key in _PASSED if payload.get(key) not in (None, "")}
    query = memory.TripleQuery(
        **known,
        scope=scope,
        owner_id=owner,
        query_text=text or None,
        min_score=bounds.min_score if text else None,
        limit=bounds.limit,
        order=str(payload.get("order") or "desc"),
    )
    found, error = guarded(store.query, query)
    if error is not None:
        found = _by_words(store, text, query, error)
        # No embedder, or it is down: words are better than nothing, and it is told.
        bounds.warnings.append(f"{scope}: searched by words, not by meaning ({error})")
    return [dict(each.to_dict()) for each in found or ()]


_PASSED = ("subject", "predicate", "object", "since", "until", "active_at")


def _by_words(store: Any, text: str, query: Any, error: Exception) -> list[Any]:
    """Return the facts with some of a text's words that are all else a query asks for, the best first.

    Raises `error` where the store cannot look for words.
    """
    ask = getattr(store, "query_keywords", None)
    if not text or not callable(ask) or getattr(store, "supports_keyword_search", True) is False:
        raise error
    where = {"scope": query.scope, "owner_id": query.owner_id}
    if not any(getattr(query, key) for key in _PASSED):
        return list(ask(text.split(), **where, limit=query.limit))
    rest = store.query(replace(query, query_text=None, min_score=None, limit=0))
    asked_for = {each.assertion_id for each in rest}
    found = ask(text.split(), **where, limit=_ALL)  # the limit is for what is left of them
    return [each for each in found if each.assertion_id in asked_for][: query.limit]


def _ordered(rows: list[dict[str, Any]], payload: dict[str, Any]) -> list[dict[str, Any]]:
    is_descending = str(payload.get("order") or "desc").lower() != "asc"
    by_time = sorted(rows, key=lambda row: str(row.get("observed_at") or ""), reverse=is_descending)
    if not payload.get("query_text"):
        return by_time
    if all(score_of(row) is None for row in rows):
        return rows  # found by words: the store's order is the best first
    return sorted(by_time, key=lambda row: score_of(row) or 0.0, reverse=True)


def score_of(row: dict[str, Any]) -> float | None:
    """Return how near a fact is to what was asked, where that is known."""
    attributes = row.get("attributes")
    told = attributes.get("_retrieval") if isinstance(attributes, dict) else None
    score = told.get("score") if isinstance(told, dict) else None
    return float(score) if isinstance(score, int | float) else None


def _packed(rows: list[dict[str, Any]], scope: str, most: int, model: Any) -> dict[str, Any]:
    text, kept, tokens, dropped = pack_active_memory_text(
        packetize_assertions(rows), scope=scope, max_input_tokens=most, model=model
    )
    return {
        "packets_version": KG_MEMORY_PACKETS_VERSION,
        "packets": kept,
        "packed_count": len(kept),
        "active_memory_text": text,
        "estimated_tokens": tokens,
        "dropped": dropped,
    }


def _whole(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None or value == "":
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
