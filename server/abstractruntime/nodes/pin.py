"""Pins: the places of a node where wires end.

What is known of one pin is here; which pins a node has is said by its type (`define`) and its document (`pins`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_BETWEEN = re.compile(r"[\s_-]+")


class _Unset:
    """The mark for "no default": the pin is absent unless wired."""

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False


UNSET: Any = _Unset()


@dataclass(frozen=True)
class Pin:
    """A place where a wire can end.

    `id` is the key in documents; `label` defaults to it. `default` is what an unconnected input
    gets at run time (UNSET: nothing). `choices` limits text, `also` are other words that are read as one of them, in
    any case and spacing; `widget` names a template of the
    inspector (`templates/widgets/`) when the type's own does not fit. `hidden` pins are honoured
    when a document wires or defaults them but are not offered. `on_demand` outputs are made only when
    another node reads them, and are no part of the ambient value. `was` holds old ids.
    """

    id: str
    type: str = "any"
    default: Any = UNSET
    description: str = ""
    label: str | None = None
    choices: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    widget: str | None = None
    required: bool = False
    hidden: bool = False
    on_demand: bool = False
    was: tuple[str, ...] = ()

    @property
    def is_exec(self) -> bool:
        """Whether the pin carries control instead of a value."""
        return self.type == "execution"

    def allows(self, word: str) -> bool:
        """Whether a text is one of the choices, or is read as one."""
        return word in self.choices or bool(self.also and squeezed(word) in (*self.choices, *self.also))

    @property
    def has_default(self) -> bool:
        """Whether an unconnected pin gets a value (null is one)."""
        return self.default is not UNSET


def squeezed(word: str) -> str:
    """Return a word in small letters without spaces, dashes and underscores."""
    return _BETWEEN.sub("", word.lower())


def by_id(pins: Iterable[Pin]) -> dict[str, Pin]:
    """Return pins by their ids, in order."""
    return {pin.id: pin for pin in pins}


EXEC_IN = Pin("exec-in", "execution", label="")
EXEC_OUT = Pin("exec-out", "execution", label="")

# What a step whose failure is caught has besides its own pins (see `Field` ON_ERROR, decision 0010).
ERROR_OUT = Pin("exec-error", "execution", description="Taken when the step fails.", label="On error")
ERROR_PINS = (
    Pin("error_message", "string", description="What went wrong, when the step failed."),
    Pin("error_code", "string", description="The code of the failure; it stays the same in all versions."),
)
# One that goes on all the same says whether it did its work, where it has no such pin of its own.
SUCCESS = Pin("success", "boolean", description="Whether the step did its work.")
# For a step that lists it among its outputs: most need the last one's words only.
ERROR_ATTEMPTS = Pin("error_attempts", "array", description="What each attempt said, the first one first.")
