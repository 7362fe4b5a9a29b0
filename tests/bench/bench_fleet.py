"""What many runs cost: parking and answering, finding what is due or left, threads, memory, start-up.

    python tests/bench/bench_fleet.py [rounds]

Times of single operations are minima over many, so that a busy machine does not count. The raw row
parks a run by one transaction of two rows (2 KB), and answers it by reading it and one more.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bench_engine import ROOT, STEPS, Chain, over, raw_sqlite, state

from abstractruntime import EffectType, RunStatus, Runtime
from abstractruntime.core import RuntimeConfig
from abstractruntime.scheduler import Driver, WorkflowRegistry
from abstractruntime.storage import Stores, open_stores
from abstractruntime.testing.clock import MovableClock
from abstractruntime.testing.flows import ask_flow, ask_for, end, flow

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
STARTED = """
import sys, time
begun = time.perf_counter()
import dataclasses, hashlib, json, logging, pathlib, typing
bare = time.perf_counter()
sys.path.insert(0, {server!r})
import abstractruntime as ar
imported, modules = time.perf_counter(), len(sys.modules)
from abstractruntime.storage import open_stores
from abstractruntime.core.spec import WorkflowSpec
stores = open_stores("sqlite://{path}")
runtime = ar.Runtime(run_store=stores.runs, ledger_store=stores.ledger)
once = WorkflowSpec("once", "a", {{"a": lambda run, context: ar.StepPlan("a", complete_output={{}})}})
assert runtime.tick(once, runtime.start(once, {{}})).status is ar.RunStatus.COMPLETED
done = time.perf_counter()
rss = int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6
print(imported - begun, bare - begun, done - imported, rss, modules)
"""


def least(*actions: Callable[[], Any], times: int) -> list[float]:
    """Return the least seconds of each action, done one after the other so many times."""
    best = [float("inf")] * len(actions)
    for _ in range(times):
        for place, action in enumerate(actions):
            begun = time.perf_counter()
            action()
            best[place] = min(best[place], time.perf_counter() - begun)
    return best


WEB = RuntimeConfig(
    record_visits=True, record_traces=False
)  # what counts here of how the web app is configured


def parks(disk: Stores, raw: float, times: int, config: RuntimeConfig) -> None:
    """Print what parking and answering one run costs."""
    ask, runtime = ask_flow(), over(disk, config=config)
    kept, run_id = state(), ""

    def park() -> None:
        nonlocal run_id
        run_id = runtime.start(ask, kept)
        assert runtime.tick(ask, run_id).status is RunStatus.WAITING

    def resume() -> None:
        assert runtime.resume(ask, run_id, None, {"response": "y"}).status is RunStatus.COMPLETED

    for name, seconds in zip(("park", "answer"), least(park, resume, times=times), strict=True):
        print(
            f"SQLite{told(config)}: {name:8s} {seconds * 1e6:7.0f} us   {1 / seconds:7.0f} per second   {seconds / raw:5.1f} raw steps"
        )


def waits(disk: Stores, counts: Iterable[int], times: int) -> None:
    """Print what it costs to see which of so many parked runs are due."""
    clock, registry = MovableClock(), WorkflowRegistry()
    runtime = over(disk, clock=clock, workflow_registry=registry)
    driver, parked = Driver(runtime=runtime, registry=registry, clock=clock), 0
    due_ids: Any = disk.runs.due_run_ids  # type: ignore[attr-defined]  # the SQLite store has it
    for count in counts:
        for number in range(parked, count):
            moment = clock() + timedelta(seconds=3600 + number if number >= 10 else -5)
            until = ask_for("s", EffectType.WAIT_UNTIL, {"until": moment.isoformat()}, "e")
            sleep = flow("s", "sleep", s=until, e=end("e"))
            runtime.tick(sleep, runtime.start(sleep, {}))
        parked = count
        some, nothing, next_due = least(
            partial(due_ids, now_iso=clock().isoformat()),
            partial(driver.due, LONG_AGO),
            driver.next_due,
            times=times,
        )
        print(
            f"SQLite: {count:6d} parked: due ids {some * 1e3:.3f} ms, nothing due {nothing * 1e3:.3f} ms,"
            f" the next moment {next_due * 1e3:.3f} ms"
        )


def told(config: RuntimeConfig) -> str:
    return ", with traces" if config.record_traces else ", as the web app"


def recovery(disk: Stores, count: int, rounds: int, config: RuntimeConfig) -> None:
    """Print what it takes to find, load and finish runs that a crash has left with a step to go."""
    registry, chain = WorkflowRegistry(), Chain(over(disk))
    registry.register(chain.spec)
    runtime = over(disk, workflow_registry=registry, config=config)
    driver = Driver(runtime=runtime, registry=registry)
    found = loaded = opened = finished = float("inf")
    for _ in range(rounds):
        for _ in range(count):
            run_id = runtime.start(chain.spec, {**state(), "n": STEPS - 6})
            runtime.tick(chain.spec, run_id, max_steps=5)
        begun = time.perf_counter()
        left = driver.orphans(limit=2 * count)
        listed = time.perf_counter()
        runs = [runtime.get_state(run_id) for run_id in left]
        read = time.perf_counter()
        kept = [run.vars for run in runs]
        seen = time.perf_counter()
        for run_id in left:
            assert runtime.tick(chain.spec, run_id).status is RunStatus.COMPLETED
        ended = time.perf_counter()
        assert len(runs) == len(kept) == count
        found, loaded = min(found, listed - begun), min(loaded, read - listed)
        opened, finished = min(opened, seen - read), min(finished, ended - seen)
    print(
        f"SQLite{told(config)}: {count} unfinished runs: found {found * 1e3:.0f} ms, loaded {loaded * 1e3:.0f} ms,"
        f" their variables read {opened * 1e3:.0f} ms, finished {finished:.2f} s"
    )


def threads(folder: Path, rounds: int) -> None:
    """Print how many steps a second several threads take, each with runs of its own."""
    for url in ("memory:", f"sqlite://{folder}/threads.db"):
        stores = open_stores(url)
        best: dict[int, float] = {}
        for _ in range(rounds):
            for number in (1, 2, 4):
                chains = [Chain(over(stores)) for _ in range(number)]
                workers = [threading.Thread(target=chain) for chain in chains]
                begun = time.perf_counter()
                for worker in workers:
                    worker.start()
                for worker in workers:
                    worker.join()
                rate = number * STEPS / (time.perf_counter() - begun)
                best[number] = max(best.get(number, 0.0), rate)
        told = ", ".join(f"{number}: {rate:.0f} ({rate / best[1]:.2f})" for number, rate in best.items())
        print(f"{url.partition(':')[0]}: external effects per second by threads: {told}")
        stores.close()


def memory(disk: Stores, count: int) -> None:
    """Print what parked runs keep in the memory of the process."""
    ask = ask_flow()
    for name, stores in (("memory", open_stores("memory:")), ("SQLite", disk)):
        runtime = Runtime(
            run_store=stores.runs, ledger_store=stores.ledger, config=RuntimeConfig(record_traces=False)
        )
        before = rss()
        for _ in range(count):
            runtime.tick(ask, runtime.start(ask, state()))
        print(f"{name}: {count} parked runs of 2 KB take {rss() - before:.1f} MB of the process")


def rss() -> float:
    """Return the resident memory of this process in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def start_up(folder: Path, rounds: int) -> None:
    """Print what import and the first durable step take, in processes of their own."""
    script = STARTED.format(server=str(ROOT / "server"), path=folder / "first.db")
    compiled = {"PYTHONPYCACHEPREFIX": str(folder / "compiled")}  # the first round fills it
    rows = []
    for _ in range(rounds + 1):
        (folder / "first.db").unlink(missing_ok=True)
        ran = subprocess.run(
            [sys.executable, "-S", "-c", script], capture_output=True, text=True, check=True, env=compiled
        )
        rows.append([float(word) for word in ran.stdout.split()])
    imported, bare, first, size, modules = (min(column) for column in zip(*rows, strict=True))
    print(
        f"start: import {imported * 1e3:.0f} ms, the standard library's part {bare * 1e3:.0f} ms, {modules:.0f} modules"
    )
    print(f"start: first durable step {first * 1e3:.0f} ms, {size:.0f} MB")


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    fast = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=fast if fast.is_dir() else None))
    try:
        disk = open_stores(f"sqlite://{folder}/runs.db")
        raw = raw_sqlite(folder)
        per_step = min(raw() for _ in range(rounds)) / STEPS
        print(f"raw SQLite step {per_step * 1e6:.0f} us")
        for config in (RuntimeConfig(), WEB):
            parks(disk, per_step, 200 * rounds, config)
        waits(disk, (1_000, 10_000), times=50 * rounds)
        for config in (RuntimeConfig(), WEB):
            recovery(disk, 1_000, rounds, config)
        threads(folder, rounds)
        memory(disk, 10_000)
        start_up(folder, 2 * rounds)
        disk.close()
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
