"""Doing something again: for each item, for a count, for as long as something holds.

A loop keeps a small frame in the run's memory and is asked again when its branch has ended, so a wait
or a restart in the middle of a turn changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .authored import pin_value
from .define import EXEC_IN, UNSET, Call, Example, Finding, Goto, NodeError, Pin, control
from .values import items, number, truth

Json = Any


def _over(call: Call, *values: str) -> Goto:
    """Go on; a loop that took no turn forgets what an earlier use of it left at its pins."""
    return Goto("done", {} if call.frame else dict.fromkeys(values))


_LOOP = Pin("loop", "execution", description="Taken once for each turn.")
_DONE = Pin("done", "execution", description="Taken when there are no more turns.")


@control(
    "loop",
    family="control",
    label="ForEach",
    sentence="For each of {items}",
    inputs=(EXEC_IN, Pin("items", "array", [], "The list to go through.")),
    outputs=(
        _LOOP,
        _DONE,
        Pin("item", "any", description="The item of this turn."),
        Pin("index", "number", description="The number of this turn, from 0."),
        Pin("total", "number", description="How many items there are.", hidden=True),
    ),
    loops=True,
    rereads=False,
    carries="both",
    keywords=("each", "iterate", "repeat", "list", "array", "foreach"),
    examples=(
        Example({"items": ["a", "b"]}, {"goto": "loop", "item": "a", "index": 0, "total": 2}),
        Example(
            frame={"items": ["a", "b"], "index": 1},
            outputs={"goto": "loop", "item": "b", "index": 1, "total": 2},
            note="The next turn.",
        ),
        Example(frame={"items": ["a", "b"], "index": 2}, outputs={"goto": "done"}, note="After the last."),
        Example(
            {"items": None},
            {"goto": "done", "item": None, "index": None, "total": None},
            note="Nothing to go through.",
        ),
        Example({"items": "one"}, {"goto": "loop", "item": "one", "index": 0, "total": 1}),
    ),
)
def loop(call: Call) -> Goto:
    """Run the loop branch once for each item of a list, then go on at done.

    The list is read once, when the loop begins. A single value counts as a list of one.
    """
    listed = call.frame["items"] if call.frame else items(call.get("items"))
    index = call.frame.get("index", 0)
    if index >= len(listed) or "loop" not in call.exits:
        return _over(call, "item", "index", "total")
    turn = {"item": listed[index], "index": index, "total": len(listed)}
    return Goto("loop", turn, loop={"items": listed, "index": index + 1})


def _range_number(call: Call, pin: str) -> int | float:
    try:
        return number(call.get(pin), pin)
    except NodeError:
        raise NodeError(
            "For loop requires numeric 'start' and 'end'.", code="for.not_number", pin=pin
        ) from None


def _turns(start: float, end: float, step: float, most: int) -> int:
    """Count the turns of a range; more than `most` is an error."""
    if not step:
        raise NodeError("For loop requires a non-zero 'step'.", code="for.no_step", pin="step")
    if all(isinstance(each, int) for each in (start, end, step)):
        count = max(0, -((start - end) // step)) if step > 0 else max(0, -((end - start) // -step))
    else:
        exact = (end - start) / step
        count = most + 1 if exact > most + 1 else max(0, math.ceil(exact))
    if count > most:
        raise NodeError(f"For loop exceeded max_iterations={most}", code="for.too_long", pin="end")
    while count and not (start + (count - 1) * step < end if step > 0 else start + (count - 1) * step > end):
        count -= 1
    return int(count)


def _check_for(data: Mapping[str, Json]) -> list[Finding]:
    findings = []
    for pin in ("start", "end", "step"):
        value = pin_value(data, pin)
        if pin == "step" and (value is UNSET or value is None):
            continue
        try:
            if not number(None if value is UNSET else value, pin) and pin == "step":
                mend = {"pinDefaults.step": 1}
                message = "A step of 0 never arrives."
                findings.append(
                    Finding("risk", "for.no_step", message, pin=pin, sets=mend, label="Count by 1")
                )
        except NodeError as problem:
            findings.append(Finding("risk", problem.code, f"The loop fails: {problem}", pin=pin))
    return findings


@control(
    "for",
    family="control",
    label="For",
    sentence="From {start} to {end}[ by {step}]",
    inputs=(
        EXEC_IN,
        Pin("start", "number", description="The first number."),
        Pin(
            "end",
            "number",
            description="Where to stop; this number itself is not reached.",
        ),
        Pin("step", "number", 1, "How far each turn goes; negative counts down."),
    ),
    outputs=(
        _LOOP,
        _DONE,
        Pin("i", "number", description="The number of this turn."),
        Pin("index", "number", description="How many turns there were before."),
        Pin("total", "number", description="How many turns there will be.", hidden=True),
    ),
    check=_check_for,
    loops=True,
    rereads=False,
    carries="both",
    template={"pinDefaults": {"start": 0, "end": 10, "step": 1}},
    keywords=("count", "repeat", "range", "times", "iterate", "number"),
    examples=(
        Example({"start": 1, "end": "3"}, {"goto": "loop", "i": 1, "index": 0, "total": 2}),
        Example(
            frame={"start": 3, "step": -1, "index": 2, "total": 3},
            outputs={"goto": "loop", "i": 1, "index": 2, "total": 3},
            note="Counting down from 3.",
        ),
        Example({"start": 5, "end": 5}, {"goto": "done", "i": None, "index": None, "total": None}),
        Example({"start": 0, "end": 3, "step": 0}, error="For loop requires a non-zero 'step'."),
        Example({"start": 0}, error="For loop requires numeric 'start' and 'end'."),
        Example({"start": 0, "end": 10001}, error="For loop exceeded max_iterations=10000"),
    ),
)
def for_(call: Call) -> Goto:
    """Count from one number to another and run the loop branch each time, then go on at done."""
    frame = call.frame
    if not frame:
        start, end = _range_number(call, "start"), _range_number(call, "end")
        given = call.get("step")
        step = 1 if given is None else number(given, "step")
        frame = {"start": start, "step": step, "total": _turns(start, end, step, call.most_turns), "index": 0}
    index, total = frame["index"], frame["total"]
    if index >= total or "loop" not in call.exits:
        return _over(call, "i", "index", "total")
    turn = {"i": frame["start"] + index * frame["step"], "index": index, "total": total}
    return Goto("loop", turn, loop={**frame, "index": index + 1})


def _check_while(data: Mapping[str, Json]) -> list[Finding]:
    try:
        endless = truth(pin_value(data, "condition"), "condition")
    except NodeError as problem:
        return [Finding("risk", problem.code, str(problem), pin="condition")]
    if endless:
        message = (
            "The condition is always true, so nothing but the limit on its turns ends the loop. "
            "Let it depend on something that a turn changes."
        )
        return [Finding("risk", "while.endless", message, pin="condition")]
    return []


@control(
    "while",
    family="control",
    label="While",
    sentence="As long as {condition}",
    inputs=(EXEC_IN, Pin("condition", "boolean", False, "Looked at before each turn.")),
    outputs=(
        _LOOP,
        _DONE,
        Pin("item", "any", description="What the node before gave, or the item of a loop around."),
        Pin("index", "number", description="How many turns there were before."),
    ),
    check=_check_while,
    turns_on="condition",
    loops=True,
    ambient=True,
    carries="both",
    keywords=("repeat", "until", "loop", "condition", "again"),
    examples=(
        Example({"condition": True}, {"goto": "loop", "index": 0, "item": {"x": 1}}, ambient={"x": 1}),
        Example(
            {"condition": "yes"},
            {"goto": "loop", "index": 4, "item": "kept"},
            frame={"turn": 4},
            ambient={"item": "kept"},
        ),
        Example({"condition": 0}, {"goto": "done", "item": None, "index": None}),
        Example({"condition": True}, frame={"turn": 10000}, error="While loop exceeded max_iterations=10000"),
    ),
)
def while_(call: Call) -> Goto:
    """Run the loop branch for as long as the condition holds, then go on at done."""
    turn = call.frame.get("turn", 0)
    if not truth(call.get("condition"), "condition") or "loop" not in call.exits:
        return _over(call, "item", "index")
    if turn >= call.most_turns:
        raise NodeError(
            f"While loop exceeded max_iterations={call.most_turns}", code="while.too_long", pin="condition"
        )
    before = call.ambient
    item = before["item"] if isinstance(before, Mapping) and "item" in before else before
    return Goto("loop", {"index": turn, "item": item}, loop={"turn": turn + 1})
