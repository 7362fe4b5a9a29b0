"""Putting archived messages and notes back into a conversation."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..core.effects import EffectOutcome, Services, handles
from ..core.models import Effect, EffectType, RunState
from ..memory.active_context import add_messages, set_messages
from ..memory.payload import given, mode, text, whole
from ..memory.recall_levels import Clamp, parse_recall_level, policy_for
from ..memory.rehydrate import PLACEMENTS, rehydrate
from ..memory.scopes import artifacts_of, base_run, refused
from ..memory.spans import CONVERSATION, NOTE, find_span, load_object, messages_of, resolve_span_ids, spans_of


@handles(EffectType.MEMORY_REHYDRATE, repeats=True)
def memory_rehydrate(
    run: RunState, effect: Effect, next_node: str | None, services: Services
) -> EffectOutcome:
    """Insert the messages of spans into a run's conversation; of each message, one."""
    payload = effect.payload
    try:
        wanted = _wanted(payload)
        store = artifacts_of(effect, services)
        base = base_run(run, effect, services)
        placement = mode(payload, "placement", known=PLACEMENTS, default=PLACEMENTS[0])
        most, effort, warnings = _bound(payload)
    except ValueError as bad:
        return refused(effect, bad)
    ids = resolve_span_ids(wanted, spans_of(base))
    kinds = {one: (find_span(base, one) or {}).get("kind") for one in ids}
    fit = [one for one in ids if kinds[one] in (CONVERSATION, NOTE, None)]
    done = rehydrate(
        messages_of(base),
        [(one, load_object(store, one)) for one in fit],
        placement=placement,
        dedup_by=text(payload, "dedup_by") or "message_id",
        max_messages=most,
    )
    rows = {row["artifact_id"]: row for row in done.rows}
    if done.added:
        services.stage_change(base.run_id, partial(add_messages, messages=done.added))
    elif done.added is None and done.report["inserted"]:
        services.stage_change(base.run_id, partial(set_messages, messages=done.messages))
    return EffectOutcome.completed(
        {
            "inserted": done.report["inserted"],
            "skipped": done.report["skipped"],
            "artifacts": [_row(one, rows.get(one, {}), kinds[one]) for one in ids],
            "effort": effort,
            "warnings": warnings or None,
        }
    )


def _wanted(payload: dict[str, Any]) -> list[Any]:
    wanted = given(payload, "span_ids", "span_id")
    if wanted is None:
        raise ValueError("memory_rehydrate requires payload.span_ids")
    return list(wanted) if isinstance(wanted, (list, tuple)) else [wanted]


def _bound(payload: dict[str, Any]) -> tuple[int | None, dict[str, Any] | None, list[str]]:
    """Return how many messages at most, what the recall level made of that, and its warnings."""
    level, asked = (
        parse_recall_level(given(payload, "recall_level", "recallLevel")),
        whole(payload, "max_messages"),
    )
    if level is None:
        return asked, None, []
    bounds, clamp = policy_for(level).rehydrate, Clamp(level, [])
    most = clamp.most("max_messages", asked, bounds.max_messages_default, bounds.max_messages_max)
    return most, {"recall_level": level.value, "applied": {"max_messages": most}}, clamp.warnings


def _row(span_id: str, row: dict[str, Any], kind: str | None) -> dict[str, Any]:
    return {
        "span_id": span_id,
        "inserted": row.get("inserted", 0),
        "skipped": row.get("skipped", 0),
        "error": row.get("error"),
        "kind": kind,
        "preview": row.get("preview"),
    }


CASES: list[tuple[EffectType, dict[str, Any], str | None, str, Any]] = [
    (EffectType.MEMORY_REHYDRATE, {}, "next", "failed", "memory_rehydrate requires payload.span_ids"),
    (
        EffectType.MEMORY_REHYDRATE,
        {"span_ids": []},
        "next",
        "completed",
        {"inserted": 0, "skipped": 0, "artifacts": [], "effort": None, "warnings": None},
    ),
    (
        EffectType.MEMORY_REHYDRATE,
        {"span_ids": ["x"], "placement": "top"},
        "next",
        "failed",
        "payload.placement",
    ),
    (EffectType.MEMORY_REHYDRATE, {"span_ids": [], "recall_level": "soon"}, "next", "failed", "recall_level"),
    (
        EffectType.MEMORY_REHYDRATE,
        {"span_id": "nothing", "recall_level": "urgent", "max_messages": 1000},
        "next",
        "completed",
        {"inserted": 0, "warnings": ["recall_level=urgent: clamped max_messages from 1000 to 60"]},
    ),
]
