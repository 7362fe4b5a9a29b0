"""The scheduler: it wakes runs when their moment has come.

One thread keeps time, a pool of threads drives, so that a slow effect keeps nobody waiting. It sleeps
until the earliest moment, never longer than its interval. A run that cannot be driven is put off, longer
each time, and does not keep others waiting. With `takes_over=True` it also drives what else can move:
runs left RUNNING by a crash or woken by an event, and parents whose child is over; and a run that fails
again and again is parked: held back, with the reason in its state and its ledger, until somebody lets
it go on.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any

from ..core.boundary import attempted
from ..core.clock import parse_instant, utc_now
from ..core.engine import WorkflowSource
from ..core.errors import (
    Conflict,
    LeaseLost,
    NotWaiting,
    StoreError,
    StoreFull,
    StoreUnsynced,
    WorkflowNotFound,
)
from ..core.event_keys import build_event_wait_key
from ..core.models import RunState, RunStatus, WaitReason
from ..core.runtime import Runtime
from ..core.waits import is_paused
from .driver import Driver
from .pool import Pool

OnResumed = Callable[[RunState], None]
OnFailed = Callable[[str, Exception], None]

_PAGE = 100
_STEPS = 100
_LONGEST_DELAY_S = 300.0
_SWEEP_S = 30.0
_IDLE_S = 5.0
_ELSEWHERE_S = 10.0  # until a run that another process drives is looked at again
_NO_ROOM_S = 15.0  # until a run is tried again for which the disk had no room; it is not the run's fault

log = logging.getLogger("abstractruntime")


@dataclass
class SchedulerStats:
    """What a scheduler has done; errors are `<time>: <text>`.

    `no_room` is what the store says while its disk is full, None again as soon as a run could be written.
    `unsynced` is what it says when the disk did not take what was written: the program has to be restarted.
    """

    runs_resumed: int = 0
    runs_failed: int = 0
    poll_cycles: int = 0
    last_poll_at: str | None = None
    errors: list[str] = field(default_factory=list)
    no_room: StoreFull | None = None
    unsynced: StoreUnsynced | None = None


class Scheduler(Driver):
    """Wakes due runs in threads of its own; see `Driver` for the pieces it is made of.

    `workers` is how many runs it drives at once. `park_after` is how often in a row a run may fail, or
    lose its drivers, before it is parked; only what the run itself does counts, not a store that
    cannot be reached or a workflow that is not registered here.
    """

    def __init__(
        self,
        *,
        runtime: Runtime,
        registry: WorkflowSource,
        poll_interval_s: float = 1.0,
        max_errors_kept: int = 100,
        on_run_resumed: OnResumed | None = None,
        on_run_failed: OnFailed | None = None,
        takes_over: bool = False,
        clock: Callable[[], datetime] = utc_now,
        workers: int = 4,
        park_after: int = 5,
    ) -> None:
        super().__init__(runtime=runtime, registry=registry, clock=clock, park_after=park_after)
        self._poll_interval_s = poll_interval_s
        self._max_errors_kept = max_errors_kept
        self._on_run_resumed = on_run_resumed
        self._on_run_failed = on_run_failed
        self._takes_over = takes_over
        self._stats = SchedulerStats()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._put_off: dict[str, tuple[int, float]] = {}
        self._announced: deque[str] = deque()
        self._full_at = self._seen_at = clock()
        self._passed = 0.0
        self._workers = workers
        self._pool: Pool | None = None
        self._counting = threading.Lock()
        self._swept_at = self._ticks()
        if takes_over:
            runtime.subscribe_runnable(self._on_runnable)

    # the thread

    def start(self) -> None:
        """Start the thread; raise RuntimeError when it runs already."""
        if self.is_running:
            raise RuntimeError("The scheduler is already running")
        self._stopping.clear()
        self._pool = Pool(self._work, self._workers, name="abstractruntime-driver")
        self._thread = threading.Thread(target=self._run, name="abstractruntime-scheduler", daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """Stop the threads and wait for their present runs; safe to call twice."""
        begun = monotonic()
        self._stopping.set()
        self._wake.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)
        if self._pool is not None:
            self._pool.stop(max(0.0, timeout - (monotonic() - begun)))

    @property
    def is_running(self) -> bool:
        """Whether the thread is alive."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def stats(self) -> SchedulerStats:
        """What this scheduler has done so far."""
        return self._stats

    def _run(self) -> None:
        pool = self._pool
        assert pool is not None
        if self._takes_over:
            attempted(self._sweep, pool.submit, set(), idle_s=0.0)
        while not self._stopping.is_set():
            self._wake.clear()
            _, error = attempted(self._cycle, pool.submit)
            if error is not None:
                self._note(f"poll: {error!r}")
            self._wake.wait(self._seconds_to_sleep())

    def _work(self, run_id: str) -> None:
        """Drive one run in a thread of the pool."""
        _, error = attempted(self._try, run_id)
        if error is not None:
            self._note(f"run {run_id}: {error!r}")
            self._put_off_longer(run_id)
        if self._pool is not None and not self._pool.has_queue:
            self._wake.set()  # there may be another page, or an earlier moment than before

    def _seconds_to_sleep(self) -> float:
        earliest, error = attempted(self.next_due)
        if error is not None or earliest is None:
            return self._poll_interval_s
        ahead = (earliest - self._clock()).total_seconds()
        # What is due and still there is under way, was put off or is held back: no reason to spin.
        return min(self._poll_interval_s, ahead) if ahead > 0 else self._poll_interval_s

    def _ticks(self) -> float:
        """Return seconds that never go back; those of the clock where that is not the real one."""
        if self._clock is utc_now:
            return monotonic()
        with self._counting:
            now = self._clock()
            self._passed += max(0.0, (now - self._seen_at).total_seconds())
            self._seen_at = now
            return self._passed

    # one cycle

    def poll_once(self) -> int:
        """Drive what can move, 100 due runs at most; return how many were driven without an error."""
        return self._cycle(self._try)

    def recover(self) -> int:
        """Drive all runs that a crash has left RUNNING, and settle children nobody has settled."""
        return self._sweep(self._try, set(), idle_s=0.0)

    def _cycle(self, hand: Callable[[str], int]) -> int:
        """Find what can move and hand it on; return the sum of what that returned."""
        self._stats.poll_cycles += 1
        self._stats.last_poll_at = self._clock().isoformat()
        now = self._ticks()
        without = {run_id for run_id, (_, until) in [*self._put_off.items()] if until > now}
        if self._pool is not None:
            without |= self._pool.taken
        done = sum(hand(run_id) for run_id in self.due(limit=_PAGE, without=without))
        if self._takes_over:
            announced = [self._announced.popleft() for _ in range(len(self._announced))]
            done += sum(hand(run_id) for run_id in dict.fromkeys(announced) if not self._is_put_off(run_id))
            if self._ticks() - self._swept_at >= _SWEEP_S:
                done += self._sweep(hand, without, idle_s=_IDLE_S)
        return done

    def _sweep(self, hand: Callable[[str], int], without: set[str], *, idle_s: float) -> int:
        self._swept_at = self._ticks()
        for child in self.stranded():
            _, error = attempted(self.settle_up, child)
            if error is not None:
                self._note(f"run {child.run_id}: its parent could not be told of its end: {error}")
                self._look_at_disk(error)
        return sum(hand(run_id) for run_id in self.orphans(idle_s=idle_s) if run_id not in without)

    def _is_put_off(self, run_id: str) -> bool:
        return self._put_off.get(run_id, (0, 0.0))[1] > self._ticks()

    def _on_runnable(self, run_id: str) -> None:
        self._announced.append(run_id)
        self._wake.set()

    def _try(self, run_id: str) -> int:
        """Drive one run and keep count; return 1 if it went well."""
        # Counted first: who watches the run may look at the count as soon as it is over.
        self._count(resumed=1)
        run, error = attempted(self._drive_on, run_id)
        if run is not None:
            self._put_off.pop(run_id, None)
            self._look_at_disk(run)
            if self._on_run_resumed is not None:
                attempted(self._on_run_resumed, run)
            return 1
        self._count(resumed=-1, failed=0 if isinstance(error, LeaseLost) else 1)
        if isinstance(error, LeaseLost):
            self._put_off[run_id] = (0, self._ticks() + _ELSEWHERE_S)
            return 0
        count = self._put_off_longer(run_id, _NO_ROOM_S if isinstance(error, StoreFull) else _LONGEST_DELAY_S)
        self._note(f"run {run_id}: {error}")
        self._look_at_disk(error)
        if error is not None and self._on_run_failed is not None:
            attempted(self._on_run_failed, run_id, error)
        is_its_own = not isinstance(error, (StoreError, Conflict, WorkflowNotFound))
        if self._takes_over and is_its_own and count >= self._park_after:
            self._park(run_id, count, error)
        return 0

    def _park(self, run_id: str, count: int, error: Exception | None) -> None:
        reason = f"It could not be driven on {count} times in a row: {type(error).__name__}: {error}"
        _, refused = attempted(self._runtime.park_run, run_id, reason=reason)
        if refused is None:
            self._put_off.pop(run_id, None)
        self._note(f"run {run_id}: parked" if refused is None else f"run {run_id}: {refused}")

    def _drive_on(self, run_id: str) -> RunState:
        if self._takes_over:
            run = self.drive(run_id, max_steps=_STEPS)
            if run.status is RunStatus.RUNNING and not is_paused(run):
                self._on_runnable(run_id)
            return run
        run = self._runtime.get_state(run_id)
        return self._runtime.tick(self.workflow(run.workflow_id), run_id, _STEPS, plans_retries=True)

    def _look_at_disk(self, met: RunState | Exception | None) -> None:
        """Note that the disk is full, or that it is not any more: a run was written since; or that it fails."""
        stats = self._stats
        if isinstance(met, StoreUnsynced) and stats.unsynced is None:
            log.error("No run goes on: %s", met)
            stats.unsynced = met
        if isinstance(met, StoreFull):
            if stats.no_room is None:
                log.error("No run goes on: %s", met)
            stats.no_room, self._full_at = met, self._clock()
            return
        is_written = isinstance(met, RunState) and parse_instant(met.updated_at) > self._full_at
        if stats.no_room is not None and is_written:
            log.warning("There is room again for what runs write")
            stats.no_room = None

    def _put_off_longer(self, run_id: str, longest: float = _LONGEST_DELAY_S) -> int:
        count = self._put_off.get(run_id, (0, 0.0))[0] + 1
        delay = min(max(self._poll_interval_s, 0.01) * 2.0 ** min(count, 16), longest)
        self._put_off[run_id] = (count, self._ticks() + delay)
        return count

    def _count(self, *, resumed: int, failed: int = 0) -> None:
        with self._counting:
            self._stats.runs_resumed += resumed
            self._stats.runs_failed += failed

    def _note(self, text: str) -> None:
        self._stats.errors.append(f"{self._clock().isoformat()}: {text}")
        del self._stats.errors[: -self._max_errors_kept]

    # on behalf of the host

    def resume_event(self, *, run_id: str, wait_key: str, payload: dict[str, Any]) -> RunState:
        """Answer a waiting run and drive it on; raise NotWaiting (a ValueError) when it does not wait."""
        run = self._runtime.get_state(run_id)
        if run.status is not RunStatus.WAITING:
            raise NotWaiting(f"Run '{run_id}' is not waiting (status: {run.status.value})")
        return self._runtime.resume(self.workflow(run.workflow_id), run_id, wait_key, payload)

    def emit_event(
        self,
        *,
        name: str,
        payload: dict[str, Any] | None = None,
        scope: str = "session",
        session_id: str | None = None,
        workflow_id: str | None = None,
        run_id: str | None = None,
        max_steps: int = _STEPS,
        limit: int = 10_000,
    ) -> list[RunState]:
        """Wake the runs that wait for this very event, from outside; return their states.

        A run that is paused, or busy while it listens for good, keeps it in its inbox. A run that cannot
        be woken is noted in `stats.errors` and does not keep the event from the others; WorkflowNotFound
        (a KeyError) is raised when all are told.
        """
        ids = {"session_id": session_id, "workflow_id": workflow_id, "run_id": run_id}
        key = build_event_wait_key(scope=scope, name=name, **ids)
        envelope = {
            "event_id": None,
            "name": name.strip(),
            "scope": key.split(":", 2)[1],
            "session_id": session_id,
            "payload": payload if isinstance(payload, dict) else {},
            "emitted_at": self._clock().isoformat(),
            "emitter": {"source": "external"},
        }
        reached, unknown = [], None
        journal = self._runtime.journal
        found = [*journal.find_waiting(key, limit), *journal.find_listening(key, limit)]
        for waiting_id in dict.fromkeys(found):
            run, error = attempted(self._deliver, waiting_id, key, envelope, max_steps)
            if error is not None:
                self._note(f"run {waiting_id}: event '{name}' was not delivered: {error}")
                unknown = error if isinstance(error, WorkflowNotFound) else unknown
            elif run is not None:
                reached.append(run)
        if unknown is not None:
            raise unknown
        return reached

    def _deliver(
        self, run_id: str, wait_key: str, envelope: dict[str, Any], max_steps: int
    ) -> RunState | None:
        run = self._runtime.get_state(run_id)
        workflow = self.workflow(run.workflow_id)
        if self._runtime.keep_event(run_id, wait_key=wait_key, payload=envelope):
            return None
        run = self._runtime.resume(workflow, run_id, wait_key, envelope, max_steps)
        if run.status is RunStatus.RUNNING:
            self._runtime.announce(run_id)
        return run

    def find_waiting_runs(
        self,
        *,
        wait_reason: WaitReason | None = None,
        workflow_id: str | None = None,
        limit: int = 100,
    ) -> list[RunState]:
        """Return waiting runs, newest first."""
        return self._runs.list_runs(
            status=RunStatus.WAITING, wait_reason=wait_reason, workflow_id=workflow_id, limit=limit
        )

    def resume_subworkflow_parent(
        self, *, child_run_id: str, child_output: dict[str, Any]
    ) -> RunState | None:
        """Answer the run that waits for this child and drive it on; return None when none does."""
        parent = self.parent_waiting_for(child_run_id)
        if parent is None:
            return None
        return self.answer_parent(parent, child_run_id, child_output, max_steps=_STEPS)

    def cancel_with_children(self, run_id: str, *, reason: str | None = None) -> list[RunState]:
        """Cancel a run and all its descendants that are not over; return those, the root first."""
        alive = [run for run in self.descendants(run_id) if not run.status.is_over]
        return [self._runtime.cancel_run(run.run_id, reason=reason) for run in alive]
