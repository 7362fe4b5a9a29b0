"""The history of a run as one object: its documented form, what goes beyond, and the way back."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from abstractruntime.core.errors import Conflict, RunNotFound, StoreDamaged
from abstractruntime.core.models import RunState, RunStatus, StepRecord, StepStatus
from abstractruntime.history_bundle import (
    export_run_history_bundle,
    import_run_history_bundle,
    persist_workflow_snapshot,
)
from abstractruntime.storage import open_stores
from abstractruntime.storage.artifacts import InMemoryArtifactStore
from abstractruntime.storage.base import Stores
from abstractruntime.storage.in_memory import InMemoryRunStore
from abstractruntime.storage.ledger_chain import HashChainedLedgerStore, verify_ledger_chain
from abstractruntime.storage.retention import prune
from abstractruntime.storage.sqlite import SqliteLedgerStore, SqliteRunStore
from abstractruntime.testing.stores import a_record, a_run, waiting_run


@pytest.fixture(params=["json", "memory", "sqlite"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stores]:
    urls = {
        "json": f"json://{tmp_path}/x?sync=never",
        "memory": "memory:",
        "sqlite": f"sqlite://{tmp_path}/x.db",
    }
    opened = open_stores(urls[request.param])
    yield opened
    opened.close()


def record_at(run: RunState, number: int, second: float, **fields: Any) -> StepRecord:
    at = f"2026-01-01T00:00:{second:06.3f}+00:00"
    return a_record(run, number, started_at=at, ended_at=at, **fields)


def filled(stores: Stores) -> RunState:
    """Store a root run, its child and its grandchild, interleaved in time."""
    root = a_run("root", vars={"task": "t", "_runtime": {}, "list": [1]})
    root.status, root.output = RunStatus.COMPLETED, {"out": 1}
    child, grandchild = a_run("child", parent_run_id="root"), a_run("grandchild", parent_run_id="child")
    for run in (root, child, grandchild):
        stores.runs.save(run)
    for number, (run, second) in enumerate(
        ((root, 1), (child, 2), (root, 3), (grandchild, 4), (root, 5), (root, 6), (root, 7))
    ):
        stores.ledger.append(record_at(run, number, second))
    return root


def export(stores: Stores, run_id: str = "root", **more: Any) -> dict[str, Any]:
    return export_run_history_bundle(run_id=run_id, run_store=stores.runs, ledger_store=stores.ledger, **more)


def test_the_documented_form(stores: Stores) -> None:
    filled(stores)
    bundle = export(stores)
    assert list(bundle) == [
        "version",
        "generated_at",
        "root_run_id",
        "run",
        "workflow_snapshot",
        "input_data",
        "ledgers",
        "timeline",
        "session",
    ]
    assert (bundle["version"], bundle["root_run_id"], bundle["session"]) == (1, "root", None)
    assert bundle["run"]["output"] == {"out": 1}
    assert bundle["run"]["waiting"] is None
    assert bundle["input_data"] == {"task": "t", "list": [1]}
    assert list(bundle["ledgers"]) == ["root", "child", "grandchild"]
    assert json.loads(json.dumps(bundle)) == bundle
    times = [moment["ended_at"] for moment in bundle["timeline"]]
    assert times == sorted(times)
    assert [moment["run_id"] for moment in bundle["timeline"]][:4] == ["root", "child", "root", "grandchild"]
    assert bundle["timeline"][0]["duration_ms"] == 0
    assert bundle["timeline"][0]["effect_type"] == "answer_user"
    assert list(export(stores, include_subruns=False)["ledgers"]) == ["root"]


def test_the_tail_has_absolute_cursors(stores: Stores) -> None:
    filled(stores)
    kept = export(stores, ledger_max_items=2)["ledgers"]["root"]
    assert (kept["total"], kept["cursor_start"], kept["cursor_end"]) == (5, 4, 5)
    assert [item["cursor"] for item in kept["items"]] == [4, 5]
    assert kept["items"][1]["record"]["result"] == {"number": 6}
    for whole in ({"ledger_max_items": 0}, {"ledger_mode": "full", "ledger_max_items": 1}):
        assert len(export(stores, **whole)["ledgers"]["root"]["items"]) == 5
    stores.runs.save(a_run("empty"))
    empty = export(stores, "empty")["ledgers"]["empty"]
    assert (empty["total"], empty["cursor_start"], empty["cursor_end"]) == (0, 1, 0)


def test_a_wait_is_told_whole(stores: Stores) -> None:
    stores.runs.save(waiting_run("w", key="k"))
    told = export(stores, "w")["run"]["waiting"]
    assert (told["reason"], told["wait_key"], told["prompt"]) == ("user", "k", "Well?")


def test_what_is_wrong_is_told(stores: Stores) -> None:
    with pytest.raises(ValueError, match="run_id"):
        export(stores, " ")
    with pytest.raises(ValueError, match="ledger_mode"):
        export(stores, ledger_mode="head")
    with pytest.raises(KeyError, match="nobody"):
        export(stores, "nobody")
    with pytest.raises(ValueError, match="artifact_store"):
        export(Stores(filled(stores) and stores.runs, stores.ledger, stores.journal), include_artifacts=True)

    class Broken(InMemoryRunStore):
        def load(self, run_id: str) -> RunState | None:
            raise StoreDamaged("cannot be read")

    with pytest.raises(RuntimeError, match="cannot be read"):
        export_run_history_bundle(run_id="r", run_store=Broken(), ledger_store=stores.ledger)


def test_a_bundle_is_brought_into_another_store_with_chain_and_artifacts(stores: Stores) -> None:
    assert stores.artifacts is not None
    chain = HashChainedLedgerStore(stores.ledger)
    run = a_run("root", vars={"file": None, "_private": {"n": 1}}, output={"o": 1})
    run.status = RunStatus.COMPLETED
    kept = stores.artifacts.store_text("grüße", run_id="root", tags={"k": "v"})
    foreign = stores.artifacts.store(b"\x00\xff", run_id="other", artifact_id="named")
    run.vars["file"] = {"$artifact": foreign.artifact_id}
    for number in range(3):
        chain.append(a_record(run, number))
    stores.runs.save(run)
    whole: dict[str, Any] = {"ledger_mode": "full", "include_state": True, "include_artifacts": True}
    bundle = json.loads(json.dumps(export(stores, artifact_store=stores.artifacts, **whole)))
    fresh = open_stores("memory:")
    assert fresh.artifacts is not None
    into: dict[str, Any] = {
        "run_store": fresh.runs,
        "ledger_store": fresh.ledger,
        "artifact_store": fresh.artifacts,
    }
    assert import_run_history_bundle(bundle, **into) == ["root"]
    assert fresh.runs.load("root") == run
    assert fresh.ledger.list("root") == stores.ledger.list("root")
    assert verify_ledger_chain(fresh.ledger.list("root"))["ok"]
    assert fresh.artifacts.load_text(kept.artifact_id) == "grüße"
    named = fresh.artifacts.load("named")
    assert named is not None
    assert (named.content, named.metadata.run_id) == (b"\x00\xff", "other")
    again = export_run_history_bundle(run_id="root", **into, **whole)
    assert {**again, "generated_at": 0, "artifacts": 0} == {**bundle, "generated_at": 0, "artifacts": 0}
    with pytest.raises(Conflict, match="is there already"):
        import_run_history_bundle(bundle, **into)


@pytest.mark.parametrize("bundle", [[], None, "text", {}], ids=str)
def test_what_is_no_bundle_is_refused(bundle: Any) -> None:
    target = open_stores("memory:")
    with pytest.raises(ValueError, match=r"[Aa] history bundle"):
        import_run_history_bundle(bundle, run_store=target.runs, ledger_store=target.ledger)


def test_an_import_replaces_no_artifact(stores: Stores) -> None:
    assert stores.artifacts is not None
    stores.runs.save(a_run("root", vars={}))
    stores.artifacts.store(b"theirs", run_id="root", artifact_id="named")
    whole: dict[str, Any] = {"ledger_mode": "full", "include_state": True, "include_artifacts": True}
    bundle = export(stores, artifact_store=stores.artifacts, **whole)
    fresh, kept = open_stores("memory:"), InMemoryArtifactStore()
    kept.store(b"ours", run_id="other", artifact_id="named")
    into: dict[str, Any] = {"run_store": fresh.runs, "ledger_store": fresh.ledger, "artifact_store": kept}
    with pytest.raises(Conflict, match="'named' is there already, with other bytes"):
        import_run_history_bundle(bundle, **into)
    assert fresh.runs.load("root") is None
    named = kept.load("named")
    assert named is not None
    assert named.content == b"ours"
    assert kept.delete("named")
    assert import_run_history_bundle(bundle, **into) == ["root"]


def test_a_pruned_run_is_brought_along_and_its_chain_verifies(stores: Stores) -> None:
    chain = HashChainedLedgerStore(stores.ledger)
    run = a_run("root", vars={})
    run.status = RunStatus.COMPLETED
    stores.runs.save(run)
    for number in range(3):
        chain.append(a_record(run, number))
    assert prune(stores, before="2100-01-01T00:00:00Z").runs == ("root",)
    bundle = json.loads(json.dumps(export(stores, ledger_mode="full", include_state=True)))
    fresh = open_stores("memory:")
    import_run_history_bundle(bundle, run_store=fresh.runs, ledger_store=fresh.ledger)
    assert fresh.ledger.list("root") == stores.ledger.list("root")
    assert verify_ledger_chain(fresh.ledger.list("root"))["ok"]


def _without(key: str) -> Callable[[dict[str, Any]], object]:
    return lambda bundle: bundle.pop(key)


@pytest.mark.parametrize(
    ("spoil", "match"),
    [
        (lambda b: b.update(version=2), "version 2"),
        (_without("states"), "include_state"),
        (lambda b: b["ledgers"]["root"].update(total=9), "ledger_mode='full'"),
        (lambda b: b["ledgers"]["root"]["items"][0]["record"].update(run_id="x"), "another run"),
        (lambda b: b["states"][0].pop("status"), "status"),
        (lambda b: b["states"].reverse(), "root run"),
        (lambda b: b["artifacts"][0].update(content_base64=base64.b64encode(b"y").decode()), "altered"),
        (lambda b: b["artifacts"][0].update(content_base64="?"), "artifact"),
        (lambda b: b.update(states=[5]), r"states\[0\] of the bundle is not the state of a run"),
        (lambda b: b["states"].append(b["states"][0]), "more than once"),
        (lambda b: b.update(ledgers=[]), "ledger_mode='full'"),
        (lambda b: b["ledgers"]["root"].update(items={"n": 1}, total=1), "ledger_mode='full'"),
        (lambda b: b["ledgers"]["root"]["items"].__setitem__(0, "x"), "Record 1 of run 'root' is missing"),
        (lambda b: b["ledgers"]["root"]["items"][0]["record"].update(status="odd"), "Record 1 .* cannot be"),
    ],
)
def test_a_spoiled_bundle_is_refused_and_nothing_is_written(
    spoil: Callable[[Any], object], match: str
) -> None:
    source = open_stores("memory:")
    filled(source)
    assert source.artifacts is not None
    source.artifacts.store_text("x", run_id="root")
    bundle = export(
        source,
        artifact_store=source.artifacts,
        ledger_mode="full",
        include_state=True,
        include_artifacts=True,
    )
    spoil(bundle)
    target, kept = open_stores("memory:"), InMemoryArtifactStore()
    with pytest.raises(ValueError, match=match):
        import_run_history_bundle(
            bundle, run_store=target.runs, ledger_store=target.ledger, artifact_store=kept
        )
    assert target.runs.load("root") is None
    assert target.ledger.list("root") == kept.list_all() == []


def test_the_workflow_of_a_run_is_kept_once(stores: Stores) -> None:
    assert stores.artifacts is not None
    stores.runs.save(a_run("r", vars={"x": 1}))
    given: dict[str, Any] = {"run_store": stores.runs, "artifact_store": stores.artifacts, "run_id": "r"}
    ref = persist_workflow_snapshot(**given, workflow_id="w", snapshot={"z": 1, "a": "ü"}, format=" ")
    assert list(ref) == ["workflow_id", "format", "sha256", "artifact_id", "created_at"]
    assert ref["format"] == "unknown"
    found = stores.artifacts.load(ref["artifact_id"])
    assert found is not None
    assert hashlib.sha256(found.content).hexdigest() == ref["sha256"] == found.metadata.blob_id
    assert found.as_json() == {"z": 1, "a": "ü"}
    assert found.metadata.tags["kind"] == "workflow_snapshot"
    run = stores.runs.load("r")
    assert run is not None
    assert run.vars == {"x": 1, "_runtime": {"workflow_snapshot": ref}}
    assert persist_workflow_snapshot(**given, workflow_id="w2", snapshot={}, format="f") == ref
    assert export(stores, "r")["workflow_snapshot"] == ref
    with pytest.raises(RunNotFound):
        persist_workflow_snapshot(**{**given, "run_id": "x"}, workflow_id="w", snapshot={}, format="f")
    for wrong in ({"workflow_id": " "}, {"snapshot": []}, {"run_id": ""}):
        with pytest.raises(ValueError, match=r"required|object"):
            persist_workflow_snapshot(**{**given, "workflow_id": "w", "snapshot": {}, "format": "f", **wrong})


def test_the_turns_of_a_session_are_told_with_what_they_cost(stores: Stores) -> None:
    def root(run_id: str, at: int, workflow: str = "w", **vars: Any) -> RunState:
        made = a_run(run_id, workflow_id=workflow, session_id="s", vars=vars)
        made.created_at = f"2026-01-0{at}T00:00:00+00:00"
        made.status = RunStatus.COMPLETED
        stores.runs.save(made)
        return made

    talk = {"messages": [{"role": "system", "content": "x"}, {"role": "user", "content": "Hi?"}]}
    root("plain", 1, prompt="not a chat")
    root("inner", 2, "__hidden", context=talk)
    first = root("first", 3, context={**talk, "attachments": [{"name": "a"}, 1]})
    second = root("second", 4, context=talk, message="Second?")
    second.output = {"result": {"answer": "Yes.", "meta": {"m": 1}}}
    stores.runs.save(second)
    call = {"type": "llm_call", "payload": {}, "result_key": None}
    for number in range(5):
        usage = {"usage": {"prompt_tokens": 2, "completion_tokens": 8}}
        stores.ledger.append(record_at(first, number, number, effect=call, result=usage))
    failed = record_at(first, 5, 4, effect=call, result={**usage, "error": {"message": "It does not fit."}})
    failed.status = StepStatus.FAILED  # and was paid for
    stores.ledger.append(failed)
    told = {"type": "answer_user", "payload": {"message": "Hello."}, "result_key": None}
    stores.ledger.append(record_at(first, 9, 4, effect=told, result={"message": "Hello."}))
    session = export(stores, "first", include_session=True)["session"]
    assert session["session_id"] == "s"
    one, two = session["turns"]
    assert (one["run_id"], one["kind"], one["prompt"], one["answer"]) == ("first", "chat", "Hi?", "Hello.")
    assert one["attachments"] == [{"name": "a"}]
    assert one["stats"] == {
        "duration_ms": 4000,
        "llm_calls": 5,
        "tool_calls": 0,
        "usage": {"input_tokens": 12, "output_tokens": 48, "total_tokens": 60},
        "tok_s": 12.0,
    }
    assert (two["prompt"], two["answer"], two["answer_meta"]) == ("Second?", "Yes.", {"m": 1})
    only = export(stores, "first", include_session=True, session_turn_limit=1)["session"]["turns"]
    assert [turn["run_id"] for turn in only] == ["second"]


def test_only_what_is_told_is_read(tmp_path: Path) -> None:
    stores = open_stores(f"sqlite://{tmp_path}/x.db")
    for number in range(40):
        chat = a_run(f"r{number:02}", session_id="s", vars={"context": {"messages": []}})
        chat.created_at = f"2026-01-01T00:00:{number:02}+00:00"
        stores.runs.save(chat)
        for place in range(60):
            stores.ledger.append(record_at(chat, place, place % 60))
    loaded: list[str] = []
    read: list[str] = []
    asked: list[int] = []

    class Runs(SqliteRunStore):
        def load(self, run_id: str) -> RunState | None:
            loaded.append(run_id)
            return super().load(run_id)

    class Ledger(SqliteLedgerStore):
        def list(self, run_id: str) -> list[Any]:
            read.append(run_id)
            return super().list(run_id)

        def list_after(self, *, run_id: str, after: int, limit: int = 1000) -> tuple[list[Any], int]:
            asked.append(limit)
            return super().list_after(run_id=run_id, after=after, limit=limit)

    database = stores.extras["database"]
    given = {"run_store": Runs(database), "ledger_store": Ledger(database), "run_id": "r39"}
    bundle = export_run_history_bundle(**given, ledger_max_items=5)
    assert len(bundle["ledgers"]["r39"]["items"]) == 5
    assert (loaded, read, asked) == (["r39"], [], [5])
    turns = export_run_history_bundle(
        **given, ledger_max_items=5, include_session=True, session_turn_limit=2
    )["session"]["turns"]
    assert [turn["run_id"] for turn in turns] == ["r38", "r39"]
    assert set(loaded) == set(read) == {"r38", "r39"}
    stores.close()
