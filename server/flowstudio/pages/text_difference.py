"""Two versions of a flow as text, in the one way a file is written: the lines that differ, and in them the words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from ..library_compare import UNSAID
from ..library_text import write_document
from .marked import Piece, Pieces, marked

Json = Any
AROUND = 3  # lines that are the same, before and after those that differ
MOST_LINES = 20_000  # of what lies between the same beginning and the same end
MOST_ROWS = 1_500


@dataclass(frozen=True)
class Line:
    """A line: its numbers in both texts, 0 where it does not stand. `state` is same, removed, added or, of lines left out, gap."""

    state: str
    before: int
    after: int
    pieces: Pieces = ()


@dataclass(frozen=True)
class TextDifference:
    """The lines that differ with those around them. `is_cut`: there are more. `too_long`: they were not looked for."""

    lines: tuple[Line, ...] = ()
    is_cut: bool = False
    too_long: bool = False


def text_difference(before: Mapping[str, Json], after: Mapping[str, Json]) -> TextDifference:
    """Compare two versions line by line; when they were made and saved is left out."""
    old, new = _lines(before), _lines(after)
    start = next((at for at, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), None)
    if start is None:
        start = min(len(old), len(new))
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    middle = (old[start : len(old) - end], new[start : len(new) - end])
    if max(map(len, middle)) > MOST_LINES:
        return TextDifference(too_long=True)
    blocks = [
        (a + start, b + start, c + start, d + start)
        for kind, a, b, c, d in SequenceMatcher(None, middle[0], middle[1]).get_opcodes()
        if kind != "equal"
    ]
    found = [*_told(old, new, blocks)]
    return TextDifference(tuple(found[:MOST_ROWS]), is_cut=len(found) > MOST_ROWS)


def _lines(document: Mapping[str, Json]) -> list[str]:
    own = {key: value for key, value in document.items() if key not in UNSAID or key in ("nodes", "edges")}
    return write_document(own).decode().splitlines()


def _told(old: list[str], new: list[str], blocks: list[tuple[int, int, int, int]]) -> Iterator[Line]:
    shown = 0  # lines of the old text that were told
    for at, (a, b, c, d) in enumerate(blocks):
        begin = max(shown, a - AROUND)
        if begin > shown:
            yield Line("gap", shown + 1, begin)
        yield from _same(old, begin, a, c - a)
        yield from _block(old[a:b], new[c:d], a, c)
        following = blocks[at + 1][0] if at + 1 < len(blocks) else len(old)
        shown = min(b + AROUND, following)
        yield from _same(old, b, shown, d - b)
    if blocks and shown < len(old):
        yield Line("gap", shown + 1, len(old))


def _same(old: list[str], start: int, end: int, ahead: int) -> Iterator[Line]:
    """Yield lines that stand in both; in the new text they are so many lines further on."""
    for at in range(start, end):
        yield Line("same", at + 1, at + 1 + ahead, (Piece(old[at]),))


def _block(gone: list[str], come: list[str], before: int, after: int) -> Iterator[Line]:
    """Yield lines that were replaced, and those that replaced them; line by line, what differs in them is marked."""
    pairs = [marked(one, other) for one, other in zip(gone, come, strict=False)]
    for at, line in enumerate(gone):
        yield Line("removed", before + at + 1, 0, pairs[at][0] if at < len(pairs) else (Piece(line),))
    for at, line in enumerate(come):
        yield Line("added", 0, after + at + 1, pairs[at][1] if at < len(pairs) else (Piece(line),))
