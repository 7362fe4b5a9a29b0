"""What an edit brings along, and how undo and redo read from a log that only grows.

A row of the log is one command. `do` is an edit; with `joins` it goes on the step before it, as typing
does. `undo` takes the last step back, `redo` does it again, `cancel` takes it back for good, as a drag
that was broken off. Undo and redo are rows of their own with what they changed, so that the state
after any row can be reached from the newest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = Any
HOWS = ("do", "undo", "redo", "cancel")
MOST_LABEL = 200


@dataclass(frozen=True)
class Command:
    """One command of an edit: what a person did in the editor since the last save."""

    how: str
    label: str = ""
    changes: tuple[Mapping[str, Json], ...] = ()
    joins: bool = False


@dataclass(frozen=True)
class Edit:
    """Who changes a flow, in one sentence why, and by which commands if the editor says so."""

    actor: str = ""
    label: str = "Change"
    commands: tuple[Command, ...] = ()


@dataclass(frozen=True)
class Row:
    """One row of the log; `before` and `after` are revisions."""

    seq: int
    at: str
    actor: str
    how: str
    label: str
    joins: bool
    before: str
    after: str
    changes: list[Mapping[str, Json]]
    inverse: list[Mapping[str, Json]]

    def to_json(self) -> dict[str, Json]:
        """Return the row as the API shows it."""
        return {**self.__dict__, "changes": self.changes, "inverse": self.inverse}


@dataclass
class Stacks:
    """The steps that undo and redo would take, as lists of rows; the next one last."""

    done: list[list[int]] = field(default_factory=list)
    undone: list[list[int]] = field(default_factory=list)

    def put(self, seq: int, how: str, joins: bool) -> None:
        """Go on by one row."""
        if how == "undo":
            if self.done:
                self.done.pop()
            self.undone.append([seq])
        elif how == "redo":
            if self.undone:
                self.undone.pop()
            self.done.append([seq])
        elif how == "cancel":
            if self.done:
                self.done.pop()
        else:
            self.undone = []
            if joins and self.done:
                self.done[-1].append(seq)
            else:
                self.done.append([seq])


def stacks_of(rows: Iterable[tuple[int, str, bool]]) -> Stacks:
    """Return the stacks after rows given as seq, how and joins."""
    stacks = Stacks()
    for seq, how, joins in rows:
        stacks.put(seq, how, bool(joins))
    return stacks
