"""Ids of runs, steps and children: UUIDs as text, made without the module `uuid`.

That module would take longer to import than most of the kernel, and thrice the time for an id.
"""

from __future__ import annotations

import os
import struct
from hashlib import sha1
from time import time_ns

_AT_ONCE = 64
_PARTS, _WORDS = "8s4sx3sx3s12s", b"%b-%b-4%b-a%b-%b "  # of 32 hex digits: all at once, without a loop
_ready: list[str] = []  # made and not used yet
_CHILDREN = bytes.fromhex("6f1cfd0e6a7d4f0b9f3e0b5a5b9d6a51")


def new_id() -> str:
    """Return a random UUID (version 4) as text."""
    try:
        return _ready.pop()
    except IndexError:
        digits = os.urandom(16 * _AT_ONCE).hex().encode()
    made = (_WORDS * _AT_ONCE % struct.unpack(_PARTS * _AT_ONCE, digits)).decode().split()
    _ready.extend(made[1:])
    return made[0]


def new_run_id() -> str:
    """Return a UUID (version 7) as text: random, but later ones sort after earlier ones.

    Stores that find rows by a run's id then have what is new close together, and write fewer pages.
    """
    when, random = f"{time_ns() // 1_000_000:012x}", new_id()
    return f"{when[:8]}-{when[8:]}-7{random[15:]}"


def child_id(name: str) -> str:
    """Return the UUID (version 5) that belongs to a name among the children of all runs."""
    digits = sha1(_CHILDREN + name.encode(), usedforsecurity=False).hexdigest()
    return _uuid(digits, "5" + "89ab"[int(digits[16], 16) & 3])


def _uuid(digits: str, marks: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{marks[0]}{digits[13:16]}-{marks[1]}{digits[17:20]}-{digits[20:32]}"


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_ready.clear)  # they are the parent's
