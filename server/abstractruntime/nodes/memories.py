"""Memory: notes and earlier parts of conversations, kept beyond one run.

Where a memory lives is its scope: this run, its session (all runs of one conversation), or all runs of
this server (global). How much a search may cost is its recall level: urgent, standard or deep.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.models import Effect, EffectType
from .authored import chosen, pin_value
from .define import EXEC_IN, EXEC_OUT, UNSET, Call, Example, Finding, NodeError, Pin, effect
from .recall import meta_of
from .values import described, items, text, truth, whole

Json = Any

SCOPES = ("run", "session", "global")
LEVELS = ("urgent", "standard", "deep")

SCOPE = Pin("scope", "string", "run", "Where it is kept: this run, its session, or all runs.", choices=SCOPES)
ANY_SCOPE = Pin(
    "scope",
    "string",
    "run",
    "Where to look: this run, its session, all runs, or everywhere.",
    choices=(*SCOPES, "all"),
)
LEVEL = Pin("recall_level", "string", description="How hard to look; unset: no rule.", choices=LEVELS)
RAW = Pin("raw", "object", hidden=True)


def filled(call: Call, *pins: str) -> dict[str, Json]:
    """Return the texts of these pins that are not blank."""
    return {pin: word for pin in pins if (word := text(call.get(pin)).strip())}


def counted(call: Call, *pins: str) -> dict[str, Json]:
    """Return the whole numbers of these pins that are set."""
    return {pin: whole(call.get(pin), pin) for pin in pins if call.get(pin) not in (None, "")}


def object_of(call: Call, pin: str) -> dict[str, Json]:
    """Return the object at a pin, {} when unset; raise NodeError for anything else."""
    value = call.get(pin)
    if value is None or value == "":
        return {}
    if isinstance(value, dict):
        return value
    raise NodeError(f"'{pin}' needs an object, but got {described(value)}.", code="value.not_object", pin=pin)


def first_result(reply: Json) -> Mapping[str, Json]:
    results = items(reply.get("results")) if isinstance(reply, Mapping) else []
    return results[0] if results and isinstance(results[0], Mapping) else {}


def meta_told(reply: Json) -> Mapping[str, Json]:
    return meta_of(reply) if isinstance(reply, Mapping) else {}


def told(output: Json = None, **meta: Json) -> dict[str, Json]:
    """Return what a handler of memory replies, for the examples."""
    return {"mode": "executed", "results": [{"success": True, "output": output, "meta": meta}]}


def _check_note(data: Mapping[str, Json]) -> list[Finding]:
    content = pin_value(data, "content")
    if content is not UNSET and text(content).strip():
        return []
    return [Finding("risk", "memory.no_note", "The note is empty, and the run fails here.", pin="content")]


@effect(
    "memory_note",
    family="memory",
    label="Memorize",
    sentence="Remember {content}",
    inputs=(
        EXEC_IN,
        Pin(
            "keep_in_context",
            "boolean",
            False,
            "Whether the note is also put into the conversation.",
            label="in_context",
            was=("keepInContext",),
        ),
        SCOPE,
        Pin("content", "string", description="What to remember.", widget="text"),
        Pin("location", "string", description="Where it belongs, as a place or a file."),
        Pin("tags", "object", {}, "Words to find it by: names and values."),
        Pin("sources", "object", description="Where it comes from: run_id, span_ids, message_ids."),
    ),
    outputs=(EXEC_OUT, Pin("note_id", "string", description="The id of the note."), RAW),
    seldom=("location", "sources"),
    settle=lambda reply, call: {"note_id": meta_told(reply).get("span_id"), "raw": reply},
    main="note_id",
    check=_check_note,
    keywords=("remember", "store", "save", "note", "fact", "learn"),
    examples=(
        Example(
            {"content": "Ada likes tea.", "tags": {"person": "Ada"}, "scope": "session", "location": " "},
            {
                "effect": {
                    "type": "memory_note",
                    "payload": {"note": "Ada likes tea.", "tags": {"person": "Ada"}, "scope": "session"},
                },
                "settled": {"note_id": "n1", "raw": told("Stored", span_id="n1")},
            },
            reply=told("Stored", span_id="n1"),
        ),
        Example(
            {"content": "x", "keep_in_context": "yes", "sources": {"run_id": "r"}},
            {
                "effect": {
                    "type": "memory_note",
                    "payload": {
                        "note": "x",
                        "tags": {},
                        "scope": "run",
                        "sources": {"run_id": "r"},
                        "keep_in_context": True,
                    },
                }
            },
        ),
        Example({"content": "x", "tags": "t"}, error="'tags' needs an object"),
        Example({"content": " "}, error="give 'content' a text"),
    ),
)
def memory_note(call: Call) -> Effect:
    """Remember a note, so that Recall finds it later, also in other runs."""
    note = text(call.get("content"))
    if not note.strip():
        raise NodeError(
            "There is nothing to remember: give 'content' a text.", code="memory.no_note", pin="content"
        )
    payload: dict[str, Json] = {"note": note, "tags": object_of(call, "tags")}
    payload |= filled(call, "scope", "location")
    if sources := object_of(call, "sources"):
        payload["sources"] = sources
    keep = chosen(call, "keep_in_context", "effectConfig.keep_in_context", False)
    if truth(keep, "keep_in_context"):
        payload["keep_in_context"] = True
    return Effect(EffectType.MEMORY_NOTE, payload)


def _found(reply: Json, call: Call) -> dict[str, Json]:
    meta = meta_told(reply)
    return {
        "results": items(meta.get("matches")),
        "rendered": text(first_result(reply).get("output")),
        "span_ids": items(meta.get("span_ids")),
        "raw": reply,
    }


_MATCH = {"span_id": "n1", "kind": "memory_note"}


@effect(
    "memory_query",
    family="memory",
    gives=True,
    label="Recall",
    sentence="Recall[ {query}], at most {limit}",
    inputs=(
        EXEC_IN,
        Pin("query", "string", "", "Words to look for; empty: the newest."),
        LEVEL,
        Pin("limit", "number", 10, "How many memories at most."),
        Pin("tags", "object", description="Tags that they must have: names and values."),
        Pin("tags_mode", "string", "all", "Whether all tags must fit, or any.", choices=("all", "any")),
        Pin("usernames", "array", description="Who wrote them.", widget="lines"),
        Pin("locations", "array", description="Where they belong.", widget="lines"),
        Pin("since", "string", description="Not older than this date and time.", widget="moment"),
        Pin("until", "string", description="Not newer than this date and time.", widget="moment"),
        ANY_SCOPE,
    ),
    outputs=(
        EXEC_OUT,
        Pin("results", "array", description="The memories: id, kind, time, tags."),
        Pin("rendered", "string", description="The memories as a text to read."),
        Pin("span_ids", "array", hidden=True),
        RAW,
    ),
    seldom=("recall_level", "tags_mode", "usernames", "locations", "since", "until"),
    settle=_found,
    main="results",
    keywords=("search", "find", "remember", "look", "notes", "history"),
    examples=(
        Example(
            {"query": "tea", "tags": {"person": "Ada"}, "usernames": ["bo", ""], "recall_level": "deep"},
            {
                "effect": {
                    "type": "memory_query",
                    "payload": {
                        "query": "tea",
                        "limit_spans": 10,
                        "return": "both",
                        "recall_level": "deep",
                        "tags": {"person": "Ada"},
                        "tags_mode": "all",
                        "usernames": ["bo"],
                        "scope": "run",
                    },
                },
                "settled": {
                    "results": [_MATCH],
                    "rendered": "span_id=n1",
                    "span_ids": ["n1"],
                    "raw": told("span_id=n1", matches=[_MATCH], span_ids=["n1"]),
                },
            },
            reply=told("span_id=n1", matches=[_MATCH], span_ids=["n1"]),
        ),
        Example(
            {"limit": "3", "scope": "all"},
            {
                "effect": {
                    "type": "memory_query",
                    "payload": {"query": "", "limit_spans": 3, "return": "both", "scope": "all"},
                }
            },
        ),
        Example({"limit": "many"}, error="'limit' needs a number"),
    ),
)
def memory_query(call: Call) -> Effect:
    """Look for what was remembered: by words, tags, people, places and time."""
    limit = whole(call.get("limit"), "limit") if call.get("limit") not in (None, "") else 10
    payload: dict[str, Json] = {
        "query": text(call.get("query")),
        "limit_spans": limit,
        "return": "both",
        **filled(call, "recall_level", "since", "until", "scope"),
    }
    if tags := object_of(call, "tags"):
        payload |= {"tags": tags, "tags_mode": text(call.get("tags_mode")).strip() or "all"}
    for pin in ("usernames", "locations"):
        if names := [word for each in items(call.get(pin)) if (word := text(each).strip())]:
            payload[pin] = names
    return Effect(EffectType.MEMORY_QUERY, payload)


def _tagged(reply: Json, call: Call) -> dict[str, Json]:
    first = first_result(reply)
    return {
        "success": first.get("success") is True,
        "rendered": text(first.get("output")),
        "results": items(reply.get("results")) if isinstance(reply, Mapping) else [],
        "raw": reply,
    }


@effect(
    "memory_tag",
    family="memory",
    label="Tag memory",
    sentence="Tag {span_id} with {tags}",
    inputs=(
        EXEC_IN,
        Pin("span_id", "string", description="The id of the memory, or its number counted from 1."),
        ANY_SCOPE,
        Pin("tags", "object", description="Names and values, all text."),
        Pin("merge", "boolean", True, "Whether the tags it has are kept."),
    ),
    outputs=(
        EXEC_OUT,
        Pin("success", "boolean", description="Whether the memory was tagged."),
        Pin("rendered", "string", description="What was done, in words."),
        Pin("results", "array", hidden=True),
        RAW,
    ),
    settle=_tagged,
    main="rendered",
    keywords=("label", "mark", "classify", "note"),
    examples=(
        Example(
            {"span_id": "n1", "tags": {"topic": "tea"}, "merge": False},
            {
                "effect": {
                    "type": "memory_tag",
                    "payload": {"span_id": "n1", "tags": {"topic": "tea"}, "merge": False, "scope": "run"},
                },
                "settled": {
                    "success": True,
                    "rendered": "Tagged span_id=n1",
                    "results": told("Tagged span_id=n1")["results"],
                    "raw": told("Tagged span_id=n1"),
                },
            },
            reply=told("Tagged span_id=n1"),
        ),
        Example(
            {"span_id": 2, "scope": "session"},
            {
                "effect": {
                    "type": "memory_tag",
                    "payload": {"span_id": 2, "tags": {}, "merge": True, "scope": "session"},
                }
            },
            note="Without tags the run fails.",
        ),
    ),
)
def memory_tag(call: Call) -> Effect:
    """Add words to a memory, so that it is found by them."""
    span = call.get("span_id")
    merge = call.get("merge")
    payload: dict[str, Json] = {
        "span_id": span if isinstance(span, int) and not isinstance(span, bool) else text(span).strip(),
        "tags": object_of(call, "tags"),
        "merge": True if merge is None else truth(merge, "merge"),
        **filled(call, "scope"),
    }
    return Effect(EffectType.MEMORY_TAG, payload)
