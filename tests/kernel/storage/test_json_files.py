"""Runs and ledgers in files: the layout, what a fault does to it, and other processes."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from abstractruntime.core.delta import track
from abstractruntime.core.errors import CheckpointDamaged, InvalidId, StaleRevision, StoreDamaged, StoreFull
from abstractruntime.core.models import RunState, RunStatus
from abstractruntime.storage import files, json_folder, line_file, open_stores, run_files
from abstractruntime.storage.base import StepCommit, Stores
from abstractruntime.storage.json_files import JsonFileRunStore, JsonlLedgerStore
from abstractruntime.testing.journals import Driver
from abstractruntime.testing.stores import a_record, a_run, waiting_run


def stores_at(folder: Path, sync: str = "never") -> Stores:
    return open_stores(f"json://{folder.resolve()}?sync={sync}")


def test_the_layout_is_the_published_one(tmp_path: Path) -> None:
    runs, ledger = JsonFileRunStore(tmp_path / "new" / "x"), JsonlLedgerStore(tmp_path / "new" / "x")
    run = waiting_run("r-1", key="k", vars={"ü": 1})
    runs.save(run)
    ledger.append(a_record(run, 1))
    ledger.append(a_record(run, 2))
    text = (tmp_path / "new" / "x" / "run_r-1.json").read_text(encoding="utf-8")
    stored = json.loads(text)
    assert [key for key in stored if key[0] != "$"] == list(RunState.__dataclass_fields__)
    assert '\n  "status": "waiting"' in text
    assert "ü" in text
    assert stored["waiting"]["reason"] == "user"
    lines = (tmp_path / "new" / "x" / "ledger_r-1.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == ledger.list("r-1")
    assert ": " not in lines[0]


def test_files_of_other_programs_are_read(tmp_path: Path) -> None:
    stored = {"run_id": "old", "workflow_id": "w", "status": "waiting", "current_node": "n", "vars": {"a": 1}}
    stored["waiting"] = {"reason": "until", "until": "2026-01-01T00:00:00Z"}
    (tmp_path / "run_old.json").write_text(json.dumps(stored, indent=2))
    (tmp_path / "ledger_old.jsonl").write_text(
        '{"run_id":"old","status":"started"}\n\n  \n{"run_id":"old"}\n'
    )
    stores = stores_at(tmp_path)
    runs: Any = stores.runs
    assert [run.run_id for run in runs.list_due_wait_until(now_iso="2026-02-01T00:00:00Z")] == ["old"]
    assert len(stores.ledger.list("old")) == 2
    found = stores.journal.load("old")
    assert found is not None
    found.run.status, found.run.waiting = RunStatus.RUNNING, None
    after = stores.journal.commit(StepCommit(found.run, found.revision, (a_record(found.run, 1),)))
    assert [one.seq for one in stores.journal.tree_after("old", 0)] == [1, 2, 3]
    found.run.vars["a"] = 2
    (tmp_path / "run_old.json").write_text(json.dumps({**stored, "vars": {"a": 3}}))  # behind our back
    again = stores.journal.load("old")
    assert again is not None
    assert again.run.vars == {"a": 3}
    with pytest.raises(StaleRevision):
        stores.journal.commit(StepCommit(found.run, after, (a_record(found.run, 2),)))


def test_a_wait_without_a_reason_is_refused(tmp_path: Path) -> None:
    stored = {
        "run_id": "r",
        "workflow_id": "w",
        "status": "waiting",
        "current_node": "n",
        "waiting": {"x": 1},
    }
    (tmp_path / "run_r.json").write_text(json.dumps(stored))
    with pytest.raises(ValueError, match="run_r"):
        JsonFileRunStore(tmp_path).load("r")


@pytest.mark.parametrize("cut", [1, 2, 30, 200])
def test_a_torn_last_line_is_cut_off_and_told(
    tmp_path: Path, cut: int, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = JsonlLedgerStore(tmp_path)
    for number in range(3):
        ledger.append(a_record(a_run("r"), number))
    path = tmp_path / "ledger_r.jsonl"
    body = path.read_bytes()
    path.write_bytes(body[:-cut])
    expected = 3 if cut == 1 else 2
    with caplog.at_level(logging.WARNING):
        assert len(ledger.list("r")) == expected
    assert "ledger_r.jsonl" in caplog.text
    ledger.append(a_record(a_run("r"), 9))
    assert [record["result"]["number"] for record in ledger.list("r")] == [*range(expected), 9]
    caplog.clear()
    assert len(ledger.list("r")) == expected + 1
    assert not caplog.records


def test_zeros_at_the_end_are_cut_off(tmp_path: Path) -> None:
    ledger = JsonlLedgerStore(tmp_path)
    ledger.append(a_record(a_run("r"), 1))
    with (tmp_path / "ledger_r.jsonl").open("ab") as file:
        file.write(b"\0" * 100)
    assert len(ledger.list("r")) == 1


def test_a_line_in_the_middle_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    ledger = JsonlLedgerStore(tmp_path)
    for number in range(3):
        ledger.append(a_record(a_run("r"), number))
    path = tmp_path / "ledger_r.jsonl"
    first, second, third = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + second[:40] + b"\n" + third)
    for _ in range(2):
        with pytest.raises(StoreDamaged, match=r"Line 2 of .*ledger_r"):
            ledger.list("r")
        with pytest.raises(StoreDamaged, match=r"Line 2 of .*ledger_r"):
            ledger.append(a_record(a_run("r"), 4))
    assert path.read_bytes() == first + second[:40] + b"\n" + third
    assert len(JsonlLedgerStore(tmp_path).list("other")) == 0


@pytest.mark.parametrize("length", [0, 1, 50, -3])
def test_a_truncated_checkpoint_of_a_plain_save_is_a_dedicated_error(
    tmp_path: Path, length: int, caplog: pytest.LogCaptureFixture
) -> None:
    runs = JsonFileRunStore(tmp_path)
    runs.save(a_run("r"))
    runs.save(a_run("good"))
    path = tmp_path / "run_r.json"
    path.write_bytes(path.read_bytes()[:length])
    for _ in range(2):
        with pytest.raises(CheckpointDamaged, match="run_r"):
            runs.load("r")
    with caplog.at_level(logging.ERROR):
        assert [run.run_id for run in runs.list_runs()] == ["good"]
    assert "run_r.json" in caplog.text
    stores = stores_at(tmp_path)
    with pytest.raises(CheckpointDamaged):
        stores.journal.commit(StepCommit(a_run("r"), None, (a_record(a_run("r"), 1),)))
    runs.save(a_run("r", vars={"mended": 1}))
    assert runs.load("r") == a_run("r", vars={"mended": 1})


def test_a_truncated_checkpoint_of_the_engine_is_made_again_from_the_journal(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stores = stores_at(tmp_path)
    driver = Driver(stores.journal, 5)
    driver.live(30)
    path = tmp_path / "run_r.json"
    body = path.read_bytes()
    for length in (*range(0, len(body) - 1, max(len(body) // 40, 1)), None):
        path.unlink()
        if length is not None:
            path.write_bytes(body[:length])
        caplog.clear()
        with caplog.at_level(logging.ERROR):
            found = stores.journal.load("r")
        assert found is not None
        assert (found.run, found.revision) == (driver.snapshot(), driver.revision)
        assert ("run_r.json" in caplog.text) == (length is not None)
    driver.live(10)
    assert stores_at(tmp_path).runs.load("r") == driver.snapshot()


def test_ids_that_look_like_paths_are_refused_and_touch_nothing(tmp_path: Path) -> None:
    inside = tmp_path / "stores"
    runs = JsonFileRunStore(inside)
    before = sorted(tmp_path.rglob("*"))
    for bad in ("../evil", "a/b", "..", "a\\b", "\0", "x" * 500):
        for call in (lambda bad=bad: runs.save(a_run(bad)), lambda bad=bad: runs.load(bad)):
            with pytest.raises(InvalidId):
                call()
    new = {path.relative_to(tmp_path).as_posix() for path in {*tmp_path.rglob("*")} - {*before}}
    assert new <= {"stores/.lock", "stores/index.jsonl"}
    assert runs.list_runs() == []


class Crashes:
    """Copies the folder before, in the middle of, and after every write, as a crash there would leave it."""

    def __init__(self, folder: Path, copies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.copies = folder, copies
        self.taken: list[tuple[Path, int]] = []
        self.acknowledged = 0
        append, whole, pwrite = files.append_whole, files.write_whole, os.pwrite

        def appending(path: Path, body: bytes, *, sync: bool) -> None:
            self.take()
            self.take(lambda copy: _add(copy / path.relative_to(folder), body[: len(body) // 2]))
            self.take(lambda copy: _add(copy / path.relative_to(folder), body[:-1]))
            append(path, body, sync=sync)
            self.take()

        def replacing(path: Path, body: bytes, *, sync: bool) -> None:
            self.take(lambda copy: _add(copy / f".{path.name}.x.tmp", body[: len(body) // 2]))
            whole(path, body, sync=sync)
            self.take()

        def locking(handle: int, body: bytes, offset: int) -> int:
            self.take()
            return pwrite(handle, body, offset)

        for module in (line_file, json_folder, run_files, files):
            for name, wrapped in (("append_whole", appending), ("write_whole", replacing)):
                if hasattr(module, name):
                    monkeypatch.setattr(module, name, wrapped)
        monkeypatch.setattr("abstractruntime.storage.shared_log.append_whole", appending)
        monkeypatch.setattr(os, "pwrite", locking)

    def take(self, then: Callable[[Path], None] | None = None) -> None:
        copy = self.copies / str(len(self.taken))
        shutil.copytree(self.folder, copy)
        if then is not None:
            then(copy)
        self.taken.append((copy, self.acknowledged))


def _add(path: Path, body: bytes) -> None:
    with path.open("ab") as file:
        file.write(body)


def test_a_crash_at_any_write_leaves_a_step_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "stores"
    stores = stores_at(folder)
    states: list[tuple[RunState, int]] = []  # state and number of records after each acknowledged write
    with monkeypatch.context() as patch:
        crashes = Crashes(folder, tmp_path / "copies", patch)
        driver = Driver(stores.journal, 11)
        states.append((driver.snapshot(), 1))
        crashes.acknowledged = 1
        for number in range(14):
            if number == 7:
                saved = driver.snapshot()
                saved.vars["by"] = "host"
                stores.runs.save(saved)
                found = stores.journal.load("r")
                assert found is not None
                driver.run, driver.revision = found.run, found.revision
                driver.run.vars = track(driver.run.vars)
            else:
                driver.live(1)
            states.append((driver.snapshot(), len(stores.ledger.list("r"))))
            crashes.acknowledged = len(states)
    assert len(crashes.taken) > 100
    for copy, acknowledged in crashes.taken:
        again = stores_at(copy)
        found = again.journal.load("r")
        told = (found.run, len(again.ledger.list("r"))) if found is not None else None
        possible: list[Any] = [states[acknowledged - 1] if acknowledged else None]
        possible += states[acknowledged : acknowledged + 1]
        assert told in possible, copy.name
        runs: Any = again.runs
        rows = runs.list_run_index()
        assert [row["status"] for row in rows] == ([] if found is None else [found.run.status.value])
        if found is not None:
            record = a_record(found.run, 77)
            again.journal.commit(StepCommit(found.run, found.revision, (record,)))
            positions = [one.position for one in again.journal.tree_after("r", 0)]
            assert positions == sorted({*positions})
            assert len(positions) == len(again.ledger.list("r")) == (told[1] + 1 if told else 1)
        again.close()


def test_a_crash_among_several_runs_changes_all_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "stores"
    stores = stores_at(folder)
    parent = a_run("parent")
    first = stores.journal.commit(StepCommit(parent, None))
    child = a_run("child", parent_run_id="parent")
    after = waiting_run("parent", key="k")
    with monkeypatch.context() as patch:
        crashes = Crashes(folder, tmp_path / "copies", patch)
        steps = [
            StepCommit(child, None, (a_record(child, 1), a_record(child, 2))),
            StepCommit(after, first, (a_record(parent, 3),)),
        ]
        stores.journal.commit_all(steps)
    seen = set()
    for copy, _ in crashes.taken:
        again = stores_at(copy)
        told = (
            again.runs.load("child"),
            len(again.ledger.list("child")),
            again.runs.load("parent"),
            len(again.ledger.list("parent")),
        )
        assert told in ((None, 0, parent, 0), (child, 2, after, 1)), copy.name
        seen.add(told[1])
        runs: Any = again.runs
        assert len(runs.list_children(parent_run_id="parent")) == (1 if told[1] else 0)
        assert again.journal.find_waiting("k") == (["parent"] if told[1] else [])
        again.close()
    assert seen == {0, 2}


FULL = """
import resource, signal, sys
from abstractruntime.core.errors import StoreFull
from abstractruntime.storage import open_stores
from abstractruntime.storage.base import StepCommit
from abstractruntime.testing.journals import Driver
from abstractruntime.testing.stores import a_record, a_run
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
stores = open_stores("json://" + sys.argv[1])
driver = Driver(stores.journal)
limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
told = 0
while told < 3:
    before, revision, count = driver.snapshot(), driver.revision, len(stores.ledger.list("r"))
    driver.change()
    try:
        driver.step(records=2)
    except StoreFull as error:
        told += 1
        assert "disk is full" in str(error), error
        found = stores.journal.load("r")
        assert (found.run, found.revision) == (before, revision)
        assert len(stores.ledger.list("r")) == count
        driver.run, driver.revision = found.run, found.revision
        from abstractruntime.core.delta import track
        driver.run.vars = track(driver.run.vars)
    try:
        stores.runs.save(a_run("other", vars={"big": "x" * limit}))
    except StoreFull:
        assert stores.runs.load("other") is None
    else:
        raise AssertionError("a state larger than the disk was saved")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
