"""Stores that live as long as the process, for tests and trials.

Everything is kept as JSON text: what comes out is never shared with what went in, and what cannot
be stored on disk cannot be stored here either. A run store and a ledger store that are used together
have a journal with history, like a database.
"""

from __future__ import annotations

import builtins
import threading
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..core.clock import instant_micros
from ..core.jsonsafe import decode
from ..core.models import RunState, RunStatus, StepRecord, WaitReason
from .anchors import Anchors, MemoryAnchors
from .artifact_contract import InMemoryArtifactStore
from .base import (
    Capability,
    Checkpoint,
    Journal,
    LedgerStore,
    PlacedRecord,
    Record,
    RunStore,
    StepCommit,
    Stores,
)
from .codec import SealedRecord, encode_run, sealed
from .commands import InMemoryCommandCursorStore, InMemoryCommandStore
from .leases import HeldRow, ProcessLeases
from .metrics import ledger_metrics
from .run_index import RunIndex, entry_of
from .snapshots import InMemorySnapshotStore
from .steps import (
    agree,
    check_place,
    delta_text,
    fold_run,
    outweigh,
    rests,
    whole_text,
)

CAPABILITIES = frozenset({Capability.QUERY, Capability.INDEX, Capability.JOURNAL, Capability.LEASE})


def open(url: str) -> Stores:
    """Open fresh stores; whatever follows `memory:` is only a name."""
    runs, ledger = InMemoryRunStore(), InMemoryLedgerStore()
    return Stores(
        runs,
        ledger,
        MemoryJournal(runs, ledger),
        CAPABILITIES,
        artifacts=InMemoryArtifactStore(),
        snapshots=InMemorySnapshotStore(),
        commands=InMemoryCommandStore(),
        cursors=InMemoryCommandCursorStore(),
    )


@dataclass(slots=True)
class _Change:
    """One commit of a run, whole or as a delta, or a plain save, of which only the last is kept."""

    revision: int
    whole: str | None
    delta: str | None
    plain: bool = False


@dataclass(slots=True)
class _Kept:
    """A run's history."""

    history: list[_Change] = field(default_factory=list)
    base: int = 0  # index of the last whole change
    base_size: int = 0
    weight: int = 0

    @property
    def revision(self) -> int:
        return self.history[-1].revision

    def state(self) -> RunState:
        return self._fold(self.base, len(self.history))

    def state_at(self, revision: int) -> RunState:
        """Rebuild the state of a revision, from the last whole one at or before it."""
        end = bisect_right(self.history, revision, key=lambda change: change.revision)
        start = end - 1
        while self.history[start].whole is None:
            start -= 1
        return self._fold(start, end)

    def _fold(self, start: int, end: int) -> RunState:
        deltas = [change.delta for change in self.history[start + 1 : end] if change.delta is not None]
        return fold_run(self.history[start].whole or "", deltas)


