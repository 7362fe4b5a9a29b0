"""Deadlines of waits: how long a node waits, and what happens when nobody has answered by then.

A node type that waits takes its pins from `pins`, asks with `until_of` in its payload, and reads the
reply through `settled`. The author chooses by the setting `onTimeout`; without it the wait has no end, and
the check says so, until the author has chosen that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .ahead import ahead, told
from .authored import pin_value, setting
from .define import UNSET, Call, Field, Finding, Goto, NodeError, Pin
from .values import described, number

Json = Any

UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
_CHOICES = ("wait", "branch", "continue", "stop")

ON_TIMEOUT = Field(
    "onTimeout",
    "string",
    None,
    "Deadline",
    "Wait, or not set: for ever. Branch: control leaves by Timed out when nobody has answered in time. Continue: it goes "
    "on as if nothing had happened, with `timed_out` true. Stop: the run fails here.",
    choices=_CHOICES,
)
UNIT = Field(
    "effectConfig.deadlineUnit",
    "string",
    "days",
    "Unit of the deadline",
    "What the amount counts.",
    choices=tuple(UNITS),
)
FIELDS = (ON_TIMEOUT, UNIT)
SENTENCE = "[; due in {deadline} {effectConfig.deadlineUnit|unit}]"

REMIND = Field(
    "effectConfig.remindEvery",
    "number",
    None,
    "Remind every",
    "How long until the person is reminded, again and again until the deadline, in its unit; empty: never.",
)
PASS_AFTER = Field(
    "effectConfig.passOnAfter",
    "number",
    None,
    "Pass on after",
    "How long until somebody else is asked, in the unit of the deadline; empty: never.",
)
PASS_TO = Field(
    "effectConfig.passOnTo",
    "string",
    "",
    "Pass on to",
    "Who is asked then: a name, a role or a group. The first person can still answer.",
)
STAGES = (REMIND, PASS_AFTER, PASS_TO)
MOST_REMINDERS = 50

_IN = Pin("deadline", "number", 1, "How long to wait for an answer, in the unit chosen.")
_LATE = Pin("timeout", "execution", description="Taken when nobody has answered in time.", label="Timed out")
_TOLD = Pin("timed_out", "boolean", description="Whether nobody has answered in time.")


def is_chosen(data: Mapping[str, Json]) -> bool:
    """Whether the author has said what happens when nobody answers, be it that it waits for ever."""
    return setting(data, ON_TIMEOUT.path, None) in _CHOICES


def _mode(data: Mapping[str, Json]) -> str:
    mode = setting(data, ON_TIMEOUT.path, "wait")
    return mode if mode in _CHOICES else "wait"


def pins(
    inputs: tuple[Pin, ...], outputs: tuple[Pin, ...]
) -> Callable[[Mapping[str, Json]], tuple[tuple[Pin, ...], tuple[Pin, ...]]]:
    """Return the shape of a node that waits: its own pins, and those of the deadline that was chosen."""

    def shape(data: Mapping[str, Json]) -> tuple[tuple[Pin, ...], tuple[Pin, ...]]:
        mode = _mode(data)
        if mode == "wait":
            return inputs, outputs
        late = (_LATE,) if mode == "branch" else ()
        return (*inputs, _IN), (outputs[0], *late, *outputs[1:], _TOLD)

    return shape


def until_of(call: Call) -> dict[str, Json]:
    """Return the payload's `until`: the instant at which the wait ends; nothing without a deadline."""
    if _mode(call.data) == "wait":
        return {}
    amount, unit = (
        number(call.get("deadline", _IN.default), "deadline"),
        setting(call.data, UNIT.path, "days"),
    )
    seconds = UNITS.get(unit) if isinstance(unit, str) else None
    if seconds is None or amount <= 0:
        message = f"'deadline' needs an amount of {'time' if seconds is None else unit} above zero, but got "
        raise NodeError(message + f"{described(amount)}.", code="wait.deadline", pin="deadline")
    try:
        return {"until": ahead(call, amount * seconds), **told(call)}
    except OverflowError:
        message = f"'deadline' is too long: {described(amount)} in {unit}."
        raise NodeError(message, code="wait.deadline", pin="deadline") from None


