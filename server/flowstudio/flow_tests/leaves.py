"""Values as leaves by path, so that two can be compared, hashed, and parts of them left out.

A path is written as a person reads it: `output.rows[0].when`. Who leaves a path out leaves out what is below it;
`[*]` stands for every place of a list. A path that ends with ` numbers` leaves out no more than the numbers, instants and
ids in a text: the words around them count.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = Any
ABSENT = object()
NUMBERS = " numbers"
_PLACE = re.compile(r"\[\d+\]")
_CHANGING = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?"
    r"|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    r"|\d+"
)


@dataclass(frozen=True)
class Other:
    """A leaf that is not the same on both sides; `ABSENT` on the side that does not have it."""

    path: str
    before: Json
    after: Json


def leaves(value: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """Yield what is in a value, each by its path; what is empty is a leaf itself."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple) and value:
        for place, item in enumerate(value):
            yield from leaves(item, f"{path}[{place}]")
    else:
        yield path, value


def anywhere(path: str) -> str:
    """Return a path that stands for every place of its lists."""
    return _PLACE.sub("[*]", path)


def covers(left_out: Iterable[str], path: str) -> bool:
    """Say whether a path is left out, by itself or with what it is in."""
    wide = anywhere(path)
    for each in left_out:
        for one in (path, wide):
            if one == each or one.startswith((f"{each}.", f"{each}[")):
                return True
    return False


def kept(value: Json, left_out: Collection[str], path: str = "") -> dict[str, Json]:
    """Return the leaves of a value that are not left out."""
    whole = [each for each in left_out if not each.endswith(NUMBERS)]
    parts = [each.removesuffix(NUMBERS) for each in left_out if each.endswith(NUMBERS)]
    found = {}
    for each, leaf in leaves(value, path):
        if whole and covers(whole, each):
            continue
        found[each] = plain(leaf) if isinstance(leaf, str) and parts and covers(parts, each) else leaf
    return found


def plain(text: str) -> str:
    """Return a text without the numbers, instants and ids in it."""
    return _CHANGING.sub("·", text)


def stray(other: Other) -> str:
    """Return the path that leaves out a difference, and no more of a text than changes from time to time."""
    path, one, two = anywhere(other.path), other.before, other.after
    is_text = isinstance(one, str) and isinstance(two, str) and plain(one) == plain(two) != "·"
    return f"{path}{NUMBERS}" if is_text else path


def others(before: Json, after: Json, left_out: Iterable[str] = (), path: str = "") -> list[Other]:
    """Return the leaves that differ, in the order of the first value."""
    paths = tuple(left_out)
    one, two = kept(before, paths, path), kept(after, paths, path)
    found = [
        Other(each, leaf, two.get(each, ABSENT))
        for each, leaf in one.items()
        if not _same(leaf, two.get(each, ABSENT))
    ]
    return found + [Other(each, ABSENT, leaf) for each, leaf in two.items() if each not in one]


def digest(value: Json, left_out: Collection[str] = (), path: str = "") -> str:
    """Return what a value is known by when some of it is left out: 32 hex digits."""
    text = json.dumps(kept(value, left_out, path), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def said(leaf: Json, most: int = 120) -> str:
    """Write a leaf in a line."""
    if leaf is ABSENT:
        return "nothing"
    text = json.dumps(leaf, ensure_ascii=False)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _same(one: Json, two: Json) -> bool:
    return two is not ABSENT and type(one) is type(two) and bool(one == two)
