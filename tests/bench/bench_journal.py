"""What a durable step costs in the store, against SQLite used by hand. Run on demand:

    python tests/bench/bench_journal.py [--rounds 7] [--folder DIR]

The floor is raw SQLite doing one transaction per step: the upsert of a 2 KB checkpoint and one ledger
row, in the same file system, in turns with ours in the same process. Of each step the least time over
the rounds counts, in microseconds; ratios are what matters, the machine may be busy.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from abstractruntime.core.clock import utc_now_iso
from abstractruntime.core.delta import drain, track
from abstractruntime.core.models import (
    Effect,
    EffectType,
    RunState,
    RunStatus,
    StepRecord,
    WaitReason,
    WaitState,
)
from abstractruntime.storage.base import StepCommit, Stores
from abstractruntime.storage.sqlite import open as open_sqlite

STEPS = 200
NOW = "2026-01-01T00:00:00+00:00"


def words(rng: random.Random, size: int) -> str:
    """Return text that looks like prose."""
    text = ""
    while len(text) < size:
        text += "".join(rng.choice("etaoinshrdlu") for _ in range(rng.randint(2, 9))) + " "
    return text[:size]


def state(size: int = 2048) -> dict[str, Any]:
    """Return variables of about that many bytes: a list of small messages."""
    rng = random.Random(7)
    made: dict[str, Any] = {"n": 0, "user": "u-4711", "flags": {"a": True, "b": None}, "messages": []}
    while len(json.dumps(made)) < size - 100:
        made["messages"].append({"id": len(made["messages"]), "role": "user", "text": words(rng, 64)})
    return made


LARGE = words(random.Random(11), 20_000)


def item(number: int) -> dict[str, Any]:
    """Return about 1 KB, what a growing state gains per step."""
    start = number * 137 % 19_000
    return {"id": number, "role": "tool", "text": LARGE[start : start + 920], "usage": {"in": number}}


def written() -> int:
    """Return the bytes this process has written so far, where the system tells."""
    try:
        lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) for line in lines if line.startswith("wchar"))


class Sample:
    """Times and bytes of one round."""

    def __init__(self, steps: int) -> None:
        self.marks: list[float] = []
        self.bytes = 0
        self.steps = steps

    def run(self, step: Callable[[int], None]) -> Sample:
        """Take the steps and note when each ended."""
        before = written()
        self.marks.append(time.perf_counter())
        for number in range(self.steps):
            step(number)
            self.marks.append(time.perf_counter())
        self.bytes = (written() - before) // self.steps
        return self

    def costs(self) -> list[float]:
        """Return what each step took, in microseconds."""
        return [(end - start) * 1e6 for start, end in itertools.pairwise(self.marks)]


def least(samples: list[Sample], start: int = 0, end: int | None = None) -> float:
    """Return microseconds per step: of each step its least over the rounds, then their mean."""
    each = [min(costs) for costs in zip(*(sample.costs() for sample in samples), strict=True)][start:end]
    return sum(each) / len(each)


def raw(path: Path, grow: bool) -> Sample:
    """SQLite by hand: the whole checkpoint and one ledger row per step."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("CREATE TABLE runs (k INTEGER PRIMARY KEY, status TEXT, rev INT, state TEXT)")
    connection.execute(
        "CREATE TABLE ledger (g INTEGER PRIMARY KEY, k INT, seq INT, rec TEXT, UNIQUE (k, seq))"
    )
    record = json.dumps(
        {"step_id": "s" * 36, "node_id": "step", "status": "completed", "result": {"ok": True}}
    )
    variables = state()

    def step(number: int) -> None:
        variables["n"] = number
        if grow:
            variables["messages"].append(item(number))
        text = json.dumps(variables, separators=(",", ":"))
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(
            "INSERT INTO runs VALUES (?, ?, ?, ?) ON CONFLICT (k) DO UPDATE SET"
            " status = excluded.status, rev = excluded.rev, state = excluded.state",
            (1, "running", number, text),
        )
        connection.execute("INSERT INTO ledger (k, seq, rec) VALUES (?, ?, ?)", (1, number, record))
        connection.execute("COMMIT")

    sample = Sample(STEPS).run(step)
    connection.close()
    return sample


