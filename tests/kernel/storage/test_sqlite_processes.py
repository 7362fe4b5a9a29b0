"""Several processes at one file, and processes that are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from abstractruntime.storage import open_stores
from abstractruntime.testing.journals import Driver

SERVER = Path(__file__).resolve().parents[3] / "server"

COMPETE = """
import sys, time
from abstractruntime.core.errors import StaleRevision
from abstractruntime.storage import StepCommit, open_stores
from abstractruntime.testing.stores import a_record, a_run

while time.time() < float(sys.argv[2]):
    pass
stores = open_stores("sqlite:" + sys.argv[1])
try:
    stores.journal.commit(StepCommit(a_run("r"), None))
except StaleRevision:
    pass
won = 0
while won < 15:
    found = stores.journal.load("r")
    try:
        stores.journal.commit(StepCommit(found.run, found.revision, (a_record(found.run, won),), ()))
        won += 1
    except StaleRevision:
        pass
"""

WORK = """
import sys
from abstractruntime.storage import open_stores
from abstractruntime.testing.journals import Driver

driver = Driver(open_stores("sqlite:" + sys.argv[1]).journal, int(sys.argv[2]))
while True:
    driver.live(1)
    print(driver.revision, len(driver.states), flush=True)
"""


def started(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        env={**os.environ, "PYTHONPATH": str(SERVER)},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_processes_that_open_and_write_one_new_file_take_turns(tmp_path: Path) -> None:
    path = str(tmp_path / "stores.db")
    begin = str(time.time() + 0.5)
    processes = [started(COMPETE, path, begin) for _ in range(4)]
    assert [process.wait(60) for process in processes] == [0] * 4
    for process in processes:
        assert process.stdout is not None
        process.stdout.close()
    stores = open_stores(f"sqlite:{path}")
    placed = stores.journal.tree_after("r", 0)
    assert [one.seq for one in placed] == [*range(1, 61)]
    found = stores.journal.load("r")
    assert found is not None
    assert found.revision == 61
    stores.close()


def test_a_killed_process_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    for seed in range(3):
        path = str(tmp_path / f"stores{seed}.db")
        process = started(WORK, path, str(seed))
        assert process.stdout is not None
        for _ in range(10 + 17 * seed):
            revision, records = map(int, process.stdout.readline().split())
        process.send_signal(signal.SIGKILL)
        for line in process.stdout:
            revision, records = map(int, line.split())
        process.wait(60)
        process.stdout.close()

        stores = open_stores(f"sqlite:{path}")
        found = stores.journal.load("r")
        assert found is not None
        assert found.revision - revision in (0, 1)
        replay = Driver(open_stores("memory:").journal, seed)
        while replay.revision < found.revision:
            replay.live(1)
        expected = replay.snapshot()
        expected.updated_at = found.run.updated_at
        assert found.run == expected
        assert len(stores.ledger.list("r")) == len(replay.states) >= records
        stores.close()
