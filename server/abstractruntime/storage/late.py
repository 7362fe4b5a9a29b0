"""A run as it stands, whose variables are read from their text when somebody asks for them.

Most who look at a run want to know where it stands, and its variables are most of its text. What is taken
for granted is only the form in which we write; a text of any other form is read whole at once.

Nobody sees the difference: the first who asks for the variables, compares or copies the run makes it a plain `RunState`.
A text that turns out to be damaged is told then, as `StoreDamaged`, and again whenever somebody asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, SupportsIndex

from ..core.errors import LedgerBroken, StoreDamaged
from ..core.jsonsafe import decode, decode_from
from ..core.models import RunState, RunStatus
from .codec import wait_from_json
from .steps import fold_run

_LATE = "_late"  # in the fields of a run: its id, its text and what changed since
_BEFORE, _AFTER = ',"vars":{', ',"error":'  # a quote within text has a stroke before it, so these are keys
_OUTER = (
    "run_id",
    "workflow_id",
    "status",
    "current_node",
    "error",
    "created_at",
    "updated_at",
    "actor_id",
    "session_id",
    "parent_run_id",
)
_fields_of: Any = RunState.__dict__["__dict__"].__get__


def folded(run_id: str, text: str, deltas: Sequence[str]) -> RunState:
    """Rebuild a run from a whole state and what changed since; raise StoreDamaged naming the run."""
    try:
        return fold_run(text, deltas)
    except LedgerBroken as error:
        raise StoreDamaged(f"The history of run '{run_id}' does not fit its checkpoint: {error}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise StoreDamaged(f"The checkpoint of run '{run_id}' cannot be read: {error}.") from error


def lines(told: str) -> list[str]:
    """Return changes that are told a line each; within one there is no end of a line."""
    return told.split("\n") if told else []


def late_run(run_id: str, text: str, told: str) -> RunState:
    """Return the same run by its changes, a line each; only where it stands is read at once.

    Raises StoreDamaged where that cannot be told.
    """
    try:
        fields = _standing(text, told[told.rfind("\n") + 1 :])
    except (ValueError, TypeError, KeyError, StopIteration):
        fields = None
    if fields is None:
        return folded(run_id, text, lines(told))
    run = LateRun.__new__(LateRun)
    fields[_LATE] = (run_id, text, told)
    _fields_of(run).update(fields)
    return run


def _standing(text: str, last: str) -> dict[str, Any] | None:
    """Return all fields of a run but its variables, by its text and its last change; None for an unusual form."""
    start, end = text.find(_BEFORE), text.rfind(_AFTER)
    if not 0 < start < end or not last.startswith('{"node":') or not last.endswith("]}"):
        return None
    fields: dict[str, Any] = decode(f"{text[:start]}{text[end:]}")
    if (*fields,) != _OUTER:
        return None
    fields["current_node"], at = decode_from(last, 8)
    if not last.startswith(',"at":', at):
        return None
    fields["updated_at"], at = decode_from(last, at + 6)
    rest: dict[str, Any] = {}
    if last.startswith(',"rest":{', at):
        rest, at = decode_from(last, at + 8)
    if not last.startswith(',"ops":[', at):
        return None
    fields["status"] = RunStatus(rest["status"]) if rest else RunStatus.RUNNING
    fields["waiting"] = wait_from_json(rest.get("waiting"))
    fields["output"], fields["error"] = rest.get("output"), rest.get("error")
    return fields


class LateRun(RunState):
    """Until somebody wants all of it."""

    def __getattr__(self, name: str) -> Any:
        if name != "vars":
            raise AttributeError(f"'RunState' object has no attribute '{name}'", name=name, obj=self)
        return _whole(self)["vars"]

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        return _whole(self)

    def __eq__(self, other: object) -> bool:
        _whole(self)
        return self == other  # by what it is now

    __hash__ = None  # type: ignore[assignment]  # as of every run

    def __repr__(self) -> str:
        _whole(self)
        return repr(self)

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        _whole(self)
        return self.__reduce_ex__(protocol)


def _whole(run: LateRun) -> dict[str, Any]:
    """Read the variables, make the run a plain one, and return its fields."""
    fields: dict[str, Any] = _fields_of(run)
    late = fields.get(_LATE)
    if late is not None:
        if "vars" not in fields:
            run_id, text, told = late
            fields.setdefault(
                "vars", folded(run_id, text, lines(told)).vars
            )  # another thread may have been faster
        fields.pop(_LATE, None)
    run.__class__ = RunState  # type: ignore[assignment]
    return fields
