"""Putting archived messages back into a conversation (kernel contract 8.2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .compaction import Message, message_id
from .spans import SUMMARY_KIND

PLACEMENTS = ("after_summary", "after_system", "end")
_PREVIEW_MESSAGES, _PREVIEW_LENGTH = 3, 360


@dataclass
class Rehydrated:
    """What became of a conversation.

    `rows` has one row per artifact: `artifact_id`, `inserted`, `skipped`, and perhaps `error` and
    `preview`. `added` are the new messages where all of them went to the end, else None.
    """

    messages: list[Message]
    rows: list[dict[str, Any]]
    added: list[Message] | None

    @property
    def report(self) -> dict[str, Any]:
        """Return the counts and the rows as JSON."""
        return {
            "inserted": sum(row["inserted"] for row in self.rows),
            "skipped": sum(row["skipped"] for row in self.rows),
            "artifacts": self.rows,
        }


def rehydrate(
    messages: Sequence[Message],
    artifacts: Iterable[tuple[str, dict[str, Any]]],
    *,
    placement: str = "after_summary",
    dedup_by: str = "message_id",
    max_messages: int | None = None,
) -> Rehydrated:
    """Insert the messages of artifacts (id and content) and say what was inserted and skipped.

    A message whose id is already in the conversation is skipped, unless `dedup_by` is something else
    than `message_id`. `max_messages` bounds all of them together; negative or None is no bound.
    """
    kept = list(messages)
    head = next((at for at, one in enumerate(kept) if one.get("role") != "system"), len(kept))
    active = {name for one in kept if (name := message_id(one)) is not None}
    room = max_messages if max_messages is not None and max_messages >= 0 else None
    rows: list[dict[str, Any]] = []
    added: list[Message] = []
    for artifact_id, content in artifacts:
        archived = archived_messages(artifact_id, content)
        fresh: list[Message] = []
        error = None if archived else "missing_messages"
        for one in archived:
            name = message_id(one)
            if dedup_by == "message_id" and name is not None and name in active:
                continue
            if room is not None and len(added) + len(fresh) >= room:
                error = "max_messages"
                break
            fresh.append(one)
            active |= {name} if name is not None else set()
        at = _place(kept, artifact_id, placement, head)
        kept[at:at] = fresh
        head += len(fresh) if at <= head else 0
        added += fresh
        row = {"artifact_id": artifact_id, "inserted": len(fresh), "skipped": len(archived) - len(fresh)}
        rows.append({**row, **({"error": error} if error else {}), **_preview(archived)})
    return Rehydrated(kept, rows, added if placement == "end" else None)


def archived_messages(artifact_id: str, content: dict[str, Any]) -> list[Message]:
    """Return an artifact's messages, marked as coming from it; a note is one message of the system."""
    if isinstance(content.get("note"), str):
        metadata = {
            "kind": "memory_note",
            "rehydrated": True,
            "source_artifact_id": artifact_id,
            "message_id": f"memory_note:{artifact_id}",
        }
        message = {"role": "system", "content": f"[MEMORY NOTE]\n{content['note']}", "metadata": metadata}
        if content.get("created_at"):
            message["timestamp"] = content["created_at"]
        return [message]
    found = content.get("messages")
    marked = []
    for one in found if isinstance(found, list) else ():
        if isinstance(one, dict):
            metadata = dict(one["metadata"]) if isinstance(one.get("metadata"), dict) else {}
            metadata.setdefault("rehydrated", True)
            metadata.setdefault("source_artifact_id", artifact_id)
            marked.append({**one, "metadata": metadata})
    return marked


def _place(messages: Sequence[Message], artifact_id: str, placement: str, head: int) -> int:
    if placement == "end":
        return len(messages)
    if placement != "after_system":
        for at, one in enumerate(messages):
            metadata = one.get("metadata")
            told = metadata if isinstance(metadata, dict) else {}
            if (told.get("kind"), told.get("source_artifact_id")) == (SUMMARY_KIND, artifact_id):
                return at + 1
    return head


def _preview(messages: Sequence[Message]) -> dict[str, str]:
    if not messages:
        return {}
    told = [f"{one.get('role')}: {one.get('content')}" for one in messages[:_PREVIEW_MESSAGES]]
    text = "\n".join(told)
    return {"preview": text if len(text) <= _PREVIEW_LENGTH else text[: _PREVIEW_LENGTH - 1] + "…"}
