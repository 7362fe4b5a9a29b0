"""Writing a note into memory.

The note's artifact is written first, under an id that follows from the visit; its span is committed
with the step. A crash in between leaves an artifact that the repeated step writes again, never a note
without a span nor two of one. Two visits that note the same text have made two notes.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from ..core.effects import EffectOutcome, Services, handles
from ..core.jsonsafe import encode
from ..core.models import Effect, EffectType, RunState
from ..memory.active_context import add_messages
from ..memory.compaction import Message
from ..memory.payload import flag, tags, text, texts
from ..memory.rehydrate import rehydrate
from ..memory.scopes import artifacts_of, base_run, made_id, owner, refused, told
from ..memory.spans import NOTE, Span, add_span, messages_of

_PREVIEW, _CUT = 160, "… (truncated)"


@handles(EffectType.MEMORY_NOTE, repeats=True)
def memory_note(run: RunState, effect: Effect, next_node: str | None, services: Services) -> EffectOutcome:
    """Keep a note in the memory of a run, a session, or all."""
    payload = effect.payload
    try:
        store = artifacts_of(effect, services)
        note = text(payload, "note")
        if not note:
            raise ValueError("memory_note requires payload.note (non-empty text)")
        base = base_run(run, effect, services)
        keeper = owner(base, text(payload, "scope").lower() or "run", services)
        stays = flag(payload, "keep_in_context", "keepInContext")
    except ValueError as bad:
        return refused(effect, bad)
    span_id, now = made_id(services, f"note:{keeper.run_id}"), services.now().isoformat()
    content, labels = _content(run, payload, note, now), tags(payload)
    store.store(
        encode(content, "note").encode(),
        content_type="application/json",
        run_id=keeper.run_id,
        tags={"kind": NOTE, **labels},
        artifact_id=span_id,
    )
    span = _span(span_id, content, labels)
    services.stage_change(keeper.run_id, partial(add_span, span=span))
    meta: dict[str, Any] = {"span_id": span_id, "created_at": now, "note_preview": span["note_preview"]}
    if stays:
        done = rehydrate(messages_of(base), [(span_id, content)], placement="end")
        added: list[Message] = done.added or []
        services.stage_change(base.run_id, partial(add_messages, messages=added))
        meta["kept_in_context"] = {key: done.report[key] for key in ("inserted", "skipped")}
    said = json.dumps(labels, ensure_ascii=False, sort_keys=True)
    output = f"Stored memory_note span_id={span_id} tags={said}"
    return EffectOutcome.completed(told(effect, name="remember_note", output=output, meta=meta))


def _content(run: RunState, payload: dict[str, Any], note: str, now: str) -> dict[str, Any]:
    """Return what the note's artifact holds; its sources are of the run that asks, unless it says otherwise."""
    given = payload.get("sources") if isinstance(payload.get("sources"), dict) else {}
    sources: dict[str, Any] = given if isinstance(given, dict) else {}
    content: dict[str, Any] = {
        "note": note,
        "sources": {
            "run_id": text(sources, "run_id") or run.run_id,
            "span_ids": texts(sources, "span_ids"),
            "message_ids": texts(sources, "message_ids"),
        },
        "created_at": now,
    }
    told = (
        ("location", text(payload, "location")),
        ("actor_id", run.actor_id),
        ("session_id", run.session_id),
    )
    return {**content, **{key: value for key, value in told if value}}


def _span(span_id: str, content: dict[str, Any], labels: dict[str, str]) -> Span:
    now, note, sources = content["created_at"], content["note"], content["sources"]
    preview = note if len(note) <= _PREVIEW else note[: _PREVIEW - len(_CUT)].rstrip() + _CUT
    span: Span = {
        "kind": NOTE,
        "artifact_id": span_id,
        "created_at": now,
        "from_timestamp": now,
        "to_timestamp": now,
        "message_count": 0,
        "note_preview": preview,
    }
    more = (
        ("location", content.get("location")),
        ("tags", labels),
        ("sources", sources if sources["span_ids"] or sources["message_ids"] else None),
        ("created_by", content.get("actor_id")),
    )
    return {**span, **{key: value for key, value in more if value}}


CASES: list[tuple[EffectType, dict[str, Any], str | None, str, Any]] = [
    (EffectType.MEMORY_NOTE, {"note": "  "}, "next", "failed", "memory_note requires payload.note"),
    (
        EffectType.MEMORY_NOTE,
        {"note": "a", "scope": "planet"},
        "next",
        "failed",
        "Unknown memory scope: 'planet'",
    ),
    (
        EffectType.MEMORY_NOTE,
        {"note": "a", "target_run_id": "nobody"},
        "next",
        "failed",
        "memory_note: Unknown target_run_id: nobody",
    ),
    (
        EffectType.MEMORY_NOTE,
        {"note": "a", "keep_in_context": "perhaps"},
        "next",
        "failed",
        "payload.keep_in_context must be true or false",
    ),
    (
        EffectType.MEMORY_NOTE,
        {"note": "tea at four", "tags": {"topic": "tea"}},
        "next",
        "completed",
        {"mode": "executed"},
    ),
    (
        EffectType.MEMORY_NOTE,
        {"note": "a", "scope": "session", "keep_in_context": True},
        None,
        "completed",
        {},
    ),
]
