"""A ledger that tells who asks about new records, after they are stored.

Observers run on the thread that appends, in this process only: they are a hint to look, the ledger
is the story. What an observer raises is logged, never passed to the writer.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Protocol, runtime_checkable

from ..core.boundary import at_work_on, attempted
from ..core.jsonsafe import decode
from ..core.models import StepRecord
from .base import LedgerStore, Record
from .codec import encode_record
from .wrapping import LedgerWrapper

Observer = Callable[[Record], None]

log = logging.getLogger(__name__)


@runtime_checkable
class ObservableLedgerStoreProtocol(Protocol):
    """A ledger that can be subscribed to, in this process."""

    def subscribe(self, callback: Observer, *, run_id: str | None = None) -> Callable[[], None]:
        """Call back with every record appended from now on; return what ends it."""
        ...


class ObservableLedgerStore(LedgerWrapper):
    """Passes records on to another ledger and then to the observers."""

    def __init__(self, inner: LedgerStore) -> None:
        super().__init__(inner)
        self._observers: dict[object, tuple[Observer, str | None]] = {}
        self._lock = threading.Lock()

    def told(self, records: Iterable[StepRecord]) -> None:
        """Tell the observers of stored records."""
        self.publish(records)

    def subscribe(self, callback: Observer, *, run_id: str | None = None) -> Callable[[], None]:
        """Call back with every record (of that run, or of all) from now on; return what ends it."""
        token = object()
        with self._lock:
            self._observers[token] = (callback, run_id)

        def unsubscribe() -> None:
            with self._lock:
                self._observers.pop(token, None)

        return unsubscribe

    def clear_subscribers(self) -> None:
        """End all subscriptions."""
        with self._lock:
            self._observers.clear()

    def publish(self, records: Iterable[StepRecord]) -> None:
        """Hand stored records to the observers, each its own copy."""
        with self._lock:
            observers = [*self._observers.values()]
        if not observers:
            return
        for record in records:
            wanted = [call for call, run_id in observers if run_id is None or run_id == record.run_id]
            text = encode_record(record) if wanted else ""
            for call in wanted:
                with at_work_on(record.run_id):
                    _, error = attempted(call, decode(text))
                if error is not None:
                    log.error("An observer failed on a record of run %s.", record.run_id, exc_info=error)
