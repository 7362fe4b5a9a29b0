"""Steps that are one statement write what the general way writes, and nothing where they do not fit."""

from __future__ import annotations

import random
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from abstractruntime import RunStatus, Runtime
from abstractruntime.core.delta import drain, track
from abstractruntime.core.errors import StaleRevision
from abstractruntime.core.models import RunState
from abstractruntime.storage import open_stores, sqlite_journal
from abstractruntime.storage.base import StepCommit, Stores
from abstractruntime.storage.sqlite import SqliteDatabase, SqliteJournal, SqliteLedgerStore, SqliteRunStore
from abstractruntime.testing.flows import ask_flow
from abstractruntime.testing.stores import a_record, a_run, waiting_run

TABLES = ("runs", "ledger", "ledger_heads", "checkpoints", "silent_steps", "wait_index", "listening")
UNTIL = "2030-01-01T00:00:00Z"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    made = SqliteDatabase(tmp_path / "stores.db")
    yield made
    made.close()


def lived(journal: SqliteJournal, seed: int) -> None:
    """Take a run from its start over parks and wakes of all kinds to its end."""
    pick, run = random.Random(seed).randrange, a_run("r", vars={"list": []})
    run.vars = track(run.vars)
    revision = journal.commit(StepCommit(run, None))
    steps = 40
    for number in range(1, steps + 1):
        run.updated_at = f"2026-01-01T00:00:{number:02d}+00:00"
        run.vars["list"].append("x" * (2000 if pick(8) == 0 else 10))
        parks, is_last = pick(3) == 0, number == steps
        if parks and not is_last:
            other = waiting_run("r", until=UNTIL) if pick(2) else waiting_run("r", key=f"k{number}")
            run.status, run.waiting = RunStatus.WAITING, other.waiting
        else:
            run.status, run.waiting = RunStatus.RUNNING, None
        if is_last:
            run.status, run.output = (RunStatus.COMPLETED, RunStatus.FAILED)[pick(2)], {"ok": True}
        if pick(2):
            assert journal.load("r") is not None
        records = tuple(
            a_record(
                run,
                number,
                step_id=f"s{number}.{place}",
                idempotency_key=f"k{number}.{place}",
                started_at=run.updated_at,
                ended_at=run.updated_at,
            )
            for place in range(2 + pick(3) if is_last else pick(3))
        )
        listening = f"event{number}" if pick(8) == 0 else None
        ops = drain(run.vars)
        revision = journal.commit(StepCommit(run, revision, records, ops, listening=listening))


def dumped(database: SqliteDatabase) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table: [tuple(row) for row in database.connection().execute(f"SELECT * FROM {table}")]
        for table in TABLES
    }


@pytest.mark.parametrize("seed", range(30))
def test_both_ways_leave_the_same_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    found = []
    for way in ("at_once", "general"):
        if way == "general":
            monkeypatch.setattr(sqlite_journal, "at_once", lambda ready, known: None)
        database = SqliteDatabase(tmp_path / f"{way}.db")
        lived(SqliteJournal(database), seed)
        found.append(dumped(database))
        database.close()
    assert found[0] == found[1]
    assert len(found[0]["ledger"]) > 20


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    made = open_stores(f"sqlite://{tmp_path / 'runs.db'}")
    yield made
    made.close()


def test_a_start_a_park_a_wake_and_an_end_are_one_statement_each(stores: Stores) -> None:
    runtime, flow, told = Runtime(run_store=stores.runs, ledger_store=stores.ledger), ask_flow(), []
    database: SqliteDatabase = stores.runs.db  # type: ignore[attr-defined]
    with database.write() as connection:
        connection.set_trace_callback(told.append)

    def written() -> list[str]:
        found = dict.fromkeys(
            text.split("VALUES")[0].strip() for text in told
        )  # told for each part of a trigger
        told.clear()
        return [text for text in found if not text.startswith(("SELECT", "PRAGMA data_version", "--"))]

    told.clear()
    run_id = runtime.start(flow, {"kept": "x" * 2000})
    assert written() == ["INSERT INTO new_run"]
    assert runtime.tick(flow, run_id).status is RunStatus.WAITING
    assert written() == ["INSERT INTO rest_step"]
    assert runtime.resume(flow, run_id, None, {"response": "y"}, 0).status is RunStatus.RUNNING
    assert written() == ["INSERT INTO rest_step"]
    assert runtime.tick(flow, run_id).status is RunStatus.COMPLETED
    assert written() == ["INSERT INTO last_step"]
    other = runtime.start(flow, {})
    runtime.tick(flow, other)
    written()
    assert runtime.resume(flow, other, None, {"response": "y"}).status is RunStatus.COMPLETED
    assert written() == ["INSERT INTO last_step"]  # the answer and the end are one commit


