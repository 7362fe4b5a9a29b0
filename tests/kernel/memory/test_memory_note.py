"""Notes: where they are kept, what is kept with them, and that none is lost or made twice."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from abstractruntime import EffectType, FileArtifactStore, RunStatus, Runtime, StepPlan, WorkflowSpec
from abstractruntime.memory.owners import global_memory_run_id, session_memory_run_id
from abstractruntime.storage import Stores, open_stores
from abstractruntime.storage.artifacts import ArtifactStore
from abstractruntime.testing.clock import MovableClock
from abstractruntime.testing.flows import ask_for, branch, end, flow

from .conftest import meta, output, perform, said, spans

NOTE = EffectType.MEMORY_NOTE


def test_a_note_is_an_artifact_and_a_span(runtime: Runtime, artifacts: ArtifactStore) -> None:
    payload = {
        "note": "  tea at four ",
        "tags": {"topic": "tea", "kind": "x", "n": 0, "odd": [1]},
        "location": "kitchen",
        "sources": {"span_ids": ["s1"], "message_ids": "m1"},
    }
    run = perform(runtime, (NOTE, payload), actor_id="ann", session_id="s")
    told = meta(run)
    now = "2026-01-01T12:00:00+00:00"
    tags = {"topic": "tea", "n": "0"}
    sources = {"run_id": run.run_id, "span_ids": ["s1"], "message_ids": ["m1"]}
    assert artifacts.load_json(told["span_id"]) == {
        "note": "tea at four",
        "sources": sources,
        "created_at": now,
        "location": "kitchen",
        "actor_id": "ann",
        "session_id": "s",
    }
    stored = artifacts.get_metadata(told["span_id"])
    assert stored is not None
    assert (stored.run_id, stored.tags) == (run.run_id, {"kind": "memory_note", **tags})
    assert spans(run) == [
        {
            "kind": "memory_note",
            "artifact_id": told["span_id"],
            "created_at": now,
            "from_timestamp": now,
            "to_timestamp": now,
            "message_count": 0,
            "note_preview": "tea at four",
            "location": "kitchen",
            "tags": tags,
            "sources": sources,
            "created_by": "ann",
        }
    ]
    assert output(run) == f'Stored memory_note span_id={told["span_id"]} tags={{"n": "0", "topic": "tea"}}'
    assert told == {"span_id": told["span_id"], "created_at": now, "note_preview": "tea at four"}


def test_a_long_note_has_a_short_preview(runtime: Runtime) -> None:
    [span] = spans(perform(runtime, (NOTE, {"note": "word " * 100})))
    assert len(span["note_preview"]) <= 160
    assert span["note_preview"].endswith("… (truncated)")
    assert "sources" not in span
    assert "tags" not in span


def test_two_equal_notes_are_two_notes(runtime: Runtime, artifacts: ArtifactStore) -> None:
    """Weakness B15: equal bytes at the same moment are not one note."""

    def count(vars: dict[str, Any]) -> str:
        vars["n"] = vars.get("n", 0) + 1
        return "note" if vars["n"] <= 2 else "end"

    spec = flow(
        "start",
        start=branch("start", count),
        note=ask_for("note", NOTE, {"note": "the same", "tags": {"a": "b"}}, "start"),
        end=end("end"),
    )
    run = runtime.tick(spec, runtime.start(spec))
    made = spans(run)
    assert len({span["artifact_id"] for span in made}) == 2
    assert len(artifacts.list_by_run(run.run_id)) == 2


@pytest.mark.parametrize(
    ("session", "owner"),
    [
        ("a-1", "session_memory_a-1"),
        ("hello world", "session_memory_sha_b94d27b9934d3e08a52e52d7da7dabfa"),
    ],
)
def test_a_session_keeps_its_notes_in_a_run_of_its_own(runtime: Runtime, session: str, owner: str) -> None:
    assert session_memory_run_id(session) == owner
    first = perform(runtime, (NOTE, {"note": "one", "scope": "session"}), session_id=session)
    perform(runtime, (NOTE, {"note": "two", "scope": " Session "}), session_id=session)
    kept = runtime.get_state(owner)
    assert [span["note_preview"] for span in spans(kept)] == ["one", "two"]
    assert "memory_spans" not in first.vars["_runtime"]
    assert (kept.status, kept.workflow_id, kept.current_node) == ("completed", "__session_memory__", "done")
    assert kept.session_id == session
    assert kept.output == {"messages": []}
    assert {**kept.vars, "_runtime": {}} == {
        "context": {"task": "", "messages": []},
        "scratchpad": {},
        "_runtime": {},
        "_temp": {},
        "_limits": {},
    }


def test_a_note_for_all_is_kept_in_one_run(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    perform(runtime, (NOTE, {"note": "one", "scope": "global"}))
    assert [span["note_preview"] for span in spans(runtime.get_state("global_memory"))] == ["one"]
    assert runtime.get_state("global_memory").workflow_id == "__global_memory__"
    monkeypatch.setenv("ABSTRACTRUNTIME_GLOBAL_MEMORY_RUN_ID", "team-7")
    perform(runtime, (NOTE, {"note": "two", "scope": "global"}))
    assert [span["note_preview"] for span in spans(runtime.get_state("team-7"))] == ["two"]
    monkeypatch.setenv("ABSTRACTRUNTIME_GLOBAL_MEMORY_RUN_ID", "../etc")
    assert global_memory_run_id() == "global_memory"


def test_without_a_session_the_topmost_run_keeps_them(runtime: Runtime) -> None:
    spec = flow("end", end=end("end"))
    top = runtime.start(spec)
    runtime.tick(spec, top)
    middle = runtime.start(spec, parent_run_id=top)
    perform(runtime, (NOTE, {"note": "up", "scope": "session"}), parent_run_id=middle)
    assert [span["note_preview"] for span in spans(runtime.get_state(top))] == ["up"]


def test_a_note_may_stay_in_the_conversation(runtime: Runtime) -> None:
    vars = {"context": {"messages": [said("user", "hello", "m1")]}}
    payload = {"note": "remember", "scope": "session", "keepInContext": "yes"}
    run = perform(runtime, (NOTE, payload), vars=vars, session_id="s")
    first, last = run.vars["context"]["messages"]
    assert first == said("user", "hello", "m1")
    assert (last["role"], last["content"]) == ("system", "[MEMORY NOTE]\nremember")
    assert last["metadata"] == {
        "kind": "memory_note",
        "rehydrated": True,
        "source_artifact_id": meta(run)["span_id"],
        "message_id": f"memory_note:{meta(run)['span_id']}",
    }
    assert meta(run)["kept_in_context"] == {"inserted": 1, "skipped": 0}


def test_a_note_about_another_run_is_kept_there(runtime: Runtime) -> None:
    spec = flow("end", end=end("end"))
    other = runtime.start(spec)
    runtime.tick(spec, other)
    run = perform(runtime, (NOTE, {"note": "x", "target_run_id": other, "keep_in_context": True}))
    kept = runtime.get_state(other)
    assert [span["note_preview"] for span in spans(kept)] == ["x"]
    assert [one["content"] for one in kept.vars["context"]["messages"]] == ["[MEMORY NOTE]\nx"]
    assert kept.output == {"messages": kept.vars["context"]["messages"]}
    assert "context" not in run.vars


def test_without_an_artifact_store_the_effect_fails(stores: Stores) -> None:
    runtime = Runtime(run_store=stores.runs, ledger_store=stores.ledger)
    run = perform(runtime, (NOTE, {"note": "x"}))
    assert run.status is RunStatus.FAILED
    assert "memory_note requires an ArtifactStore" in str(run.error)


def noting(session: str, many: int) -> WorkflowSpec:
    """Return a workflow that writes so many notes into its session's memory."""

    def node(run: Any, context: Any) -> StepPlan:
        done = run.vars.setdefault("done", 0)
        if done == many:
            return StepPlan(node_id="note", complete_output={})
        run.vars["done"] = done + 1
        payload = {"note": f"{run.run_id}:{done}", "scope": "session"}
        return ask_for("note", NOTE, payload, "note")(run, context)

    return WorkflowSpec("noting", "note", {"note": node})


