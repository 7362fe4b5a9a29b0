"""Leases: who drives a run just now, when several processes share a store.

An owner takes a run's lease before it lets an effect act, renews it while it lives, and gives it back
when it has done. A lease that is not renewed runs out, and then somebody else may take it over. Taking
over moves the run's revision on: whatever the former owner still wants to commit is refused as stale,
so an owner that was only frozen can do no harm when it wakes (it is fenced).
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ..core.errors import StaleRevision
from ..core.jsonsafe import encode
from ..core.models import RunState, RunStatus
from .base import Asking, Journal, Lease, LeaseStore, StepCommit


@dataclass
class HeldRow:
    """A lease as it stands."""

    owner: str
    epoch: int
    until: datetime
    losses: int = 0
    mark: str | None = None


class ProcessLeases(LeaseStore):
    """Leases among the runtimes of one process, over any journal.

    `table` and `lock` are shared by all that stand over the same store.
    """

    def __init__(self, journal: Journal, table: dict[str, HeldRow], lock: threading.RLock) -> None:
        self._journal = journal
        self._table = table
        self._lock = lock

    def take(self, asking: Asking) -> Lease | None:
        """Give the lease, or None while another owner has it."""
        with self._lock:
            row = self._table.get(asking.run_id)
            held = HeldRow(asking.owner, asking.epoch, asking.until)
            lease = Lease(asking.run_id, asking.owner, asking.epoch)
            if row is not None and row.owner != asking.owner:
                if row.until > asking.now and not asking.is_gone(row.owner):
                    return None
                found = self._journal.load(asking.run_id)
                if found is not None:
                    held.mark = state_mark(found.run)
                    held.losses = losses_after(row.losses, row.mark, held.mark)
                    fence = fencing_step(found.run, found.revision, asking.revision)
                    revision = self._journal.commit(fence)
                    lease = Lease(asking.run_id, asking.owner, asking.epoch, revision, held.losses)
            self._table[asking.run_id] = held
            return lease

    def is_held(self, lease: Lease) -> bool:
        """Say whether nobody has taken this lease over or ended it."""
        with self._lock:
            row = self._table.get(lease.run_id)
            return row is not None and (row.owner, row.epoch) == (lease.owner, lease.epoch)

    def renew(self, leases: Sequence[Lease], until: datetime) -> list[Lease]:
        """Let leases hold until then, and return those that were lost."""
        with self._lock:
            lost = [lease for lease in leases if not self.is_held(lease)]
            for lease in leases:
                if lease not in lost:
                    self._table[lease.run_id].until = until
            return lost

    def release(self, lease: Lease) -> None:
        """End a lease; one that somebody else has by now stays as it is."""
        with self._lock:
            if self.is_held(lease):
                del self._table[lease.run_id]

    def held_by_others(self, owner: str, now: datetime) -> dict[str, str]:
        """Return the owners of the RUNNING runs that others hold at that moment, by run."""
        with self._lock:
            held = [*self._table.items()]
        others = {run_id: row.owner for run_id, row in held if row.owner != owner and row.until > now}
        found = {run_id: self._journal.load(run_id) for run_id in others}
        return {
            run_id: others[run_id]
            for run_id, state in found.items()
            if state is not None and state.run.status == RunStatus.RUNNING
        }


def fencing_step(run: RunState, stored: int, expected: int | None) -> StepCommit:
    """Return the commit of a takeover: it changes nothing but the revision."""
    if expected is not None and expected != stored:
        raise StaleRevision(
            f"Run '{run.run_id}' is at revision {stored}, not {expected}: somebody else advanced it first."
        )
    return StepCommit(run, stored, (), ())


def state_mark(run: RunState) -> str:
    """Return a digest of where a run stands, its times left out."""
    place = {"node": run.current_node, "status": run.status.value, "vars": run.vars}
    return hashlib.sha256(encode(place, "run").encode()).hexdigest()[:32]


def losses_after(before: int, mark_before: str | None, mark: str) -> int:
    """Count one more lost owner: in a row only where the state is the one the last was lost at."""
    return before + 1 if mark_before == mark else 1
