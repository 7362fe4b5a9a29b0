"""The leases that one runtime holds, and its heartbeat.

A runtime takes a run's lease before an effect acts, at most once per tick, and gives it back at the
tick's end; pure steps need none, since only one of two commits can win. One daemon thread per process
renews what its runtimes hold. An owner that has died is known at once on the same machine, by its
process; elsewhere its leases run out.
"""

from __future__ import annotations

import itertools
import logging
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import time
from weakref import WeakSet

from ..storage.base import Asking, Lease, LeaseStore
from .boundary import at_work_on
from .clock import utc_now
from .errors import StoreError
from .held import Held

log = logging.getLogger("abstractruntime")
_PROC = Path("/proc")


@dataclass(slots=True)
class _Mine:
    """A lease, and until when nobody else can have taken it, in seconds since 1970."""

    lease: Lease
    safe_until: float


class Holding:
    """What one runtime drives, and the leases it has for that."""

    def __init__(
        self,
        store: LeaseStore | None,
        *,
        clock: Callable[[], datetime],
        seconds: float,
        owner: str | None = None,
        beats: bool = True,
    ) -> None:
        self._store = store if seconds > 0 else None
        self._clock = clock
        self._seconds_now = (
            time if clock is utc_now else lambda: clock().timestamp()
        )  # asked twice for each effect
        self._seconds = seconds
        self._beats = beats
        self._epochs = itertools.count(1)
        self._lock = threading.Lock()
        self._taking = threading.Lock()
        self._leases: dict[str, _Mine] = {}
        self._driving: dict[str, int] = {}
        self.owner = owner or new_owner()

    @property
    def seconds(self) -> float:
        """For how long a lease holds without being renewed."""
        return self._seconds

    @property
    def has_leases(self) -> bool:
        """Whether there is anything to renew."""
        return bool(self._leases)

    def is_driving(self, run_id: str) -> bool:
        """Say whether a thread of this runtime is driving a run."""
        return run_id in self._driving

    def driving(self, run_id: str) -> Driving:
        """Note that a thread drives a run; when the last one has done, its lease is given back."""
        return Driving(self, run_id)

    def begin(self, run_id: str) -> None:
        """Count one more thread that drives a run."""
        with self._lock:
            self._driving[run_id] = self._driving.get(run_id, 0) + 1

    def end(self, run_id: str) -> None:
        """Count one thread less, and give the lease back after the last."""
        with self._lock:
            left = self._driving[run_id] - 1
            if left:
                self._driving[run_id] = left
                return
            del self._driving[run_id]
            mine = self._leases.pop(run_id, None)
        if mine is not None:
            self._give_back(mine.lease)

    def take(self, run_id: str, revision: int | None = None) -> Lease | None:
        """Take a run's lease unless this runtime has it; None while another owner has it.

        To be called within `driving`. A lease with a `revision` was taken over from a lost owner, and
        the run stands there now.
        """
        if self._store is None:
            return Lease(run_id, self.owner, next(self._epochs))
        with self._taking:
            mine = self._leases.get(run_id)
            if mine is not None and self._is_safe(mine):
                return Lease(run_id, mine.lease.owner, mine.lease.epoch)
            now = self._clock()
            until = now + timedelta(seconds=self._seconds)
            asking = Asking(run_id, self.owner, next(self._epochs), now, until, revision, is_gone)
            lease = self._store.take(asking)
            if lease is None:
                return None
            with self._lock:
                self._leases[run_id] = _Mine(lease, until.timestamp())
        if lease.revision is not None:
            log.warning("Run %s is taken over from a driver that was lost", run_id)
        if self._beats:
            _HEART.watch(self)
        return lease

    def take_for(self, held: Held) -> bool:
        """Take the lease of a run in hand before an effect of it acts; False: somebody else drives it."""
        run_id = held.run.run_id
        if self._store is None:
            return True
        mine = self._leases.get(run_id)
        if mine is not None and mine is held.lease and self._seconds_now() < mine.safe_until:
            return True
        lease = self.take(run_id, held.revision)
        if lease is None:
            return False
        held.lease = self._leases.get(run_id)
        if lease.revision is not None:
            held.revision = lease.revision
        epoch = lease.epoch
        held.still_mine = lambda run_id: self.still_has(run_id, epoch)
        return True

    def confirm(self, run_id: str) -> bool:
        """Say whether an effect of a run may act now: whether this thread was not frozen and its run lost."""
        if self._store is None:
            return True
        mine = self._leases.get(run_id)
        if mine is not None and self._seconds_now() < mine.safe_until:
            return True
        with self._taking:
            mine = self._leases.get(run_id)
            return mine is not None and self._is_safe(mine)

    def _is_safe(self, mine: _Mine) -> bool:
        """Say whether a lease is still this runtime's; the store is asked only where it may not be."""
        return self._seconds_now() < mine.safe_until or self._renewed([mine])

    def still_has(self, run_id: str, epoch: int) -> bool:
        """Say whether what was done for a run under this taking may still be written, though the run has moved."""
        with self._lock:
            mine = self._leases.get(run_id)
        if self._store is None:
            return True
        return mine is not None and mine.lease.epoch == epoch and self._store.is_held(mine.lease)

    def renew(self) -> None:
        """Let all that is held hold on: one heartbeat."""
        with self._lock:
            held = [*self._leases.values()]
        if held:
            self._renewed(held)

    def _renewed(self, held: Sequence[_Mine]) -> bool:
        """Renew leases and forget those that were lost; return whether there was none."""
        assert self._store is not None
        until = self._clock() + timedelta(seconds=self._seconds)
        lost = self._store.renew([mine.lease for mine in held], until)
        taken_over = []
        with self._lock:
            for mine in held:
                run_id = mine.lease.run_id
                if mine.lease not in lost:
                    mine.safe_until = until.timestamp()
                elif self._leases.get(run_id) is mine:  # else it was given back meanwhile
                    del self._leases[run_id]
                    taken_over.append(run_id)
        for run_id in taken_over:
            log.warning("Run %s was taken over: its driver here gave no sign of life in time", run_id)
        return not lost

    def elsewhere(self) -> set[str]:
        """Return the ids of the runs that living others hold."""
        if self._store is None:
            return set()
        others = self._store.held_by_others(self.owner, self._clock())
        return {run_id for run_id, owner in others.items() if not is_gone(owner)}

    def _give_back(self, lease: Lease) -> None:
        if self._store is None:
            return
        try:
            self._store.release(lease)
        except StoreError as error:
            log.warning("The lease of run %s is left to run out: %s", lease.run_id, error)


