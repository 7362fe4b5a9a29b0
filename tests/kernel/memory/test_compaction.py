"""Splitting a conversation for the archive."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime.memory.compaction import (
    normalize_messages,
    span_metadata_from_messages,
    split_for_compaction,
)

NOW = "2026-01-01T10:00:00+00:00"


def said(role: str, content: str) -> dict[str, Any]:
    return {"role": role, "content": content}


def test_messages_get_what_they_lack_and_the_given_ones_stay_as_they_are() -> None:
    given = [said("user", "a"), {"content": None}, "no message", {"content": 7, "timestamp": "2025-01-01"}]
    found = normalize_messages(given, now_iso=lambda: NOW)
    assert [one["content"] for one in found] == ["a", "", "7"]
    assert [one["role"] for one in found] == ["user"] * 3
    assert [one["timestamp"] for one in found] == [NOW, NOW, "2025-01-01"]
    assert all(one["metadata"]["message_id"].startswith("msg_") for one in found)
    assert given[0] == said("user", "a")


def test_an_id_stays() -> None:
    [one] = normalize_messages([{**said("user", "a"), "metadata": {"message_id": "m", "x": 0}}], now_iso=NOW)
    assert one["metadata"] == {"message_id": "m", "x": 0}
    assert one["timestamp"] == NOW


@pytest.mark.parametrize(("keep", "older", "recent"), [(0, "abc", ""), (2, "a", "bc"), (9, "", "abc")])
def test_the_last_ones_are_kept_and_those_of_the_system(keep: int, older: str, recent: str) -> None:
    messages = [said("user", "a"), said("system", "s"), said("assistant", "b"), said("user", "c")]
    split = split_for_compaction(messages, preserve_recent=keep)
    assert "".join(one["content"] for one in split.older_messages) == older
    assert "".join(one["content"] for one in split.recent_messages) == recent
    assert split.system_messages == [messages[1]]
    assert split.non_system_count == 3


def test_a_span_is_described_by_its_first_and_last_message() -> None:
    messages = [
        {**said("user", "a"), "timestamp": "t1", "metadata": {"message_id": "m1"}},
        said("assistant", "b"),
        {**said("user", "c"), "timestamp": "t3", "metadata": {"message_id": "m3"}},
    ]
    assert span_metadata_from_messages(messages) == {
        "from_timestamp": "t1",
        "to_timestamp": "t3",
        "from_message_id": "m1",
        "to_message_id": "m3",
        "message_count": 3,
    }
    with pytest.raises(ValueError, match="at least one message"):
        span_metadata_from_messages([])
