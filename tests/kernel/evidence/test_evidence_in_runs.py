"""Evidence as the engine takes it: with the step, in the ledger, across a crash, never in the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from abstractruntime import (
    EffectType,
    InMemoryArtifactStore,
    RunState,
    RunStatus,
    Runtime,
    WaitReason,
    WaitState,
)
from abstractruntime.core.errors import StoreFull
from abstractruntime.core.runtime import EffectOutcome
from abstractruntime.storage import Stores
from abstractruntime.testing.flows import ask_for, end, flow

CALLS = [{"name": "fetch_url", "call_id": "c1", "arguments": {"url": "http://a"}}]
SPEC = flow(
    "fetch",
    fetch=ask_for("fetch", EffectType.TOOL_CALLS, {"tool_calls": CALLS}, "end", "got"),
    end=end("end", lambda vars: {"got": vars["got"]}),
)


def page() -> dict[str, Any]:
    return {
        "call_id": "c1",
        "name": "fetch_url",
        "success": True,
        "output": {"raw_text": "x" * 9000},
        "error": None,
    }


def fetch(run: RunState, effect: Any) -> EffectOutcome:
    return EffectOutcome.completed({"mode": "executed", "results": [page()]})


@pytest.fixture
def artifacts() -> InMemoryArtifactStore:
    return InMemoryArtifactStore()


@pytest.fixture
def make(stores: Stores, artifacts: InMemoryArtifactStore) -> Callable[..., Runtime]:
    def made(handler: Any = fetch, **more: Any) -> Runtime:
        return Runtime(
            run_store=stores.runs,
            ledger_store=stores.ledger,
            effect_handlers={EffectType.TOOL_CALLS: handler},
            **{"artifact_store": artifacts, **more},
        )

    return made


def test_the_run_and_the_ledger_hold_refs(make: Callable[..., Runtime]) -> None:
    runtime = make()
    run = runtime.tick(SPEC, runtime.start(SPEC))
    [result] = run.vars["got"]["results"]
    assert list(result["output"]) == ["raw_artifact"]
    [done] = [one for one in runtime.get_ledger(run.run_id) if one["node_id"] == "fetch"][1:]
    assert done["result"] == run.vars["got"]
    [entry] = runtime.list_evidence(run.run_id)
    assert entry["evidence_id"] == entry["artifact_id"] == result["meta"]["evidence_id"]
    evidence = runtime.load_evidence(entry["evidence_id"])
    assert evidence is not None
    assert evidence["arguments"] == {"url": "http://a"}
    assert evidence["node_id"] == "fetch"
    assert runtime.load_evidence("unknown") is None


def test_without_an_artifact_store_results_stay_as_they_are(make: Callable[..., Runtime]) -> None:
    runtime = make(artifact_store=None)
    run = runtime.tick(SPEC, runtime.start(SPEC))
    assert run.vars["got"]["results"] == [page()]
    assert runtime.list_evidence(run.run_id) == []
    with pytest.raises(RuntimeError, match="ArtifactStore"):
        runtime.load_evidence("x")


def test_a_full_store_does_not_fail_the_run(
    make: Callable[..., Runtime], artifacts: InMemoryArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any, **kwargs: Any) -> Any:
        raise StoreFull("no space left")

    monkeypatch.setattr(artifacts, "store", full)
    runtime = make()
    run = runtime.tick(SPEC, runtime.start(SPEC))
    assert run.status is RunStatus.COMPLETED
    assert run.vars["got"]["results"] == [page()]
    [warning] = run.vars["_runtime"]["evidence_warnings"]
    assert (warning["node_id"], warning["error"]) == ("fetch", "no space left")


def test_a_result_from_the_ledger_finds_its_evidence_again(
    make: Callable[..., Runtime], stores: Stores, artifacts: InMemoryArtifactStore
) -> None:
    """A crash has left the result and lost the state that goes with it."""
    runtime = make()
    run = runtime.tick(SPEC, runtime.start(SPEC))
    kept, stored = runtime.list_evidence(run.run_id), len(artifacts.list_by_run(run.run_id))
    run.status, run.current_node, run.output = RunStatus.RUNNING, "fetch", None
    del run.vars["got"], run.vars["_runtime"]["memory_spans"]
    stores.runs.save(run)
    again = make(handler=None).tick(SPEC, run.run_id)
    assert again.status is RunStatus.COMPLETED
    assert runtime.list_evidence(run.run_id) == kept
    assert len(artifacts.list_by_run(run.run_id)) == stored


def test_answers_of_tools_are_evidence_too(make: Callable[..., Runtime]) -> None:
    def wait(run: RunState, effect: Any) -> EffectOutcome:
        held = {"call_id": "c0", "name": "blocked", "success": False, "output": None, "error": "not allowed"}
        details = {
            "tool_calls_for_evidence": [{"name": "blocked", "call_id": "c0"}, *CALLS],
            "original_call_count": 2,
            "blocked_by_index": {"0": held},
        }
        return EffectOutcome.waiting(
            WaitState(WaitReason.JOB, wait_key="job", resume_to_node="end", result_key="got", details=details)
        )

    runtime = make(wait)
    run = runtime.tick(SPEC, runtime.start(SPEC))
    run = runtime.resume(SPEC, run.run_id, "job", {"results": [page()]})
    assert run.status is RunStatus.COMPLETED
    assert [one["call_id"] for one in run.vars["got"]["results"]] == ["c0", "c1"]
    [entry] = runtime.list_evidence(run.run_id)
    evidence = runtime.load_evidence(entry["evidence_id"])
    assert evidence is not None
    assert evidence["arguments"] == {"url": "http://a"}
    [answer] = [
        one for one in runtime.get_ledger(run.run_id) if (one["effect"] or {}).get("type") == "resume"
    ]
    assert "x" * 9000 not in str(answer)
