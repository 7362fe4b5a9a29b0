"""Archived messages back in a conversation."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime import EffectType, RunState, Runtime
from abstractruntime.core.jsonsafe import encode
from abstractruntime.storage.artifacts import ArtifactStore

from .conftest import perform, said, spans

REHYDRATE = EffectType.MEMORY_REHYDRATE


def archive(artifacts: ArtifactStore, name: str, *messages: dict[str, Any]) -> dict[str, Any]:
    """Store an archive and return its span."""
    artifacts.store(encode({"messages": list(messages)}).encode(), artifact_id=name)
    return {"kind": "conversation_span", "artifact_id": name, "created_at": f"2026-01-0{len(name)}"}


@pytest.fixture
def vars(artifacts: ArtifactStore) -> dict[str, Any]:
    one = archive(artifacts, "a", said("user", "a1", "a1"), said("assistant", "a2", "a2"))
    two = archive(artifacts, "bb", said("user", "b1", "b1"), said("user", "a2", "a2"))
    summary = said("system", "about a", "sum", timestamp="t")
    summary["metadata"].update(kind="memory_summary", source_artifact_id="a")
    messages = [
        said("system", "be kind", "s"),
        summary,
        said("system", "and brief", "s2"),
        said("user", "now", "u"),
    ]
    proof = {"kind": "evidence", "artifact_id": "proof"}
    return {"context": {"messages": messages}, "_runtime": {"memory_spans": [one, two, proof]}}


def texts(run: RunState) -> list[str]:
    return [one["content"] for one in run.vars["context"]["messages"]]


@pytest.mark.parametrize(
    ("payload", "order"),
    [
        ({"span_ids": ["a"]}, ["be kind", "about a", "a1", "a2", "and brief", "now"]),
        ({"span_id": "bb"}, ["be kind", "about a", "and brief", "b1", "a2", "now"]),
        ({"span_ids": [1, 2]}, ["be kind", "about a", "a1", "a2", "and brief", "b1", "now"]),
        (
            {"span_ids": ["a"], "placement": "after_system"},
            ["be kind", "about a", "and brief", "a1", "a2", "now"],
        ),
        ({"span_ids": ["a"], "placement": "end"}, ["be kind", "about a", "and brief", "now", "a1", "a2"]),
        (
            {"span_ids": ["a", "bb"], "placement": "end", "dedup_by": "none"},
            ["be kind", "about a", "and brief", "now", "a1", "a2", "b1", "a2"],
        ),
        ({"span_ids": ["a"], "max_messages": 1}, ["be kind", "about a", "a1", "and brief", "now"]),
        ({"span_ids": ["a"], "max_messages": 0}, ["be kind", "about a", "and brief", "now"]),
        (
            {"span_ids": ["a"], "max_messages": -1, "placement": "end"},
            ["be kind", "about a", "and brief", "now", "a1", "a2"],
        ),
    ],
)
def test_messages_come_to_their_place(
    runtime: Runtime, vars: dict[str, Any], payload: dict[str, Any], order: list[str]
) -> None:
    run = perform(runtime, (REHYDRATE, payload), vars=vars)
    assert texts(run) == order


def test_every_span_is_accounted_for(runtime: Runtime, vars: dict[str, Any]) -> None:
    run = perform(runtime, (REHYDRATE, {"span_ids": ["a", "bb", "proof", "gone"]}), vars=vars)
    assert run.vars["r0"] == {
        "inserted": 3,
        "skipped": 1,
        "artifacts": [
            {
                "span_id": "a",
                "inserted": 2,
                "skipped": 0,
                "error": None,
                "kind": "conversation_span",
                "preview": "user: a1\nassistant: a2",
            },
            {
                "span_id": "bb",
                "inserted": 1,
                "skipped": 1,
                "error": None,
                "kind": "conversation_span",
                "preview": "user: b1\nuser: a2",
            },
            {
                "span_id": "proof",
                "inserted": 0,
                "skipped": 0,
                "error": None,
                "kind": "evidence",
                "preview": None,
            },
            {
                "span_id": "gone",
                "inserted": 0,
                "skipped": 0,
                "error": "missing_messages",
                "kind": None,
                "preview": None,
            },
        ],
        "effort": None,
        "warnings": None,
    }
    back = run.vars["context"]["messages"][2]
    assert back["metadata"] == {"message_id": "a1", "rehydrated": True, "source_artifact_id": "a"}


def test_the_bound_is_named(runtime: Runtime, vars: dict[str, Any]) -> None:
    run = perform(runtime, (REHYDRATE, {"span_ids": ["a", "bb"], "max_messages": 1}), vars=vars)
    rows = run.vars["r0"]["artifacts"]
    assert [(row["inserted"], row["skipped"], row["error"]) for row in rows] == [
        (1, 1, "max_messages"),
        (0, 2, "max_messages"),
    ]


def test_twice_is_once(runtime: Runtime, vars: dict[str, Any]) -> None:
    run = perform(runtime, (REHYDRATE, {"span_ids": ["a"]}), (REHYDRATE, {"span_ids": ["a"]}), vars=vars)
    assert (run.vars["r0"]["inserted"], run.vars["r1"]["inserted"], run.vars["r1"]["skipped"]) == (2, 0, 2)
    assert texts(run).count("a1") == 1
    assert len(spans(run)) == 3


def test_a_recall_level_bounds_what_comes_back(runtime: Runtime, vars: dict[str, Any]) -> None:
    payload = {"span_ids": ["a"], "recall_level": "urgent", "max_messages": -1}
    run = perform(
        runtime,
        (
            REHYDRATE,
            payload,
        ),
        vars=vars,
    )
    assert run.vars["r0"]["effort"] == {"recall_level": "urgent", "applied": {"max_messages": 60}}
    assert run.vars["r0"]["warnings"] == ["recall_level=urgent: clamped max_messages from -1 to 60"]
