"""The stores as one actor of the simulation sees them: every call may fail, be late, or be the last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from abstractruntime import RunState
from abstractruntime.storage import Stores
from abstractruntime.storage.base import (
    Asking,
    Checkpoint,
    Journal,
    Lease,
    LedgerStore,
    RunStore,
    StepCommit,
)
from abstractruntime.testing.verify import Witness

Result = TypeVar("Result")


class Night(Protocol):
    """What the stores ask of the simulation."""

    stores: Stores
    witness: Witness

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        ...

    def call(self, actor: Any, what: str, function: Callable[[], Result], *, writes: bool = False) -> Result:
        """Call the store as an actor."""
        ...

    def happens(self, what: str) -> bool:
        """Let the seed decide whether a fault happens now."""
        ...


class SimRuns(RunStore):
    """The run store as one actor sees it."""

    def __init__(self, sim: Night, actor: Any, stores: Stores) -> None:
        self._sim, self._actor, self._inner = sim, actor, stores.runs

    def save(self, run: RunState) -> None:
        self._sim.call(self._actor, f"save {run.run_id}", lambda: self._inner.save(run), writes=True)

    def load(self, run_id: str) -> RunState | None:
        return self._sim.call(self._actor, "load", lambda: self._inner.load(run_id))

    def journal_with(self, ledger: LedgerStore) -> Journal | None:
        assert isinstance(ledger, SimLedger)
        inner = self._inner.journal_with(ledger.inner)
        assert inner is not None
        return SimJournal(self._sim, self._actor, inner)

    def list_runs(self, **wanted: Any) -> list[RunState]:
        return self._sim.call(self._actor, "list", lambda: self._inner.list_runs(**wanted))  # type: ignore[attr-defined,no-any-return]

    def list_due_wait_until(self, **wanted: Any) -> list[RunState]:
        return self._sim.call(self._actor, "due", lambda: self._inner.list_due_wait_until(**wanted))  # type: ignore[attr-defined,no-any-return]

    def list_children(self, **wanted: Any) -> list[RunState]:
        return self._sim.call(self._actor, "children", lambda: self._inner.list_children(**wanted))  # type: ignore[attr-defined,no-any-return]


class SimLedger(LedgerStore):
    """The ledger as one actor sees it."""

    def __init__(self, sim: Night, actor: Any, stores: Stores) -> None:
        self._sim, self._actor, self.inner = sim, actor, stores.ledger

    def append(self, record: Any) -> None:
        self._sim.call(self._actor, "append", lambda: self.inner.append(record), writes=True)

    def list(self, run_id: str) -> list[Any]:
        return self._sim.call(self._actor, "records", lambda: self.inner.list(run_id))


class SimJournal(Journal):
    """The journal as one actor sees it; what it acknowledges is noted."""

    atomic = True

    def __init__(self, sim: Night, actor: Any, inner: Journal) -> None:
        self._sim, self._actor, self._inner = sim, actor, inner
        self.leases = SimLeases(sim, actor, inner)

    def commit(self, step: StepCommit) -> int:
        return self.commit_all([step])[0]

    def commit_all(self, steps: Sequence[StepCommit]) -> list[int]:
        what = "commits " + ", ".join(
            f"{one.run.run_id}@{one.expected_revision}:{one.run.current_node}" for one in steps
        )
        revisions = self._sim.call(self._actor, what, lambda: self._inner.commit_all(steps), writes=True)
        for step in steps:
            for record in step.records:
                self._sim.witness.steps.append((record.run_id, record.step_id, record.status.value))
        return revisions

    def load(self, run_id: str) -> Checkpoint | None:
        found = self._sim.call(self._actor, "load", lambda: self._inner.load(run_id))
        if found is not None and found.revision > 1 and self._sim.happens("stale"):
            kept = self._sim.stores.runs._kept[run_id]  # type: ignore[attr-defined]
            return Checkpoint(kept.state_at(found.revision - 1), found.revision - 1)
        return found

    def is_heavy(self, run_id: str) -> bool:
        return self._inner.is_heavy(run_id)

    def state_at(self, run_id: str, seq: int) -> RunState | None:
        return self._inner.state_at(run_id, seq)

    def find_completed(self, run_id: str, idempotency_key: str) -> Any:
        return self._sim.call(
            self._actor, "find", lambda: self._inner.find_completed(run_id, idempotency_key)
        )

    def tree_after(self, root_run_id: str, after: int, limit: int = 500) -> list[Any]:
        return self._inner.tree_after(root_run_id, after, limit)

    def find_waiting(self, wait_key: str, limit: int = 1000) -> list[str]:
        return self._sim.call(self._actor, "find", lambda: self._inner.find_waiting(wait_key, limit))

    def find_listening(self, wait_key: str, limit: int = 1000) -> list[str]:
        return self._sim.call(self._actor, "find", lambda: self._inner.find_listening(wait_key, limit))


class SimLeases:
    """The leases as one actor sees them."""

    def __init__(self, sim: Night, actor: Any, inner: Journal) -> None:
        assert inner.leases is not None
        self._sim, self._actor, self._inner = sim, actor, inner.leases

    def take(self, asking: Asking) -> Lease | None:
        def take() -> Lease | None:
            lease = self._inner.take(asking)
            if lease is not None:
                self._actor.beaten_at = max(self._actor.beaten_at, self._sim.now)
            return lease

        return self._sim.call(self._actor, f"leases {asking.run_id}", take, writes=True)

    def is_held(self, lease: Lease) -> bool:
        return self._sim.call(self._actor, "is held", lambda: self._inner.is_held(lease))

    def renew(self, leases: Sequence[Lease], until: Any) -> list[Lease]:
        return self._inner.renew(leases, until)

    def release(self, lease: Lease) -> None:
        self._sim.call(
            self._actor, f"releases {lease.run_id}", lambda: self._inner.release(lease), writes=True
        )

    def held_by_others(self, owner: str, now: Any) -> dict[str, str]:
        return self._sim.call(self._actor, "held", lambda: self._inner.held_by_others(owner, now))
