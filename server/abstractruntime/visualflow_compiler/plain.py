"""A copy of a document that is surely JSON, made in one walk.

Documents come from a parser nearly always, so they are plain: dicts with text as keys, lists, texts, numbers. One
walk sees that and copies them in half the time that writing them as text and reading it again takes, which is
what is left for all others and says what is wrong with them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

_CONSTANTS = frozenset((bool, type(None)))
_WHOLE = 2**63
_VALUE = 8  # letters that stand for the signs around a value, and for a number
_WIDEST = 6  # bytes that a letter takes at most: `\u0000`


def plain_copy(document: dict[str, Any], depth: int, size: int) -> dict[str, Any] | None:
    """Return a copy that shares nothing with a document; None where it may not be plain JSON within bounds.

    `depth` is that of nesting, `size` what its text may take in bytes, which is estimated from above.
    """
    room = size // _WIDEST
    copy = dict(document)
    level: list[Any] = [copy]
    try:
        for _ in range(depth):
            below: list[Any] = []
            for held in level:
                used = _detach(held, below)
                if used is None or (room := room - used) < 0:
                    return None
            if not below:
                return copy
            level = below
    except UnicodeEncodeError:  # half a surrogate pair
        return None
    return None


def _detach(held: Any, below: list[Any]) -> int | None:
    """Put copies where a container holds others, and add them to `below`; return its size, None if it is odd."""
    used = len(held) * _VALUE
    if held.__class__ is dict:
        for key in held:
            if key.__class__ is not str:
                return None
            if not key.isascii():
                key.encode()
            used += len(key)
        entries: Iterable[tuple[Any, Any]] = held.items()
    else:
        entries = enumerate(held)
    for key, value in entries:
        kind = value.__class__
        if kind is str:
            if not value.isascii():
                value.encode()
            used += len(value)
        elif kind is dict or kind is list:
            held[key] = copy = value.copy()
            below.append(copy)
        elif kind is int:
            if not -_WHOLE < value < _WHOLE:
                return None
        elif kind is float:
            if not math.isfinite(value):
                return None
        elif kind not in _CONSTANTS:
            return None
    return used