class Driving:
    """That a thread of this process drives a run, for `with`."""

    __slots__ = ("_at_work", "_holding", "_run_id")

    def __init__(self, holding: Holding, run_id: str) -> None:
        self._holding, self._run_id, self._at_work = holding, run_id, at_work_on(run_id)

    def __enter__(self) -> None:
        self._holding.begin(self._run_id)
        self._at_work.__enter__()

    def __exit__(self, *error: object) -> None:
        self._at_work.__exit__(*error)
        self._holding.end(self._run_id)


class _Heart:
    """The thread that renews the leases of all runtimes of this process; it sleeps while none has any."""

    def __init__(self) -> None:
        self._holdings: WeakSet[Holding] = WeakSet()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_idle = True

    def watch(self, holding: Holding) -> None:
        """Beat for a runtime that has taken a lease."""
        if not self._is_idle and holding in self._holdings:
            return
        with self._changed:
            self._holdings.add(holding)
            self._is_idle = False
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="abstractruntime-heart", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                busy = [one.seconds for one in self._holdings if one.has_leases]
                self._is_idle = not busy
                self._changed.wait(min(busy) / 3 if busy else None)
            self._beat()

    def _beat(self) -> None:
        with self._changed:
            holdings = [one for one in self._holdings if one.has_leases]
        for holding in holdings:
            try:
                holding.renew()
            except StoreError as error:
                log.warning("The leases of %s could not be renewed: %s", holding.owner, error)


_HEART = _Heart()


def _new_heart() -> None:
    """Start afresh in a forked process: the thread has stayed behind."""
    global _HEART
    _HEART = _Heart()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_heart)


def new_owner() -> str:
    """Return a name for an owner in this process: machine, process, and which of its runtimes."""
    return f"{_place()}/{os.getpid()}/{_started(os.getpid())}/{os.urandom(6).hex()}"


def is_gone(owner: str) -> bool:
    """Say whether an owner's process is known to have ended: on this machine, by its number and start."""
    parts = owner.split("/")
    place = _place()
    if len(parts) != 4 or not place or parts[0] != place or not parts[1].isdecimal():
        return False
    try:
        os.kill(int(parts[1]), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False  # it is there, and somebody else's
    started = _started(int(parts[1]))
    return started is not None and started != parts[2]


def _place() -> str:
    """Name the machine's boot and the space of process numbers; empty where that cannot be told."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot[:8]}-{(_PROC / 'self/ns/pid').stat().st_ino}"
    except OSError:
        return ""


def _started(pid: int) -> str | None:
    """Return when a process was started, in the kernel's count; "" if it has ended, None if unknown."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *rest = text.rpartition(")")[2].split()
    return "" if state in ("Z", "X") else rest[18]
