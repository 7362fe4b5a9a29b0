"""Order of bundle versions: 0.9.0 before 0.10.0, 2.0.0-rc.1 before 2.0.0."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeVar

_VERSION = re.compile(r"v?(\d+(?:\.\d+)*)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")
_Rank = tuple[tuple[int, ...], int, tuple[tuple[int, int, str], ...]]
_Item = TypeVar("_Item")


def rank_of(version: str) -> _Rank | None:
    """Return what numbered versions are ordered by, None for free text."""
    found = _VERSION.fullmatch(version.strip())
    if found is None:
        return None
    numbers = [int(part) for part in found.group(1).split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    early = found.group(2)
    parts = tuple(
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in (early or "").split(".") if part
    )
    return tuple(numbers), 0 if early else 1, parts


def newest_first(items: Iterable[tuple[str, str, _Item]]) -> list[_Item]:
    """Return the items of (version, created_at), the newest first: by number, else by time, then by text."""
    held = list(items)
    ranks = [rank_of(version) for version, _, _ in held]
    numbered = [rank for rank in ranks if rank is not None]
    if len(numbered) == len(held):
        order = sorted(
            range(len(held)), key=lambda at: (numbered[at], held[at][1], held[at][0]), reverse=True
        )
    else:
        order = sorted(range(len(held)), key=lambda at: (held[at][1], held[at][0]), reverse=True)
    return [held[at][2] for at in order]


def newest(items: Iterable[tuple[str, str, _Item]]) -> _Item:
    """Return the item of the newest (version, created_at)."""
    return newest_first(items)[0]
