"""SQLite files of other versions, files that lost something, and files that are damaged."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from abstractruntime.core.delta import drain, track
from abstractruntime.core.errors import StoreDamaged, StoreError, StoreTooNew
from abstractruntime.core.models import RunStatus
from abstractruntime.storage import sqlite_adopt
from abstractruntime.storage.base import StepCommit
from abstractruntime.storage.migrate import migrations
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


OLD_LAYOUT = """
    CREATE TABLE runs (run_id TEXT PRIMARY KEY, workflow_id TEXT, status TEXT, wait_reason TEXT,
        wait_until TEXT, parent_run_id TEXT, actor_id TEXT, session_id TEXT, created_at TEXT,
        updated_at TEXT, run_json TEXT);
    CREATE INDEX runs_by_status ON runs (status, updated_at);
    CREATE TABLE wait_index (run_id TEXT PRIMARY KEY, next_due_iso TEXT, updated_at_iso TEXT, status TEXT);
    CREATE TABLE ledger (run_id TEXT, seq INTEGER, record_json TEXT, PRIMARY KEY (run_id, seq));
    CREATE TABLE commands (seq INTEGER PRIMARY KEY AUTOINCREMENT, command_id TEXT UNIQUE, run_id TEXT,
        type TEXT, payload_json TEXT, ts TEXT, client_id TEXT);
    INSERT INTO commands (command_id, run_id) VALUES ('kept', 'r');
