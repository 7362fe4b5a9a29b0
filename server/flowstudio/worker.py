"""Worker: the threads that drive runs, and the one that keeps time.

The kernel's pool queues a run at most once and has it driven by one thread at a time, here a slice of
steps each turn, so that a busy run never starves the others. The time keeper sleeps until the earliest wait is due;
every few seconds it also looks for runs that should be moving and are not queued, so a lost
message costs seconds and never a run. A fault while driving one run is logged and handed back;
it never ends a thread. A disk that is full, or fails, is no fault of the run: it is kept, and
goes on when the disk takes what is written again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from math import inf
from threading import Condition, Thread
from time import monotonic
from typing import Protocol

from abstractruntime.core.errors import KernelError, StoreFull, StoreUnsynced
from abstractruntime.scheduler import Pool

log = logging.getLogger("flowstudio.worker")

SWEEP_SECONDS = 10.0
OF_THE_DISK = (StoreFull, StoreUnsynced)
RETRY_SECONDS = (0.05, 0.2, 1.0, 5.0)


class Drivable(Protocol):
    """What the worker drives."""

    def drive(self, run_id: str) -> bool:
        """Take a slice of steps; return whether the run wants another turn."""
        ...

    def fail(self, run_id: str, error: BaseException) -> None:
        """End a run that cannot be driven, with the reason."""
        ...

    def due(self) -> tuple[Iterable[str], float | None]:
        """Return the runs whose wait is over, and the seconds until the next one (None: none)."""
        ...

    def moving(self) -> Iterable[str]:
        """Return the runs that should be driven, whoever forgot them."""
        ...


class Worker:
    """Drives runs in threads. `submit` may be called from any thread, at any time."""

    def __init__(self, driver: Callable[[], Drivable], threads: int = 4) -> None:
        self._driver_of = driver
        self._pool = Pool(self._work, threads, name="worker")
        self._changed = Condition()
        self._later: dict[str, float] = {}  # run -> moment to queue it again
        self._troubles: dict[str, int] = {}
        self._standstill: str | None = None
        self._remind_at = inf
        self._is_stopping = False
        self._clock = Thread(target=self._keep_time, name="worker-clock", daemon=True)

    def start(self) -> None:
        """Start the time keeper; what was moving before is picked up at once."""
        self._clock.start()

    def stop(self, seconds: float = 5.0) -> bool:
        """Take no further work, let the present slices end, and say whether all threads did."""
        deadline = monotonic() + seconds
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
        has_ended = self._pool.stop(seconds)
        if self._clock.is_alive():
            self._clock.join(max(0.0, deadline - monotonic()))
        return has_ended and not self._clock.is_alive()

    def submit(self, run_id: str) -> None:
        """Ask for a run to be driven; asking twice is asking once."""
        with self._changed:
            self._later.pop(run_id, None)
        self._pool.submit(run_id)

    def remind(self, seconds: float) -> None:
        """Ask the time keeper to look for due waits in so many seconds at the latest."""
        with self._changed:
            self._remind_at = min(self._remind_at, monotonic() + max(0.0, seconds))
            self._changed.notify_all()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is queued, put off or being driven."""
        with self._changed:
            return not (self._later or self._pool.taken)

    @property
    def standstill(self) -> str | None:
        """Why no run goes on, in the store's words: its disk is full, or fails; None as soon as one was driven."""
        return self._standstill

    def _work(self, run_id: str) -> None:
        """Drive a run for one turn, in a thread of the pool; no fault of it may end the thread."""
        driver = self._driver_of()
        try:
            if driver.drive(run_id):
                self._pool.submit(run_id)
            self._troubles.pop(run_id, None)
            self._standstill = None
        except Exception as error:
            if self._standstill is None or not isinstance(error, OF_THE_DISK):  # that is told once
                log.error("Run %s stopped short: %s", run_id, error, exc_info=error)
            pause = self._trouble(driver, run_id, error)
            if pause is not None:
                with self._changed:
                    self._later[run_id] = monotonic() + pause
                    self._changed.notify_all()

    def _trouble(self, driver: Drivable, run_id: str, error: Exception) -> float | None:
        """Put a run off when trying again may help, else end it; return the seconds to wait."""
        count = self._troubles[run_id] = self._troubles.get(run_id, 0) + 1
        if isinstance(error, OF_THE_DISK):
            self._standstill = str(error)
            return RETRY_SECONDS[-1]
        if isinstance(error, KernelError) and error.retriable:
            return RETRY_SECONDS[min(count, len(RETRY_SECONDS)) - 1]
        try:
            driver.fail(run_id, error)
        except Exception as second:
            log.error("Run %s could not be ended either: %s", run_id, second, exc_info=second)
            return RETRY_SECONDS[-1]
        self._troubles.pop(run_id, None)
        return None

    def _keep_time(self) -> None:
        driver, sweep_at = self._driver_of(), 0.0
        while True:
            wait = SWEEP_SECONDS
            try:
                due, until_next = driver.due()
                for run_id in due:
                    self.submit(run_id)
                if until_next is not None:
                    wait = min(wait, max(0.001, until_next))
                if monotonic() >= sweep_at:
                    for run_id in driver.moving():
                        self.submit(run_id)
                    sweep_at = monotonic() + SWEEP_SECONDS
            except Exception as error:
                log.error("The time keeper could not read the store: %s", error, exc_info=error)
                wait = 1.0
            if not self._sleep(monotonic() + wait):
                return

    def _sleep(self, until: float) -> bool:
        """Sleep until a moment, a reminder or a put-off run; return False when stopping."""
        with self._changed:
            while not self._is_stopping:
                now = monotonic()
                for run_id in [run_id for run_id, moment in self._later.items() if moment <= now]:
                    self._pool.submit(run_id)
                    del self._later[run_id]
                wake = min(until, self._remind_at)
                if wake <= now:
                    self._remind_at = inf
                    return True
                self._changed.wait(max(0.0, min([wake, *self._later.values()]) - now))
            return False