def test_a_park_leaves_the_whole_state_where_it_is(stores: Stores) -> None:
    runtime, flow = Runtime(run_store=stores.runs, ledger_store=stores.ledger), ask_flow()
    run_id = runtime.start(flow, {"kept": "x" * 2000})
    parked = runtime.tick(flow, run_id)
    database: SqliteDatabase = stores.runs.db  # type: ignore[attr-defined]
    [row] = database.rows("SELECT status, wait_key, base_revision, LENGTH(run_json) FROM runs")
    assert parked.waiting is not None
    assert tuple(row)[:3] == ("waiting", parked.waiting.wait_key, 1)
    assert row[3] < 100
    assert runtime.get_state(run_id) == parked
    assert stores.runs.load(run_id) == parked


def test_the_end_of_a_run_is_written_whole_where_the_changes_outweigh_its_state(stores: Stores) -> None:
    runtime, flow = Runtime(run_store=stores.runs, ledger_store=stores.ledger), ask_flow()
    database: SqliteDatabase = stores.runs.db  # type: ignore[attr-defined]
    bases, ended = {}, {}
    for name, given in (("large", {"kept": "x" * 5000}), ("small", {})):
        run_id = runtime.start(flow, given)
        runtime.tick(flow, run_id)
        ended[name] = runtime.resume(flow, run_id, None, {"response": "y"})
        [row] = database.rows("SELECT base_revision, apart, run_json FROM runs WHERE run_id = ?", (run_id,))
        bases[name] = row[:2]
        assert ("$checkpoint" in row[2]) is (name == "large")
    assert bases == {"large": (1, 1), "small": (3, 0)}
    for run in ended.values():
        assert run.status is RunStatus.COMPLETED
        assert runtime.get_state(run.run_id) == stores.runs.load(run.run_id) == run
        assert runtime.journal.refolded(run.run_id) == run
    newest = stores.runs.list_runs(status=RunStatus.COMPLETED)  # type: ignore[attr-defined]
    assert newest == [ended["small"], ended["large"]]


@pytest.mark.parametrize("loss", ["DELETE FROM ledger_heads", "DELETE FROM silent_steps"])
def test_an_end_that_lies_in_deltas_is_read_without_its_head_too(tmp_path: Path, loss: str) -> None:
    stores = open_stores(f"sqlite://{tmp_path}/runs.db")
    runtime, flow = Runtime(run_store=stores.runs, ledger_store=stores.ledger), ask_flow()
    run_id = runtime.start(flow, {"kept": "x" * 5000})
    runtime.tick(flow, run_id)
    ended = runtime.resume(flow, run_id, None, {"response": "y"})
    stores.runs.db.connection().execute(loss)  # type: ignore[attr-defined]
    assert stores.runs.load(run_id) == ended
    stores.close()
    again = open_stores(f"sqlite://{tmp_path}/runs.db")
    assert again.runs.load(run_id) == ended
    again.close()


def test_a_run_is_created_once(database: SqliteDatabase) -> None:
    journal = SqliteJournal(database)
    journal.commit(StepCommit(a_run("r", vars={"n": 1}), None))
    with pytest.raises(StaleRevision, match="exists already"):
        journal.commit(StepCommit(a_run("r", vars={"n": 2}), None))
    found = journal.load("r")
    assert found is not None
    assert (found.run.vars, found.revision) == ({"n": 1}, 1)


@pytest.mark.parametrize("loss", ["", "DELETE FROM ledger_heads"])
def test_a_run_begins_after_the_records_that_are_there(database: SqliteDatabase, loss: str) -> None:
    ledger, run = SqliteLedgerStore(database), a_run("r")
    ledger.append(a_record(run, 1))
    if loss:
        database.connection().execute(loss)
    journal = SqliteJournal(database)
    revision = journal.commit(StepCommit(run, None))
    journal.commit(StepCommit(run, revision, (a_record(run, 2),), ()))
    assert [record["result"] for record in ledger.list("r")] == [{"number": 1}, {"number": 2}]