driver.change()
driver.step()
assert stores.runs.load("r") == driver.snapshot()
print("steps", len(driver.states))
"""


@pytest.mark.parametrize("limit", [9_000, 30_000])
def test_a_full_disk_is_told_and_what_was_there_stays(tmp_path: Path, limit: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "stores"), str(limit)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert stores_at(tmp_path / "stores").runs.load("r") is not None


DRIVER = """
import sys
from abstractruntime.core.errors import StaleRevision
from abstractruntime.storage import open_stores
from abstractruntime.storage.base import StepCommit
from abstractruntime.testing.stores import a_record, a_run, waiting_run
stores = open_stores("json://" + sys.argv[1] + "?sync=never")
name, wins = sys.argv[2], 0
for number in range(40):
    stores.journal.commit(StepCommit(a_run(f"{name}-{number}", parent_run_id="shared"), None))
    while True:
        found = stores.journal.load("shared")
        found.run.vars["n"] += 1
        try:
            record = a_record(found.run, found.run.vars["n"])
            stores.journal.commit(StepCommit(found.run, found.revision, (record,)))
            break
        except StaleRevision:
            continue
    stores.runs.save(waiting_run(f"{name}-{number}", until="2026-01-01T00:00:00Z", parent_run_id="shared"))
"""


def test_processes_share_a_folder(tmp_path: Path) -> None:
    stores = stores_at(tmp_path)
    runs: Any = stores.runs
    stores.journal.commit(StepCommit(a_run("shared"), None))
    assert runs.list_children(parent_run_id="shared") == []
    drivers = [subprocess.Popen([sys.executable, "-c", DRIVER, str(tmp_path), name]) for name in "abc"]
    assert [driver.wait(120) for driver in drivers] == [0, 0, 0]
    shared = stores.runs.load("shared")
    assert shared is not None
    assert shared.vars["n"] == 120
    assert [record["result"]["number"] for record in stores.ledger.list("shared")] == [*range(1, 121)]
    assert len(runs.list_children(parent_run_id="shared")) == 120
    assert len(runs.list_due_wait_until(now_iso="2026-02-01T00:00:00Z", limit=500)) == 120
    positions = [one.position for one in stores.journal.tree_after("shared", 0)]
    assert positions == sorted({*positions})
    assert stores.journal.state_at("shared", 60).vars["n"] == 60  # type: ignore[union-attr]


def test_due_runs_are_found_without_reading_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = JsonFileRunStore(tmp_path, sync="never")
    for number in range(300):
        runs.save(waiting_run(f"r{number}", until=f"2026-01-01T00:{number // 60:02}:{number % 60:02}Z"))
    read: list[str] = []
    original = run_files.RunFiles.refresh
    monkeypatch.setattr(
        run_files.RunFiles, "refresh", lambda self: (read.append(self.run_id), original(self))[1]
    )
    found = runs.list_due_wait_until(now_iso="2026-01-01T00:00:02Z")
    assert [run.run_id for run in found] == ["r0", "r1", "r2"]
    assert read == ["r0", "r1", "r2"]


def test_a_lost_or_torn_index_is_made_again(tmp_path: Path) -> None:
    stores = stores_at(tmp_path)
    stores.runs.save(waiting_run("w", key="k"))
    Driver(stores.journal, run_id="d")
    for damage in (None, b"", b"garbage\n", b'{"row": {"run'):
        (tmp_path / "index.jsonl").unlink()
        if damage is not None:
            (tmp_path / "index.jsonl").write_bytes(damage)
        again = stores_at(tmp_path)
        runs: Any = again.runs
        assert {row["run_id"] for row in runs.list_run_index()} == {"w", "d"}
        assert again.journal.find_waiting("k") == ["w"]
        assert {row["run_id"] for row in stores.runs.list_run_index()} == {"w", "d"}  # type: ignore[attr-defined]


def test_after_a_start_of_the_machine_nothing_in_the_index_is_trusted(tmp_path: Path) -> None:
    stores = stores_at(tmp_path)
    driver = Driver(stores.journal)
    stores.runs.save(waiting_run("w", key="k"))
    last = stores.journal.tree_after("r", 0)[-1].position
    index = tmp_path / "index.jsonl"
    index.write_bytes(index.read_bytes().replace(b'"waiting"', b'"running"'))
    (tmp_path / ".lock").write_text(json.dumps({"boot": "another", "position": 0, "busy": []}))
    driver.change()
    driver.step()
    runs: Any = stores.runs
    assert [row["run_id"] for row in runs.list_run_index(status=RunStatus.WAITING)] == ["w"]
    assert stores.journal.tree_after("r", last)[0].position > last


def test_what_is_synced_is_what_the_policy_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (synced.append(handle), real(handle))[1])

    def syncs(sync: str, *, durable: bool) -> int:
        stores = stores_at(tmp_path / sync, sync)
        run = a_run(f"durable-{durable}")
        made = stores.journal.commit(StepCommit(run, None, (a_record(run, 1),), durable=durable))
        before = len(synced)
        stores.journal.commit(StepCommit(run, made, (a_record(run, 2),), (), durable=durable))
        return len(synced) - before

    assert syncs("never", durable=True) == 0
    assert syncs("marked", durable=False) == 0
    assert syncs("marked", durable=True) == 2
    assert syncs("always", durable=False) == 2
    before = len(synced)
    stores_at(tmp_path / "marked", "marked").runs.save(a_run("plain"))
    assert len(synced) == before
    stores_at(tmp_path / "always", "always").runs.save(a_run("plain"))
    assert len(synced) == before + 2  # the file, then the folder


def test_a_url_says_what_is_wrong_with_it() -> None:
    for url in ("json:", "json://host/x", "json:x?sync=often", "json:x?mode=fast"):
        with pytest.raises(ValueError, match=r"json:|sync="):
            open_stores(url)


def test_threads_share_a_folder(tmp_path: Path) -> None:
    ledger = JsonlLedgerStore(tmp_path, sync="never")

    def write(writer: int) -> None:
        for number in range(50):
            ledger.append(a_record(a_run("r"), writer * 1000 + number))

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.count("r") == len({record["step_id"] for record in ledger.list("r")}) == 400


def test_full_is_a_kind_of_its_own() -> None:
    assert StoreFull.code == "store.full"
