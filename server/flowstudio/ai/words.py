"""What models are saying at this moment: shown on the pages of runs, kept nowhere.

The ledger gets the whole answer when the call is over; until then its words so far are here, by run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from abstractruntime.integrations.abstractcore.llm_stream import Delta, subscribe_llm_tokens

MOST_SHOWN = 4_000  # characters, the newest


class LiveWords:
    """The words of the calls under way. Safe to call from several threads."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}
        self._lock = Lock()
        self.ring: Callable[[str], None] = lambda run_id: None

    @contextmanager
    def of_call(self, run_id: str) -> Iterator[None]:
        """Hear what is said to a run while the block lasts; forget it then."""
        if not run_id:
            yield
            return
        with self._lock:
            self._said[run_id] = ""
        end = subscribe_llm_tokens(run_id, self._hear)
        try:
            yield
        finally:
            end()
            with self._lock:
                self._said.pop(run_id, None)

    def said(self, run_id: str) -> str:
        """Return what a model has said to a run in the call under way, its end if it is long."""
        return self._said.get(run_id, "")

    def _hear(self, run_id: str, delta: Delta) -> None:
        piece = str(delta.get("content") or delta.get("reasoning") or "")
        with self._lock:
            if run_id not in self._said:
                return
            self._said[run_id] = (self._said[run_id] + piece)[-MOST_SHOWN:]
        self.ring(run_id)
