"""The contracts of storage: what every backend promises.

`RunStore` and `LedgerStore` are the published contracts; any host may bring its own. A `Journal`
is what our backends add: run and ledger seen as one thing, so that a step is one transaction.
The engine asks `open_journal(run_store, ledger_store)`; where two stores share no transaction it
gets a journal that writes one after the other, ledger first, and repairs on load.

Positions. Every ledger record has a `seq` (1, 2, 3... within its run) and a `position` (growing
across the whole store, in commit order). A reader of a run and its children keeps one position.
"""

from __future__ import annotations

import builtins
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ..core.errors import StoreError
from ..core.models import RunState, RunStatus, StepRecord, WaitReason
from .artifact_contract import ArtifactStore

if TYPE_CHECKING:
    from .commands import CommandCursorStore, CommandStore
    from .snapshots import SnapshotStore

Record = dict[str, Any]
MOST_POSITION = 2**63 - 1  # positions and seqs are counted in signed 64-bit numbers


class Capability(str, Enum):
    """What a backend can do beyond the two basic contracts."""

    QUERY = "query"  # QueryableRunStore
    INDEX = "index"  # QueryableRunIndexStore
    JOURNAL = "journal"  # atomic steps, deltas, past states
    LEASE = "lease"  # several processes may share it
    NOTIFY = "notify"  # wakes readers in other processes


class RunStore(ABC):
    """Keeps checkpoints. State handed in or out is never shared with the caller."""

    @abstractmethod
    def save(self, run: RunState) -> None:
        """Store the whole checkpoint, whatever was there; raise NotDurable if it is not JSON."""

    @abstractmethod
    def load(self, run_id: str) -> RunState | None:
        """Return the newest checkpoint, or None for an unknown id; raise StoreDamaged if unreadable."""

    def journal_with(self, ledger: LedgerStore) -> Journal | None:
        """Return a journal over this store and that ledger, or None if they share no transaction."""
        return None


class LedgerStore(ABC):
    """Keeps the append-only list of records of each run, as plain dicts."""

    @abstractmethod
    def append(self, record: StepRecord) -> None:
        """Add one record at the end of its run's ledger."""

    @abstractmethod
    def list(self, run_id: str) -> builtins.list[Record]:
        """Return all records of a run in the order of appending."""

    def find_completed(self, run_id: str, idempotency_key: str) -> Record | None:
        """Return the first COMPLETED record with this key, by an index in our backends.

        A result of null counts: that an effect has acted does not depend on what it returned.
        """
        for record in self.list(run_id):
            if record.get("idempotency_key") == idempotency_key and record.get("status") == "completed":
                return record
        return None


@runtime_checkable
class QueryableRunStore(Protocol):
    """A run store that can be searched; the stores that come along all can."""

    def list_runs(
        self,
        *,
        status: RunStatus | None = None,
        wait_reason: WaitReason | None = None,
        workflow_id: str | None = None,
        limit: int = 100,
    ) -> list[RunState]:
        """Return matching runs, newest `updated_at` first."""
        ...

    def list_due_wait_until(self, *, now_iso: str, limit: int = 100) -> list[RunState]:
        """Return runs whose UNTIL wait is due at that instant, earliest first."""
        ...

    def list_children(self, *, parent_run_id: str, status: RunStatus | None = None) -> list[RunState]:
        """Return the direct children of a run."""
        ...


@runtime_checkable
class QueryableRunIndexStore(Protocol):
    """A run store with a cheap listing that does not read checkpoints."""

    def list_run_index(
        self,
        *,
        status: RunStatus | None = None,
        workflow_id: str | None = None,
        session_id: str | None = None,
        root_only: bool = False,
        limit: int = 100,
    ) -> list[dict[str, Any]]:
        """Return rows of identifying columns, newest first (kernel contract 3.1)."""
        ...