class InMemoryRunStore(RunStore):
    """Keeps runs in memory, isolated from the caller by a JSON round trip."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._leases: dict[str, HeldRow] = {}
        self._index = RunIndex()
        self._lock = threading.RLock()

    def save(self, run: RunState) -> None:
        """Store the whole checkpoint, whatever was there; raise NotDurable if it is not JSON."""
        if not run.run_id:
            raise ValueError("A run needs a run_id to be saved.")
        text = encode_run(run)
        with self._lock:
            kept = self._kept.get(run.run_id)
            revision = kept.revision + 1 if kept else 1
            if kept and kept.history[-1].plain:
                kept.history.pop()
            self._put(run, _Change(revision, text, None, plain=True))

    def load(self, run_id: str) -> RunState | None:
        """Return a copy of the newest state, or None for an unknown id."""
        with self._lock:
            kept = self._kept.get(run_id)
            return kept.state() if kept else None

    def list_runs(
        self,
        *,
        status: RunStatus | None = None,
        wait_reason: WaitReason | None = None,
        workflow_id: str | None = None,
        limit: int = 100,
    ) -> list[RunState]:
        """Return matching runs, newest `updated_at` first."""
        wanted = {"status": status, "wait_reason": wait_reason, "workflow_id": workflow_id}
        with self._lock:
            return self._states(self._index.newest(wanted)[: max(limit, 0)])

    def list_run_index(
        self,
        *,
        status: RunStatus | None = None,
        workflow_id: str | None = None,
        session_id: str | None = None,
        root_only: bool = False,
        limit: int = 100,
    ) -> list[dict[str, Any]]:
        """Return identifying columns of matching runs, newest first."""
        wanted = {"status": status, "workflow_id": workflow_id, "session_id": session_id}
        with self._lock:
            found = self._index.newest(wanted, root_only=root_only)[: max(limit, 0)]
            return [dict(known.row) for one in found if (known := self._index.get(one)) is not None]

    def list_due_wait_until(self, *, now_iso: str, limit: int = 100) -> list[RunState]:
        """Return runs whose moment has come, earliest first."""
        now = instant_micros(now_iso)
        with self._lock:
            return self._states(self._index.due(now, limit))

    def perhaps_stranded(self) -> list[str]:
        """Return ids of runs that wait for a child and have one that is over, by index."""
        with self._lock:
            return self._index.perhaps_stranded()

    def list_children(self, *, parent_run_id: str, status: RunStatus | None = None) -> list[RunState]:
        """Return the direct children of a run in the order of their creation."""
        with self._lock:
            found = self._states(self._index.children(parent_run_id))
        return [run for run in found if status is None or run.status == status]

    def journal_with(self, ledger: LedgerStore) -> Journal | None:
        """Return a journal over this store and an in-memory ledger."""
        return MemoryJournal(self, ledger) if isinstance(ledger, InMemoryLedgerStore) else None

    def _states(self, run_ids: Iterable[str]) -> list[RunState]:
        return [self._kept[run_id].state() for run_id in run_ids]

    def _put(
        self, run: RunState, change: _Change, listening: str | None = None, *, goes_on: bool = False
    ) -> None:
        """Add a change to a run's history and refresh what queries look at; `goes_on`: it is plainly running."""
        run_id = run.run_id
        kept = self._kept.get(run_id)
        if kept is None:
            kept = self._kept[run_id] = _Kept()
        kept.history.append(change)
        if change.whole is None:
            kept.weight += len(change.delta or "")
        else:
            kept.base, kept.weight = len(kept.history) - 1, 0
            kept.base_size = len(change.whole)
        known = self._index.get(run_id)
        if goes_on and known is not None and known.row["status"] == "running":
            known.touch(run.updated_at)
        else:
            self._index.put(entry_of(run, known.listening if known else None))
        if listening is not None:
            self._index.listen(run_id, listening)


def _has_word(texts: Iterable[str]) -> bool:
    return any("artifact" in text for text in texts)


@dataclass(slots=True)
class _Pages:
    """A run's records: texts and positions, and where to find reusable results."""

    texts: list[str] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    revisions: list[int] = field(default_factory=list)
    done: dict[str, int] = field(default_factory=dict)


