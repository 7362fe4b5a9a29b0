"""A disk that is full for one file of a folder and not for the others."""

from __future__ import annotations

import errno
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from abstractruntime.core.errors import StoreFull
from abstractruntime.storage import Stores, open_stores
from abstractruntime.storage.base import StepCommit
from abstractruntime.testing.stores import a_record, a_run, waiting_run

ROOM = 60_000
FULL_INDEX = f"""
import resource, signal, sys
from pathlib import Path
from abstractruntime.storage import open_stores
from abstractruntime.storage.base import StepCommit
from abstractruntime.testing.stores import a_record, a_run, waiting_run
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
folder = Path(sys.argv[1])
stores = open_stores(f"json://{{folder}}")
journal = stores.journal
revision = journal.commit(StepCommit(a_run("r"), None))
index = folder / "index.jsonl"
with index.open("ab") as file:
    file.write(b"\\n" * ({ROOM} - index.stat().st_size))
assert journal.find_waiting("k") == []
resource.setrlimit(resource.RLIMIT_FSIZE, ({ROOM}, resource.RLIM_INFINITY))
run = waiting_run("r", key="k")
assert journal.commit(StepCommit(run, revision, records=[a_record(run, 1)])) == revision + 1
assert index.stat().st_size == {ROOM}, "the row was written: the disk was not full"
for _ in range(3):
    assert journal.load("r").run.status.value == "waiting", "a full disk keeps nobody from reading"
    assert len(stores.ledger.list("r")) == 1
    assert journal.find_waiting("k") == ["r"], "the run waits, and nobody finds it"
assert index.stat().st_size == {ROOM}
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert journal.find_waiting("k") == ["r"]
assert '"waiting"' in index.read_text()
"""


def test_a_run_is_found_although_its_row_in_the_index_met_a_full_disk(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_INDEX, str(tmp_path / "stores")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "its checkpoint or index is not yet" in done.stderr
    assert done.stderr.count("The disk is full; ") == 2, "told when it is met and once while it lasts"


class FullLock:
    """A disk that has no room for the lock file's words, while `is_full`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_full, self._write = False, os.pwrite
        monkeypatch.setattr(os, "pwrite", self)

    def __call__(self, handle: int, body: bytes, place: int) -> int:
        if self.is_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._write(handle, body, place)


@pytest.mark.parametrize("way", ["commit", "save"])
def test_what_is_stored_stands_although_the_lock_file_met_a_full_disk_after_it(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stores: Any = open_stores(f"json://{tmp_path}/stores")
    journal, disk = stores.journal, FullLock(monkeypatch)
    revision = journal.commit(StepCommit(a_run("r"), None))
    note = stores.runs.folder.note

    def note_and_fill(rows: Any) -> None:
        note(rows)
        disk.is_full = True

    monkeypatch.setattr(stores.runs.folder, "note", note_and_fill)
    run = waiting_run("r", key="k")
    with caplog.at_level(logging.WARNING):
        if way == "commit":
            revision = journal.commit(StepCommit(run, revision, records=[a_record(run, 1)]))
        else:
            stores.runs.save(run)
            revision += 1
    assert {"commit": "A commit is stored", "save": "A run is stored"}[way] in caplog.text
    monkeypatch.setattr(stores.runs.folder, "note", note)
    seen_and_refused(stores, journal, revision)
    size = (tmp_path / "stores" / "index.jsonl").stat().st_size
    seen_and_refused(stores, journal, revision)
    assert (tmp_path / "stores" / "index.jsonl").stat().st_size == size, "what is known is not noted again"
    disk.is_full = False
    assert len(stores.ledger.list("r")) == (way == "commit")
    assert journal.commit(StepCommit(a_run("r"), revision)) == revision + 1
    assert journal.find_waiting("k") == []
    stores.close()
    again = open_stores(f"json://{tmp_path}/stores")
    assert again.journal.find_waiting("k") == []
    assert again.journal.load("r").run.status.value == "running"
    again.close()


def seen_and_refused(stores: Stores, journal: Any, revision: int) -> None:
    """See that all can be read, and that what is to be written is refused with what to do."""
    found = journal.load("r")
    assert (found.revision, found.run.status.value) == (revision, "waiting")
    assert journal.find_waiting("k") == ["r"]
    with pytest.raises(StoreFull, match="Make room on it"):
        journal.commit(StepCommit(a_run("r"), revision))
