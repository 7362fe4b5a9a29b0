"""Putting tags on a span.

A number names a span by its place in the order in which they were made, as it does everywhere; ids are
better, because they also mean the same in every scope.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from ..core.effects import EffectOutcome, Services, handles
from ..core.models import Effect, EffectType, RunState
from ..memory.payload import flag, given, tags, text
from ..memory.scopes import base_run, owners, refused, told
from ..memory.spans import find_span, position, spans_of


@handles(EffectType.MEMORY_TAG, repeats=True)
def memory_tag(run: RunState, effect: Effect, next_node: str | None, services: Services) -> EffectOutcome:
    """Add tags to a span, or replace those it has."""
    payload = effect.payload
    try:
        labels = tags(payload)
        if not labels:
            raise ValueError("memory_tag requires payload.tags (a non-empty object of texts)")
        scope = text(payload, "scope").lower() or "run"
        keepers = owners(base_run(run, effect, services), scope, services)
        found = _find(given(payload, "span_id"), keepers, scope)
        merge = flag(payload, "merge", default=True)
    except ValueError as bad:
        return refused(effect, bad)
    now, applied = services.now().isoformat(), []
    for keeper, span_id in found:
        span = find_span(keeper, span_id) or {}
        before = span.get("tags") if isinstance(span.get("tags"), dict) else {}
        after = {**before, **labels} if merge and isinstance(before, dict) else dict(labels)
        change = partial(_tag, span_id=span_id, labels=after, now=now, actor_id=run.actor_id)
        services.stage_change(keeper.run_id, change)
        applied.append({"run_id": keeper.run_id, "artifact_id": span_id, "tags": after})
    said = json.dumps(applied[0]["tags"], ensure_ascii=False, sort_keys=True)
    where = f" in {len(applied)} scopes" if len(applied) > 1 else ""
    output = f"Tagged span_id={found[0][1]}{where} tags={said}"
    return EffectOutcome.completed(told(effect, name="remember", output=output, meta={"applied": applied}))


def _find(wanted: Any, keepers: list[RunState], scope: str) -> list[tuple[RunState, str]]:
    """Return the span in every index that has it; raise ValueError if none has."""
    if wanted is None or (isinstance(wanted, str) and not wanted.strip()):
        raise ValueError("memory_tag requires payload.span_id")
    place = position(wanted)
    if place is None:
        span_id = str(wanted).strip()
        found = [(keeper, span_id) for keeper in keepers if find_span(keeper, span_id) is not None]
        if not found:
            raise ValueError(f"Unknown span_id: {span_id}")
        return found
    if scope == "all":
        raise ValueError("memory_tag: a position means nothing in scope 'all'; give the span's id")
    spans = [(keeper, span) for keeper in keepers for span in spans_of(keeper)]
    if not 1 <= place <= len(spans):
        raise ValueError(f"Unknown span index: {place}")
    keeper, span = spans[place - 1]
    return [(keeper, str(span.get("artifact_id")))]


def _tag(run: RunState, *, span_id: str, labels: dict[str, str], now: str, actor_id: str | None) -> None:
    span = find_span(run, span_id)
    if span is not None:
        span["tags"] = dict(labels)
        span["tagged_at"] = now
        if actor_id:
            span["tagged_by"] = actor_id


CASES: list[tuple[EffectType, dict[str, Any], str | None, str, Any]] = [
    (EffectType.MEMORY_TAG, {"span_id": "x"}, "next", "failed", "memory_tag requires payload.tags"),
    (EffectType.MEMORY_TAG, {"tags": {"a": "b"}}, "next", "failed", "memory_tag requires payload.span_id"),
    (
        EffectType.MEMORY_TAG,
        {"span_id": "x", "tags": {"kind": "b"}},
        "next",
        "failed",
        "requires payload.tags",
    ),
    (EffectType.MEMORY_TAG, {"span_id": "x", "tags": {"a": "b"}}, "next", "failed", "Unknown span_id: x"),
    (EffectType.MEMORY_TAG, {"span_id": 3, "tags": {"a": "b"}}, "next", "failed", "Unknown span index: 3"),
    (
        EffectType.MEMORY_TAG,
        {"span_id": 1, "tags": {"a": 0}, "scope": "all"},
        "next",
        "failed",
        "scope 'all'",
    ),
]
