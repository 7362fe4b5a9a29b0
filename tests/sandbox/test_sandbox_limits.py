"""Limits hold, workers that die are replaced, threads share them, and no process stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from abstractruntime.visualflow_compiler.sandbox import CodeSandbox, Limits, SandboxRefusal, SandboxResult
from abstractruntime.visualflow_compiler.sandbox_monty import MontySandbox
from sandbox.conftest import NOW

Run = Callable[..., SandboxResult]
Refused = Callable[..., SandboxRefusal]
ECHO = "def transform(d):\n    return d"


def children() -> dict[int, str]:
    """Return the processes that this one has started, with what they are called."""
    found = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = status.read_text().partition(") ")
        except OSError:
            continue
        if int(rest.split()[1]) == os.getpid():
            found[int(status.parent.name)] = name.partition("(")[2]
    return found


def workers() -> set[int]:
    return {pid for pid, name in children().items() if name == "monty"}


LOOPS = {
    "plain": "while True:\n        pass",
    "that catches everything": "while True:\n        try:\n            while True:\n                pass\n        except BaseException:\n            continue",
    "in one call": "sum(x for x in range(10**15))",
    "of prints": "while True:\n        print('')",
    "of numbers": "x = 7 ** 99999\n    while True:\n        x = x * x % (10 ** 90000)",
}


@pytest.mark.parametrize("name", LOOPS)
def test_endless_code_is_stopped(name: str, refused: Refused, run: Run) -> None:
    began = time.monotonic()
    refusal = refused(f"def transform(d):\n    {LOOPS[name]}", limits=Limits(seconds=0.5))
    assert time.monotonic() - began < 2.5
    assert refusal.code in ("code.limit.time", "code.limit.print", "code.limit.memory")
    assert run(ECHO, {"a": 1}).value == {"a": 1}


BOMBS = {
    "list": "x = [1]\n    while True:\n        x = x + x",
    "text": "return len('x' * (1 << 36))",
    "kept": "x = []\n    while True:\n        x.append('y' * 100000)",
    "number": "return 1 << (1 << 33)",
    "width": "return len('{:>99999999999}'.format(1))",
    "object": "d = {}\n    i = 0\n    while True:\n        d[i] = str(i)\n        i = i + 1",
}


@pytest.mark.parametrize("name", BOMBS)
def test_memory_is_limited(name: str, refused: Refused, run: Run) -> None:
    refusal = refused(f"def transform(d):\n    {BOMBS[name]}", limits=Limits(seconds=2, memory=32 << 20))
    assert refusal.code in ("code.limit.memory", "code.limit.time", "code.failed")
    assert run(ECHO, {"a": 1}).value == {"a": 1}


def test_memory_of_the_worker_stays_near_its_limit(sandbox: CodeSandbox, refused: Refused) -> None:
    sandbox.start()
    refused(f"def transform(d):\n    {BOMBS['kept']}", limits=Limits(seconds=2))
    peaks = [
        int(line.split()[1]) / 1024
        for pid in workers()
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmHWM")
    ]
    assert peaks
    assert max(peaks) < 128 + 96


def test_prints_are_limited(refused: Refused) -> None:
    refusal = refused(
        "def transform(d):\n    for i in range(100000):\n        print('x' * 1000)\n    return 1"
    )
    assert refusal.code == "code.limit.print"
    assert len(refusal.printed) <= 64 * 1024


def test_a_patient_node_may_take_longer(run: Run) -> None:
    source = "def transform(d):\n    total = 0\n    for i in range(d['n']):\n        total = total + i % 7\n    return total"
    assert run(source, {"n": 1000}, seconds=10).value == sum(i % 7 for i in range(1000))


def test_the_authors_time_limit_is_cut_at_the_most(sandbox: CodeSandbox) -> None:
    with pytest.raises(SandboxRefusal, match=r"stopped after 0\.3 s"):
        sandbox.run("def transform(d):\n    while True: pass", "transform", {}, now=NOW, seed="", seconds=0.3)


def test_a_killed_worker_is_replaced() -> None:
    held = MontySandbox(workers=1)
    before = workers()
    try:
        assert held.run(ECHO, "transform", {"a": 1}, now=NOW, seed="").value == {"a": 1}
        for _ in range(3):
            (worker,) = workers() - before
            os.kill(worker, signal.SIGKILL)
            assert held.run(ECHO, "transform", {"a": 2}, now=NOW, seed="").value == {"a": 2}
    finally:
        held.close()


def test_a_worker_killed_under_way_is_replaced_and_the_call_made_again() -> None:
    held = MontySandbox(workers=1)
    before = workers()
    slow = "def transform(d):\n    n = 0\n    while n < 3000000:\n        n = n + 1\n    return n"
    try:
        held.start()
        timer = threading.Timer(0.15, lambda: [os.kill(pid, signal.SIGKILL) for pid in workers() - before])
        timer.start()
        result = held.run(slow, "transform", {}, now=NOW, seed="", limits=Limits(seconds=20))
        timer.join()
        assert result.value == 3000000
    finally:
        held.close()


def test_threads_do_not_meet(sandbox: CodeSandbox) -> None:
    source = "import random\nSEEN = []\ndef transform(d):\n    SEEN.append(d['n'])\n    return [SEEN, random.random()]"
    wrong: list[Any] = []

    def work(thread: int) -> None:
        for turn in range(25):
            n = thread * 100 + turn
            value = sandbox.run(source, "transform", {"n": n}, now=NOW, seed=str(n)).value
            if (
                value[0] != [n]
                or value != sandbox.run(source, "transform", {"n": n}, now=NOW, seed=str(n)).value
            ):
                wrong.append(value)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_full_pool_tells_so() -> None:
    held = MontySandbox(workers=1, checkout_seconds=0.2)
    refusals: list[SandboxRefusal] = []

    def spin() -> None:
        try:
            held.run(
                "def transform(d):\n    while True: pass",
                "transform",
                {},
                now=NOW,
                seed="",
                limits=Limits(seconds=1),
            )
        except SandboxRefusal as refusal:
            refusals.append(refusal)

    try:
        held.start()
        threads = [threading.Thread(target=spin) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        held.close()
    assert sorted(refusal.code for refusal in refusals) == ["code.busy", "code.limit.time"]


def test_closing_ends_every_worker() -> None:
    before = set(children())
    held = MontySandbox()
    held.run(ECHO, "transform", {}, now=NOW, seed="")
    held.run(ECHO, "transform", {}, now=NOW, seed="", limits=Limits(seconds=5))
    assert set(children()) - before
    held.close()
    held.close()
    assert set(children()) - before == set()
    with pytest.raises(SandboxRefusal, match="closed"):
        held.run(ECHO, "transform", {}, now=NOW, seed="")


CHILD = """
import os, pathlib, sys
from abstractruntime.visualflow_compiler.sandbox import shared_sandbox
print(shared_sandbox().run("def f(d): return d", "f", [1], now="2026-01-01T00:00:00+00:00", seed="").value)
mine = [p.parent.name for p in pathlib.Path("/proc").glob("[0-9]*/stat") if p.read_text().rpartition(") ")[2].split()[1] == str(os.getpid())]
print(*mine, flush=True)
if sys.argv[1] == "kill":
    os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("way", ["exit", "kill"])
def test_no_worker_outlives_its_process(way: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, way],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == (-9 if way == "kill" else 0), done.stderr
    answer, pids = done.stdout.splitlines()
    assert answer == "[1]"
    assert pids.split()
    end = time.monotonic() + 5
    while any(_is_running(pid) for pid in pids.split()) and time.monotonic() < end:
        time.sleep(0.02)
    assert [pid for pid in pids.split() if _is_running(pid)] == []


def _is_running(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False
