"""The knowledge graph: facts of the form subject, predicate, object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.models import Effect, EffectType
from .define import EXEC_IN, EXEC_OUT, Call, Example, Pin, effect
from .memories import ANY_SCOPE, LEVEL, SCOPE, counted, filled, object_of
from .values import items, number

Json = Any

_OWNER = Pin("owner_id", "string", description="Whose facts, where a scope holds those of several.")
_RAW = Pin("raw", "object", hidden=True)
_SHOWN_RAW = Pin("raw", "object", description="The whole answer.")
_OK = Pin("ok", "boolean", description="Whether it was carried out.")
_FACT = {"subject": "Ada", "predicate": "likes", "object": "tea"}


def _scored(call: Call, pin: str) -> dict[str, Json]:
    value = call.get(pin)
    return {} if value in (None, "") else {pin: number(value, pin)}


def _settle_assert(reply: Json, call: Call) -> dict[str, Json]:
    known = reply if isinstance(reply, Mapping) else {}
    ids = items(known.get("assertion_ids"))
    return {
        "assertion_ids": ids,
        "count": known.get("count", len(ids)),
        "ok": known.get("ok", True),
        "raw": reply,
    }


@effect(
    "memory_kg_assert",
    family="memory",
    label="KG Assert",
    inputs=(
        EXEC_IN,
        Pin(
            "assertions",
            "assertions",
            description="The facts, each with subject, predicate and object.",
            was=("triples", "items"),
        ),
        SCOPE,
        Pin("span_id", "string", description="The memory that the facts come from."),
        _OWNER,
        Pin("attributes_defaults", "object", description="Attributes for all of them."),
        Pin("allow_custom_predicates", "boolean", False, "Whether predicates may be new words."),
    ),
    outputs=(
        EXEC_OUT,
        Pin("assertion_ids", "array", description="The ids of the facts."),
        Pin("count", "number", description="How many facts were added."),
        _OK,
        _RAW,
    ),
    seldom=("span_id", "owner_id", "attributes_defaults", "allow_custom_predicates"),
    settle=_settle_assert,
    main="assertion_ids",
    keywords=("knowledge", "graph", "fact", "triple", "learn", "remember"),
    examples=(
        Example(
            {"assertions": [_FACT], "scope": "session", "allow_custom_predicates": True},
            {
                "effect": {
                    "type": "memory_kg_assert",
                    "payload": {"assertions": [_FACT], "scope": "session", "allow_custom_predicates": True},
                },
                "settled": {
                    "assertion_ids": ["kg-1"],
                    "count": 1,
                    "ok": True,
                    "raw": {"ok": True, "count": 1, "assertion_ids": ["kg-1"]},
                },
            },
            reply={"ok": True, "count": 1, "assertion_ids": ["kg-1"]},
        ),
        Example(
            {"assertions": _FACT, "span_id": "s1"},
            {
                "effect": {
                    "type": "memory_kg_assert",
                    "payload": {"assertions": [_FACT], "scope": "run", "span_id": "s1"},
                }
            },
            note="A single fact is fine.",
        ),
    ),
)
def memory_kg_assert(call: Call) -> Effect:
    """Add facts to the knowledge graph.

    A fact with a predicate that is not known fails the run, unless new words are allowed.
    """
    payload: dict[str, Json] = {
        "assertions": items(call.get("assertions")),
        **filled(call, "scope", "span_id", "owner_id"),
    }
    if defaults := object_of(call, "attributes_defaults"):
        payload["attributes_defaults"] = defaults
    if call.get("allow_custom_predicates") is True:
        payload["allow_custom_predicates"] = True
    return Effect(EffectType.MEMORY_KG_ASSERT, payload)


_PACKED = ("packets", "active_memory_text", "packed_count", "dropped", "estimated_tokens")


def _settle_query(reply: Json, call: Call) -> dict[str, Json]:
    known = reply if isinstance(reply, Mapping) else {}
    found = items(known.get("items"))
    outputs: dict[str, Json] = {
        "items": found,
        "count": known.get("count", len(found)),
        "ok": known.get("ok", True),
        "raw": reply,
    }
    outputs |= {pin: known[pin] for pin in (*_PACKED, "packets_version", "warnings") if pin in known}
    return outputs


@effect(
    "memory_kg_query",
    family="memory",
    gives=True,
    label="KG Query",
    sentence="Known facts[ about {query_text}][, subject {subject}][, predicate {predicate}][, object {object}]",
    inputs=(
        EXEC_IN,
        Pin("query_text", "string", description="What the facts are about, in words."),
        *(
            Pin(pin, "string", description=f"The {pin} that the facts must have.")
            for pin in ("subject", "predicate", "object")
        ),
        Pin("since", "string", description="Not older than this date and time.", widget="moment"),
        Pin("until", "string", description="Not newer than this date and time.", widget="moment"),
        Pin("active_at", "string", description="True at this date and time.", widget="moment"),
        ANY_SCOPE,
        LEVEL,
        _OWNER,
        Pin("min_score", "number", description="How close to the words they must be, from 0 to 1."),
        Pin(
            "max_input_tokens",
            "number",
            description="How long the text for a model may be.",
            was=("max_in_tokens",),
        ),
        Pin("model", "model", description="The model whose tokens are counted."),
        Pin("limit", "number", description="How many facts at most; unset: 100."),
        Pin("order", "string", hidden=True),
    ),
    outputs=(
        EXEC_OUT,
        Pin("items", "assertions", description="The facts."),
        Pin("count", "number", description="How many there are."),
        _OK,
        Pin("packets", "array", description="With a limit of tokens or a level: the facts as sentences."),
        Pin("active_memory_text", "string", description="The same as a text for a model."),
        Pin("packed_count", "number", description="How many facts are in that text."),
        Pin("dropped", "number", description="How many did not fit."),
        Pin("estimated_tokens", "number", description="How long that text is."),
        _SHOWN_RAW,
        Pin("packets_version", "number", hidden=True),
        Pin("warnings", "array", hidden=True),
    ),
    seldom=(
        "since",
        "until",
        "active_at",
        "recall_level",
        "owner_id",
        "min_score",
        "max_input_tokens",
        "model",
        "packets",
        "packed_count",
        "dropped",
        "estimated_tokens",
        "raw",
    ),
    settle=_settle_query,
    main="items",
    keywords=("knowledge", "graph", "facts", "triples", "search", "find"),
    examples=(
        Example(
            {"query_text": "tea", "subject": " ", "limit": "5", "min_score": 0.4},
            {
                "effect": {
                    "type": "memory_kg_query",
                    "payload": {"query_text": "tea", "scope": "run", "limit": 5, "min_score": 0.4},
                },
                "settled": {
                    "items": [_FACT],
                    "count": 1,
                    "ok": True,
                    "raw": {"ok": True, "count": 1, "items": [_FACT]},
                },
            },
            reply={"ok": True, "count": 1, "items": [_FACT]},
        ),
        Example(
            {"subject": "Ada", "max_input_tokens": 600, "scope": "all", "recall_level": "urgent"},
            {
                "effect": {
                    "type": "memory_kg_query",
                    "payload": {
                        "subject": "Ada",
                        "scope": "all",
                        "recall_level": "urgent",
                        "max_input_tokens": 600,
                    },
                },
                "settled": {
                    "items": [],
                    "count": 0,
                    "ok": True,
                    "raw": {"items": [], "packets": [], "active_memory_text": ""},
                    "packets": [],
                    "active_memory_text": "",
                },
            },
            reply={"items": [], "packets": [], "active_memory_text": ""},
            note="With a limit of tokens the facts also come as a text for a model.",
        ),
    ),
)
def memory_kg_query(call: Call) -> Effect:
    """Find facts in the knowledge graph: by their parts, or by what they are about."""
    payload = filled(
        call,
        "query_text",
        "subject",
        "predicate",
        "object",
        "since",
        "until",
        "active_at",
        "scope",
        "recall_level",
        "owner_id",
        "model",
        "order",
    )
    payload |= {**_scored(call, "min_score"), **counted(call, "max_input_tokens", "limit")}
    return Effect(EffectType.MEMORY_KG_QUERY, payload)


def _settle_resolve(reply: Json, call: Call) -> dict[str, Json]:
    known = reply if isinstance(reply, Mapping) else {}
    candidates = items(known.get("candidates"))
    outputs = {
        "candidates": candidates,
        "count": known.get("count", len(candidates)),
        "ok": known.get("ok", True),
        "raw": reply,
    }
    return {**outputs, "warnings": known["warnings"]} if "warnings" in known else outputs


@effect(
    "memory_kg_resolve",
    family="memory",
    gives=True,
    label="KG Resolve Entity",
    inputs=(
        EXEC_IN,
        Pin("label", "string", description="The name to look for."),
        Pin("expected_type", "string", description="What kind of thing it must be."),
        ANY_SCOPE,
        LEVEL,
        Pin(
            "max_candidates",
            "number",
            description="How many to give at most.",
            was=("maxCandidates", "limit"),
        ),
        Pin("min_score", "number", description="How close they must be, from 0 to 1.", was=("minScore",)),
        Pin(
            "include_semantic",
            "boolean",
            description="Whether to look by meaning too; unset: as the level says.",
            was=("includeSemantic",),
        ),
        _OWNER,
    ),
    outputs=(
        EXEC_OUT,
        Pin("candidates", "array", description="The things that it may be, best first."),
        Pin("count", "number", description="How many there are."),
        _OK,
        _SHOWN_RAW,
        Pin("warnings", "array", hidden=True),
    ),
    seldom=("recall_level", "max_candidates", "min_score", "include_semantic", "owner_id", "raw"),
    settle=_settle_resolve,
    main="candidates",
    keywords=("knowledge", "graph", "entity", "name", "identify", "match"),
    examples=(
        Example(
            {"label": "Ada", "max_candidates": 3, "include_semantic": False},
            {
                "effect": {
                    "type": "memory_kg_resolve",
                    "payload": {
                        "label": "Ada",
                        "scope": "run",
                        "max_candidates": 3,
                        "include_semantic": False,
                    },
                },
                "settled": {
                    "candidates": [{"id": "p1"}],
                    "count": 1,
                    "ok": True,
                    "raw": {"candidates": [{"id": "p1"}], "count": 1},
                },
            },
            reply={"candidates": [{"id": "p1"}], "count": 1},
        ),
        Example(
            {"label": "Ada", "expected_type": "person", "include_semantic": "perhaps"},
            {
                "effect": {
                    "type": "memory_kg_resolve",
                    "payload": {"label": "Ada", "expected_type": "person", "scope": "run"},
                }
            },
            note="Only true and false count; the level decides otherwise.",
        ),
    ),
)
def memory_kg_resolve(call: Call) -> Effect:
    """Find out which thing in the knowledge graph a name means."""
    payload = filled(call, "label", "expected_type", "scope", "recall_level", "owner_id")
    payload |= {**_scored(call, "min_score"), **counted(call, "max_candidates")}
    if isinstance(call.get("include_semantic"), bool):
        payload["include_semantic"] = call.get("include_semantic")
    return Effect(EffectType.MEMORY_KG_RESOLVE, payload)
