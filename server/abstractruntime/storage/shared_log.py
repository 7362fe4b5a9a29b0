"""A file of JSON lines that several processes add to and each follows as it grows.

It holds only what can be made again (an index), so it is not synced; whoever owns it compares it with
the truth when it is opened. A line begins with a line break of its own, so that a fragment left by a
dying process spoils no other line.
"""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..core.jsonsafe import decode, encode
from .files import append_whole, told, write_whole

log = logging.getLogger(__name__)
Entry = dict[str, Any]


class SharedLog:
    """Entries in the order they were added; adding and replacing need the lock of the folder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = -1
        self._offset = 0
        self._closer: weakref.finalize[..., Any] = weakref.finalize(self, _nothing)

    def add(self, entries: Iterable[Entry]) -> None:
        """Add entries at the end."""
        body = "".join(f"\n{encode(entry, 'entry')}\n" for entry in entries)
        append_whole(self._path, body.encode(), sync=False)

    def replace(self, entries: Iterable[Entry]) -> None:
        """Begin again with these entries; other processes notice."""
        body = "".join(f"\n{encode(entry, 'entry')}\n" for entry in entries)
        write_whole(self._path, body.encode(), sync=False)

    def news(self) -> tuple[bool, list[Entry]]:
        """Return what was added since the last call; True before it if all is to be read anew."""
        with told(self._path):
            anew = self._follow()
            if self._handle < 0:
                return anew, []
            size = os.fstat(self._handle).st_size
            anew = anew or size < self._offset
            start = 0 if anew else self._offset
            if start == size:
                self._offset = size
                return anew, []
            body = os.pread(self._handle, size - start, start)
        whole = body.rfind(b"\n") + 1
        self._offset = start + whole
        return anew, [entry for line in body[:whole].split(b"\n") if (entry := self._entry(line)) is not None]

    def close(self) -> None:
        """Let go of the file; the next call of `news` opens it again."""
        self._closer()
        self._handle, self._offset = -1, 0

    def _follow(self) -> bool:
        """Open the file that now has the name; say whether it is another one than before."""
        try:
            there = os.stat(self._path)
        except FileNotFoundError:
            was = self._handle >= 0
            self.close()
            return was
        if self._handle >= 0:
            mine = os.fstat(self._handle)
            if (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino):
                return False
        self.close()
        self._handle = os.open(self._path, os.O_RDONLY)
        self._closer = weakref.finalize(self, os.close, self._handle)
        return True

    def _entry(self, line: bytes) -> Entry | None:
        if not line:
            return None
        try:
            entry = decode(line.decode())
        except ValueError:
            entry = None
        if not isinstance(entry, dict):
            log.warning("A line of %s is left out: it cannot be read.", self._path)
            return None
        return entry


def _nothing() -> None:
    """What closes a file that was never opened."""
