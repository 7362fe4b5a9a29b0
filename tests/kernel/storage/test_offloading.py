"""Large values as artifacts: what goes, what stays, what comes back, and what happens when it cannot."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from abstractruntime import Effect, EffectType, Runtime, StepPlan, WorkflowSpec
from abstractruntime.core.effects import EffectOutcome
from abstractruntime.core.errors import StoreDamaged, StoreError
from abstractruntime.core.models import RunStatus
from abstractruntime.storage import open_stores
from abstractruntime.storage.artifacts import (
    ArtifactMetadata,
    InMemoryArtifactStore,
    artifact_ref,
    is_artifact_ref,
    resolve_artifact,
)
from abstractruntime.storage.base import RunStore
from abstractruntime.storage.in_memory import InMemoryLedgerStore, InMemoryRunStore
from abstractruntime.storage.journal import open_journal
from abstractruntime.storage.offloading import (
    OffloadingLedgerStore,
    OffloadingRunStore,
    max_inline_bytes_setting,
    offload_large_values,
)
from abstractruntime.testing.journals import Driver
from abstractruntime.testing.stores import a_record, a_run


class FullArtifacts(InMemoryArtifactStore):
    """A store without room."""

    def store(self, content: bytes, **_: Any) -> ArtifactMetadata:
        raise StoreError("no room")


def offload(value: Any, limit: int = 20, **more: Any) -> tuple[Any, InMemoryArtifactStore]:
    kept = InMemoryArtifactStore()
    return offload_large_values(value, artifact_store=kept, run_id="r", max_inline_bytes=limit, **more), kept


def test_large_leaves_go_and_the_rest_is_shared() -> None:
    value: dict[str, Any] = {"small": {"a": 1}, "text": "x" * 21, "list": ["y" * 30, "z"], "blob": b"\x00"}
    made, kept = offload(value, base_tags={"source": "test"}, root_path="vars")
    assert made["small"] is value["small"]
    assert value["text"] == "x" * 21
    found = resolve_artifact(made["text"], kept)
    assert found is not None
    assert (found.as_text(), found.content_type) == ("x" * 21, "text/plain")
    assert found.metadata.tags == {"source": "test", "path": "vars.text", "kind": "text"}
    blob = resolve_artifact(made["blob"], kept)
    assert blob is not None
    assert (blob.content, blob.metadata.tags["kind"]) == (b"\x00", "bytes")
    held = resolve_artifact(made["list"], kept)
    assert held is not None  # with a ref in it, the list is still too large
    inside = resolve_artifact(held.as_json()[0], kept)
    assert inside is not None
    assert inside.metadata.tags["path"] == "vars.list[0]"


def test_bytes_count_not_characters() -> None:
    assert offload(["ü" * 10], 20)[0] == ["ü" * 10]
    assert is_artifact_ref(offload({"t": "ü" * 11}, 20)[0]["t"])
    assert offload({"t": "x" * 100}, 0)[0] == {"t": "x" * 100}
    assert offload(artifact_ref("x" * 50))[0] == artifact_ref("x" * 50)
    assert offload(None)[0] is None


def test_the_root_goes_only_when_allowed() -> None:
    value = {str(number): number for number in range(20)}
    assert offload(value)[0] is value
    made, kept = offload(value, allow_root_replace=True)
    found = resolve_artifact(made, kept)
    assert found is not None
    assert found.as_json() == value
    assert offload("x" * 50)[0] == "x" * 50
    assert is_artifact_ref(offload(b"x")[0])


def test_a_filter_may_forbid_and_one_that_raises_forbids(caplog: pytest.LogCaptureFixture) -> None:
    asked: list[str] = []

    def allow(path: str, value: Any) -> bool:
        asked.append(path)
        return bool({"a.b": True}[path])

    made, _ = offload({"a": {"b": "x" * 50}, "c": "y" * 50}, allow_offload=allow)
    assert is_artifact_ref(made["a"]["b"])
    assert made["c"] == "y" * 50
    assert "stays inline" in caplog.text


def test_what_contains_itself_is_refused() -> None:
    value: dict[str, Any] = {"a": {}}
    value["a"]["again"] = value
    with pytest.raises(ValueError, match="contains itself"):
        offload(value)


def test_the_threshold_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for text, expected in (("", 262_144), ("abc", 262_144), ("12", 12), (" 7 ", 7)):
        monkeypatch.setenv("ABSTRACTRUNTIME_MAX_INLINE_BYTES", text)
        assert max_inline_bytes_setting() == expected


@pytest.mark.parametrize("through", ["save", "journal"])
@pytest.mark.parametrize("backend", ["json", "memory", "sqlite"])
def test_runs_that_are_over_keep_refs_and_live_ones_values(
    through: str, backend: str, tmp_path: Path
) -> None:
    urls = {
        "json": f"json://{tmp_path}/x?sync=never",
        "memory": "memory:",
        "sqlite": f"sqlite://{tmp_path}/x.db",
    }
    stores = open_stores(urls[backend])
    kept = InMemoryArtifactStore()
    runs = OffloadingRunStore(stores.runs, artifact_store=kept, max_inline_bytes=100)
    driver = Driver(open_journal(runs, stores.ledger))
    driver.run.vars["public"] = "p" * 200
    driver.run.vars["_private"] = {"text": "x" * 200, "small": 1}
    driver.run.output = {"report": "y" * 200}

    def write() -> None:
        if through == "journal":
            driver.step()
        else:
            runs.save(driver.snapshot())

    write()
    live = runs.load("r")
    assert live is not None
    assert live == driver.snapshot()
    driver.run.status = RunStatus.COMPLETED
    if through == "save":
        driver.journal.load("r")
    write()
    over = runs.load("r")
    assert over is not None
    assert over.vars["public"] == "p" * 200
    assert over.vars["_private"]["small"] == 1
    found = resolve_artifact(over.vars["_private"]["text"], kept)
    assert found is not None
    assert (found.as_text(), found.metadata.tags["source"]) == ("x" * 200, "run_store_offload")
    assert over.output is not None
    report = resolve_artifact(over.output["report"], kept)
    assert report is not None
    assert report.metadata.tags == {"source": "run_output_offload", "path": "output.report", "kind": "text"}
    assert driver.run.vars["_private"]["text"] == "x" * 200
    assert [run.run_id for run in runs.list_runs(status=RunStatus.COMPLETED)] == ["r"]
    assert runs.inner is stores.runs
    stores.close()


def test_a_value_that_could_not_be_kept_is_an_error_and_nothing_is_written() -> None:
    inner = InMemoryLedgerStore()
    ledger = OffloadingLedgerStore(inner, artifact_store=FullArtifacts(), max_inline_bytes=50)
    with pytest.raises(StoreError, match="no room"):
        ledger.append(a_record(a_run("r"), 1, result={"text": "x" * 500}))
    assert inner.list("r") == []
    runs = OffloadingRunStore(InMemoryRunStore(), artifact_store=FullArtifacts(), max_inline_bytes=50)
    with pytest.raises(StoreError, match="no room"):
        runs.save(a_run("r", status=RunStatus.COMPLETED, output={"text": "x" * 500}))
    assert runs.load("r") is None


def test_only_what_the_ledger_took_away_comes_back() -> None:
    kept = InMemoryArtifactStore()
    mine = artifact_ref(kept.store_text("x" * 500, run_id="r").artifact_id)
    ledger = OffloadingLedgerStore(InMemoryLedgerStore(), artifact_store=kept, max_inline_bytes=100)
    result = {"mine": mine, "text": "x" * 500, "rows": [{"n": number} for number in range(50)]}
    ledger.append(a_record(a_run("r"), 1, key="k", result=result))
    stored = ledger.list("r")[0]["result"]
    assert stored["mine"] == mine
    assert is_artifact_ref(stored["text"])
    assert is_artifact_ref(stored["rows"])
    found = ledger.find_completed("r", "k")
    assert found is not None
    assert found["result"] == result
    kept.delete(stored["rows"]["$artifact"])
    with pytest.raises(StoreDamaged, match="gone"):
        ledger.find_completed("r", "k")


def test_a_bare_store_says_what_it_cannot() -> None:
    class Bare(RunStore):
        def save(self, run: Any) -> None: ...
        def load(self, run_id: str) -> None: ...

    runs = OffloadingRunStore(Bare(), artifact_store=InMemoryArtifactStore())
    with pytest.raises(NotImplementedError, match="list_runs"):
        runs.list_runs()
    ledger = OffloadingLedgerStore(InMemoryLedgerStore(), artifact_store=InMemoryArtifactStore())
    with pytest.raises(RuntimeError, match="observed"):
        ledger.subscribe(lambda record: None)


def test_after_a_restart_a_node_gets_the_value_and_not_a_ref() -> None:
    calls: list[int] = []

    def model(run: Any, effect: Effect, next_node: str | None) -> EffectOutcome:
        calls.append(1)
        return EffectOutcome.completed({"text": "x" * 5000})

    def ask(run: Any, ctx: Any) -> StepPlan:
        return StepPlan("ask", Effect(EffectType.LLM_CALL, {"p": 1}, "reply"), next_node="end")

    def end(run: Any, ctx: Any) -> StepPlan:
        return StepPlan("end", complete_output={"length": len(run.vars["reply"]["text"])})

    spec = WorkflowSpec("w", "ask", {"ask": ask, "end": end})
    runs, kept = InMemoryRunStore(), InMemoryArtifactStore()
    ledger = OffloadingLedgerStore(InMemoryLedgerStore(), artifact_store=kept, max_inline_bytes=1000)

    def runtime() -> Runtime:
        handlers: Mapping[Any, Any] = {EffectType.LLM_CALL: model}
        return Runtime(run_store=runs, ledger_store=ledger, effect_handlers=handlers)

    run_id = runtime().start(spec)
    before = runs.load(run_id)
    assert runtime().tick(spec, run_id).output == {"length": 5000}
    assert before is not None
    runs.save(before)  # as if the process had died before the checkpoint
    assert runtime().tick(spec, run_id).output == {"length": 5000}
    assert len(calls) == 1
    assert any("$artifact" in str(record["result"]) for record in ledger.list(run_id))
