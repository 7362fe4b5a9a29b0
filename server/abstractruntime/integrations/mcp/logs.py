"""What is written down of a server, without the secrets it is given: its standard error, and our client's log."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import TextIO

from ..hiding import hidden

_SPEAKERS = ("httpx", "httpx2", "mcp.client.streamable_http")
_MOST_TOLD = 300  # characters of a process's last words


@contextmanager
def covered_log(path: Path, secrets: tuple[str, ...]) -> Iterator[TextIO]:
    """Give a file for a process to write to; what is in it by the line goes to `path`, covered."""
    with path.open("a", encoding="utf-8") as log:
        if not secrets:
            yield log
            return
        reading, writing = os.pipe()
        thread = Thread(target=_copy, args=(reading, log, secrets), daemon=True)
        thread.start()
        try:
            with os.fdopen(writing, "w", encoding="utf-8") as given:
                yield given
        finally:
            thread.join(2)  # a grandchild may hold the other end for longer


def _copy(reading: int, log: TextIO, secrets: tuple[str, ...]) -> None:
    with os.fdopen(reading, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if log.closed:
                return
            log.write(str(hidden(line, secrets)))
            log.flush()


class _Cover(logging.Filter):
    """Lets all records pass, without secrets."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        super().__init__()
        self._secrets = secrets

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        covered = hidden(said, self._secrets)
        if covered != said:
            record.msg, record.args = covered, ()
        return True


@contextmanager
def covered_speakers(secrets: tuple[str, ...]) -> Iterator[None]:
    """Cover secrets in what the clients of HTTP log: each request, with its whole address."""
    cover = _Cover(secrets)
    speakers = [logging.getLogger(name) for name in _SPEAKERS] if secrets else []
    for speaker in speakers:
        speaker.addFilter(cover)
    try:
        yield
    finally:
        for speaker in speakers:
            speaker.removeFilter(cover)


def size_of(path: Path) -> int:
    """Return how many bytes a log has; 0 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def last_words(path: Path, since: int) -> str:
    """Return the last line that a process has written to its log after `since` bytes, cut to what tells."""
    try:
        with path.open("rb") as log:
            log.seek(since)
            lines = log.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((line.strip()[-_MOST_TOLD:] for line in reversed(lines) if line.strip()), "")
