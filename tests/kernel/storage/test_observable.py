"""Observers hear of records after they are stored, and cannot harm them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from abstractruntime.core.errors import NotDurable, StaleRevision
from abstractruntime.core.models import StepRecord
from abstractruntime.storage.base import LedgerStore, RunStore, StepCommit
from abstractruntime.storage.in_memory import InMemoryLedgerStore, InMemoryRunStore, MemoryJournal
from abstractruntime.storage.journal import SequentialJournal, open_journal
from abstractruntime.storage.observable import (
    ObservableLedgerStore,
    ObservableLedgerStoreProtocol,
)
from abstractruntime.storage.sqlite import SqliteDatabase, SqliteJournal, SqliteLedgerStore, SqliteRunStore
from abstractruntime.storage.wrapped_journal import WrappedJournal
from abstractruntime.testing.stores import a_record, a_run


class BareLedger(LedgerStore):
    """A host's ledger with nothing but the contract."""

    def __init__(self) -> None:
        self.kept: list[dict[str, Any]] = []

    def append(self, record: StepRecord) -> None:
        self.kept.append({**vars(record), "status": record.status.value})

    def list(self, run_id: str) -> list[dict[str, Any]]:
        return [record for record in self.kept if record["run_id"] == run_id]


def test_an_observer_hears_each_record_once_with_all_its_keys() -> None:
    ledger = ObservableLedgerStore(InMemoryLedgerStore())
    assert isinstance(ledger, ObservableLedgerStoreProtocol)
    everything: list[dict[str, Any]] = []
    mine: list[dict[str, Any]] = []
    ledger.subscribe(everything.append)
    end = ledger.subscribe(mine.append, run_id="r")
    ledger.append(a_record(a_run("r"), 1))
    ledger.append(a_record(a_run("s"), 2))
    assert everything == [*ledger.list("r"), *ledger.list("s")]
    assert mine == ledger.list("r")
    end()
    end()
    ledger.append(a_record(a_run("r"), 3))
    assert (len(mine), len(everything)) == (1, 3)
    ledger.clear_subscribers()
    ledger.append(a_record(a_run("r"), 4))
    assert len(everything) == 3


def test_an_observer_that_fails_is_logged_and_the_others_hear(caplog: pytest.LogCaptureFixture) -> None:
    ledger = ObservableLedgerStore(InMemoryLedgerStore())
    heard: list[dict[str, Any]] = []

    def spoil(record: dict[str, Any]) -> None:
        record.clear()
        raise RuntimeError("broken observer")

    ledger.subscribe(spoil)
    ledger.subscribe(heard.append)
    with caplog.at_level(logging.ERROR):
        ledger.append(a_record(a_run("run-7"), 1))
    assert heard == ledger.list("run-7")
    assert "run-7" in caplog.text
    assert "broken observer" in caplog.text


def test_a_commit_is_heard_of_after_it_happened_and_not_when_it_was_refused() -> None:
    runs, ledger = InMemoryRunStore(), ObservableLedgerStore(ObservableLedgerStore(InMemoryLedgerStore()))
    journal = open_journal(runs, ledger)
    seen: list[tuple[str, int, int]] = []
    for layer in (ledger, ledger.inner):
        assert isinstance(layer, ObservableLedgerStore)
        layer.subscribe(lambda record: seen.append((record["node_id"], ledger.count("r"), _revision(runs))))
    run = a_run("r")
    first = journal.commit(StepCommit(run, None, (a_record(run, 1), a_record(run, 2))))
    assert sorted(seen) == [("n1", 2, 1), ("n1", 2, 1), ("n2", 2, 1), ("n2", 2, 1)]
    seen.clear()
    with pytest.raises(StaleRevision):
        journal.commit(StepCommit(run, None, (a_record(run, 3),)))
    with pytest.raises(NotDurable):
        journal.commit(StepCommit(run, first, (a_record(run, 3, result={"x": b""}),)))
    assert seen == []
    journal.commit_all([StepCommit(run, first, (a_record(run, 4),), ())])
    assert seen == [("n4", 3, 2)] * 2


def _revision(runs: InMemoryRunStore) -> int:
    found = MemoryJournal(runs, InMemoryLedgerStore()).load("r")
    return found.revision if found is not None else 0


def test_what_the_inner_ledger_cannot_do_is_derived() -> None:
    ledger = ObservableLedgerStore(BareLedger())
    for number in range(3):
        ledger.append(a_record(a_run("r"), number, key=f"k{number}"))
    assert ledger.count("r") == 3
    assert ledger.count_many(["r", "s"]) == {"r": 3}
    assert ledger.metrics_many(["r", "s"])["r"]["steps"] == 3
    records, after = ledger.list_after(run_id="r", after=1, limit=1)
    assert ([record["node_id"] for record in records], after) == (["n1"], 2)
    assert ledger.list_after(run_id="r", after=3) == ([], 3)
    found = ledger.find_completed("r", "k2")
    assert found is not None
    assert found["node_id"] == "n2"


def test_stores_that_share_a_transaction_get_its_journal(tmp_path: Path) -> None:
    one, other = SqliteDatabase(tmp_path / "one.db"), SqliteDatabase(tmp_path / "other.db")
    again = SqliteDatabase(tmp_path / "one.db")
    memory: tuple[RunStore, LedgerStore] = InMemoryRunStore(), InMemoryLedgerStore()
    assert isinstance(open_journal(*memory), MemoryJournal)
    assert isinstance(open_journal(SqliteRunStore(one), SqliteLedgerStore(one)), SqliteJournal)
    assert isinstance(open_journal(SqliteRunStore(one), SqliteLedgerStore(again)), SqliteJournal)
    observed = ObservableLedgerStore(SqliteLedgerStore(one))
    assert isinstance(open_journal(SqliteRunStore(one), observed), WrappedJournal)
    for runs, ledger in (
        (SqliteRunStore(one), SqliteLedgerStore(other)),
        (SqliteRunStore(one), memory[1]),
        (memory[0], SqliteLedgerStore(one)),
        (memory[0], BareLedger()),
        (memory[0], ObservableLedgerStore(BareLedger())),
    ):
        journal = open_journal(runs, ledger)
        bottom = journal._inner if isinstance(journal, WrappedJournal) else journal
        assert isinstance(bottom, SequentialJournal)
    for database in (one, other, again):
        database.close()


def test_a_sequential_journal_tells_the_observers_and_writes_the_ledger_first() -> None:
    order: list[str] = []

    class Runs(InMemoryRunStore):
        def save(self, run: Any) -> None:
            order.append("run")
            super().save(run)

    class Ledger(BareLedger):
        def append(self, record: StepRecord) -> None:
            order.append(record.node_id)
            super().append(record)

    ledger = ObservableLedgerStore(Ledger())
    ledger.subscribe(lambda record: order.append(f"told {record['node_id']}"))
    journal = open_journal(Runs(), ledger)
    run = a_run("r")
    journal.commit(StepCommit(run, None, (a_record(run, 1), a_record(run, 2))))
    assert order == ["n1", "n2", "run", "told n1", "told n2"]


def test_two_sequential_journals_over_one_store_agree_on_revisions() -> None:
    runs, ledger = InMemoryRunStore(), BareLedger()
    one, other = open_journal(runs, ledger), open_journal(runs, ledger)
    run = a_run("r")
    first = one.commit(StepCommit(run, None))
    other.commit(StepCommit(run, first))
    with pytest.raises(StaleRevision):
        one.commit(StepCommit(run, first))
