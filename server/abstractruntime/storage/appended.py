"""What was added to a file of a workspace, by key, so that nothing is added twice.

The trace of a file is written before the file is replaced. Its last entry is therefore either in the file or was
begun by a process that stopped in between; all entries before it are done, since whoever adds the next one looks.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

FOLDER = ".appended"  # in the root of a workspace; flows neither see nor use it
MOST_APPENDED = 1_000  # of a file; a step that is taken again after a crash comes long before so many others


@dataclass(frozen=True)
class Appended:
    """A text that was added: for whom, from which byte on, how long it is, and its fingerprint."""

    key: str
    at: int
    length: int
    digest: str

    @classmethod
    def of(cls, key: str, at: int, text: bytes) -> Appended:
        """Return the entry of a text."""
        return cls(key, at, len(text), hashlib.sha256(text).hexdigest())


def is_there(entry: Appended, body: bytes) -> bool:
    """Say whether a file holds the text of an entry where it was put."""
    return hashlib.sha256(body[entry.at : entry.at + entry.length]).hexdigest() == entry.digest


def trace_name(parts: tuple[str, ...]) -> str:
    """Return the name of the trace of a file, by its path from the root."""
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:32] + ".json"


def trace_text(entries: list[Appended]) -> bytes:
    """Return a trace as it is kept."""
    return json.dumps([[each.key, each.at, each.length, each.digest] for each in entries]).encode()


def read_trace(body: bytes) -> list[Appended]:
    """Read a trace; one that is damaged knows nothing."""
    try:
        held: Any = json.loads(body)
        return [Appended(str(key), int(at), int(length), str(digest)) for key, at, length, digest in held]
    except (TypeError, ValueError):
        return []
