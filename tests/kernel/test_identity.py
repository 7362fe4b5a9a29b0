"""An actor's id follows from what describes it."""

from __future__ import annotations

import pytest

from abstractruntime.identity import ActorFingerprint


def test_the_same_description_gives_the_same_id() -> None:
    actor = ActorFingerprint.from_metadata(kind="agent", display_name="x", metadata={"a": 1})
    assert actor.actor_id == "ar_0308c6310633e9042db61137"
    assert actor.to_dict() == {
        "actor_id": "ar_0308c6310633e9042db61137",
        "kind": "agent",
        "display_name": "x",
        "metadata": {"a": 1},
    }


def test_the_order_of_metadata_makes_no_difference_and_a_value_does() -> None:
    def named(metadata: dict[str, object]) -> str:
        return ActorFingerprint.from_metadata(kind="human", metadata=metadata).actor_id

    assert named({"a": 1, "b": "ü"}) == named({"b": "ü", "a": 1})
    assert named({"a": 1}) != named({"a": 2})
    assert ActorFingerprint.from_metadata(kind="human") == ActorFingerprint.from_metadata(
        kind="human", metadata=None
    )


def test_metadata_that_are_not_json_are_refused() -> None:
    with pytest.raises(TypeError):
        ActorFingerprint.from_metadata(kind="agent", metadata={"a": object()})
