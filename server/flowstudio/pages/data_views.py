"""Views of a value in the data tab: a table for a list of objects, its parts with their paths, and what differs
from the run before. All of it is of what the ledger keeps: large values are short pictures there."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from abstractruntime.visualflow_compiler.clip import is_clipped

Json = Any
MOST_COLUMNS = 12
MOST_ROWS = 100
MOST_PARTS = 200
MOST_DEPTH = 6
MOST_CHANGES = 8
MOST_DIFFERENCES = 200  # where nothing but the difference is looked at
MOST_LINES = 400
MOST_SOUGHT = 300  # characters of a value that is looked for in the data of runs
SHORT = 60
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?P<time>[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")
_ABSENT: Any = object()


@dataclass(frozen=True)
class Words:
    """A value in one short line. `kind` tells an empty text, null and a text that reads like another value apart.

    `type` is what it is drawn as: text, date, number, boolean, null, object or list.
    """

    text: str
    kind: str = "plain"
    type: str = "text"


@dataclass(frozen=True)
class Table:
    """A list of objects: a column per key, a row per object. `more` rows and `others` columns are not shown.

    A cell is the words of its value; None where the object has no such key.
    """

    columns: list[str]
    rows: list[list[Words | None]]
    more: int
    others: int


@dataclass(frozen=True)
class Part:
    """A part of a value: its depth from 1, its own name, its path as an expression says it, and its value in short.

    `leaf` is its JSON where it is a text, number, true, false or null that can be looked for.
    """

    depth: int
    name: str
    path: str
    words: Words
    leaf: str = ""


@dataclass(frozen=True)
class Changed:
    """A place where two values differ; an empty text where there is nothing."""

    path: str
    before: str
    now: str


def short(value: Json) -> str:
    """Write a value in one short line."""
    if isinstance(value, Mapping):
        return f"object of {len(value)}"
    if isinstance(value, list):
        return f"list of {len(value)}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    line = " ".join(text[: SHORT * 4].split())
    return line if len(line) <= SHORT else f"{line[: SHORT - 1]}…"


def words_of(value: Json) -> Words:
    """Return a value in one short line, so that null, empty text and the text "null" are three things to see."""
    if value is None:
        return Words("null", "null", "null")
    if value == "" and isinstance(value, str):
        return Words("empty text", "empty")
    line, kind = short(value), type_of(value)
    return Words(f"“{line}”" if kind == "text" and _reads_otherwise(line) else line, type=kind)


def type_of(value: Json) -> str:
    """Return as what a value is drawn: text, date, number, boolean, null, object or list."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "date" if date_in(value) else "text"
    return "list" if isinstance(value, list) else "object" if isinstance(value, Mapping) else "number"


def date_in(text: str) -> str:
    """Return "date" or "date-time" for a text that is one as ISO 8601 writes them, else nothing."""
    found = _DATE.fullmatch(text)
    if found is None:
        return ""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return ""
    return "date-time" if found["time"] else "date"


def _reads_otherwise(line: str) -> bool:
    """Say whether the words of a text could be taken for a value of another type."""
    if line in ("null", "true", "false", "empty text") or line.startswith(("object of ", "list of ")):
        return True
    try:
        float(line)
    except ValueError:
        return False
    return True


def table_of(value: Json) -> Table | None:
    """Return a list of objects as a table; None for anything else."""
    if not isinstance(value, list):
        return None
    rows = [each for each in value if isinstance(each, Mapping)]
    told = value[:-1] if _is_cut(value) else value
    if not rows or len(rows) != len(told):
        return None
    columns = list(dict.fromkeys(str(key) for row in rows for key in row))
    shown = columns[:MOST_COLUMNS]
    cells = [[words_of(row[key]) if key in row else None for key in shown] for row in rows[:MOST_ROWS]]
    return Table(shown, cells, len(rows) - len(cells), len(columns) - len(shown))


def parts_of(name: str, value: Json) -> list[Part]:
    """Return the parts of an object or a list, from the outermost in, as far as one can read."""
    found: list[Part] = []
    _walk(name, value, 1, found)
    return found


def _walk(path: str, value: Json, depth: int, found: list[Part]) -> None:
    for key, each in inner(value):
        if len(found) >= MOST_PARTS or depth > MOST_DEPTH:
            return
        here = f"{path}[{json.dumps(key, ensure_ascii=False)}]"
        found.append(Part(depth, str(key), here, words_of(each), leaf_of(each)))
        _walk(here, each, depth + 1, found)


def leaf_of(value: Json) -> str:
    """Return the JSON of a value that can be looked for in the data of runs; nothing for what holds others, or is long."""
    if isinstance(value, Mapping | list) or value in ("", None) or is_clipped(value):
        return ""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MOST_SOUGHT else ""


def inner(value: Json) -> Iterator[tuple[Json, Json]]:
    """Yield key or place and value of each part; what a record left out ("…") is none."""
    if isinstance(value, Mapping):
        yield from ((key, each) for key, each in value.items() if key != "…")
    elif isinstance(value, list):
        yield from enumerate(value[:-1] if _is_cut(value) else value)


def _is_cut(value: list[Json]) -> bool:
    return bool(value) and isinstance(value[-1], str) and value[-1].startswith("… ")


def changes_of(name: str, before: Json, now: Json, most: int = MOST_CHANGES) -> list[Changed]:
    """Return the places where a value differs from what it was, the first ones."""
    found: list[Changed] = []
    _compare(name, before, now, found, most)
    return found


def differing(
    pin: str, before: Mapping[str, Json], now: Mapping[str, Json], most: int = MOST_CHANGES
) -> list[Changed]:
    """Return what differs between the values of a pin, either of which may not have come."""
    return changes_of(pin, before.get(pin, _ABSENT), now.get(pin, _ABSENT), most)


def lines_between(before: str, now: str) -> list[tuple[str, str]]:
    """Return the lines of two texts that differ, "-" or "+" with each, and a few lines around them, " "."""
    told = difflib.unified_diff(before.splitlines(), now.splitlines(), lineterm="", n=2)
    rows = [("…", "") if line.startswith("@@") else (line[:1], line[1:]) for line in [*told][2:]]
    return rows[:MOST_LINES]


def _compare(path: str, before: Json, now: Json, found: list[Changed], most: int) -> None:
    if len(found) >= most or (type(before) is type(now) and before == now):
        return
    one, other = dict(inner(before)), dict(inner(now))
    if type(before) is type(now) and (one or other):
        for key in dict.fromkeys((*one, *other)):
            here = f"{path}[{json.dumps(key, ensure_ascii=False)}]"
            _compare(here, one.get(key, _ABSENT), other.get(key, _ABSENT), found, most)
        return
    found.append(Changed(path, *("" if each is _ABSENT else words_of(each).text for each in (before, now))))