@dataclass(slots=True)  # not frozen: half the time to make one, and every step does
class StepCommit:
    """All that one step changes, to be written together or not at all.

    `ops` is the change of `run.vars` since the last commit (see `core.delta`); None asks for a
    whole checkpoint. `expected_revision` None creates the run. `run` is the state after the step.

    With `ops=()` the stored vars stay as they are and `run.vars` must not be read: the record that
    a step has STARTED is committed while a node's unfinished changes are already in `run.vars`.

    A step `held_back` was taken a while ago: `run` has its columns, but no variables, and `ops` tell
    how the stored ones change. A journal that wants to keep the state whole puts it together itself.

    `listening` is the event key under which the run listens from now on until it is over, in place of
    an earlier one, whatever it does meanwhile; None leaves that as it is.

    `follows` is the seq that the records come after; a ledger that ends elsewhere by now refuses the
    step with LedgerMoved. None takes them wherever the ledger ends.
    """

    run: RunState
    expected_revision: int | None
    records: tuple[StepRecord, ...] = ()
    ops: Sequence[Any] | None = None
    durable: bool = False  # power-safe before anything else happens (engines.md 12.6)
    held_back: bool = False
    listening: str | None = None
    follows: int | None = None


@dataclass(frozen=True)
class Checkpoint:
    """A run as loaded, with the revision that the next commit must name."""

    run: RunState
    revision: int


@dataclass(frozen=True)
class PlacedRecord:
    """A ledger record with its place in the run (`seq`) and in the store (`position`)."""

    position: int
    seq: int
    run_id: str
    record: Record


@dataclass(frozen=True)
class Lease:
    """The right to drive a run, as it was given.

    `epoch` tells two takings of one owner apart. `revision` is where the run stands after a takeover,
    None where nobody was there before. `losses` counts the owners lost in a row, this taking's
    predecessor included, without the run's state having changed: more than a few, and the run itself
    is what kills them.
    """

    run_id: str
    owner: str
    epoch: int
    revision: int | None = None
    losses: int = 0


@dataclass(frozen=True)
class Asking:
    """Who asks for a lease, when, and until when it shall hold.

    `revision` is where the asker saw the run, None for "wherever it stands". `is_gone` says whether an
    owner is known to be dead before its lease has run out.
    """

    run_id: str
    owner: str
    epoch: int
    now: datetime
    until: datetime
    revision: int | None = None
    is_gone: Callable[[str], bool] = field(default=lambda owner: False)


class LeaseStore(ABC):
    """Keeps the leases of one store's runs; every call is one transaction."""

    @abstractmethod
    def take(self, asking: Asking) -> Lease | None:
        """Give the lease, or None while another owner has it.

        Takes over what has run out or whose owner is gone. Raises StaleRevision when the run taken
        over does not stand at `asking.revision`; then nothing has changed.
        """

    @abstractmethod
    def is_held(self, lease: Lease) -> bool:
        """Say whether nobody has taken this lease over or ended it."""

    @abstractmethod
    def renew(self, leases: Sequence[Lease], until: datetime) -> list[Lease]:
        """Let leases hold until then: the heartbeat. Return those that were lost: taken over, or ended."""

    @abstractmethod
    def release(self, lease: Lease) -> None:
        """End a lease; one that somebody else has by now stays as it is."""

    @abstractmethod
    def held_by_others(self, owner: str, now: datetime) -> dict[str, str]:
        """Return the owners of the RUNNING runs that others hold at that moment, by run."""


