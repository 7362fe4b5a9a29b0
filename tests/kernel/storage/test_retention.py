"""Deleting a run with all that belongs to it, and pruning by age with a chain that still verifies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from abstractruntime.core.errors import Conflict, RunNotFound, StoreError
from abstractruntime.core.models import RunState, RunStatus
from abstractruntime.storage import open_stores
from abstractruntime.storage.artifacts import ArtifactStore, artifact_ref
from abstractruntime.storage.base import StepCommit, Stores
from abstractruntime.storage.journal import SequentialJournal, open_journal
from abstractruntime.storage.ledger_chain import HashChainedLedgerStore
from abstractruntime.storage.retention import delete_run, is_stub, prune
from abstractruntime.storage.snapshots import Snapshot
from abstractruntime.testing.stores import a_record, a_run

OLD, NEW = "2026-01-01T00:00:00+00:00", "2026-06-01T00:00:00+00:00"


@pytest.fixture(params=["json", "memory", "sqlite"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stores]:
    urls = {
        "json": f"json://{tmp_path}/x?sync=never",
        "memory": "memory:",
        "sqlite": f"sqlite://{tmp_path}/x.db",
    }
    opened = open_stores(urls[request.param])
    ledger = HashChainedLedgerStore(opened.ledger)
    yield Stores(
        opened.runs,
        ledger,
        open_journal(opened.runs, ledger),
        opened.capabilities,
        artifacts=opened.artifacts,
        snapshots=opened.snapshots,
    )
    opened.close()


def kept(stores: Stores) -> ArtifactStore:
    assert stores.artifacts is not None
    return stores.artifacts


def lived(stores: Stores, run_id: str, *, at: str = OLD, over: bool = True, **fields: Any) -> RunState:
    run = a_run(run_id, vars={"secret": run_id}, created_at=at, updated_at=at, **fields)
    revision = stores.journal.commit(StepCommit(run, None, (a_record(run, 1),)))
    if over:
        run.status, run.output = RunStatus.COMPLETED, {"out": run_id, **(run.output or {})}
    stores.journal.commit(StepCommit(run, revision, (a_record(run, 2), a_record(run, 3))))
    kept(stores).store_text(f"file of {run_id}", run_id=run_id)
    kept(stores).store_text("shared bytes", run_id=run_id)
    assert stores.snapshots is not None
    stores.snapshots.save(Snapshot.from_run(run=run, name=run_id))
    return run


def test_a_run_goes_with_all_that_belongs_to_it(stores: Stores) -> None:
    runs: Any = stores.runs
    lived(stores, "other")
    lived(stores, "root")
    lived(stores, "child", parent_run_id="root")
    removed = delete_run(stores, "root")
    assert removed.runs == ("root", "child")
    assert (removed.records, removed.snapshots, removed.artifacts) == (6, 2, 4)
    for run_id in removed.runs:
        assert stores.runs.load(run_id) is None
        assert stores.ledger.list(run_id) == []
        assert stores.journal.load(run_id) is None
        assert stores.journal.state_at(run_id, 1) is None
        assert kept(stores).list_by_run(run_id) == []
    assert [row["run_id"] for row in runs.list_run_index()] == ["other"]
    assert runs.list_children(parent_run_id="root") == []
    assert [one.run_id for one in stores.journal.tree_after("other", 0)] == ["other"] * 3
    texts = [kept(stores).load_text(one.artifact_id) for one in kept(stores).list_by_run("other")]
    assert sorted(map(str, texts)) == ["file of other", "shared bytes"]
    with pytest.raises(RunNotFound):
        delete_run(stores, "root")
    lived(stores, "root")  # the id is free again
    assert len(stores.ledger.list("root")) == 3
    assert stores.ledger.verify("root")["ok"]  # type: ignore[attr-defined]


def test_a_run_that_goes_on_stays_unless_forced(stores: Stores) -> None:
    lived(stores, "root")
    lived(stores, "child", over=False, parent_run_id="root")
    with pytest.raises(Conflict, match="'child' is not over"):
        delete_run(stores, "root")
    assert stores.runs.load("root") is not None
    assert delete_run(stores, "root", force=True).runs == ("root", "child")


def test_what_a_parent_points_to_stays(stores: Stores) -> None:
    given = kept(stores).store_text("result", run_id="child")
    lived(stores, "root", output={"given": artifact_ref(given.artifact_id)})
    lived(stores, "child", parent_run_id="root")
    assert delete_run(stores, "child").artifacts == 2
    assert kept(stores).load_text(given.artifact_id) == "result"


@pytest.mark.parametrize("how", ["state", "ledger"])
@pytest.mark.parametrize("remove", ["delete", "prune"])
def test_what_another_run_points_to_goes_with_the_last_one_that_does(
    stores: Stores, how: str, remove: str
) -> None:
    given = kept(stores).store_text("result", run_id="giver")
    ref = artifact_ref(given.artifact_id)
    lived(stores, "giver", output={"given": ref})
    for taker in ("taker", "other"):
        run = lived(stores, taker, at=NEW, output={"got": ref} if how == "state" else None)
        if how == "ledger":
            record = a_record(run, 4)
            record.result = {"heard": [ref]}
            stores.ledger.append(record)
    removed = delete_run(stores, "giver") if remove == "delete" else prune(stores, before=NEW)
    assert removed.artifacts == 2
    assert kept(stores).load_text(given.artifact_id) == "result"
    assert delete_run(stores, "taker").artifacts == 2
    assert kept(stores).load_text(given.artifact_id) == "result"
    assert delete_run(stores, "other").artifacts == 3
    assert kept(stores).load_text(given.artifact_id) is None


def test_only_runs_that_may_point_to_an_artifact_are_read(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = kept(stores).store_text("result", run_id="giver")
    for run_id in ("giver", "plain", "other"):
        lived(stores, run_id)
    lived(stores, "taker", output={"got": artifact_ref(given.artifact_id)})
    whole, read = stores.runs.load, []

    def seen(run_id: str) -> RunState | None:
        read.append(run_id)
        return whole(run_id)

    monkeypatch.setattr(stores.runs, "load", seen)
    assert delete_run(stores, "giver").artifacts == 2
    assert read == ["giver", "taker"]
    assert kept(stores).load_text(given.artifact_id) == "result"


def test_a_store_that_cannot_tell_has_every_run_read(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    given = kept(stores).store_text("result", run_id="giver")
    lived(stores, "giver")
    lived(stores, "taker", output={"got": artifact_ref(given.artifact_id)})
    monkeypatch.setattr(stores.journal, "with_artifacts", lambda: None)
    assert delete_run(stores, "giver").artifacts == 2
    assert kept(stores).load_text(given.artifact_id) == "result"


def test_a_file_of_nobody_stays(stores: Stores) -> None:
    upload = kept(stores).store_text("upload", run_id="no-run")
    lived(stores, "root", output={"given": artifact_ref(upload.artifact_id), "odd": {"artifact_id": "../x"}})
    delete_run(stores, "root")
    assert kept(stores).load_text(upload.artifact_id) == "upload"


def test_pruning_leaves_stubs_and_the_chain_verifies(stores: Stores) -> None:
    lived(stores, "old")
    lived(stores, "old-child", parent_run_id="old")
    lived(stores, "busy")
    lived(stores, "busy-child", over=False, parent_run_id="busy")
    lived(stores, "new", at=NEW)
    chain: Any = stores.ledger
    heads = {run_id: chain.verify(run_id)["head_hash"] for run_id in ("old", "old-child")}
    planned = prune(stores, before="2026-03-01T00:00:00Z", dry_run=True)
    assert planned.runs == ("old", "old-child")
    assert len(stores.ledger.list("old")) == 3
    done = prune(stores, before="2026-03-01T00:00:00Z")
    assert (done.runs, done.records, done.snapshots) == (planned.runs, 6, 2)
    for run_id in done.runs:
        stub = stores.runs.load(run_id)
        assert stub is not None
        assert is_stub(stub)
        assert (stub.status, stub.output, "secret" in stub.vars) == (RunStatus.COMPLETED, None, False)
        [record] = stores.ledger.list(run_id)
        assert record["$pruned"] == 3
        report = chain.verify(run_id)
        assert report["ok"], report["errors"]
        assert report["head_hash"] == heads[run_id]
        assert kept(stores).list_by_run(run_id) == []
    for run_id in ("busy", "busy-child", "new"):
        assert len(stores.ledger.list(run_id)) == 3
    assert prune(stores, before="2026-03-01T00:00:00Z").runs == ()


def test_stores_that_cannot_remove_say_so() -> None:
    inner = open_stores("memory:")
    journal = SequentialJournal(inner.runs, inner.ledger)
    lived(inner, "r")
    with pytest.raises(StoreError, match="cannot remove"):
        delete_run(Stores(inner.runs, inner.ledger, journal), "r")
    assert inner.runs.load("r") is not None
