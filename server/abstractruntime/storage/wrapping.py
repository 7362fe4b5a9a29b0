"""Ledgers over ledgers: what wrappers have in common, whatever their order.

A wrapper changes one thing about a record on its way: the form that is stored (offloading), its link
to the record before (the chain), or who is told (observers). Whoever is asked to append first gathers
what all layers do: forms from the outside in, then one link over what is stored, then the store at
the bottom, then the observers, who see the values as they were. So the order of wrapping makes no
difference, and a journal does the same with its commits (see `storage/journal.py`).
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..core.models import StepRecord
from .base import LedgerStore, Record
from .metrics import ledger_metrics


class LedgerWrapper(LedgerStore):
    """A ledger over another one; everything it does not change goes through to the inner one."""

    def __init__(self, inner: LedgerStore) -> None:
        self.inner = inner

    def stored_form(self, record: StepRecord) -> StepRecord:
        """Return the record as it is to be stored; the given one stays as it is."""
        return record

    def told(self, records: Iterable[StepRecord]) -> None:
        """Do what is to be done after records were stored."""

    def whole(self, record: Record) -> Record:
        """Return a stored record with the values that it was appended with."""
        return record

    def append(self, record: StepRecord) -> None:
        """Add one record at the end of its run's ledger, through all layers."""
        wrappers, store = layers(self)
        stored = record
        for wrapper in wrappers:
            stored = wrapper.stored_form(stored)
        chain = chain_of(wrappers)
        if chain is None:
            store.append(stored)
        else:
            linked = chain.append_linked(stored)
            record.prev_hash, record.record_hash = linked.prev_hash, linked.record_hash
        for wrapper in reversed(wrappers):
            wrapper.told((record,))

    def list(self, run_id: str) -> builtins.list[Record]:
        """Return all records of a run in the order of appending."""
        return self.inner.list(run_id)

    def find_completed(self, run_id: str, idempotency_key: str) -> Record | None:
        """Return the first COMPLETED record with this key and a result, with its values."""
        find = getattr(self.inner, "find_completed", None)
        if find is not None:
            found = find(run_id, idempotency_key)
        else:
            found = LedgerStore.find_completed(self.inner, run_id, idempotency_key)
        return None if found is None else self.whole(found)

    def subscribe(
        self, callback: Callable[[Record], None], *, run_id: str | None = None
    ) -> Callable[[], None]:
        """Subscribe to the observable ledger below; raise RuntimeError if there is none."""
        ask = getattr(self.inner, "subscribe", None)
        if ask is None:
            raise RuntimeError("This ledger cannot be observed; wrap it in an ObservableLedgerStore.")
        ended: Callable[[], None] = ask(callback, run_id=run_id)
        return ended

    def list_after(self, *, run_id: str, after: int, limit: int = 1000) -> tuple[builtins.list[Record], int]:
        """Return records with seq > after, and the seq to go on from."""
        ask = getattr(self.inner, "list_after", None)
        if ask is not None:
            found: tuple[builtins.list[Record], int] = ask(run_id=run_id, after=after, limit=limit)
            return found
        start = max(after, 0)
        records = self.inner.list(run_id)[start : start + max(limit, 0)]
        return records, start + len(records) if records else after

    def count(self, run_id: str) -> int:
        """Return the number of records of a run."""
        ask = getattr(self.inner, "count", None)
        return int(ask(run_id)) if ask is not None else len(self.inner.list(run_id))

    def count_many(self, run_ids: Iterable[str]) -> dict[str, int]:
        """Return the number of records of each run that has any."""
        run_ids = [*run_ids]
        ask = getattr(self.inner, "count_many", None)
        if ask is not None:
            return dict(ask(run_ids))
        return {run_id: found for run_id in run_ids if (found := self.count(run_id))}

    def metrics_many(self, run_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return steps, model calls, tool calls and tokens of each run with completed records."""
        run_ids = [*run_ids]
        ask = getattr(self.inner, "metrics_many", None)
        if ask is not None:
            return dict(ask(run_ids))
        return {**ledger_metrics((run_id, self.inner.list(run_id)) for run_id in run_ids)}


class LinkingWrapper(LedgerWrapper):
    """A wrapper that links each record to the one before it."""

    def append_linked(self, record: StepRecord) -> StepRecord:
        """Link a record to the last one stored, store it at the bottom, and return it as stored."""
        raise NotImplementedError

    def linked(
        self, run_id: str, records: Sequence[StepRecord]
    ) -> tuple[builtins.list[StepRecord], int | None]:
        """Return records linked to the last one stored, and the seq that they follow."""
        raise NotImplementedError

    def moved(self, run_id: str) -> None:
        """Forget what was known of a run's last record: somebody else appended."""
        raise NotImplementedError

    def settled(self, run_id: str, records: Sequence[StepRecord]) -> None:
        """Note that linked records were stored."""
        raise NotImplementedError


def layers(ledger: LedgerStore) -> tuple[builtins.list[LedgerWrapper], LedgerStore]:
    """Return the wrappers over a ledger from the outside in, and the store at the bottom."""
    wrappers: builtins.list[LedgerWrapper] = []
    while isinstance(ledger, LedgerWrapper):
        wrappers.append(ledger)
        ledger = ledger.inner
    return wrappers, ledger


def chain_of(wrappers: Iterable[LedgerWrapper]) -> LinkingWrapper | None:
    """Return the wrapper that links records, if there is one."""
    return next((one for one in wrappers if isinstance(one, LinkingWrapper)), None)
