"""What only the SQLite backend promises: its tables, its transactions, its failures."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from abstractruntime.core.errors import StaleRevision, StoreBusy, StoreError, StoreUnsynced
from abstractruntime.core.models import RunStatus
from abstractruntime.storage import open_stores, sqlite_database
from abstractruntime.storage.base import StepCommit
from abstractruntime.storage.migrate import folder, named_queries
from abstractruntime.storage.sqlite import (
    SqliteDatabase,
    SqliteJournal,
    SqliteLedgerStore,
    SqliteRunStore,
)
from abstractruntime.testing.journals import Driver
from abstractruntime.testing.stores import a_record, a_run, waiting_run


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    made = SqliteDatabase(tmp_path / "x" / "stores.db")
    yield made
    made.close()


def rows(database: SqliteDatabase, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in database.connection().execute(sql, values)]


def test_the_published_columns_can_be_read(database: SqliteDatabase) -> None:
    runs, ledger = SqliteRunStore(database), SqliteLedgerStore(database)
    run = waiting_run("r", until="2026-01-01T10:00:00Z", parent_run_id="p")
    runs.save(run)
    ledger.append(a_record(run, 1))
    ledger.append(a_record(run, 2))
    [found] = rows(
        database,
        "SELECT run_id, workflow_id, status, wait_reason, wait_until, parent_run_id, actor_id, session_id,"
        " created_at, updated_at, run_json FROM runs",
    )
    assert found[:-1] == (
        "r",
        "w",
        "waiting",
        "until",
        "2026-01-01T10:00:00Z",
        "p",
        "actor",
        "session",
        "2026-01-01T00:00:00+00:00",
        "2026-01-01T00:00:00+00:00",
    )
    assert json.loads(found[-1])["waiting"]["until"] == "2026-01-01T10:00:00Z"
    assert rows(database, "SELECT run_id, next_due_iso, updated_at_iso, status FROM wait_index") == [
        ("r", "2026-01-01T10:00:00Z", "2026-01-01T00:00:00+00:00", "waiting_until")
    ]
    stored = rows(database, "SELECT run_id, seq, record_json FROM ledger ORDER BY seq")
    assert [row[:2] for row in stored] == [("r", 1), ("r", 2)]
    assert json.loads(stored[1][2])["result"] == {"number": 2}
    assert rows(database, "SELECT run_id, last_seq FROM ledger_heads") == [("r", 2)]


def test_the_state_of_a_resting_run_lies_readable_in_runs(database: SqliteDatabase) -> None:
    driver = Driver(SqliteJournal(database))
    driver.change()
    driver.step()
    driver.run.status, driver.run.output = RunStatus.COMPLETED, {"ok": True}
    driver.step()
    [(status, text)] = rows(database, "SELECT status, run_json FROM runs")
    assert (status, json.loads(text)["vars"]) == ("completed", driver.snapshot().vars)


def test_created_at_stays_and_a_wait_that_ends_leaves_the_timers(database: SqliteDatabase) -> None:
    runs = SqliteRunStore(database)
    runs.save(waiting_run("r", until="2026-01-01T10:00:00Z"))
    runs.save(a_run("r", created_at="2030-01-01T00:00:00+00:00"))
    assert rows(database, "SELECT created_at FROM runs") == [("2026-01-01T00:00:00+00:00",)]
    assert rows(database, "SELECT * FROM wait_index") == []
    runs.save(waiting_run("r", until="not a moment"))
    assert rows(database, "SELECT * FROM wait_index") == []


def test_a_run_or_record_needs_an_id(database: SqliteDatabase) -> None:
    with pytest.raises(ValueError, match="run_id"):
        SqliteRunStore(database).save(a_run(""))
    with pytest.raises(ValueError, match="run_id"):
        SqliteLedgerStore(database).append(a_record(a_run("")))


def test_many_threads_append_without_gap_or_error(database: SqliteDatabase) -> None:
    ledger = SqliteLedgerStore(database)

    def write() -> None:
        for number in range(50):
            ledger.append(a_record(a_run("r"), number))

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row[0] for row in rows(database, "SELECT seq FROM ledger ORDER BY position")] == [*range(1, 401)]


@pytest.mark.parametrize("is_syncing", [False, True])
def test_a_thread_looks_for_its_turn_and_queues_when_that_takes_long(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch, is_syncing: bool
) -> None:
    """While a disk is waited for, it queues at once."""
    pauses: list[float] = []
    all_looked = threading.Event()

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == len(sqlite_database._PAUSES):
            all_looked.set()

    monkeypatch.setattr(sqlite_database, "sleep", pause)
    journal = SqliteJournal(database)
    thread = threading.Thread(target=journal.commit, args=(StepCommit(a_run("late"), None),))
    with database.write() as connection:
        if is_syncing:
            database._sync_lock.acquire()
        thread.start()
        if is_syncing:
            thread.join(0.05)
        else:
            assert all_looked.wait(10)
        assert thread.is_alive()
        assert connection.execute("SELECT COUNT(*) FROM runs").fetchone() == (0,)
    if is_syncing:
        database._sync_lock.release()
    thread.join(10)
    assert not thread.is_alive()
    assert journal.load("late") is not None
    assert pauses == ([] if is_syncing else [*sqlite_database._PAUSES])


def test_a_writer_that_waits_too_long_is_told_that_the_store_is_busy(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "stores.db")
    driver = Driver(SqliteJournal(database))
    with database.write() as connection:
        connection.execute("PRAGMA busy_timeout = 20")
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    driver.change()
    with pytest.raises(StoreBusy, match="held by another writer") as caught:
        driver.step()
    assert caught.value.retriable
    other.execute("ROLLBACK")
    other.close()
    assert SqliteRunStore(database).load("r") == driver.states[0]
    database.close()


def test_a_closed_database_says_so(database: SqliteDatabase) -> None:
    driver = Driver(SqliteJournal(database))
    database.close()
    database.close()
    with pytest.raises(StoreError, match="is closed"):
        SqliteRunStore(database).load("r")
    with pytest.raises(StoreError, match="is closed"):
        driver.step()


SMALL_DISK = """
import resource, signal, sys
from abstractruntime.core.errors import StoreFull
from abstractruntime.storage import open_stores
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    open_stores(f"sqlite://{sys.argv[1]}")
except StoreFull as error:
    print(error)