class InMemoryLedgerStore(LedgerStore):
    """Keeps ledgers in memory, isolated from the caller by a JSON round trip."""

    def __init__(self) -> None:
        self._pages: dict[str, _Pages] = {}
        self._anchors = MemoryAnchors()
        self._position = 0
        self._lock = threading.RLock()

    def append(self, record: StepRecord) -> None:
        """Add one record at the end of its run's ledger; raise ValueError without a run id."""
        if not record.run_id:
            raise ValueError("A record needs a run_id to be appended.")
        text = sealed(record)
        with self._lock:
            pages = self._pages.get(record.run_id)
            self._add(record.run_id, (text,), pages.revisions[-1] if pages else 0)

    def append_if(self, record: StepRecord, follows: int | None) -> bool:
        """Add one record unless the ledger ends elsewhere than at `follows`; say whether it was added."""
        with self._lock:
            if follows is not None and self.count(record.run_id) != follows:
                return False
            self.append(record)
        return True

    def anchors(self) -> Anchors:
        """Return where the lengths and heads of chains are kept."""
        return self._anchors

    def list(self, run_id: str) -> builtins.list[Record]:
        """Return copies of all records of a run in the order of appending."""
        with self._lock:
            pages = self._pages.get(run_id)
            texts = list(pages.texts) if pages else []
        return [decode(text) for text in texts]

    def find_completed(self, run_id: str, idempotency_key: str) -> Record | None:
        """Return the first COMPLETED record with this key."""
        with self._lock:
            pages = self._pages.get(run_id)
            index = pages.done.get(idempotency_key) if pages else None
            text = pages.texts[index] if pages and index is not None else None
        return None if text is None else decode(text)

    def list_after(self, *, run_id: str, after: int, limit: int = 1000) -> tuple[builtins.list[Record], int]:
        """Return records with seq > after, and the seq to go on from."""
        start = max(after, 0)
        with self._lock:
            pages = self._pages.get(run_id)
            texts = pages.texts[start : start + max(limit, 0)] if pages else []
        return [decode(text) for text in texts], start + len(texts) if texts else after

    def count(self, run_id: str) -> int:
        """Return the number of records of a run."""
        with self._lock:
            pages = self._pages.get(run_id)
            return len(pages.texts) if pages else 0

    def count_many(self, run_ids: Iterable[str]) -> dict[str, int]:
        """Return the number of records of each run that has any."""
        return {run_id: found for run_id in run_ids if (found := self.count(run_id))}

    def metrics_many(self, run_ids: Iterable[str]) -> dict[str, dict[str, int]]:
        """Return steps, model calls, tool calls and tokens of each run with completed records."""
        return ledger_metrics((run_id, self.list(run_id)) for run_id in run_ids)

    def _add(self, run_id: str, records: Iterable[SealedRecord], revision: int) -> None:
        pages = self._pages.get(run_id)
        if pages is None:
            pages = self._pages[run_id] = _Pages()
        position, texts, positions, revisions = self._position, pages.texts, pages.positions, pages.revisions
        for record in records:
            position += 1
            if record.done_key is not None:
                pages.done.setdefault(record.done_key, len(texts))
            texts.append(record.text)
            positions.append(position)
            revisions.append(revision)
        self._position = position


