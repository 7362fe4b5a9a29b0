"""The journal under wrapped stores: a commit goes through the layers as a plain save and append do.

First the forms that are stored, then the links, then the commit at the bottom, then the observers.
"""

from __future__ import annotations

import builtins
import contextlib
from collections.abc import Sequence
from dataclasses import replace

from ..core.errors import LedgerMoved
from ..core.jsonsafe import decode
from ..core.models import RunState, RunStatus, StepRecord
from .base import Checkpoint, Journal, PlacedRecord, Record, StepCommit
from .codec import encode_record, resealed, run_from_text
from .offloading import OffloadingRunStore
from .steps import brings_state, whole_text
from .wrapping import LedgerWrapper, chain_of

_TRIES = 100


def with_link(record: StepRecord, stored: StepRecord) -> StepRecord:
    """Return a record with its values as they were and the link that its stored form got."""
    record.prev_hash, record.record_hash = stored.prev_hash, stored.record_hash
    if record is stored:
        return record
    content = decode(encode_record(record))
    return resealed(record, {**content, "prev_hash": stored.prev_hash, "record_hash": stored.record_hash})


class WrappedJournal(Journal):
    """A journal below wrappers; both lists go from the outside in."""

    def __init__(
        self, inner: Journal, runs: Sequence[OffloadingRunStore], ledgers: Sequence[LedgerWrapper]
    ) -> None:
        self._inner = inner
        self._runs = runs
        self._ledgers = ledgers
        self._chain = chain_of(ledgers)
        self.atomic = inner.atomic
        self.leases = inner.leases

    def commit(self, step: StepCommit) -> int:
        """Write a step through all layers."""
        return self.commit_all([step])[0]

    def commit_all(self, steps: Sequence[StepCommit]) -> builtins.list[int]:
        """Write the steps of several runs through all layers."""
        formed = [self._formed(step) for step in steps]
        for _ in range(_TRIES):
            linked = self._linked(formed)
            with contextlib.ExitStack() as unless_written:
                unless_written.callback(self._forget, linked)
                try:
                    one = len(linked) == 1
                    revisions = [self._inner.commit(linked[0])] if one else self._inner.commit_all(linked)
                except LedgerMoved:
                    continue
                unless_written.pop_all()
            self._tell(steps, linked)
            return revisions
        raise LedgerMoved(f"Ledgers grew {_TRIES} times while one commit was written.")

    def is_heavy(self, run_id: str) -> bool:
        """Say whether the next commit should bring the variables too: a whole state is due."""
        return self._inner.is_heavy(run_id)

    def load(self, run_id: str) -> Checkpoint | None:
        """Return the newest state with its revision."""
        return self._inner.load(run_id)

    def look_at(self, run_id: str) -> Checkpoint | None:
        """Return the newest state; its variables may be read when somebody asks for them."""
        return self._inner.look_at(run_id)

    def workflow_of(self, run_id: str) -> str | None:
        """Return the id of a run's workflow, None for an unknown run."""
        return self._inner.workflow_of(run_id)

    def state_at(self, run_id: str, seq: int) -> RunState | None:
        """Rebuild the state as it was right after record `seq` was committed."""
        return self._inner.state_at(run_id, seq)

    def begun(self, run_id: str) -> RunState | None:
        """Return the state that a run was created with."""
        return self._inner.begun(run_id)

    def refolded(self, run_id: str) -> RunState | None:
        """Rebuild the newest state from the first whole one and every change since."""
        return self._inner.refolded(run_id)

    def find_completed(self, run_id: str, idempotency_key: str) -> Record | None:
        """Return the first COMPLETED record with this key and a result, with its values."""
        found = self._inner.find_completed(run_id, idempotency_key)
        return None if found is None else self.whole(found)

    def whole(self, record: Record) -> Record:
        """Return a stored record with the values that it was written with."""
        for wrapper in reversed(self._ledgers):
            record = wrapper.whole(record)
        return self._inner.whole(record)

    def tree_after(self, root_run_id: str, after: int, limit: int = 500) -> builtins.list[PlacedRecord]:
        """Return records of a run and all its descendants with `position > after`, in order."""
        return self._inner.tree_after(root_run_id, after, limit)

    def find_waiting(self, wait_key: str, limit: int = 1000) -> builtins.list[str]:
        """Return ids of WAITING runs whose wait has this key."""
        return self._inner.find_waiting(wait_key, limit)

    def find_listening(self, wait_key: str, limit: int = 1000) -> builtins.list[str]:
        """Return ids of runs that are not over and listen under this key."""
        return self._inner.find_listening(wait_key, limit)

    def waiting_keys(self, prefix: str, limit: int = 15) -> builtins.list[str]:
        """Return distinct keys of open waits that begin so, sorted."""
        return self._inner.waiting_keys(prefix, limit)

    def remove(self, run_id: str, stub: tuple[RunState, StepRecord] | None = None) -> bool:
        """Remove a run, its ledger and all that is kept of it."""
        return self._inner.remove(run_id, stub)

    def with_artifacts(self) -> set[str] | None:
        """Return ids of all runs of whose state or ledger the stored text has the word `artifact`."""
        return self._inner.with_artifacts()

    def _formed(self, step: StepCommit) -> StepCommit:
        """Return a step in the form that is stored."""
        records = []
        for record in step.records:
            for wrapper in self._ledgers:
                record = wrapper.stored_form(record)
            records.append(record)
        formed = replace(step, records=tuple(records))
        if not self._runs or not RunStatus(step.run.status).is_over:
            return formed
        state = step.run
        if not brings_state(step):
            stored = self._inner.load(step.run.run_id)
            state = run_from_text(whole_text(step, stored.run if stored else None))
        small = state
        for store in self._runs:
            small = store.stored_form(small)
        if (small.vars, small.output) == (state.vars, state.output):
            return formed
        return replace(formed, run=small, ops=None, held_back=False)

    def _linked(self, steps: Sequence[StepCommit]) -> builtins.list[StepCommit]:
        """Link all records of each run in the order of the steps."""
        if self._chain is None:
            return [*steps]
        made: dict[str, builtins.list[StepRecord]] = {}
        for step in steps:
            made.setdefault(step.run.run_id, []).extend(step.records)
        follows: dict[str, int | None] = {}
        for run_id, records in made.items():
            if records:
                made[run_id], follows[run_id] = self._chain.linked(run_id, records)
        linked = []
        for step in steps:
            run_id, count = step.run.run_id, len(step.records)
            taken, made[run_id] = made[run_id][:count], made[run_id][count:]
            linked.append(
                replace(step, records=tuple(taken), follows=follows.pop(run_id, None) if taken else None)
            )
        return linked

    def _forget(self, steps: Sequence[StepCommit]) -> None:
        if self._chain is not None:
            for step in steps:
                self._chain.moved(step.run.run_id)

    def _tell(self, steps: Sequence[StepCommit], linked: Sequence[StepCommit]) -> None:
        for step, stored in zip(steps, linked, strict=True):
            records: Sequence[StepRecord] = step.records
            if self._chain is not None:
                self._chain.settled(step.run.run_id, stored.records)
                records = [*map(with_link, step.records, stored.records)]
            for wrapper in reversed(self._ledgers):
                wrapper.told(records)
