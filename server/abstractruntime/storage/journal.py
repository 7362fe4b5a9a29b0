"""From two stores to one journal.

Two stores of one backend share a transaction and have a journal of their own. Any other pair gets a
`SequentialJournal`, which writes one after the other: less safe, and without history, but every host
can bring stores that know nothing of journals.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from typing import Any
from weakref import WeakKeyDictionary

from ..core.models import RunState, RunStatus
from ..core.vars import listening_key
from .base import (
    Checkpoint,
    Journal,
    LedgerStore,
    PlacedRecord,
    QueryableRunStore,
    Record,
    RunStore,
    StepCommit,
)
from .codec import encode_record, encode_run, run_from_text
from .leases import HeldRow, ProcessLeases
from .offloading import OffloadingRunStore
from .placing import in_turn
from .steps import agree
from .wrapped_journal import WrappedJournal
from .wrapping import layers

_SCAN = 1_000_000  # all of them: stores without an index are asked for everything


def open_journal(run_store: RunStore, ledger_store: LedgerStore) -> Journal:
    """Return the journal over two stores: one transaction where they share one, else in sequence."""
    wrappers, ledger = layers(ledger_store)
    runs: list[OffloadingRunStore] = []
    while isinstance(run_store, OffloadingRunStore):
        runs.append(run_store)
        run_store = run_store.inner
    journal = run_store.journal_with(ledger) if isinstance(run_store, RunStore) else None
    if journal is None:
        journal = SequentialJournal(run_store, ledger)
    return WrappedJournal(journal, runs, wrappers) if wrappers or runs else journal


class _Marks:
    """What a process knows about the runs of one foreign store."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.leases: dict[str, HeldRow] = {}
        self.revisions: dict[str, int] = {}
        self.placed: dict[str, list[tuple[int, str, int]]] = {}
        self.position = 0


_MARKS: WeakKeyDictionary[RunStore, _Marks] = WeakKeyDictionary()
_MARKS_LOCK = threading.Lock()


class SequentialJournal(Journal):
    """Writes to two unrelated stores: the ledger first, then the checkpoint, whole every time.

    A crash between the two leaves a record of a step that the checkpoint has not taken; the engine
    finds it by its idempotency key and takes the step without repeating its effect. Revisions and
    positions are kept in the process: two processes cannot see each other's, and a reader's cursor
    ends with the process.
    """

    def __init__(self, run_store: RunStore, ledger_store: LedgerStore) -> None:
        self._runs = run_store
        self._ledger = ledger_store
        with _MARKS_LOCK:
            self._marks = _MARKS.setdefault(run_store, _Marks())
        self.leases = ProcessLeases(self, self._marks.leases, self._marks.lock)

    def commit(self, step: StepCommit) -> int:
        """Write the records, then the checkpoint; refuse before writing what is stale or not JSON."""
        run_id = step.run.run_id
        with self._marks.lock:
            stored = self._runs.load(run_id)
            revision = agree(step, self._revision(run_id) if stored is not None else None)
            run = self._durable(step, stored)
            for record in step.records:
                encode_record(record)
            for record in step.records:
                self._ledger.append(record)
            self._runs.save(run)
            self._marks.revisions[run_id] = revision
        return revision

    def load(self, run_id: str) -> Checkpoint | None:
        """Return the checkpoint with its revision in this process."""
        with self._marks.lock:
            run = self._runs.load(run_id)
            return None if run is None else Checkpoint(run, self._revision(run_id))

    def state_at(self, run_id: str, seq: int) -> RunState | None:
        """Return the present state for the last record; earlier ones are not kept."""
        run = self._runs.load(run_id)
        return run if run is not None and 1 <= seq == len(self._ledger.list(run_id)) else None

    def begun(self, run_id: str) -> RunState | None:
        """Return the present state of a run that nothing is told of yet; earlier ones are not kept."""
        return None if self._ledger.list(run_id) else self._runs.load(run_id)

    def find_completed(self, run_id: str, idempotency_key: str) -> Record | None:
        """Return the first COMPLETED record with this key."""
        find = getattr(self._ledger, "find_completed", None)
        found: Record | None
        if find is not None:
            found = find(run_id, idempotency_key)
        else:
            found = LedgerStore.find_completed(self._ledger, run_id, idempotency_key)
        return found

    def tree_after(self, root_run_id: str, after: int, limit: int = 500) -> list[PlacedRecord]:
        """Return records of a run and its descendants in the order this process came to see them."""
        with self._marks.lock:
            placed = self._marks.placed.setdefault(root_run_id, [])
            ledgers = {run_id: self._ledger.list(run_id) for run_id in self._family(root_run_id)}
            seen = dict.fromkeys(ledgers, 0)
            seen.update({run_id: seq for _, run_id, seq in placed})
            fresh = [
                (str(record.get("ended_at") or record.get("started_at") or ""), run_id, seq)
                for run_id, records in ledgers.items()
                for seq, record in enumerate(records, 1)
                if seq > seen[run_id]
            ]
            for _, run_id, seq in in_turn(fresh):
                self._marks.position += 1
                placed.append((self._marks.position, run_id, seq))
            start = bisect_right(placed, after, key=lambda place: place[0])
            return [
                PlacedRecord(position, seq, run_id, ledgers[run_id][seq - 1])
                for position, run_id, seq in placed[start : start + limit]
            ]

    def find_waiting(self, wait_key: str, limit: int = 1000) -> list[str]:
        """Return ids of WAITING runs whose wait has this key, by looking at all that wait."""
        return [run.run_id for run in self._going(RunStatus.WAITING) if _key(run) == wait_key][:limit]

    def find_listening(self, wait_key: str, limit: int = 1000) -> list[str]:
        """Return ids of runs that are not over and listen under this key, by looking at all of them."""
        going = [*self._going(RunStatus.WAITING), *self._going(RunStatus.RUNNING)]
        return [run.run_id for run in going if listening_key(run.vars) == wait_key][:limit]

    def waiting_keys(self, prefix: str, limit: int = 15) -> list[str]:
        """Return distinct keys of open waits that begin so, sorted."""
        waiting = self._going(RunStatus.WAITING)
        keys = {key for run in waiting if (key := _key(run)) and key.startswith(prefix)}
        return sorted(keys)[:limit]

    def _revision(self, run_id: str) -> int:
        return self._marks.revisions.setdefault(run_id, 1)

    def _durable(self, step: StepCommit, stored: RunState | None) -> RunState:
        """Return what to save, shared with nobody; without operations the stored variables stay."""
        if step.ops is None or step.ops or stored is None:
            return run_from_text(encode_run(step.run))
        run = run_from_text(encode_run(step.run, vars_text="{}"))
        run.vars = stored.vars
        return run

    def _going(self, status: RunStatus) -> list[RunState]:
        if not isinstance(self._runs, QueryableRunStore):
            return []
        return self._runs.list_runs(status=status, limit=_SCAN)

    def _family(self, run_id: str) -> list[str]:
        family = [run_id]
        if isinstance(self._runs, QueryableRunStore):
            for one in family:
                children = self._runs.list_children(parent_run_id=one)
                family += [child.run_id for child in children if child.run_id not in family]
        return family


def _key(run: RunState) -> Any:
    return run.waiting.wait_key if run.waiting is not None else None
