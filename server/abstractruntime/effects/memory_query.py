"""Looking into memory: notes and archived conversation by words, tags, authors, places and time."""

from __future__ import annotations

from typing import Any

from ..core.effects import EffectOutcome, Services, handles
from ..core.models import Effect, EffectType, RunState
from ..memory.recall import read_question, select
from ..memory.recall_report import match, render
from ..memory.scopes import artifacts_of, base_run, owners, refused, told
from ..memory.spans import Span, summaries_of


@handles(EffectType.MEMORY_QUERY)
def memory_query(run: RunState, effect: Effect, next_node: str | None, services: Services) -> EffectOutcome:
    """Find spans and tell what is in them; evidence is not part of memory that is asked for."""
    try:
        store = artifacts_of(effect, services)
        question = read_question(effect.payload)
        keepers = owners(base_run(run, effect, services), question.scope, services)
    except ValueError as bad:
        return refused(effect, bad)
    found: dict[str, Span] = {}
    summaries: dict[str, str] = {}
    for keeper in keepers:
        for span in select(question, keeper, store):
            found.setdefault(str(span.get("artifact_id")), span)
        summaries = {**summaries_of(keeper), **summaries}
    spans, output, meta = list(found.values()), "", None
    if question.return_mode != "meta":
        output = render(
            spans,
            summaries=summaries,
            store=store,
            max_messages=question.effort.max_messages,
            warnings=question.warnings,
        )
    if question.return_mode != "rendered":
        meta = {"matches": [match(one) for one in spans], "span_ids": list(found), **question.meta}
    return EffectOutcome.completed(told(effect, name="recall_memory", output=output, meta=meta))


def _answer(output: str, meta: Any = None, name: str = "recall_memory") -> dict[str, Any]:
    row = {"call_id": "memory", "name": name, "success": True, "output": output, "error": None, "meta": meta}
    return {"mode": "executed", "results": [row]}


CASES: list[tuple[EffectType, dict[str, Any], str | None, str, Any]] = [
    (EffectType.MEMORY_QUERY, {}, "next", "completed", _answer("No matching memory spans.")),
    (
        EffectType.MEMORY_QUERY,
        {"query": "tea", "scope": "all", "return": "meta", "tool_name": "look"},
        "next",
        "completed",
        _answer("", {"matches": [], "span_ids": []}, "look"),
    ),
    (EffectType.MEMORY_QUERY, {"scope": "planet"}, "next", "failed", "Unknown memory scope: 'planet'"),
    (EffectType.MEMORY_QUERY, {"scope": "all", "span_ids": [1]}, "next", "failed", "scope 'all'"),
    (EffectType.MEMORY_QUERY, {"recall_level": "soon"}, "next", "failed", "Unknown recall_level: 'soon'"),
    (EffectType.MEMORY_QUERY, {"limit_spans": "many"}, "next", "failed", "payload.limit_spans"),
    (EffectType.MEMORY_QUERY, {"since": "yesterday"}, "next", "failed", "payload.since"),
]
