"""Two texts beside each other: which parts of either the other one does not have."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

MOST_TOKENS = 400  # of what lies between the same beginning and the same end; beyond, all of it is marked
LEAST_ALIKE = 0.3  # texts that share less say something else as a whole
_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True)
class Piece:
    """A part of a text: `differs` where the other text says something else here."""

    text: str
    differs: bool = False


Pieces = tuple[Piece, ...]


def marked(one: str, other: str) -> tuple[Pieces, Pieces]:
    """Cut two texts into pieces, word by word; where they share little, each is one piece that differs."""
    left, right = _TOKEN.findall(one), _TOKEN.findall(other)
    start = _shared(left, right)
    end = _shared(left[start:][::-1], right[start:][::-1])
    middle = [each[start : len(each) - end] for each in (left, right)]
    begin, rest = "".join(left[:start]), "".join(left[len(left) - end :] if end else [])
    if max(map(len, middle)) > MOST_TOKENS:
        told: list[list[Piece]] = [[Piece("".join(each), True)] for each in middle]
    else:
        told = _cut(*middle)
    if _is_other(one, other, begin, rest, told[0]):
        return (Piece(one, True),), (Piece(other, True),)
    found = [_joined([Piece(begin), *each, Piece(rest)]) for each in told]
    return found[0], found[1]


def _shared(one: list[str], other: list[str]) -> int:
    """Return how many tokens two lists begin with together."""
    return next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def _cut(left: list[str], right: list[str]) -> list[list[Piece]]:
    told: list[list[Piece]] = [[], []]
    for kind, a, b, c, d in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        told[0].append(Piece("".join(left[a:b]), kind != "equal"))
        told[1].append(Piece("".join(right[c:d]), kind != "equal"))
    return told


def _is_other(one: str, other: str, begin: str, rest: str, pieces: list[Piece]) -> bool:
    """Say whether so little is the same that marks on single words would only be in the way."""
    same = "".join([begin, rest, *(each.text for each in pieces if not each.differs)])
    shorter = min(one, other, key=len)
    return len("".join(same.split())) < LEAST_ALIKE * len("".join(shorter.split()))


def _joined(pieces: list[Piece]) -> Pieces:
    """Join what differs with the space between it, so that a changed sentence is one mark and not ten."""
    found: list[Piece] = []
    for each in pieces:
        if not each.text:
            continue
        last = found[-1] if found else None
        if last is not None and last.differs == each.differs:
            found[-1] = Piece(last.text + each.text, each.differs)
        elif (
            each.differs
            and last is not None
            and len(found) > 1
            and last.text.isspace()
            and "\n" not in last.text
        ):
            found[-2:] = [Piece(found[-2].text + last.text + each.text, True)]
        else:
            found.append(each)
    return tuple(found)