class MemoryJournal(Journal):
    """The journal over an in-memory run store and ledger store."""

    atomic = True

    def __init__(self, runs: InMemoryRunStore, ledger: InMemoryLedgerStore) -> None:
        self._runs = runs
        self._ledger = ledger
        self.leases = ProcessLeases(self, runs._leases, runs._lock)

    def commit(self, step: StepCommit) -> int:
        """Write a step at once and return the new revision."""
        run_id, runs, ledger = step.run.run_id, self._runs, self._ledger
        with runs._lock, ledger._lock:
            kept = runs._kept.get(run_id)
            revision = kept.history[-1].revision if kept else None
            revision = (
                revision + 1 if revision and revision == step.expected_revision else agree(step, revision)
            )
            if step.follows is not None:
                check_place(step, ledger.count(run_id))
            goes_on = not rests(step.run)
            change = self._change(step, revision, kept, at_rest=not goes_on)
            if step.records:
                ledger._add(run_id, [*map(sealed, step.records)], revision)
            runs._put(step.run, change, step.listening, goes_on=goes_on)
        return revision

    def commit_all(self, steps: Sequence[StepCommit]) -> builtins.list[int]:
        """Write the steps of several runs, all or none, and return the revisions."""
        with self._runs._lock, self._ledger._lock:
            ready: list[tuple[StepCommit, _Change, list[SealedRecord]]] = []
            revisions: dict[str, int] = {}
            for step in steps:
                kept = self._runs._kept.get(step.run.run_id)
                known = revisions.get(step.run.run_id, kept.revision if kept else None)
                revision = revisions[step.run.run_id] = agree(step, known)
                check_place(step, self._ledger.count(step.run.run_id))
                change = self._change(step, revision, kept, at_rest=rests(step.run))
                ready.append((step, change, [*map(sealed, step.records)]))
            for step, change, records in ready:
                if records:
                    self._ledger._add(step.run.run_id, records, change.revision)
                self._runs._put(step.run, change, step.listening)
            return [change.revision for _, change, _ in ready]

    def remove(self, run_id: str, stub: tuple[RunState, StepRecord] | None = None) -> bool:
        """Remove a run and its ledger; with a stub, that is what stays of them."""
        with self._runs._lock, self._ledger._lock:
            kept = self._runs._kept.pop(run_id, None)
            self._runs._index.drop(run_id)
            pages = self._ledger._pages.pop(run_id, None)
            if stub is not None:
                self._runs.save(stub[0])
                self._ledger.append(stub[1])
        return kept is not None or pages is not None

    def is_heavy(self, run_id: str) -> bool:
        """Say whether the next commit should bring the variables too: a whole state is due."""
        kept = self._runs._kept.get(run_id)  # without the lock: who drives the run is who writes it
        return kept is not None and outweigh(kept.weight, kept.base_size)

    def load(self, run_id: str) -> Checkpoint | None:
        """Return a copy of the newest state with its revision."""
        with self._runs._lock:
            kept = self._runs._kept.get(run_id)
            return Checkpoint(kept.state(), kept.revision) if kept else None

    def workflow_of(self, run_id: str) -> str | None:
        """Return the id of a run's workflow, from its columns."""
        with self._runs._lock:
            known = self._runs._index.get(run_id)
            return None if known is None else str(known.row["workflow_id"])

    def state_at(self, run_id: str, seq: int) -> RunState | None:
        """Rebuild the state as it was right after record `seq` was committed."""
        with self._runs._lock, self._ledger._lock:
            kept, pages = self._runs._kept.get(run_id), self._ledger._pages.get(run_id)
            if kept is None or pages is None or not 1 <= seq <= len(pages.revisions):
                return None
            revision = pages.revisions[seq - 1]
            return kept.state_at(revision) if revision >= kept.history[0].revision else None

    def begun(self, run_id: str) -> RunState | None:
        """Return the state that a run was created with."""
        with self._runs._lock:
            kept = self._runs._kept.get(run_id)
            return kept.state_at(1) if kept is not None and kept.history[0].revision == 1 else None

    def refolded(self, run_id: str) -> RunState | None:
        """Rebuild the newest state from the first whole one and every change since."""
        with self._runs._lock:
            kept = self._runs._kept.get(run_id)
            is_whole = kept is not None and all(one.delta is not None for one in kept.history[1:])
            return kept._fold(0, len(kept.history)) if kept is not None and is_whole else None

    def find_completed(self, run_id: str, idempotency_key: str) -> Record | None:
        """Return the first COMPLETED record with this key."""
        return self._ledger.find_completed(run_id, idempotency_key)

    def tree_after(self, root_run_id: str, after: int, limit: int = 500) -> builtins.list[PlacedRecord]:
        """Return records of a run and all its descendants with `position > after`, in order."""
        with self._runs._lock, self._ledger._lock:
            found: list[tuple[int, int, str, str]] = []
            for run_id in self._runs._index.family(root_run_id):
                pages = self._ledger._pages.get(run_id)
                if pages is None:
                    continue
                start = bisect_right(pages.positions, after)
                found += [
                    (pages.positions[index], index + 1, run_id, pages.texts[index])
                    for index in range(start, min(start + limit, len(pages.texts)))
                ]
        found.sort()
        return [
            PlacedRecord(position, seq, run_id, decode(text)) for position, seq, run_id, text in found[:limit]
        ]

    def with_artifacts(self) -> set[str] | None:
        """Return ids of all runs of whose state or ledger the stored text has the word `artifact`."""
        with self._runs._lock, self._ledger._lock:
            told = {run_id for run_id, pages in self._ledger._pages.items() if _has_word(pages.texts)}
            for run_id, kept in self._runs._kept.items():
                if _has_word(text or "" for one in kept.history for text in (one.whole, one.delta)):
                    told.add(run_id)
        return told

    def find_waiting(self, wait_key: str, limit: int = 1000) -> builtins.list[str]:
        """Return ids of WAITING runs whose wait has this key."""
        with self._runs._lock:
            return self._runs._index.waiting(wait_key, limit)

    def find_listening(self, wait_key: str, limit: int = 1000) -> builtins.list[str]:
        """Return ids of runs that are not over and listen under this key."""
        with self._runs._lock:
            return self._runs._index.listening(wait_key, limit)

    def waiting_keys(self, prefix: str, limit: int = 15) -> builtins.list[str]:
        """Return distinct keys of open waits that begin so, sorted."""
        with self._runs._lock:
            return self._runs._index.waiting_keys(prefix, limit)

    def _change(self, step: StepCommit, revision: int, kept: _Kept | None, *, at_rest: bool) -> _Change:
        delta = delta_text(step, at_rest=at_rest)
        if delta is None or kept is None:
            return _Change(revision, encode_run(step.run), delta)
        if outweigh(kept.weight + len(delta), kept.base_size, patient=step.held_back) and step.ops:
            return _Change(revision, whole_text(step, kept.state() if step.held_back else None), delta)
        return _Change(revision, None, delta)
