"""Values of a node as the data tab shows them: of what kind each is, and in which views it can be looked at."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from abstractruntime.storage.artifacts import get_artifact_id, is_artifact_ref
from abstractruntime.visualflow_compiler.clip import is_clipped

from ..runner_artifacts import SAFE
from .data_shapes import Line, lines_of, shape_of
from .data_views import (
    MOST_DIFFERENCES,
    Changed,
    Part,
    Table,
    differing,
    leaf_of,
    lines_between,
    parts_of,
    table_of,
    type_of,
)

Json = Any
WINDOW = 20_000
SHORT = 80
VIEWS = {
    "table": "Table",
    "tree": "Tree",
    "text": "Text",
    "raw": "Raw",
    "schema": "Schema",
    "difference": "Difference",
    "picture": "Picture",
    "audio": "Audio",
    "pdf": "PDF",
}
_ABOUT = {"boolean": "true or false", "date": "text, a date"}
_MORE = re.compile(r"… ([\d,]+) more items$|([\d,]+) more keys$")


@dataclass(frozen=True)
class File:
    """The artifact that a value points to. `view` is picture, audio or pdf; empty for what is only kept."""

    id: str
    run_id: str
    content_type: str
    view: str


@dataclass(frozen=True)
class Shown:
    """One value as shown: `kind` is missing, null, empty, plain, text or json.

    `changed` are the places where it differs from what it is compared with, None where there is nothing to compare.
    `view` is how it is looked at, of those in `views`; what a view needs is there only in that view. `how` says how a value
    that no record keeps was got, or why it is missing.
    """

    pin: str
    kind: str
    text: str = ""
    about: str = ""
    is_more: bool = False
    type: str = "text"
    table: Table | None = None
    parts: tuple[Part, ...] = ()
    changed: tuple[Changed, ...] | None = None
    views: tuple[str, ...] = ()
    view: str = ""
    raw: str = ""
    schema: tuple[Line, ...] = ()
    schema_text: str = ""
    is_cut: bool = False
    lines: tuple[tuple[str, str], ...] = ()
    file: File | None = None
    leaf: str = ""
    how: str = ""


@dataclass(frozen=True)
class Window:
    """A part of a large value's text. `next` is where the rest begins, None at the end."""

    text: str
    start: int
    total: int
    next: int | None


def window(value: Json, start: int) -> Window:
    """Return the part of a value's text that begins here."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2, default=str)
    start = min(max(start, 0), len(text))
    end = min(start + WINDOW, len(text))
    return Window(text[start:end], start, len(text), end if end < len(text) else None)


def values_of(pins: Iterable[str], given: Mapping[str, Json], is_kept: Callable[[str], bool]) -> list[Shown]:
    """Return the values of these pins and of what else is given; a pin that got none is missing.

    `is_kept` says of a pin whether the run may hold more of its value than the ledger.
    """
    names = [*dict.fromkeys((*pins, *given))]
    return [
        shown(pin, given[pin], is_clipped(given[pin]) and is_kept(pin))
        if pin in given
        else Shown(pin, "missing")
        for pin in names
    ]


def shown(pin: str, value: Json, is_more: bool = False) -> Shown:
    """Return how a value is shown; `is_more`: the run holds more of it than the ledger."""
    if value is None:
        return Shown(pin, "null", "null", type="null")
    if value == "" and isinstance(value, str):
        return Shown(pin, "empty", "", "text")
    kind = type_of(value)
    if isinstance(value, str):
        is_short = len(value) <= SHORT and "\n" not in value
        return Shown(pin, "plain" if is_short else "text", value, _ABOUT.get(kind, "text"), is_more, kind)
    if isinstance(value, list | dict):
        about = f"list of {_count(value):,}" if isinstance(value, list) else f"object of {_count(value):,}"
        text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
        is_short = len(text) <= 40
        words = json.dumps(value, ensure_ascii=False) if is_short else text
        return Shown(pin, "plain" if is_short else "json", words, about, is_more, kind)
    return Shown(pin, "plain", json.dumps(value), _ABOUT.get(kind, kind), type=kind)


def viewed(
    each: Shown, values: Mapping[str, Json], before: Mapping[str, Json] | None, chosen: str, whole: Json
) -> Shown:
    """Add to a value how else it is looked at, and what differs from before. `whole`: all of it, where it is held."""
    value = values.get(each.pin)
    table = table_of(value)
    changed = None if before is None else tuple(differing(each.pin, before, values))
    file = file_of(value)
    views = _views(each, table, bool(changed), file)
    view = chosen if chosen in views else next(iter(views), "")
    more: dict[str, Json] = {}
    if view == "raw":
        more["raw"] = json.dumps(value, ensure_ascii=False, default=str)
    elif view == "schema":
        shape, is_cut = shape_of(whole)
        text = json.dumps(shape, ensure_ascii=False, indent=2)
        more |= {"schema": tuple(lines_of(each.pin, shape)), "schema_text": text, "is_cut": is_cut}
    elif view == "difference" and before is not None:
        old = before.get(each.pin)
        if isinstance(old, str) and isinstance(value, str):
            more["lines"] = tuple(lines_between(old, value))
        changed = tuple(differing(each.pin, before, values, MOST_DIFFERENCES))
    parts = tuple(parts_of(each.pin, value))
    return replace(
        each,
        table=table,
        parts=parts,
        changed=changed,
        views=views,
        view=view,
        file=file,
        leaf=leaf_of(value),
        **more,
    )


def _views(each: Shown, table: Table | None, is_changed: bool, file: File | None) -> tuple[str, ...]:
    found: list[str] = [file.view] if file and file.view else []
    if each.kind == "text":
        found += ["text", "raw"]
    elif each.type in ("object", "list") and each.kind != "missing":
        found += [*(["table"] if table else []), "text", "tree", "raw", "schema"]
    return (*found, "difference") if is_changed and found else tuple(found)


def file_of(value: Json) -> File | None:
    """Return the artifact that a value points to, with the view that its media type has."""
    if not is_artifact_ref(value):
        return None
    kind = str(value.get("content_type") or "").partition(";")[0].strip().lower()
    of = kind.partition("/")[0] if kind in SAFE else ""  # what the server sends under a type of its own
    view = "pdf" if kind == "application/pdf" else {"image": "picture", "audio": "audio"}.get(of, "")
    return File(str(get_artifact_id(value)), str(value.get("run_id") or ""), kind, view)


def _count(value: list[Json] | dict[str, Json]) -> int:
    """Return how many parts a value had before its record was cut (see `visualflow_compiler.clip`)."""
    told = value.get("…") if isinstance(value, dict) else value[-1] if value else None
    more = _MORE.match(told) if isinstance(told, str) else None
    return len(value) - 1 + int((more[1] or more[2]).replace(",", "")) if more else len(value)