class Journal(ABC):
    """Runs and ledgers of one store as one: the engine's only way to write.

    `atomic` says that a commit is written whole or not at all. Only then the engine keeps a step back
    to write it together with the next one's STARTED.
    """

    atomic: bool = False
    leases: LeaseStore | None = None  # who drives which run, where several drivers share the store

    def is_heavy(self, run_id: str) -> bool:
        """Say whether the next commit should bring the variables too: a whole state is due."""
        return False

    @abstractmethod
    def commit(self, step: StepCommit) -> int:
        """Write a step in one transaction and return the new revision.

        Raises StaleRevision when the run has moved on, NotDurable with the path of the value that
        is not JSON; in both cases nothing is written.
        """

    def commit_all(self, steps: Sequence[StepCommit]) -> list[int]:
        """Write the steps of several runs, all or none where the store can, and return the revisions.

        An event and the listeners it wakes, a parent and the child it starts change together. The
        run that causes the change comes last, so that a store without a common transaction leaves
        it unadvanced when it fails half-way: the step is then taken again.
        """
        return [self.commit(step) for step in steps]

    @abstractmethod
    def load(self, run_id: str) -> Checkpoint | None:
        """Return the newest state: the last whole checkpoint with the later deltas folded in."""

    def look_at(self, run_id: str) -> Checkpoint | None:
        """Return the newest state, for who may not want its variables: where it is dear, those are read when asked for.

        Damage is told as by `load`, in the variables when they are asked for.
        """
        return self.load(run_id)

    def workflow_of(self, run_id: str) -> str | None:
        """Return the id of a run's workflow, None for an unknown run; no state is read where that is dear."""
        found = self.load(run_id)
        return None if found is None else found.run.workflow_id

    @abstractmethod
    def state_at(self, run_id: str, seq: int) -> RunState | None:
        """Rebuild the state as it was right after record `seq` was committed."""

    def begun(self, run_id: str) -> RunState | None:
        """Return the state that a run was created with; None where that is not kept, or the run was not created here."""
        return None

    def refolded(self, run_id: str) -> RunState | None:
        """Rebuild the newest state from the first whole one and every change since, past all later ones.

        A proof of the history, not a way to load. None where the history is not whole: of a store that
        keeps none, or after a host's plain `save`.
        """
        return None

    @abstractmethod
    def find_completed(self, run_id: str, idempotency_key: str) -> Record | None:
        """Return the first COMPLETED record with this key, by index; its result may be null."""

    @abstractmethod
    def tree_after(self, root_run_id: str, after: int, limit: int = 500) -> list[PlacedRecord]:
        """Return records of a run and all its descendants with `position > after`, in order."""

    def whole(self, record: Record) -> Record:
        """Return a stored record with the values that it was written with; raise StoreDamaged when one is gone."""
        return record

    @abstractmethod
    def find_waiting(self, wait_key: str, limit: int = 1000) -> list[str]:
        """Return ids of WAITING runs whose wait has this key, by index."""

    def remove(self, run_id: str, stub: tuple[RunState, StepRecord] | None = None) -> bool:
        """Remove a run and its ledger for good; with a stub, that is what stays of them.

        Returns whether there was anything. Raises StoreError where the store cannot remove.
        """
        raise StoreError(
            f"{type(self).__name__} cannot remove runs; remove run '{run_id}' in the store itself."
        )

    def with_artifacts(self) -> set[str] | None:
        """Return ids of all runs of whose state or ledger the stored text has the word `artifact`.

        Whatever points to an artifact has that word, and so has what stands for a value that was offloaded.
        None: this store cannot tell without reading every run.
        """
        return None

    def find_listening(self, wait_key: str, limit: int = 1000) -> list[str]:
        """Return ids of runs that are not over and listen under this key; they may be busy just now."""
        return []

    def waiting_keys(self, prefix: str, limit: int = 15) -> list[str]:
        """Return distinct keys of open waits that begin so, sorted; a store without an index has none."""
        return []


@dataclass(frozen=True)
class Stores:
    """What `open_stores(url)` returns: one backend's stores, opened together."""

    runs: RunStore
    ledger: LedgerStore
    journal: Journal
    capabilities: frozenset[Capability] = frozenset()
    extras: Mapping[str, Any] = field(default_factory=dict)
    artifacts: ArtifactStore | None = None
    snapshots: SnapshotStore | None = None
    commands: CommandStore | None = None
    cursors: CommandCursorStore | None = None

    def close(self) -> None:
        """Close files and connections; safe to call twice."""
        for closer in self.extras.get("closers", ()):
            closer()


Ops = Sequence[Any]
