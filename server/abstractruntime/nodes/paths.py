"""The one path language: how a place inside a value is written, read and changed.

`order.lines[0].price` walks objects by key and lists by position; `["a.b"]` is a key with signs of its
own. A plain number (`lines.0`) is a position in a list and a key in an object; `[-1]` counts from
the end. Writing copies what lies on the way and shares the rest, so that nobody who holds the
old value sees it change.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .define import NodeError

Json = Any

DEEPEST = 100
_QUOTES = "\"'"
_LONGEST_POSITION = 9


@dataclass(frozen=True)
class Segment:
    """One step of a path: a key and, where the text allows it, a position; `listed` was in brackets."""

    key: str
    index: int | None = None
    listed: bool = False


class PathError(NodeError):
    """A path cannot be read, or leads where nothing can be put."""

    def __init__(self, message: str, pin: str | None = None) -> None:
        super().__init__(message, code="path.bad", pin=pin)


def parse(path: str, pin: str | None = None) -> tuple[Segment, ...]:
    """Read the text of a path; empty parts are skipped, a bracket left open is an error."""
    if path and "." not in path and "[" not in path:
        return (Segment(path, _position(path)),)
    segments: list[Segment] = []
    start = at = 0
    while at < len(path):
        sign = path[at]
        if sign == ".":
            _add_plain(segments, path[start:at])
            at = start = at + 1
        elif sign == "[":
            _add_plain(segments, path[start:at])
            segment, at = _bracketed(path, at, pin)
            segments.append(segment)
            start = at
        else:
            at += 1
    _add_plain(segments, path[start:])
    if len(segments) > DEEPEST:
        raise PathError(f"The path has {len(segments)} steps; at most {DEEPEST} are allowed.", pin)
    return tuple(segments)


def _add_plain(segments: list[Segment], text: str) -> None:
    if text:
        segments.append(Segment(text, _position(text)))


def _position(text: str) -> int | None:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > _LONGEST_POSITION:
        return None
    return int(text)


def _bracketed(path: str, opening: int, pin: str | None) -> tuple[Segment, int]:
    """Read `[...]` and return its segment and the place behind it."""
    at = opening + 1
    if path[at : at + 1] and path[at] in _QUOTES:
        key, at = _quoted(path, at, pin)
        if path[at : at + 1] != "]":
            raise PathError(f"The path {_shown(path)} lacks a ']' after the quoted key.", pin)
        return Segment(key), at + 1
    closing = path.find("]", at)
    if closing < 0:
        raise PathError(
            f"The path {_shown(path)} lacks a ']'. A key with signs of its own is written [\"a[b\"].", pin
        )
    inner = path[at:closing].strip()
    if not inner:
        raise PathError(f"The path {_shown(path)} has empty brackets.", pin)
    return Segment(inner, _position(inner), listed=True), closing + 1


def _quoted(path: str, opening: int, pin: str | None) -> tuple[str, int]:
    quote, at = path[opening], opening + 1
    key: list[str] = []
    while at < len(path) and path[at] != quote:
        if path[at] == "\\" and at + 1 < len(path):
            at += 1
        key.append(path[at])
        at += 1
    if at >= len(path):
        raise PathError(f"The path {_shown(path)} lacks a closing {quote}.", pin)
    return "".join(key), at + 1


def _shown(path: str) -> str:
    return f"'{path if len(path) <= 60 else path[:57] + '...'}'"


def written(segments: Iterable[Segment]) -> str:
    """Return the text of a path, the reverse of `parse`."""
    parts: list[str] = []
    for segment in segments:
        if segment.listed:
            parts.append(f"[{segment.key}]")
        elif not segment.key or set(segment.key) & set('.[]"\\') or _position(segment.key) != segment.index:
            escaped = segment.key.replace("\\", "\\\\").replace('"', '\\"')
            parts.append(f'["{escaped}"]')
        else:
            parts.append(f".{segment.key}" if parts else segment.key)
    return "".join(parts)


def find(root: Json, segments: Iterable[Segment]) -> tuple[bool, Json]:
    """Walk a value; return whether the place exists and what is there."""
    value = root
    for segment in segments:
        if isinstance(value, dict):
            if segment.key not in value:
                return False, None
            value = value[segment.key]
        elif isinstance(value, list):
            if segment.index is None or not -len(value) <= segment.index < len(value):
                return False, None
            value = value[segment.index]
        else:
            return False, None
    return True, value


def read(root: Json, path: str, default: Json = None, pin: str | None = None) -> Json:
    """Return what lies at a path; `default` when there is nothing, or the path is empty."""
    segments = parse(path, pin)
    found, value = find(root, segments) if segments else (False, None)
    return value if found else default


def write(root: Json, segments: tuple[Segment, ...], value: Json, pin: str | None = None) -> Json:
    """Return a copy of `root` with `value` put at a place.

    Missing objects are made; a plain value that stands in the way gives place to an object. A list
    takes only positions it has, or the one behind its end.
    """
    if not segments:
        return value
    segment, rest = segments[0], segments[1:]
    if isinstance(root, list) and segment.index is not None:
        return _write_item(root, segment, rest, value, pin)
    if segment.listed and segment.index is not None and not isinstance(root, dict):
        return _write_item([], segment, rest, value, pin)
    copy = dict(root) if isinstance(root, dict) else {}
    copy[segment.key] = write(copy.get(segment.key), rest, value, pin)
    return copy


def _write_item(
    items: list[Json], segment: Segment, rest: tuple[Segment, ...], value: Json, pin: str | None
) -> list[Json]:
    place = segment.index or 0
    count = len(items)
    if place < 0:
        place += count
    if not 0 <= place <= count:
        raise PathError(f"There is no position {segment.key} in a list of {count}.", pin)
    copy = list(items)
    if place == count:
        copy.append(write(None, rest, value, pin))
    else:
        copy[place] = write(items[place], rest, value, pin)
    return copy