def ours(path: Path, grow: bool, records: int, durable: bool = False) -> Sample:
    """Our journal: the delta, and so many ledger records per step."""
    stores = open_sqlite(f"sqlite:{path}")
    run = RunState.new(workflow_id="w", entry_node="step", vars=state())
    revision = stores.journal.commit(StepCommit(run, None))
    run.vars = track(run.vars)
    effect = Effect(EffectType.ANSWER_USER, {"n": 0}, "last")

    def step(number: int) -> None:
        nonlocal revision
        run.vars["n"] = number
        if grow:
            run.vars["messages"].append(item(number))
        run.updated_at = utc_now_iso()
        made = []
        for at in range(records):
            record = StepRecord.start(
                run=run, node_id="step", effect=effect, idempotency_key=f"{number:032x}"
            )
            made.append(record.finish_success({"ok": True}) if at == records - 1 else record)
        revision = stores.journal.commit(
            StepCommit(run, revision, tuple(made), drain(run.vars), durable=durable)
        )

    sample = Sample(STEPS).run(step)
    stores.close()
    return sample


CASES: dict[str, Callable[[Path, bool], Sample]] = {
    "raw SQLite, whole checkpoint": raw,
    "ours, no record": lambda path, grow: ours(path, grow, 0),
    "ours, 1 record": lambda path, grow: ours(path, grow, 1),
    "ours, 2 records": lambda path, grow: ours(path, grow, 2),
    "ours, 1 record, power-safe": lambda path, grow: ours(path, grow, 1, durable=True),
}


def steps(folder: Path, rounds: int, grow: bool) -> None:
    """Print one row per case."""
    samples: dict[str, list[Sample]] = {name: [] for name in CASES}
    for number in range(rounds):
        for at, (name, case) in enumerate(CASES.items()):
            samples[name].append(case(folder / f"{grow}{number}{at}.db", grow))
    floor = least(samples["raw SQLite, whole checkpoint"])
    title = "1 KB more per step" if grow else "2 KB of state"
    print(f"\n{title}, {STEPS} steps: us/step (x raw) | steps 1-20 | 181-200 | growth | bytes/step")
    for name, found in samples.items():
        best, first, last = least(found), least(found, 0, 20), least(found, 180, 200)
        print(
            f"  {name:30} {best:7.1f} ({best / floor:4.2f}) | {first:6.1f} | {last:7.1f} |"
            f" {last / first:5.2f} | {found[0].bytes:7,}"
        )


def parked(stores: Stores, count: int, due: int) -> None:
    """Park runs that wait for a moment, the first `due` of them in the past."""
    wait = [
        WaitState(
            WaitReason.UNTIL, until=f"{2000 if number < due else 2100}-01-01T00:00:00.{number:06}+00:00"
        )
        for number in range(count)
    ]
    commits = [
        StepCommit(
            RunState(f"run{number}", "w", RunStatus.WAITING, "n", vars={"n": number}, waiting=wait[number]),
            None,
        )
        for number in range(count)
    ]
    for start in range(0, count, 5000):
        stores.journal.commit_all(commits[start : start + 5000])


def timers(folder: Path) -> None:
    """Print what it costs to ask for the 10 due runs of many parked ones."""
    print("\n10 due runs of n parked: microseconds for their ids | for their states | to find a wait key")
    for count in (1_000, 10_000, 100_000):
        stores = open_sqlite(f"sqlite:{folder / f'timers{count}.db'}")
        parked(stores, count, 10)
        runs: Any = stores.runs
        asked = (
            partial(runs.due_run_ids, now_iso=NOW),
            partial(runs.list_due_wait_until, now_iso=NOW),
            partial(stores.journal.find_waiting, "evt:none"),
        )
        print(f"  n = {count:7,}: " + " | ".join(f"{fastest(ask):8.1f}" for ask in asked))
        stores.close()


def fastest(ask: Callable[[], object]) -> float:
    """Return the least time of many tries, in microseconds."""
    best = float("inf")
    for _ in range(200):
        start = time.perf_counter()
        ask()
        best = min(best, time.perf_counter() - start)
    return best * 1e6


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--folder", help="where the files go; a RAM disk shows the CPU's part")
    given = options.parse_args()
    base = given.folder or ("/dev/shm" if os.path.isdir("/dev/shm") else None)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=base))
    try:
        for grow in (False, True):
            steps(folder, given.rounds, grow)
        timers(folder)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
