"""Threads that work on runs: each run by one thread at a time, nobody kept waiting by a slow one.

A run is queued at most once. Asked for again while it is worked on, it gets another turn afterwards.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from time import monotonic


class Pool:
    """At most so many daemon threads, started when there is work; `work` must not raise."""

    def __init__(self, work: Callable[[str], None], threads: int, *, name: str) -> None:
        if threads < 1:
            raise ValueError(f"A pool needs at least one thread, not {threads}.")
        self._work = work
        self._most = threads
        self._name = name
        self._changed = threading.Condition()
        self._queue: deque[str] = deque()
        self._queued: set[str] = set()
        self._busy: dict[str, bool] = {}  # run -> asked for again meanwhile
        self._threads: list[threading.Thread] = []
        self._is_stopping = False

    def submit(self, run_id: str) -> bool:
        """Ask for a run to be worked on; return False if that was asked for already."""
        with self._changed:
            if self._is_stopping or run_id in self._queued:
                return False
            if run_id in self._busy:
                self._busy[run_id] = True
                return False
            self._enqueue(run_id)
            if len(self._threads) < self._most and len(self._busy) + len(self._queue) > len(self._threads):
                self._start_one()
            self._changed.notify()
            return True

    @property
    def taken(self) -> set[str]:
        """The runs that are queued or worked on."""
        with self._changed:
            return {*self._queued, *self._busy}

    @property
    def has_queue(self) -> bool:
        """Whether a run waits for a thread."""
        return bool(self._queue)

    def stop(self, seconds: float) -> bool:
        """Take no more work, let the present work end, and say whether it did in time."""
        deadline = monotonic() + seconds
        with self._changed:
            self._is_stopping = True
            self._queue.clear()
            self._queued.clear()
            self._changed.notify_all()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _start_one(self) -> None:
        thread = threading.Thread(target=self._run, name=f"{self._name}-{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _enqueue(self, run_id: str) -> None:
        self._queued.add(run_id)
        self._queue.append(run_id)

    def _run(self) -> None:
        while (run_id := self._take()) is not None:
            try:
                self._work(run_id)
            finally:
                with self._changed:
                    if self._busy.pop(run_id) and not self._is_stopping:
                        self._enqueue(run_id)
                    self._changed.notify()

    def _take(self) -> str | None:
        with self._changed:
            while not self._queue and not self._is_stopping:
                self._changed.wait()
            if self._is_stopping:
                return None
            run_id = self._queue.popleft()
            self._queued.discard(run_id)
            self._busy[run_id] = False
            return run_id