"""


def old_file(path: Path) -> Path:
    """Write a file of the layout before ours: two runs, their ledgers, no heads."""
    connection = sqlite3.connect(path)
    connection.executescript(OLD_LAYOUT)
    runs = (
        waiting_run("due", until="2026-01-01T10:00:00Z"),
        waiting_run("asked", key="k", vars={"n": 1}, updated_at="2026-01-02T00:00:00+00:00"),
    )
    for run in runs:
        wait = run.waiting
        assert wait is not None
        text = json.dumps({**vars(run), "waiting": {**vars(wait), "reason": wait.reason.value}}, indent=1)
        connection.execute(
            "INSERT INTO runs VALUES (?, 'w', 'waiting', ?, ?, NULL, NULL, NULL, ?, ?, ?)",
            (run.run_id, wait.reason.value, wait.until, run.created_at, run.updated_at, text),
        )
    for run_id, seq, key in (("asked", 1, None), ("due", 1, None), ("asked", 2, "k2")):
        record = a_record(a_run(run_id), seq, key=key)
        text = json.dumps({**vars(record), "status": "completed"})
        connection.execute("INSERT INTO ledger VALUES (?, ?, ?)", (run_id, seq, text))
    connection.commit()
    connection.close()
    return path


def test_a_file_of_the_layout_before_is_taken_over(tmp_path: Path) -> None:
    database = SqliteDatabase(old_file(tmp_path / "old.db"))
    runs, ledger, journal = SqliteRunStore(database), SqliteLedgerStore(database), SqliteJournal(database)
    assert rows(database, "SELECT run_id, last_seq FROM ledger_heads ORDER BY run_id") == [
        ("asked", 2),
        ("due", 1),
    ]
    assert [run.run_id for run in runs.list_runs()] == ["asked", "due"]
    assert [run.run_id for run in runs.list_due_wait_until(now_iso="2026-01-01T12:00:00+02:00")] == ["due"]
    assert journal.find_waiting("k") == ["asked"]
    found = ledger.find_completed("asked", "k2")
    assert found is not None
    assert found["result"] == {"number": 2}
    assert [one.seq for one in journal.tree_after("asked", 0)] == [1, 2]
    assert journal.state_at("asked", 1) is None

    kept = journal.load("asked")
    assert kept is not None
    run = kept.run
    run.status, run.waiting, run.vars = RunStatus.RUNNING, None, track(run.vars)
    run.vars["n"] = 2
    journal.commit(StepCommit(run, kept.revision, (a_record(run, 3),), drain(run.vars)))
    after = runs.load("asked")
    assert after is not None
    assert after.vars == {"n": 2}
    assert journal.state_at("asked", 3) == after
    assert rows(database, "SELECT command_id FROM commands") == [("kept",)]
    assert rows(database, "SELECT name FROM sqlite_master WHERE name LIKE 'old%'") == []
    database.close()

    again = SqliteDatabase(tmp_path / "old.db")
    assert SqliteRunStore(again).load("asked") == after
    again.close()


def test_a_take_over_that_fails_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("power cut")

    path = old_file(tmp_path / "old.db")
    monkeypatch.setattr(sqlite_adopt, "fill_heads", fail)
    with pytest.raises(StoreError, match="power cut"):
        SqliteDatabase(path)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (0,)
    assert connection.execute("SELECT COUNT(*) FROM ledger").fetchone() == (3,)
    connection.close()
    monkeypatch.undo()
    database = SqliteDatabase(path)
    assert len(SqliteRunStore(database).list_runs()) == 2
    database.close()


def test_an_old_ledger_alone_gets_its_heads(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE ledger (run_id TEXT, seq INTEGER, record_json TEXT, PRIMARY KEY (run_id, seq))"
    )
    connection.executemany(
        "INSERT INTO ledger VALUES (?, ?, ?)", [("r", 1, "{}"), ("r", 2, "{}"), ("s", 1, "x")]
    )
    connection.commit()
    connection.close()
    database = SqliteDatabase(path)
    SqliteLedgerStore(database).append(a_record(a_run("r"), 3))
    assert rows(database, "SELECT run_id, last_seq FROM ledger_heads ORDER BY run_id") == [("r", 3), ("s", 1)]
    assert SqliteLedgerStore(database).list("r")[:2] == [{}, {}]
    with pytest.raises(StoreDamaged, match="Record 1 of run 's'"):
        SqliteLedgerStore(database).list("s")
    database.close()


@pytest.mark.parametrize("loss", ["DELETE FROM ledger_heads", "DROP TABLE ledger_heads"])
def test_lost_heads_are_written_again(tmp_path: Path, loss: str) -> None:
    path = tmp_path / "stores.db"
    database = SqliteDatabase(path)
    driver = Driver(SqliteJournal(database), 5)
    driver.live(12)
    SqliteLedgerStore(database).append(a_record(a_run("alone"), 1))
    database.connection().execute(loss)
    database.close()
    database = SqliteDatabase(path)
    heads = dict(rows(database, "SELECT run_id, last_seq FROM ledger_heads"))
    assert heads == {"r": len(driver.states), "alone": 1}
    driver.journal = SqliteJournal(database)
    driver.live(12)
    assert SqliteRunStore(database).load("r") == driver.snapshot()
    assert driver.journal.state_at("r", len(driver.states)) == driver.snapshot()
    database.close()


def test_a_head_lost_while_open_is_found_again(database: SqliteDatabase) -> None:
    driver = Driver(SqliteJournal(database), 6)
    driver.live(7)
    database.connection().execute("DELETE FROM ledger_heads")
    assert SqliteRunStore(database).load("r") == driver.snapshot()
    driver.live(7)
    assert SqliteRunStore(database).load("r") == driver.snapshot()


def test_a_file_of_a_newer_program_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    connection = sqlite3.connect(path)
    connection.executescript("CREATE TABLE runs (anything); PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreTooNew, match=r"new\.db has layout 99"):
        SqliteDatabase(path)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("runs",)]
    connection.close()


def test_a_damaged_checkpoint_is_told_apart_from_an_unknown_run(database: SqliteDatabase) -> None:
    runs = SqliteRunStore(database)
    runs.save(a_run("r"))
    for text in (
        "{",
        "[]",
        '{"run_id": "r"}',
        '{"run_id":"r","workflow_id":"w","status":"x","current_node":"n"}',
    ):
        database.connection().execute("UPDATE runs SET run_json = ?", (text,))
        with pytest.raises(StoreDamaged, match="run 'r'"):
            runs.load("r")
    assert runs.load("other") is None


def test_a_damaged_run_does_not_hide_the_others(
    database: SqliteDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    runs = SqliteRunStore(database)
    for run_id in ("first", "second"):
        runs.save(waiting_run(run_id, until="2026-01-01T00:00:00Z"))
    database.connection().execute("UPDATE runs SET run_json = '{' WHERE run_id = 'first'")
    assert [run.run_id for run in runs.list_runs()] == ["second"]
    assert [run.run_id for run in runs.list_due_wait_until(now_iso="2026-02-01T00:00:00Z")] == ["second"]
    assert len(runs.list_run_index()) == 2
    assert "Run first is left out" in caplog.text


def test_a_missing_checkpoint_is_damage(database: SqliteDatabase) -> None:
    runs = SqliteRunStore(database)
    runs.save(a_run("r", vars={"x": "y" * 10_000}))
    database.connection().execute("DELETE FROM checkpoints")
    with pytest.raises(StoreDamaged, match="missing"):
        runs.load("r")


def test_history_that_does_not_fit_is_damage(database: SqliteDatabase) -> None:
    driver = Driver(SqliteJournal(database))
    driver.change()
    driver.step()
    database.connection().execute("""UPDATE ledger SET delta = replace(delta, '"n"]', '"gone","n"]')""")
    with pytest.raises(StoreDamaged, match="does not fit"):
        SqliteRunStore(database).load("r")


def test_a_file_that_is_no_database_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("this is not a database, but it is long enough to be asked for its header" * 20)
    with pytest.raises(StoreDamaged, match=r"text\.db"):
        SqliteDatabase(path)


def test_a_place_that_cannot_hold_a_file_is_an_error_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file"):
        SqliteDatabase(tmp_path / "file" / "stores.db")
    with pytest.raises(ValueError, match="InMemoryRunStore"):
        SqliteDatabase(":memory:")


LAYOUT_4 = """
    DROP INDEX runs_by_workflow;
    CREATE INDEX runs_by_workflow ON runs (workflow_id, updated_us);
    DROP INDEX runs_by_session;
    CREATE INDEX runs_by_session ON runs (session_id, updated_us) WHERE session_id IS NOT NULL;
