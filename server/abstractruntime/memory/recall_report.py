"""What was found in memory, as text for a model and as data for a program."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..storage.artifacts import ArtifactStore
from .recall import archived
from .spans import NOTE, Span, note_text

_OPTIONAL = ("created_by", "location", "note_preview", "message_count", "summary_message_id")


def match(span: Span) -> dict[str, Any]:
    """Return a span as one row of `meta.matches`."""
    row = {
        "span_id": span.get("artifact_id"),
        "kind": span.get("kind"),
        "created_at": span.get("created_at"),
        "from_timestamp": span.get("from_timestamp"),
        "to_timestamp": span.get("to_timestamp"),
        "tags": dict(span.get("tags") or {}),
    }
    return {**row, **{key: span[key] for key in _OPTIONAL if span.get(key) is not None}}


def render(
    spans: Sequence[Span],
    *,
    summaries: dict[str, str],
    store: ArtifactStore,
    max_messages: int,
    warnings: Sequence[str] = (),
) -> str:
    """Return the report; `max_messages` bounds the messages over all spans, -1 shows all."""
    lines = [*(f"[warning] {one}" for one in warnings), *([""] if warnings else [])]
    if not spans:
        return "\n".join([*lines, "No matching memory spans."])
    lines.append(f"Memory spans: {len(spans)}")
    shown = omitted = 0
    for span in spans:
        lines += ["", _head(span)]
        summary = summaries.get(str(span.get("artifact_id")))
        lines += [f"  summary: {summary}"] if summary else []
        if span.get("kind") == NOTE:
            note = note_text(store, str(span.get("artifact_id")))
            lines.append(f"  note: {note if note is not None else span.get('note_preview')}")
            continue
        messages = archived(store, span)
        room = len(messages) if max_messages < 0 else max(0, max_messages - shown)
        lines += [_message(one) for one in messages[:room]]
        shown += min(room, len(messages))
        omitted += max(0, len(messages) - room)
    if omitted:
        lines += ["", f"({omitted} messages omitted: max_messages={max_messages})"]
    return "\n".join(lines)


def _head(span: Span) -> str:
    parts = [f"- span_id={span.get('artifact_id')} kind={span.get('kind')}"]
    start, end = span.get("from_timestamp"), span.get("to_timestamp")
    if start or end:
        parts.append(f"time={start}" if start == end else f"time={start}..{end}")
    for name, key in (("author", "created_by"), ("location", "location")):
        parts += [f"{name}={span[key]}"] if span.get(key) else []
    tags = span.get("tags")
    parts += [f"tags={json.dumps(tags, ensure_ascii=False, sort_keys=True)}"] if tags else []
    return " ".join(parts)


def _message(message: dict[str, Any]) -> str:
    at = f"{message['timestamp']} " if message.get("timestamp") else ""
    return f"  - {at}{message.get('role')}: {message.get('content')}"
