"""Finding notes and archived conversation."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime import EffectType, RunStatus, Runtime
from abstractruntime.storage.artifacts import ArtifactStore
from abstractruntime.testing.clock import MovableClock
from abstractruntime.testing.flows import end, flow

from .conftest import meta, output, perform, said

NOTE, QUERY = EffectType.MEMORY_NOTE, EffectType.MEMORY_QUERY


def remembering(runtime: Runtime, clock: MovableClock, artifacts: ArtifactStore) -> str:
    """Make a run with three notes and an archived conversation, an hour apart; return its id."""
    spec = flow("end", end=end("end"))
    run_id = runtime.start(spec)
    run = runtime.tick(spec, run_id)
    notes: list[dict[str, Any]] = [
        {"note": "Ann likes tea", "tags": {"topic": "tea", "person": "ann"}, "location": "kitchen"},
        {"note": "Bo likes coffee", "tags": {"topic": "coffee"}},
        {"note": "The kettle is broken", "tags": {"topic": "tea"}, "location": "Office"},
    ]
    for note in notes:
        perform(runtime, (NOTE, {**note, "target_run_id": run_id}), actor_id="ann")
        clock.advance(3600)
    messages = [said("user", "Where is the LADDER?", "m1"), said("assistant", "In the shed.", "m2")]
    artifacts.store(
        b'{"messages":' + str(messages).replace("'", '"').encode() + b"}",
        run_id=run_id,
        artifact_id="conversation",
    )
    run = runtime.get_state(run_id)
    at = clock().isoformat()
    run.vars["_runtime"]["memory_spans"].append(
        {
            "kind": "conversation_span",
            "artifact_id": "conversation",
            "created_at": at,
            "from_timestamp": at,
            "to_timestamp": at,
            "message_count": 2,
        }
    )
    run.vars["_runtime"]["memory_spans"].append(
        {"kind": "evidence", "artifact_id": "proof", "created_at": at, "note_preview": "tea"}
    )
    run.vars["context"] = {
        "messages": [
            {
                "role": "system",
                "content": "[CONVERSATION HISTORY SUMMARY span_id=conversation]: About tools.",
                "metadata": {"kind": "memory_summary", "source_artifact_id": "conversation"},
            }
        ]
    }
    runtime.run_store.save(run)
    return run_id


@pytest.fixture
def keeper(runtime: Runtime, clock: MovableClock, artifacts: ArtifactStore) -> str:
    return remembering(runtime, clock, artifacts)


def found(runtime: Runtime, keeper: str, **payload: Any) -> list[str]:
    """Return what is found: previews of notes, ids of conversations."""
    run = perform(runtime, (QUERY, {"target_run_id": keeper, "return": "meta", **payload}))
    assert run.status is RunStatus.COMPLETED, run.error
    return [one.get("note_preview") or one["span_id"] for one in meta(run)["matches"]]


ANN, BO, KETTLE, TALK = "Ann likes tea", "Bo likes coffee", "The kettle is broken", "conversation"


@pytest.mark.parametrize(
    ("payload", "names"),
    [
        ({}, [TALK, KETTLE, BO, ANN]),
        ({"limit_spans": 2}, [TALK, KETTLE]),
        ({"limit_spans": 0}, []),
        ({"query": "TEA"}, [KETTLE, ANN]),
        ({"query": "tools"}, [TALK]),
        ({"query": "ladder"}, [TALK]),
        ({"query": "ladder", "deep": False}, []),
        ({"query": "ladder", "deep_limit_spans": 0}, []),
        ({"query": "shed", "deep_limit_messages_per_span": 1}, []),
        ({"tags": {"topic": "TEA"}}, [KETTLE, ANN]),
        ({"tags": {"topic": ["tea", "coffee"], "kind": "x"}}, [KETTLE, BO, ANN]),
        ({"tags": {"topic": "tea", "person": "ann"}}, [ANN]),
        ({"tags": {"topic": "coffee", "person": "ann"}, "tags_mode": "or"}, [BO, ANN]),
        ({"usernames": ["ANN"], "limit_spans": 9}, [KETTLE, BO, ANN]),
        ({"locations": ["office"]}, [KETTLE]),
        ({"location": "KITCHEN"}, [ANN]),
        ({"since": "2026-01-01T13:30:00Z"}, [TALK, KETTLE]),
        ({"until": "2026-01-01T14:00:00+01:00"}, [BO, ANN]),
        ({"since": "2026-01-01T13:00:00", "until": "2026-01-01T13:00:00Z"}, [BO]),
        ({"query": "ann likes", "connected": True, "limit_spans": 3}, [ANN, BO, KETTLE]),
        ({"query": "ann likes", "connected": True, "neighbor_hops": 0}, [ANN, KETTLE]),
        ({"span_ids": ["conversation", "nothing"]}, [TALK]),
        ({"span_id": 1}, [ANN]),
        ({"span_ids": ["3", 2, 99]}, [KETTLE, BO]),
        ({"span_id": "proof"}, []),
    ],
)
def test_what_is_asked_for_is_found(
    runtime: Runtime, keeper: str, payload: dict[str, Any], names: list[str]
) -> None:
    assert found(runtime, keeper, **payload) == names


def test_the_report_tells_what_is_in_a_span(runtime: Runtime, keeper: str) -> None:
    run = perform(runtime, (QUERY, {"target_run_id": keeper, "query": "likes tea"}))
    assert meta(run) is None
    text = output(run)
    assert "span_id=" in text
    assert "kind=memory_note" in text
    assert 'author=ann location=kitchen tags={"person": "ann", "topic": "tea"}' in text
    assert "note: Ann likes tea" in text
    text = output(perform(runtime, (QUERY, {"target_run_id": keeper, "span_id": "conversation"})))
    assert "summary: About tools." in text
    assert "user: Where is the LADDER?" in text
    assert "assistant: In the shed." in text


@pytest.mark.parametrize(("most", "shown", "omitted"), [(1, 1, 1), (0, 0, 2), (-1, 2, 0), (None, 2, 0)])
def test_as_many_messages_as_asked_for(
    runtime: Runtime, keeper: str, most: int | None, shown: int, omitted: int
) -> None:
    payload = {"target_run_id": keeper, "span_id": "conversation", "max_messages": most, "return": "both"}
    run = perform(runtime, (QUERY, payload))
    text = output(run)
    assert text.count("user:") + text.count("assistant:") == shown
    assert (f"({omitted} messages omitted: max_messages={most})" in text) is bool(omitted)
    [row] = meta(run)["matches"]
    assert (row["span_id"], row["message_count"], row["tags"]) == ("conversation", 2, {})


def test_a_recall_level_bounds_the_search_and_says_so(runtime: Runtime, keeper: str) -> None:
    payload = {
        "target_run_id": keeper,
        "query": "ladder",
        "recall_level": "urgent",
        "limit_spans": 100,
        "deep": True,
        "connected": True,
        "max_messages": -1,
        "return": "both",
    }
    run = perform(runtime, (QUERY, payload))
    told = meta(run)
    assert told["effort"] == {
        "recall_level": "urgent",
        "applied": {
            "limit_spans": 3,
            "deep": False,
            "deep_limit_spans": 0,
            "deep_limit_messages_per_span": 0,
            "connected": False,
            "neighbor_hops": 0,
            "max_messages": 60,
        },
    }
    assert told["warnings"] == [
        "recall_level=urgent: deep scan disabled",
        "recall_level=urgent: connected expansion disabled",
        "recall_level=urgent: clamped limit_spans from 100 to 3",
        "recall_level=urgent: clamped max_messages from -1 to 60",
    ]
    assert output(run).startswith("[warning] recall_level=urgent: deep scan disabled\n")
    assert output(run).endswith("No matching memory spans.")


def test_what_is_left_open_is_bounded_in_silence(runtime: Runtime, keeper: str) -> None:
    payload = {"target_run_id": keeper, "query": "ladder", "recall_level": " Standard ", "return": "meta"}
    told = meta(perform(runtime, (QUERY, payload)))
    assert told["span_ids"] == ["conversation"]
    assert told["effort"]["applied"]["max_messages"] == 80
    assert "warnings" not in told


def test_all_scopes_are_looked_through_once(runtime: Runtime) -> None:
    notes = [(NOTE, {"note": name, "scope": name}) for name in ("run", "session", "global")]
    ask = (QUERY, {"scope": "all", "return": "meta"})
    run = perform(runtime, *notes, ask, (QUERY, {"scope": "session", "return": "meta"}), session_id="s")
    assert [one["note_preview"] for one in meta(run, 3)["matches"]] == ["run", "session", "global"]
    assert [one["note_preview"] for one in meta(run, 4)["matches"]] == ["session"]


def test_a_tag_given_later_is_what_counts(runtime: Runtime) -> None:
    tag = EffectType.MEMORY_TAG
    run = perform(
        runtime,
        (NOTE, {"note": "x", "tags": {"topic": "old"}}),
        (tag, {"span_id": 1, "tags": {"topic": "new"}}),
        (QUERY, {"tags": {"topic": "new"}, "return": "meta"}),
        (QUERY, {"tags": {"topic": "old"}, "return": "meta"}),
    )
    assert len(meta(run, 2)["matches"]) == 1
    assert meta(run, 3)["matches"] == []
