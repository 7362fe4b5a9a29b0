"""Making a conversation shorter: older messages go to the archive, a summary stands for them.

The archive is written first, under an id that follows from the visit; conversation and index change
together in the step's commit.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ..core.effects import EffectOutcome, Services, handles
from ..core.jsonsafe import encode
from ..core.models import Effect, EffectType, RunState
from ..memory.active_context import set_messages
from ..memory.compaction import (
    CompactionSplit,
    Message,
    normalize_messages,
    span_metadata_from_messages,
    split_for_compaction,
)
from ..memory.payload import mode, text, whole
from ..memory.scopes import artifacts_of, base_run, made_id, refused, told
from ..memory.spans import (
    CONVERSATION,
    SUMMARY_KIND,
    Span,
    add_span,
    find_span,
    load_object,
    messages_of,
    summary_content,
)
from ..memory.summarize import COMPRESSION_MODES, Summary, summarize
from ..storage.artifacts import ArtifactStore

_PRESERVED = 6


@handles(EffectType.MEMORY_COMPACT, external=True, repeats=True)
def memory_compact(run: RunState, effect: Effect, next_node: str | None, services: Services) -> EffectOutcome:
    """Archive all but the last messages of a run's conversation and put a summary in their place."""
    payload = effect.payload
    try:
        store = artifacts_of(effect, services)
        base = base_run(run, effect, services)
        preserved = whole(payload, "preserve_recent")
        preserved = _PRESERVED if preserved is None else max(0, preserved)
        how = mode(payload, "compression_mode", known=COMPRESSION_MODES, default="standard")
        focus = text(payload, "focus") or None
        span_id, now = made_id(services, f"compact:{base.run_id}"), services.now().isoformat()
        if find_span(base, span_id) is not None:
            archive = load_object(store, span_id)  # by this visit, before a crash
            return _done(effect, archive, preserved)
        split = split_for_compaction(
            normalize_messages(messages_of(base), now_iso=now), preserve_recent=preserved
        )
        if not split.older_messages:
            output = f"Nothing to compact: {split.non_system_count} messages, preserve_recent={preserved}."
            return EffectOutcome.completed(told(effect, name="compact_memory", output=output, meta=None))
        summary = summarize(base, split.older_messages, mode=how, focus=focus, services=services)
    except ValueError as bad:
        return refused(effect, bad)
    archive = _archive(span_id, summary, how, focus, now, run.actor_id)
    _store(store, base, archive, preserved)
    message = _summary_message(archive, preserved)
    services.stage_change(base.run_id, partial(set_messages, messages=_shorter(split, summary, message)))
    services.stage_change(base.run_id, partial(add_span, span=archive["span"]))
    return _done(effect, archive, preserved)


def _archive(
    span_id: str, summary: Summary, how: str, focus: str | None, now: str, actor_id: str | None
) -> dict[str, Any]:
    """Return what the archive holds: the messages, their span, and the summary that stands for them."""
    span: Span = {
        "kind": CONVERSATION,
        "artifact_id": span_id,
        "created_at": now,
        **span_metadata_from_messages(summary.messages),
        "summary_message_id": f"msg_{span_id}",
        "compression_mode": how,
    }
    span.update({key: value for key, value in (("focus", focus), ("created_by", actor_id)) if value})
    told = {
        "text": summary.text,
        "key_points": summary.key_points,
        "confidence": summary.confidence,
        "llm_run_id": summary.llm_run_id,
    }
    return {"messages": summary.messages, "span": span, "created_at": now, "summary": told}


def _store(store: ArtifactStore, base: RunState, archive: dict[str, Any], preserved: int) -> None:
    span = archive["span"]
    tags = {
        "kind": CONVERSATION,
        "compression_mode": span["compression_mode"],
        "preserve_recent": str(preserved),
        **({"focus": span["focus"]} if span.get("focus") else {}),
    }
    content = encode(archive, "archive").encode()
    store.store(
        content,
        content_type="application/json",
        run_id=base.run_id,
        tags=tags,
        artifact_id=span["artifact_id"],
    )


def _summary_message(archive: dict[str, Any], preserved: int) -> Message:
    span = archive["span"]
    metadata = {
        "message_id": span["summary_message_id"],
        "kind": SUMMARY_KIND,
        "compression_mode": span["compression_mode"],
        "preserve_recent": preserved,
        "source_artifact_id": span["artifact_id"],
        "source_message_count": span["message_count"],
        "source_from_timestamp": span["from_timestamp"],
        "source_to_timestamp": span["to_timestamp"],
        "source_from_message_id": span["from_message_id"],
        "source_to_message_id": span["to_message_id"],
        **({"focus": span["focus"]} if span.get("focus") else {}),
    }
    content = summary_content(span["artifact_id"], archive["summary"]["text"])
    return {"role": "system", "content": content, "timestamp": archive["created_at"], "metadata": metadata}


def _shorter(split: CompactionSplit, summary: Summary, message: Message) -> list[Message]:
    """Return the new conversation; what came after the summarized messages is all kept."""
    later = split.older_messages[len(summary.messages) :]
    return [*split.system_messages, message, *later, *split.recent_messages]


def _done(effect: Effect, archive: dict[str, Any], preserved: int) -> EffectOutcome:
    span, summary = archive.get("span") or {}, archive.get("summary") or {}
    meta = {
        "llm_run_id": summary.get("llm_run_id"),
        "span_id": span.get("artifact_id"),
        "summary_message_id": span.get("summary_message_id"),
        "preserve_recent": preserved,
        "compression_mode": span.get("compression_mode"),
        "focus": span.get("focus"),
        "key_points": summary.get("key_points") or [],
        "confidence": summary.get("confidence"),
    }
    output = f"Compacted {span.get('message_count')} messages into span_id={span.get('artifact_id')}."
    return EffectOutcome.completed(told(effect, name="compact_memory", output=output, meta=meta))


_NOTHING = {
    "call_id": "c",
    "name": "compact_memory",
    "success": True,
    "output": "Nothing to compact: 0 messages, preserve_recent=0.",
    "error": None,
    "meta": None,
}
CASES: list[tuple[EffectType, dict[str, Any], str | None, str, Any]] = [
    (
        EffectType.MEMORY_COMPACT,
        {"preserve_recent": 0, "call_id": "c"},
        "next",
        "completed",
        {"mode": "executed", "results": [_NOTHING]},
    ),
    (EffectType.MEMORY_COMPACT, {"preserve_recent": "few"}, "next", "failed", "payload.preserve_recent"),
    (EffectType.MEMORY_COMPACT, {"compression_mode": "zip"}, "next", "failed", "payload.compression_mode"),
    (EffectType.MEMORY_COMPACT, {"target_run_id": "no"}, "next", "failed", "Unknown target_run_id: no"),
]
