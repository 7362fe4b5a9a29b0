"""The worker: each run by one thread at a time, nobody starved, no fault fatal, a clean stop."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import pytest

from abstractruntime.core.errors import StoreBusy, StoreFull, StoreUnsynced
from flowstudio import worker as worker_module
from flowstudio.worker import Worker


class Runs:
    """Runs that need so many turns; a stand-in for the engine below the worker."""

    def __init__(self, turns: dict[str, int] | None = None) -> None:
        self.turns = turns or {}
        self.driven: list[str] = []
        self.failed: dict[str, str] = {}
        self.together: Counter[str] = Counter()
        self.most_together = 0
        self.errors: dict[str, list[Exception]] = {}
        self.due_runs: list[str] = []
        self.next_due: float | None = None
        self.forgotten: list[str] = []
        self.looks = 0
        self.lock = threading.Lock()

    def drive(self, run_id: str) -> bool:
        with self.lock:
            self.together[run_id] += 1
            self.most_together = max(self.most_together, self.together[run_id])
            self.driven.append(run_id)
            error = self.errors.get(run_id, [])[:1]
            del self.errors.get(run_id, [])[:1]
        time.sleep(0.001)
        with self.lock:
            self.together[run_id] -= 1
            self.turns[run_id] = self.turns.get(run_id, 1) - 1
        if error:
            raise error[0]
        return self.turns[run_id] > 0

    def fail(self, run_id: str, error: BaseException) -> None:
        self.failed[run_id] = str(error)

    def due(self) -> tuple[Iterable[str], float | None]:
        self.looks += 1
        due, self.due_runs = self.due_runs, []
        return due, self.next_due

    def moving(self) -> Iterable[str]:
        forgotten, self.forgotten = self.forgotten, []
        return forgotten


@contextmanager
def working(runs: Runs, threads: int = 3) -> Iterator[Worker]:
    worker = Worker(lambda: runs, threads)
    worker.start()
    yield worker
    assert worker.stop(5), "all threads ended"


def until(is_right: Callable[[], bool], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not is_right():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_a_run_is_driven_by_one_thread_at_a_time() -> None:
    runs = Runs({"a": 20})
    with working(runs, threads=4) as worker:
        for _ in range(200):
            worker.submit("a")
            time.sleep(0.0001)
        until(lambda: worker.is_idle)
    assert runs.most_together == 1
    assert runs.turns["a"] <= 0


def test_a_run_asked_for_while_it_is_driven_gets_another_turn() -> None:
    runs = Runs()
    entered, leave = threading.Event(), threading.Event()
    drive = runs.drive

    def slow(run_id: str) -> bool:
        entered.set()
        leave.wait(5)
        return drive(run_id)

    runs.drive = slow  # type: ignore[method-assign]
    with working(runs) as worker:
        worker.submit("a")
        assert entered.wait(5)
        worker.submit("a")
        leave.set()
        until(lambda: worker.is_idle)
    assert runs.driven == ["a", "a"]


def test_a_busy_run_does_not_starve_the_others() -> None:
    runs = Runs({"hog": 500})
    with working(runs, threads=1) as worker:
        worker.submit("hog")
        until(lambda: len(runs.driven) > 3)
        worker.submit("short")
        until(lambda: "short" in runs.driven)
        assert runs.turns["hog"] > 400, "the short run did not wait for the long one's end"
        runs.turns["hog"] = 1


def test_a_fault_ends_its_run_and_no_thread() -> None:
    runs = Runs({"good": 3})
    runs.errors["bad"] = [RuntimeError("broken node")]
    with working(runs, threads=1) as worker:
        worker.submit("bad")
        worker.submit("good")
        until(lambda: worker.is_idle)
    assert runs.failed == {"bad": "broken node"}
    assert runs.turns["good"] == 0


def test_a_busy_store_puts_a_run_off_and_tries_again() -> None:
    runs = Runs()
    runs.errors["a"] = [StoreBusy("busy"), StoreBusy("busy")]
    with working(runs, threads=1) as worker:
        worker.submit("a")
        until(lambda: worker.is_idle and len(runs.driven) == 3)
    assert runs.failed == {}


@pytest.mark.parametrize("trouble", [StoreFull("The disk is full."), StoreUnsynced("The disk failed.")])
def test_what_the_disk_does_is_no_fault_of_a_run_and_is_told(
    trouble: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "RETRY_SECONDS", (0.01,))
    runs = Runs()
    runs.errors["a"] = [trouble] * 5
    with working(runs, threads=1) as worker:
        assert worker.standstill is None
        worker.submit("a")
        until(lambda: worker.standstill == str(trouble))
        until(lambda: worker.is_idle and len(runs.driven) == 6)
        assert worker.standstill is None, "a run was driven since"
    assert runs.failed == {}


def test_a_run_that_cannot_even_be_failed_is_kept_for_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "RETRY_SECONDS", (0.01,))
    runs = Runs()
    runs.errors["a"] = [RuntimeError("first")]
    broken = [True]

    def fail(run_id: str, error: BaseException) -> None:
        if broken.pop():
            raise OSError("the disk is full")

    runs.fail = fail  # type: ignore[method-assign]
    with working(runs, threads=1) as worker:
        worker.submit("a")
        until(lambda: len(runs.driven) == 2)
        until(lambda: worker.is_idle)


def test_the_clock_wakes_what_is_due_and_sleeps_until_the_next() -> None:
    runs = Runs()
    runs.due_runs, runs.next_due = ["first"], 0.15
    with working(runs) as worker:
        until(lambda: runs.driven == ["first"])
        begun, looks = time.monotonic(), runs.looks
        runs.due_runs = ["second"]
        until(lambda: runs.driven == ["first", "second"])
        assert time.monotonic() - begun > 0.05
        assert runs.looks <= looks + 2, "it slept in between"
        runs.next_due = None
        until(lambda: runs.looks > looks)
        runs.due_runs = ["third"]
        worker.remind(0.02)
        until(lambda: "third" in runs.driven, seconds=2)


def test_forgotten_runs_are_found() -> None:
    runs = Runs()
    runs.forgotten = ["lost"]
    with working(runs):
        until(lambda: runs.driven == ["lost"])


def test_a_store_that_cannot_be_read_does_not_stop_the_clock() -> None:
    runs = Runs()
    due, calls = runs.due, []

    def unreadable() -> tuple[Iterable[str], float | None]:
        calls.append(1)
        if len(calls) == 1:
            raise OSError("input/output error")
        return due()

    runs.due = unreadable  # type: ignore[method-assign]
    runs.forgotten = ["lost"]
    with working(runs) as worker:
        until(lambda: bool(calls))
        worker.remind(0.01)
        until(lambda: runs.driven == ["lost"], seconds=3)
