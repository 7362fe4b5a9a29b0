"""A disk that is full for one file of a folder and not for the others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert journal.load("r").run.status.value == "waiting"
assert len(stores.ledger.list("r")) == 1
assert journal.find_waiting("k") == ["r"], "the run waits, and nobody finds it"
assert '"waiting"' in index.read_text()
"""


def test_a_run_is_found_although_its_row_in_the_index_met_a_full_disk(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_INDEX, str(tmp_path / "stores")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "its checkpoint or index is not yet" in done.stderr
