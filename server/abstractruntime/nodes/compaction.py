"""The conversation of a run, made shorter and longer by memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.models import Effect, EffectType
from .define import EXEC_IN, EXEC_OUT, Call, Example, Field, Pin, effect
from .memories import LEVELS, RAW, counted, filled, meta_told, told
from .values import items, text

Json = Any

_PLACEMENTS = ("after_summary", "after_system", "end")
_MODES = ("light", "standard", "heavy")


@effect(
    "memory_compact",
    family="memory",
    label="Compact memory",
    sentence="Shorten what is remembered, the last {preserve_recent} kept",
    inputs=(
        EXEC_IN,
        Pin("preserve_recent", "number", 6, "How many of the newest messages stay as they are."),
        Pin("compression_mode", "string", "standard", "How short the summary is.", choices=_MODES),
        Pin("focus", "string", None, "What the summary shall not lose."),
    ),
    outputs=(EXEC_OUT, Pin("span_id", "string", description="The id of what was put away."), RAW),
    fields=(
        Field("effectConfig.provider", "provider", "", "Provider", "Whose model writes the summary."),
        Field("effectConfig.model", "model", "", "Model", "Which model writes the summary."),
    ),
    settle=lambda reply, call: {"span_id": meta_told(reply).get("span_id"), "raw": reply},
    main="span_id",
    keywords=("summarize", "shorten", "context", "conversation", "archive"),
    examples=(
        Example(
            {"preserve_recent": 2, "focus": "decisions"},
            {
                "effect": {
                    "type": "memory_compact",
                    "payload": {"preserve_recent": 2, "compression_mode": "standard", "focus": "decisions"},
                },
                "settled": {"span_id": "s1", "raw": told("Compacted", span_id="s1")},
            },
            reply=told("Compacted", span_id="s1"),
        ),
        Example(
            {"compression_mode": "heavy"},
            {
                "effect": {
                    "type": "memory_compact",
                    "payload": {"preserve_recent": 6, "compression_mode": "heavy"},
                },
                "settled": {"span_id": None, "raw": told("Nothing to compact.")},
            },
            reply=told("Nothing to compact."),
            note="A short conversation stays as it is; then there is no id.",
        ),
    ),
)
def memory_compact(call: Call) -> Effect:
    """Put older messages of the conversation away and leave a summary in their place."""
    payload = {**counted(call, "preserve_recent"), **filled(call, "compression_mode", "focus")}
    return Effect(EffectType.MEMORY_COMPACT, payload)


def _inserted(reply: Json, call: Call) -> dict[str, Json]:
    known = reply if isinstance(reply, Mapping) else {}
    return {
        "inserted": known.get("inserted", 0),
        "skipped": known.get("skipped", 0),
        "artifacts": items(known.get("artifacts")),
        "raw": reply,
    }


@effect(
    "memory_rehydrate",
    family="memory",
    label="Recall into context",
    inputs=(
        EXEC_IN,
        Pin("span_ids", "array", [], "The memories, by id.", widget="lines", was=("span_id",)),
        Pin("placement", "string", "after_summary", "Where they go.", choices=_PLACEMENTS),
        Pin("recall_level", "string", None, "How much may be brought back.", choices=LEVELS),
        Pin("max_messages", "number", None, "How many messages at most."),
    ),
    outputs=(
        EXEC_OUT,
        Pin("inserted", "number", description="How many messages were put in."),
        Pin("skipped", "number", description="How many were there already."),
        Pin("artifacts", "array", hidden=True),
        RAW,
    ),
    seldom=("placement", "recall_level", "max_messages"),
    settle=_inserted,
    keywords=("restore", "remember", "conversation", "messages", "bring back"),
    examples=(
        Example(
            {"span_ids": ["s1"], "placement": "end", "max_messages": 20},
            {
                "effect": {
                    "type": "memory_rehydrate",
                    "payload": {"span_ids": ["s1"], "placement": "end", "max_messages": 20},
                },
                "settled": {
                    "inserted": 4,
                    "skipped": 1,
                    "artifacts": [],
                    "raw": {"inserted": 4, "skipped": 1},
                },
            },
            reply={"inserted": 4, "skipped": 1},
        ),
        Example(
            {"span_ids": "s1", "placement": "somewhere"},
            {
                "effect": {
                    "type": "memory_rehydrate",
                    "payload": {"span_ids": ["s1"], "placement": "after_summary"},
                }
            },
            note="A single id is fine; an unknown place counts as after_summary.",
        ),
    ),
)
def memory_rehydrate(call: Call) -> Effect:
    """Put memories back into the conversation of this run."""
    place = text(call.get("placement")).strip()
    payload: dict[str, Json] = {
        "span_ids": [each for each in items(call.get("span_ids")) if each not in (None, "")],
        "placement": place if place in _PLACEMENTS else "after_summary",
        **filled(call, "recall_level"),
        **counted(call, "max_messages"),
    }
    return Effect(EffectType.MEMORY_REHYDRATE, payload)
