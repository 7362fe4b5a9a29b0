"""Which messages of a conversation are archived, and what is known about them (kernel contract 8.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

Message = dict[str, Any]


@dataclass(frozen=True)
class CompactionSplit:
    """A conversation in three parts, each in its own order."""

    system_messages: list[Message]
    older_messages: list[Message]
    recent_messages: list[Message]

    @property
    def non_system_count(self) -> int:
        """How many messages are not the system's."""
        return len(self.older_messages) + len(self.recent_messages)


def normalize_messages(messages: Iterable[Any], *, now_iso: str | Callable[[], str]) -> list[Message]:
    """Return copies of all messages with role, content, timestamp and `metadata.message_id`.

    What is not a dict is left out. A message without an id gets `msg_<hex>`, one without a time the
    present one (`now_iso`, a text or what returns one).
    """
    found: list[Message] = []
    for message in messages or ():
        if not isinstance(message, dict):
            continue
        role, content = message.get("role"), message.get("content")
        metadata = message.get("metadata")
        metadata = dict(metadata) if isinstance(metadata, dict) else {}
        if not str(metadata.get("message_id") or "").strip():
            metadata["message_id"] = f"msg_{uuid4().hex}"
        found.append(
            {
                **message,
                "role": role.strip() if isinstance(role, str) and role.strip() else "user",
                "content": content if isinstance(content, str) else "" if content is None else str(content),
                "timestamp": str(message.get("timestamp") or "").strip()
                or (now_iso() if callable(now_iso) else now_iso),
                "metadata": metadata,
            }
        )
    return found


def split_for_compaction(messages: Sequence[Message], *, preserve_recent: int) -> CompactionSplit:
    """Separate the system's messages and the last `preserve_recent` others; 0 keeps none of those."""
    system = [message for message in messages if message.get("role") == "system"]
    others = [message for message in messages if message.get("role") != "system"]
    at = max(0, len(others) - max(0, preserve_recent))
    return CompactionSplit(system, others[:at], others[at:])


def span_metadata_from_messages(messages: Sequence[Message]) -> dict[str, Any]:
    """Return times and ids of the first and the last message, and the count; ValueError for none."""
    if not messages:
        raise ValueError("A span needs at least one message.")
    first, last = messages[0], messages[-1]
    return {
        "from_timestamp": _time(first),
        "to_timestamp": _time(last),
        "from_message_id": message_id(first),
        "to_message_id": message_id(last),
        "message_count": len(messages),
    }


def message_id(message: Message) -> str | None:
    """Return a message's id, or None."""
    metadata = message.get("metadata")
    found = metadata.get("message_id") if isinstance(metadata, dict) else None
    return found if isinstance(found, str) and found.strip() else None


def _time(message: Message) -> str | None:
    found = message.get("timestamp")
    return found if isinstance(found, str) and found.strip() else None