def test_a_thread_reads_what_is_committed_while_it_writes_and_while_another_does(
    database: SqliteDatabase,
) -> None:
    runs, journal = SqliteRunStore(database), SqliteJournal(database)
    runs.save(a_run("r", vars={"n": 1}))
    seen: list[RunState | None] = []
    with database.write() as connection:
        connection.execute("UPDATE runs SET run_json = 'not yet'")
        other = threading.Thread(target=lambda: seen.append(runs.load("r")))
        other.start()
        other.join()
        found = journal.load("r")
        connection.execute("ROLLBACK")
        connection.execute("BEGIN")
    assert found is not None
    assert [found.run.vars, *(one.vars for one in seen if one)] == [{"n": 1}, {"n": 1}]


def handed_over(runtime: Runtime) -> tuple[str, dict[str, Any]]:
    """Start a run, and return its id and the variables that were given."""
    given: dict[str, Any] = {"list": [{"n": 1}], "pair": (1, 2), "text": "ä", "deep": [[[]]]}
    return runtime.start(ask_flow(), given), given


@pytest.mark.parametrize(
    "change", ["nothing", "given", "pause", "save", "other_process", "by_hand", "other_run"]
)
def test_a_run_just_started_is_handed_over_as_it_stands(tmp_path: Path, change: str) -> None:
    """What anybody has written between a start and the tick after it is seen by that tick."""
    stores, others = (open_stores(f"sqlite://{tmp_path}/runs.db") for _ in range(2))
    runtime, elsewhere = (Runtime(run_store=each.runs, ledger_store=each.ledger) for each in (stores, others))
    run_id, given = handed_over(runtime)
    if change == "given":
        given["list"][0]["n"] = 2
        given["deep"][0][0].append(1)
    elif change == "pause":
        runtime.pause_run(run_id)
    elif change == "save":
        saved = others.runs.load(run_id)
        assert saved is not None
        saved.vars["list"] = []
        stores.runs.save(saved)
    elif change == "other_process":
        elsewhere.pause_run(run_id)
    elif change == "by_hand":
        with sqlite3.connect(tmp_path / "runs.db") as connection:
            connection.execute("UPDATE checkpoints SET state_json = replace(state_json, 'ä', 'ö')")
        connection.close()
    elif change == "other_run":
        other, _ = handed_over(elsewhere)
        assert elsewhere.tick(ask_flow(), other).status is RunStatus.WAITING
    ticked, read = runtime.tick(ask_flow(), run_id), others.runs.load(run_id)
    assert read == ticked
    assert ticked.waiting is not None
    assert str(ticked.waiting.wait_key).startswith("pause:") is (change in ("pause", "other_process"))
    assert ticked.vars["list"] == ([] if change == "save" else [{"n": 1}])
    assert ticked.vars["text"] == ("ö" if change == "by_hand" else "ä")
    assert (ticked.vars["pair"], ticked.vars["deep"]) == ([1, 2], [[[]]])
    stores.close()
    others.close()


def test_a_run_just_started_is_handed_over_once(tmp_path: Path) -> None:
    stores = open_stores(f"sqlite://{tmp_path}/runs.db")
    runtime = Runtime(run_store=stores.runs, ledger_store=stores.ledger)
    run_id, _ = handed_over(runtime)
    first, second = runtime.get_state(run_id), runtime.get_state(run_id)
    first.vars["list"].append(2)
    assert second.vars["list"] == [{"n": 1}]
    stores.close()


def test_it_is_handed_over_without_reading_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stores = open_stores(f"sqlite://{tmp_path}/runs.db")
    runtime = Runtime(run_store=stores.runs, ledger_store=stores.ledger)
    read: list[str] = []
    whole = sqlite_journal.load_checkpoint

    def seen(database: SqliteDatabase, run_id: str, **options: Any) -> Any:
        read.append(run_id)
        return whole(database, run_id, **options)

    monkeypatch.setattr(sqlite_journal, "load_checkpoint", seen)
    small, _ = handed_over(runtime)
    runtime.tick(ask_flow(), small)
    assert read == []
    large = runtime.start(ask_flow(), {"text": "x" * 20_000})
    assert runtime.tick(ask_flow(), large).vars["text"] == "x" * 20_000
    assert read == [large]
    stores.close()
