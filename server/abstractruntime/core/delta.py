"""What a step changed in the variables of a run, so that only that is written.

`track(vars)` returns a dictionary that behaves like a plain one and remembers where it was touched;
`drain` returns the change since the last drain as JSON operations and forgets it; `fold` applies
operations to a plain dictionary. For any program p: fold(old, drain(p(track(old)))) == p(old), the
order of keys included.

    ["set", [path...], value]        a key of an object, or an item of a list
    ["del", [path...]]               a key of an object
    ["clear", [path...]]             all keys of an object
    ["cut", [path...], length]       shorten a list
    ["append", [path...], [items]]   lengthen a list

How. Containers are wrapped when they are read, one level at a time; a wrapper knows its home (the
container and the key it was read from). A value that was assigned since the last drain is handed out
as it is: the assignment is recorded, its text is made at drain time, so changes made through any
alias are in it. At drain such a value is replaced by what was written, and so becomes what a restart
would have found: afterwards nothing is shared between two places.

Two limits. A reference taken before a drain, to a value assigned since the one before, is stale
afterwards: read it again from the variables. C code that pokes into lists without calling their
methods (`heapq`) is not seen: work on `list(...)` and assign.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .errors import LedgerBroken
from .jsonsafe import decode
from .tracked import Known, TrackedDict, Tracker, Writer, is_live, plain

Made = Mapping[int, tuple[Any, str]]
_NOTHING: Made = {}

__all__ = ["Delta", "drain", "fold", "is_tracked", "plain", "track"]


class Delta(Sequence[Any]):
    """Operations in order, kept as their JSON text (an array) and read only when somebody looks.

    `made` are values among them that the variables have, by identity, with their text.
    """

    __slots__ = ("made", "text")

    def __init__(self, text: str, made: Made = _NOTHING) -> None:
        self.text = text
        self.made = made

    def followed_by(self, later: Delta) -> Delta:
        """Return the operations of both, one after the other."""
        inner = ",".join(text[1:-1] for text in (self.text, later.text) if text != "[]")
        return Delta(f"[{inner}]", later.made)

    def __getitem__(self, index: Any) -> Any:
        return decode(self.text)[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(decode(self.text))

    def __len__(self) -> int:
        return len(decode(self.text))

    def __bool__(self) -> bool:
        return self.text != "[]"


def track(vars: dict[str, Any]) -> TrackedDict:
    """Return a dictionary equal to `vars` that remembers how it is changed from now on."""
    return TrackedDict(plain(vars), Tracker(), None, None)


def is_tracked(vars: object) -> bool:
    """Say whether `drain` can tell what changed in these variables."""
    return isinstance(vars, TrackedDict) and vars.home is None


def drain(vars: dict[str, Any], known: Known = None, made: Made = _NOTHING) -> Delta:
    """Return what changed since the last drain, and forget it.

    `known` is a value that was written a moment ago, with its text; it may be among what changed. So may
    what is `made` of text, by identity: values that nobody else has, which are left where they are.
    Raises NotDurable with the path of a value that is not JSON; then nothing is forgotten.
    """
    if not isinstance(vars, TrackedDict):
        raise TypeError("drain() needs variables that come from track().")
    touched = vars.tracker.touched
    if not touched:
        return Delta("[]")
    out = Writer(known, made)
    for node in touched:
        if node is vars or is_live(node, vars):
            node.describe(out)
    for node, key, value in out.settled:
        node.put(key, value)
    for node in touched:
        node.rest()
    touched.clear()
    return Delta(f"[{','.join(out.texts)}]", made)


def fold(vars: dict[str, Any], ops: Iterable[Any]) -> dict[str, Any]:
    """Apply operations to plain variables, in place, and return them; both are used up.

    Raises LedgerBroken when an operation does not fit.
    """
    op: Any = None
    try:
        for op in ops:
            path, node = op[1], vars
            if op[0] != "set":
                _apply(vars, op[0], path, op)
                continue
            for step in path[:-1]:
                node = node[step]
            node[path[-1]] = op[2]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        raise LedgerBroken(f"The operation {str(op)[:200]} does not fit the state it follows.") from None
    return vars


def _apply(vars: dict[str, Any], name: str, path: list[Any], op: Any) -> None:
    """Apply one of the rarer operations."""
    node: Any = vars
    if name == "del":
        for step in path[:-1]:
            node = node[step]
        node.pop(path[-1], None)
        return
    for step in path:
        node = node[step]
    if name == "append":
        node.extend(op[2])
    elif name == "cut":
        del node[op[2] :]
    elif name == "clear":
        node.clear()
    else:
        raise ValueError(name)
