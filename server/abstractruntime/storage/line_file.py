"""A file of lines that only grows, followed as it grows and mended where a crash tore it.

Used under a lock, so that a last line without its end is one that nobody is writing any more.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..core.errors import StoreDamaged
from ..core.jsonsafe import decode
from .files import append_whole, told

log = logging.getLogger(__name__)


class LineFile:
    """The lines of one file, by number from 0; blank ones are not counted."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._inode = 0
        self._size = 0
        self._spans: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return len(self._spans)

    def length(self, number: int) -> int:
        """Return how many bytes a line has."""
        start, end = self._spans[number]
        return end - start

    def refresh(self) -> tuple[bool, list[Any]]:
        """Return the objects on lines that are new; True before them if all are to be read anew.

        A last line that was torn is cut off, one that lacks only its end is ended; both are logged.
        Raises StoreDamaged for any other line that cannot be read.
        """
        with told(self.path):
            try:
                there = self.path.stat()
            except FileNotFoundError:
                anew = bool(self._size)
                self._inode, self._size, self._spans = 0, 0, []
                return anew, []
            anew = there.st_ino != self._inode or there.st_size < self._size
            if anew:
                self._inode, self._size, self._spans = there.st_ino, 0, []
            if there.st_size == self._size:
                return anew, []
            body = self._read(self._size, there.st_size)
        return anew, self._taken(body)

    def read(self, start: int, end: int) -> list[Any]:
        """Return the objects on lines `start` to before `end`."""
        spans = self._spans[max(start, 0) : max(end, 0)]
        if not spans:
            return []
        first = spans[0][0]
        with told(self.path):
            body = self._read(first, spans[-1][1])
        return [
            self._object(body[begin - first : after - first], number)
            for number, (begin, after) in enumerate(spans, max(start, 0))
        ]

    def append(self, lines: Sequence[str], *, sync: bool) -> None:
        """Add lines in one write; raise StoreFull or StoreError with the file as it was."""
        body = "".join(f"{line}\n" for line in lines).encode()
        append_whole(self.path, body, sync=sync)
        if self._inode == 0:
            with told(self.path):
                self._inode = self.path.stat().st_ino
        for line in lines:
            end = self._size + len(line.encode())
            self._spans.append((self._size, end))
            self._size = end + 1

    def cut(self, count: int) -> None:
        """Take back all but the first lines."""
        if count >= len(self._spans):
            return
        size = self._spans[count][0]
        with told(self.path):
            os.truncate(self.path, size)
        self._size = size
        del self._spans[count:]

    def _taken(self, body: bytes) -> list[Any]:
        """Take in the lines after those that are known, and mend the last one."""
        *lines, rest = body.split(b"\n")
        found = []
        for line in lines:
            if line.strip():
                found.append(self._object(line, len(self._spans)))
                self._spans.append((self._size, self._size + len(line)))
            self._size += len(line) + 1
        if rest:
            found += self._mended(rest)
        return found

    def _mended(self, rest: bytes) -> list[Any]:
        """End a last line that is whole but for its end, cut off one that is torn."""
        try:
            whole = self._object(rest, len(self._spans))
        except StoreDamaged:
            log.warning("%s: %d bytes of a line that was never finished are cut off.", self.path, len(rest))
            with told(self.path):
                os.truncate(self.path, self._size)
            return []
        log.warning("%s: the end of the last line was missing and is added.", self.path)
        append_whole(self.path, b"\n", sync=False)
        self._spans.append((self._size, self._size + len(rest)))
        self._size += len(rest) + 1
        return [whole]

    def _object(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            found = decode(line.decode())
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise StoreDamaged(f"Line {number + 1} of {self.path} cannot be read.")
        return found

    def _read(self, start: int, end: int) -> bytes:
        with open(self.path, "rb") as file:
            file.seek(start)
            return file.read(end - start)