def test_concurrent_notes_of_one_session_lose_nothing(stores: Stores, artifacts: ArtifactStore) -> None:
    """Weakness C3: four runs of one session write into one index at the same time."""
    spec, ids, errors = noting("s", 15), [f"run-{n}" for n in range(4)], []
    runtimes = [
        Runtime(run_store=stores.runs, ledger_store=stores.ledger, artifact_store=artifacts) for _ in ids
    ]

    def drive(runtime: Runtime, run_id: str) -> None:
        try:
            runtime.start(spec, session_id="s", run_id=run_id)
            while runtime.tick(spec, run_id).status is RunStatus.RUNNING:
                pass
        except BaseException as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=drive, args=pair) for pair in zip(runtimes, ids, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    kept = spans(runtimes[0].get_state("session_memory_s"))
    wanted = {f"{run_id}:{n}" for run_id in ids for n in range(15)}
    assert sorted(span["note_preview"] for span in kept) == sorted(wanted)


def test_a_child_notes_into_the_run_that_waits_for_it(stores: Stores, artifacts: ArtifactStore) -> None:
    """The parent's step is under way while its index changes: it still ends, and the child ran once."""
    from_child = flow(
        "note", "child", note=ask_for("note", NOTE, {"note": "x", "scope": "session"}, "end"), end=end("end")
    )
    parent = flow(
        "call",
        "parent",
        call=ask_for("call", EffectType.START_SUBWORKFLOW, {"workflow_id": "child"}, "end", "child"),
        end=end("end", lambda vars: {"child": vars["child"]["sub_run_id"]}),
    )
    registry = {"child": from_child}
    runtime = Runtime(
        run_store=stores.runs,
        ledger_store=stores.ledger,
        artifact_store=artifacts,
        workflow_registry=registry,
    )
    run = runtime.tick(parent, runtime.start(parent))
    assert run.status is RunStatus.COMPLETED
    assert [span["note_preview"] for span in spans(run)] == ["x"]
    calls = [one for one in runtime.get_ledger(run.run_id) if one["node_id"] == "call"]
    assert [one["status"] for one in calls if one["status"] == "completed"] == ["completed"]


class PowerCut(Exception):
    """The machine stops here."""


@pytest.mark.parametrize("kind", ["sqlite", "host"])
def test_a_crash_between_record_and_state_loses_no_note(
    kind: str, tmp_path: Path, clock: MovableClock, request: pytest.FixtureRequest
) -> None:
    """Weakness D1: the result is in the ledger, the index is not yet; after a restart both are."""
    from ..conftest import host_stores

    stores = host_stores() if kind == "host" else open_stores(f"sqlite:{tmp_path}/runs.db")
    artifacts = FileArtifactStore(tmp_path)
    spec = flow(
        "note",
        note=ask_for("note", NOTE, {"note": "x", "keep_in_context": True}, "end", "r0"),
        end=end("end"),
    )

    def runtime() -> Runtime:
        return Runtime(
            run_store=stores.runs, ledger_store=stores.ledger, artifact_store=artifacts, clock=clock
        )

    first = runtime()
    run_id = first.start(spec)
    save = stores.runs.save

    def cut(run: Any) -> None:
        if run.current_node == "end":
            raise PowerCut
        save(run)

    if kind == "host":
        stores.runs.save = cut  # type: ignore[method-assign]
        with pytest.raises(PowerCut):
            first.tick(spec, run_id)
        stores.runs.save = save  # type: ignore[method-assign]
        assert stores.ledger.list(run_id)[1]["status"] == "completed"
        assert "memory_spans" not in first.get_state(run_id).vars["_runtime"]
    run = runtime().tick(spec, run_id)
    assert [span["note_preview"] for span in spans(run)] == ["x"]
    assert [one["content"] for one in run.vars["context"]["messages"]] == ["[MEMORY NOTE]\nx"]
    assert meta(run)["span_id"] == spans(run)[0]["artifact_id"]
    assert len([one for one in stores.ledger.list(run_id) if one["status"] == "started"]) == 1
    stores.close()
