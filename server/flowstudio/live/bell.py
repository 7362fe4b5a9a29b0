"""The bell: a hint from the threads that write to the event loop that reads.

A ring says "look at this run", nothing more: the ledger is the truth and readers find their way
in it by cursor, so a lost ring costs a short delay and never a record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock


class Ear:
    """One reader's side of the bell."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def wake(self) -> None:
        """Note that there may be something to read."""
        self._rung.set()

    async def wait(self, seconds: float) -> bool:
        """Wait for a ring, at most so long; return whether it rang."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            return False
        self._rung.clear()
        return True


class Bell:
    """Rings from any thread; wakes readers in the loop that opened it. Rings in a burst are one."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._rung: set[str] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ears: dict[str, set[Ear]] = {}
        self.is_closed = False

    def open(self) -> None:
        """Bind the bell to the running event loop."""
        self._loop = asyncio.get_running_loop()

    def ring(self, *run_ids: str) -> None:
        """Wake those who read any of these runs; call it from any thread, after the commit.

        Who begins to listen after this look reads after it too, and finds what was committed before.
        """
        heard = [run_id for run_id in run_ids if run_id in self._ears]
        if not heard:
            return
        with self._lock:
            loop, is_first = self._loop, not self._rung
            if loop is None or loop.is_closed():
                return
            self._rung.update(heard)
            if is_first:
                loop.call_soon_threadsafe(self._deliver)

    def close(self) -> None:
        """Let every reader go; safe to call from a signal handler in the loop's thread."""
        self.is_closed = True
        self.ring_all()

    def ring_all(self) -> None:
        """Wake every reader; call it in the loop's thread."""
        for ears in list(self._ears.values()):
            for ear in list(ears):
                ear.wake()

    @contextmanager
    def listen(self, run_id: str) -> Iterator[Ear]:
        """Hear the rings of a run for as long as the block lasts."""
        ear = Ear()
        ears = self._ears.setdefault(run_id, set())
        ears.add(ear)
        try:
            yield ear
        finally:
            ears.discard(ear)
            if not ears:
                self._ears.pop(run_id, None)

    def _deliver(self) -> None:
        with self._lock:
            rung, self._rung = self._rung, set()
        for run_id in rung:
            for ear in self._ears.get(run_id, ()):
                ear.wake()