"""


def test_a_file_whose_indexes_held_running_runs_too_lists_the_same_runs(tmp_path: Path) -> None:
    path = tmp_path / "fourth.db"
    database = SqliteDatabase(path)
    connection = sqlite3.connect(path)
    connection.executescript(LAYOUT_4 + "PRAGMA user_version = 4")
    connection.close()
    for number, status in enumerate((RunStatus.RUNNING, RunStatus.WAITING, RunStatus.FAILED)):
        SqliteRunStore(database).save(a_run(f"r{number}", status=status))
    database.close()
    again = SqliteDatabase(path)
    for wanted in ({}, {"workflow_id": "w"}, {"session_id": "session"}):
        found = SqliteRunStore(again).list_run_index(**wanted)
        assert {one["run_id"] for one in found} == {"r0", "r1", "r2"}
    kept = rows(
        again, "SELECT name FROM sqlite_master WHERE sql LIKE '%status <> ''running''%' ORDER BY name"
    )
    assert kept == [("runs_by_session",), ("runs_by_workflow",)]
    again.close()


def test_a_file_of_the_first_layout_gets_what_came_later(tmp_path: Path) -> None:
    path = tmp_path / "first.db"
    database = SqliteDatabase(path)
    SqliteRunStore(database).save(waiting_run("asked", key="k"))
    database.close()
    connection = sqlite3.connect(path)
    later = "".join(script for number, script in migrations("sqlite").items() if number > 1)
    drops = [f"DROP TABLE {name};" for name in re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)", later)]
    assert "DROP TABLE listening;" in drops
    drops.append(LAYOUT_4)
    connection.executescript("".join(drops) + "PRAGMA user_version = 1")
    connection.close()
    again = SqliteDatabase(path)
    assert SqliteJournal(again).find_waiting("k") == ["asked"]
    assert SqliteJournal(again).find_listening("k") == []
    again.close()
