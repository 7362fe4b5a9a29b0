"""Tags on spans."""

from __future__ import annotations

import pytest

from abstractruntime import EffectType, RunStatus, Runtime

from .conftest import meta, output, perform, spans

NOTE, TAG = EffectType.MEMORY_NOTE, EffectType.MEMORY_TAG
QUERY, REHYDRATE = EffectType.MEMORY_QUERY, EffectType.MEMORY_REHYDRATE


@pytest.mark.parametrize(
    ("more", "tags"),
    [({}, {"a": "1", "b": "2"}), ({"merge": True}, {"a": "1", "b": "2"}), ({"merge": False}, {"b": "2"})],
)
def test_tags_are_added_or_replaced(runtime: Runtime, more: dict[str, bool], tags: dict[str, str]) -> None:
    run = perform(
        runtime,
        (NOTE, {"note": "x", "tags": {"a": "1"}}),
        (TAG, {"span_id": "1", "tags": {"b": "2", "kind": "no"}, **more}),
        actor_id="ann",
    )
    [span] = spans(run)
    assert span["tags"] == tags
    assert (span["tagged_at"], span["tagged_by"]) == ("2026-01-01T12:00:00+00:00", "ann")
    assert output(run, 1).startswith(f"Tagged span_id={span['artifact_id']}")
    assert meta(run, 1) == {
        "applied": [{"run_id": run.run_id, "artifact_id": span["artifact_id"], "tags": tags}]
    }


def test_a_position_means_the_same_span_everywhere(runtime: Runtime) -> None:
    """Weakness B13: the first span is the oldest, whichever effect is asked."""
    run = perform(
        runtime,
        (NOTE, {"note": "oldest"}),
        (NOTE, {"note": "newest"}),
        (TAG, {"span_id": 1, "tags": {"place": "first"}}),
        (QUERY, {"span_id": 1, "return": "meta"}),
        (REHYDRATE, {"span_ids": [1]}),
    )
    first, second = spans(run)
    assert (first["tags"], second.get("tags")) == ({"place": "first"}, None)
    assert [one["note_preview"] for one in meta(run, 3)["matches"]] == ["oldest"]
    assert [row["span_id"] for row in run.vars["r4"]["artifacts"]] == [first["artifact_id"]]


def test_an_id_is_found_in_the_scope_of_the_session(runtime: Runtime) -> None:
    first = perform(runtime, (NOTE, {"note": "x", "scope": "session"}), session_id="s")
    span_id = meta(first)["span_id"]
    run = perform(
        runtime,
        (TAG, {"span_id": span_id, "tags": {"a": "1"}, "scope": "session"}),
        (TAG, {"span_id": span_id, "tags": {"b": "2"}, "scope": "all"}),
        session_id="s",
    )
    assert spans(runtime.get_state("session_memory_s"))[0]["tags"] == {"a": "1", "b": "2"}
    assert [one["run_id"] for one in meta(run, 1)["applied"]] == ["session_memory_s"]
    lost = perform(runtime, (TAG, {"span_id": span_id, "tags": {"a": "1"}}), session_id="s")
    assert lost.status is RunStatus.FAILED
    assert f"Unknown span_id: {span_id}" in str(lost.error)


def test_tags_need_no_artifact_store(runtime: Runtime) -> None:
    run = perform(runtime, (NOTE, {"note": "x"}))
    runtime.set_artifact_store(None)
    done = perform(runtime, (TAG, {"span_id": 1, "tags": {"a": "1"}, "target_run_id": run.run_id}))
    assert done.status is RunStatus.COMPLETED
    assert spans(runtime.get_state(run.run_id))[0]["tags"] == {"a": "1"}
    assert spans(runtime.get_state(run.run_id))[0].get("tagged_by") is None