"""


def test_a_disk_that_fills_while_a_database_is_made_is_told_as_full(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    for limit in ("600", "3000", "20000"):  # beyond the limit SQLite says "disk I/O error"
        done = subprocess.run(
            [sys.executable, "-c", SMALL_DISK, str(path), limit], capture_output=True, text=True
        )
        assert f"The disk is full; nothing was written to {path}. Make room on it" in done.stdout, done.stderr
        assert [each.name for each in tmp_path.iterdir() if each.suffix == ".tmp"] == []
    open_stores(f"sqlite://{path}").close()


def test_a_full_disk_writes_nothing_and_the_store_goes_on(database: SqliteDatabase) -> None:
    driver = Driver(SqliteJournal(database))
    good = driver.snapshot()
    with database.write() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    driver.run.vars["big"] = "x" * 100_000
    with pytest.raises(StoreError, match="disk is full"):
        driver.step()
    assert SqliteRunStore(database).load("r") == good
    assert len(SqliteLedgerStore(database).list("r")) == 1
    with database.write() as connection:
        connection.execute("PRAGMA max_page_count = 1000000")
    driver.run.vars.clear()
    driver.run.vars.update(good.vars)
    driver.change()
    driver.step()
    assert SqliteRunStore(database).load("r") == driver.snapshot()


def test_a_step_that_fails_half_way_leaves_no_trace(database: SqliteDatabase) -> None:
    driver = Driver(SqliteJournal(database))
    driver.change()
    before = (
        database.path.read_bytes(),
        rows(database, "SELECT * FROM ledger"),
        rows(database, "SELECT * FROM runs"),
    )
    database.connection().execute(
        "CREATE TRIGGER stop BEFORE UPDATE ON ledger_heads BEGIN SELECT RAISE(ABORT, 'power cut'); END"
    )
    with pytest.raises(StoreError, match="power cut"):
        driver.step()
    database.connection().execute("DROP TRIGGER stop")
    assert rows(database, "SELECT * FROM ledger") == before[1]
    assert rows(database, "SELECT * FROM runs") == before[2]
    assert rows(database, "SELECT * FROM silent_steps") == []


def test_two_databases_over_one_file_take_turns(tmp_path: Path) -> None:
    one, other = SqliteDatabase(tmp_path / "stores.db"), SqliteDatabase(tmp_path / "stores.db")
    journals = [SqliteJournal(one), SqliteJournal(other)]
    run = a_run("r")
    journals[0].commit(StepCommit(run, None))
    won: list[int] = []

    def race(journal: SqliteJournal) -> None:
        for _ in range(40):
            found = journal.load("r")
            assert found is not None
            try:
                journal.commit(StepCommit(found.run, found.revision, (a_record(run, 1),), ()))
            except StaleRevision:
                continue
            won.append(1)

    threads = [threading.Thread(target=race, args=(journal,)) for journal in journals * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    placed = journals[1].tree_after("r", 0, limit=1000)
    assert [one.seq for one in placed] == [*range(1, len(won) + 1)]
    found = journals[0].load("r")
    assert found is not None
    assert found.revision == len(won) + 1
    one.close()
    other.close()


def test_a_large_checkpoint_is_not_rewritten_by_narrow_updates(database: SqliteDatabase) -> None:
    driver = Driver(SqliteJournal(database))
    driver.run.vars["big"] = ["ü" * 50] * 4000
    driver.run.status, driver.run.waiting = RunStatus.WAITING, waiting_run("r", key="k").waiting
    driver.step()
    with database.write() as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
    database.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    wal = database.path.with_name("stores.db-wal")
    driver.run.status, driver.run.waiting = RunStatus.RUNNING, None
    for _ in range(20):
        driver.run.vars["n"] += 1
        driver.step()
    assert wal.stat().st_size < 20 * 30_000
    assert SqliteRunStore(database).load("r") == driver.snapshot()


def test_a_large_park_is_kept_once_not_once_per_park(database: SqliteDatabase) -> None:
    driver = Driver(SqliteJournal(database))
    driver.run.vars["big"] = ["ü" * 50] * 1000
    driver.step()
    for _ in range(10):
        driver.run.vars["n"] += 1
        driver.run.status, driver.run.waiting = RunStatus.WAITING, waiting_run("r", key="k").waiting
        driver.step()
        driver.run.vars["n"] += 1
        driver.run.status, driver.run.waiting = RunStatus.RUNNING, None
        driver.step()
    assert len(rows(database, "SELECT revision FROM checkpoints")) <= 4
    for seq, state in enumerate(driver.states, 1):
        assert SqliteJournal(database).state_at("r", seq) == state


# What looks at all there is, on purpose: gc of bytes, lists of people's bookmarks and newest files, and what points
# to a file of a run that is removed (in place of every run, read and taken apart).
WALKS_ALL = {
    "count_blobs",
    "count_unused_blobs",
    "drop_unused_blobs",
    "newest_artifacts",
    "snapshots",
    "with_artifacts",
}

# Rows that the query itself has found, by index: its plan says so in another line.
MADE_BY_THE_QUERY = ("SCAN CONSTANT ROW", "SCAN f", "SCAN (subquery-1)")


def test_hot_queries_use_an_index(database: SqliteDatabase) -> None:
    queries = named_queries("sqlite")
    at_once = re.sub(r"NEW\.\w+", "NULL", (folder("sqlite") / "at_once.sql").read_text())
    queries |= {
        f"at once {n}": sql for n, sql in enumerate(re.findall(r"^ +(UPDATE [^;]+);", at_once, re.MULTILINE))
    }
    assert "at once 1" in queries
    with database.write() as connection:  # the one that has the steps that are one statement
        plans = {
            name: [row[-1] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", _blanks(sql))]
            for name, sql in queries.items()
        }
    looks = ("SELECT", "WITH", "UPDATE", "DELETE")
    scans = {
        name: detail
        for name, plan in plans.items()
        for detail in plan
        if queries[name].startswith(looks) and name not in WALKS_ALL
        if detail.startswith("SCAN") and detail not in MADE_BY_THE_QUERY
    }
    assert scans == {}
    sorts = {name for name, plan in plans.items() if any("TEMP B-TREE" in detail for detail in plan)}
    assert sorts <= {"newest_running", "children"}


def _blanks(sql: str) -> Any:
    names = (
        "run_id",
        "status",
        "wait_reason",
        "root_only",
        "limit",
        "workflow_id",
        "session_id",
        "seq",
        "base",
    )
    more = ("last", "parent_run_id", "actor_id", "created_at", "updated_at", "updated_us", "wait_until")
    if ":run_id" in sql or ":limit" in sql or ":parent_run_id" in sql:
        return dict.fromkeys((*names, *more, "wait_key", "base_revision", "base_seq", "apart", "run_json"))
    return (None,) * sql.count("?")


def test_a_connection_belongs_to_a_thread_and_ends_with_it(database: SqliteDatabase) -> None:
    made: list[sqlite3.Connection] = []
    thread = threading.Thread(target=lambda: made.append(database.connection()))
    thread.start()
    thread.join()
    assert made[0] is not database.connection()
    assert database.connection() is database.connection()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        made[0].execute("SELECT 1")


class Syncs:
    """Notes every sync, what file it was of, and how much of the log it covered."""

    def __init__(self, wait: threading.Event | None = None) -> None:
        self.files: list[str] = []
        self.wait = wait

    def __call__(self, file: int) -> None:
        self.files.append(os.readlink(f"/proc/self/fd/{file}"))
        if self.wait is not None:
            self.wait.wait(5)


def test_a_durable_step_returns_after_the_log_is_synced(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncs = Syncs()
    monkeypatch.setattr(os, "fsync", syncs)
    journal = SqliteJournal(database)
    run = a_run("r")
    revision = journal.commit(StepCommit(run, None, durable=True))
    assert syncs.files == [f"{database.path}-wal"]
    revision = journal.commit(StepCommit(run, revision, (), ()))
    assert len(syncs.files) == 1
    journal.commit_all([StepCommit(run, revision, (), (), durable=True), StepCommit(a_run("s"), None)])
    assert len(syncs.files) == 2


def test_what_is_synced_is_what_the_policy_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def synced(sync: str, *, durable: bool) -> int:
        stores = open_stores(f"sqlite://{(tmp_path / f'{sync}{durable}.db').resolve()}?sync={sync}")
        syncs = Syncs()
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", syncs)
            stores.journal.commit(StepCommit(a_run("r"), None, durable=durable))
        stores.close()
        return len(syncs.files)

    assert (synced("marked", durable=True), synced("marked", durable=False)) == (1, 0)
    assert (synced("always", durable=True), synced("always", durable=False)) == (1, 1)
    assert (synced("never", durable=True), synced("never", durable=False)) == (0, 0)
    for url in ("sqlite:x.db?sync=often", "sqlite:x.db?mode=fast"):
        with pytest.raises(ValueError, match="sync="):
            open_stores(url)


def test_one_sync_serves_all_threads_that_wait_for_it(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = SqliteJournal(database)
    go_on = threading.Event()
    syncs = Syncs(go_on)
    monkeypatch.setattr(os, "fsync", syncs)

    def step(run_id: str) -> None:
        journal.commit(StepCommit(a_run(run_id), None, durable=True))

    threads = [threading.Thread(target=step, args=(f"r{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    while len(SqliteRunStore(database).list_runs()) < 8:
        assert all(thread.is_alive() for thread in threads)
    with database.write():  # a row is to be seen a moment before its commit is counted
        go_on.set()
    for thread in threads:
        thread.join()
    assert len(syncs.files) <= 2


def test_a_log_that_cannot_be_synced_is_an_error(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(file: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    journal = SqliteJournal(database)
    with pytest.raises(StoreUnsynced, match="Input/output error"):
        journal.commit(StepCommit(a_run("r"), None, durable=True))
    monkeypatch.undo()
    with pytest.raises(StoreUnsynced, match="restart the program"):
        journal.commit(StepCommit(a_run("s"), None))  # a sync that succeeds later proves nothing
    assert journal.load("s") is None