def stages_of(call: Call) -> dict[str, Json]:
    """Return the payload's `stages`: what happens to a question before its deadline; nothing without one."""
    if _mode(call.data) == "wait":
        return {}
    unit = UNITS.get(str(setting(call.data, UNIT.path, "days")), UNITS["days"])
    most = number(call.get("deadline", _IN.default), "deadline")
    every, after = _amount(call.data, REMIND), _amount(call.data, PASS_AFTER)
    to = setting(call.data, PASS_TO.path, "")
    times: list[tuple[float, dict[str, Json]]] = []
    if every is not None:
        count = min(MOST_REMINDERS, int(most / every))
        times += [(every * turn, {}) for turn in range(1, count + 1) if every * turn < most]
    if after is not None and isinstance(to, str) and to.strip() and after < most:
        times = [each for each in times if each[0] != after]
        times.append((after, {"to": to.strip()}))
    stages = [
        {"at": ahead(call, amount * unit), **what} for amount, what in sorted(times, key=lambda each: each[0])
    ]
    return {"stages": stages} if stages else {}


def _amount(data: Mapping[str, Json], field: Field) -> float | None:
    """Return an amount of time above zero, None where there is none; raise NodeError for anything else."""
    value = setting(data, field.path, None)
    if value is None or value == "":
        return None
    amount = number(value, field.path)
    if not amount > 0:
        raise NodeError(
            f"'{field.label}' needs an amount above zero, but got {described(value)}.", code="wait.stage"
        )
    return amount


def settled(
    read: Callable[[Json, Call], dict[str, Json]], nothing: Mapping[str, Json]
) -> Callable[[Json, Call], Json]:
    """Return how a reply is read: by `read`, or `nothing` when the deadline was first."""

    def settle(reply: Json, call: Call) -> Json:
        mode = _mode(call.data)
        if mode == "wait":
            return read(reply, call)
        if not (isinstance(reply, Mapping) and reply.get("timed_out") is True):
            return {**read(reply, call), "timed_out": False}
        if mode == "stop":
            raise NodeError("Nobody has answered before the deadline.", code="wait.timed_out", pin="deadline")
        outputs = {**nothing, "timed_out": True}
        return Goto("timeout", outputs) if mode == "branch" else outputs

    return settle


def check_stages(data: Mapping[str, Json]) -> list[Finding]:
    """Find reminders, and somebody else to ask, that never come to that."""
    after, to = setting(data, PASS_AFTER.path, None), setting(data, PASS_TO.path, "")
    said = [field for field in (REMIND, PASS_AFTER) if setting(data, field.path, None) not in (None, "")]
    if not said:
        return []
    if _mode(data) == "wait":
        message = "Reminders and somebody else to ask come before a deadline; there is none, so nothing of that happens."
        sets = {ON_TIMEOUT.path: "branch", "pinDefaults.deadline": _later_than(data, said)}
        return [Finding("risk", "wait.stage", message, sets=sets, label="Give it a deadline")]
    most = pin_value(data, "deadline")
    most = _IN.default if most is UNSET else most
    found = []
    for field in said:
        amount = setting(data, field.path, None)
        if not _is_number(amount) or amount <= 0:
            found.append(
                Finding("risk", "wait.stage", f"'{field.label}' needs an amount of time above zero.")
            )
        elif _is_number(most) and amount >= most:
            message = f"'{field.label}' comes after the deadline, so it never happens."
            found.append(Finding("risk", "wait.stage", message, pin="deadline"))
    if after not in (None, "") and not (isinstance(to, str) and to.strip()):
        found.append(Finding("risk", "wait.stage", "The question is to be passed on: say to whom."))
    return found


def _later_than(data: Mapping[str, Json], fields: list[Field]) -> Json:
    """Return the deadline that is written, or one that lets these amounts come to pass."""
    given = [setting(data, field.path, None) for field in fields]
    most = max([amount for amount in given if _is_number(amount)], default=0)
    typed = pin_value(data, "deadline")
    return typed if _is_number(typed) and typed > most else max(_IN.default, 2 * most)


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def check(data: Mapping[str, Json]) -> list[Finding]:
    """Find a wait that may never end, and of which nobody has said that it may."""
    if is_chosen(data):
        return []
    message = "If nothing comes, this waits for ever. Give it a deadline, or choose “wait” as its deadline to say that it may."
    sets = {ON_TIMEOUT.path: "branch", "pinDefaults.deadline": _IN.default}
    return [Finding("risk", "wait.no_deadline", message, sets=sets, label="Give it a deadline of a day")]
