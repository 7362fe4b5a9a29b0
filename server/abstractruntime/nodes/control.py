"""Choosing the way: branches, cases, sequences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from .authored import setting
from .define import EXEC_IN, Call, Example, Field, Finding, Goto, Grow, Pin, control
from .values import text, truth

Json = Any


@control(
    "if",
    family="control",
    label="If/Else",
    sentence="Whether {condition}",
    inputs=(EXEC_IN, Pin("condition", "boolean", None, "What decides.")),
    outputs=(
        Pin("true", "execution", description="Taken when the condition holds."),
        Pin("false", "execution", description="Taken when it does not."),
        Pin("branch", "string", hidden=True),
        Pin("condition", "any", hidden=True),
    ),
    carries="own",
    keywords=("branch", "condition", "decide", "when", "else", "choice", "gate"),
    examples=(
        Example({"condition": True}, {"goto": "true", "branch": "true", "condition": True}),
        Example(
            {"condition": "false"},
            {"goto": "false", "branch": "false", "condition": "false"},
            note="The text false means no.",
        ),
        Example({}, {"goto": "false", "branch": "false", "condition": None}),
        Example({"condition": "maybe"}, error="needs true or false"),
    ),
)
def if_(call: Call) -> Goto:
    """Go one way when the condition holds, the other way when it does not.

    Empty, zero, null and the texts false, no, off and 0 mean no.
    """
    condition = call.get("condition")
    branch = "true" if truth(condition, "condition") else "false"
    return Goto(branch, {"branch": branch, "condition": condition})


def _cases(data: Mapping[str, Json]) -> list[tuple[str, Json]]:
    """Return the usable cases: an id and a value each."""
    cases = setting(data, "switchConfig.cases")
    found = [case for case in cases if isinstance(case, Mapping)] if isinstance(cases, (list, tuple)) else []
    return [
        (str(case["id"]).strip(), case["value"])
        for case in found
        if str(case.get("id") or "").strip() and case.get("value") is not None
    ]


_CASE = "Taken when the value has the same text as this case."


def _switch_shape(data: Mapping[str, Json]) -> tuple[tuple[Pin, ...], tuple[Pin, ...]]:
    exits: dict[str, Json] = {}
    for name, value in _cases(data):
        exits.setdefault(name, value)
    ways = [
        Pin(f"case:{name}", "execution", label=text(each) or "(empty)", description=_CASE)
        for name, each in exits.items()
    ]
    rest = (
        Pin("default", "execution", description="Taken when no case fits."),
        Pin("branch", "string", hidden=True),
        Pin("value", "any", hidden=True),
        Pin("matched", "any", hidden=True),
    )
    return (EXEC_IN, Pin("value", "string", None, "What is compared with the cases.")), (*ways, *rest)


def _check_switch(data: Mapping[str, Json]) -> list[Finding]:
    findings = []
    cases = _cases(data)
    for value, count in Counter(text(value) for _, value in cases).items():
        if count > 1:
            message = f"{count} cases have the value '{value}'; only the first of them is ever taken."
            findings.append(Finding("risk", "switch.same_value", message))
    for name, count in Counter(name for name, _ in cases).items():
        if count > 1:
            message = f"{count} cases have the id '{name}', so they share one way out. Make it unique."
            findings.append(Finding("error", "switch.same_id", message))
    listed = setting(data, "switchConfig.cases")
    unusable = len(listed) - len(cases) if isinstance(listed, (list, tuple)) else 0
    if unusable:
        message = f"{unusable} of the cases lack an id or a value and are never taken."
        findings.append(Finding("risk", "switch.unusable_case", message))
    elif not cases:
        message = "There are no cases, so the way is always 'default'."
        findings.append(Finding("note", "switch.no_case", message))
    return findings


@control(
    "switch",
    family="control",
    label="Switch",
    sentence="By {value}",
    inputs=(EXEC_IN, Pin("value", "string", None, "What is compared with the cases.")),
    outputs=(Pin("default", "execution", description="Taken when no case fits."),),
    fields=(
        Field(
            "switchConfig.cases",
            "array",
            [],
            "Cases",
            "The values to compare with, in order; each gives a way out.",
            widget="cases",
        ),
    ),
    shape=_switch_shape,
    exits_follow=True,
    check=_check_switch,
    carries="own",
    template={"switchConfig": {"cases": []}},
    keywords=("case", "choose", "route", "branch", "match", "select"),
    examples=(
        Example(
            {"value": "red"},
            {"goto": "case:c1", "branch": "case:c1", "value": "red", "matched": "red"},
            data={"switchConfig": {"cases": [{"id": "c1", "value": "red"}, {"id": "c2", "value": "blue"}]}},
        ),
        Example(
            {"value": True},
            {"goto": "case:c3", "branch": "case:c3", "value": True, "matched": "true"},
            data={"switchConfig": {"cases": [{"id": "c1", "value": "1"}, {"id": "c3", "value": "true"}]}},
            note="Values are compared as text.",
        ),
        Example(
            {"value": "Red"},
            {"goto": "default", "branch": "default", "value": "Red"},
            data={"switchConfig": {"cases": [{"id": "c1", "value": "red"}]}},
            note="Capital letters count.",
        ),
    ),
)
def switch(call: Call) -> Goto:
    """Go the way whose case has the same text as the value, or the default way."""
    value = call.get("value")
    wanted = text(value)
    for name, case in _cases(call.data):
        if text(case) == wanted:
            branch = f"case:{name}"
            return Goto(branch, {"branch": branch, "value": value, "matched": case})
    return Goto("default", {"branch": "default", "value": value})


def _branches(call: Call) -> list[str]:
    """Return the wired branches in the order of their numbers."""
    numbered = [name for name in call.exits if name.startswith("then:")]
    return sorted(numbered, key=lambda name: (len(name), name))


def _next_branch(call: Call, after: str) -> Goto:
    branches = _branches(call)
    place = call.frame.get("next", 0)
    if place >= len(branches):
        return Goto(after)
    return Goto(branches[place], loop={"next": place + 1})


def _two_of(branches: Grow) -> tuple[Pin, Pin]:
    return branches.pin("then:0", "Then 0"), branches.pin("then:1", "Then 1")


_STEPS = Grow(
    "outputs",
    "then",
    2,
    "execution",
    "One branch; it begins when the branch with the number before has nothing more to do.",
)
_FORKS = Grow(
    "outputs",
    "then",
    2,
    "execution",
    "One branch; it begins when the branch with the number before has ended or waits.",
)


@control(
    "sequence",
    family="control",
    label="Sequence",
    inputs=(EXEC_IN,),
    outputs=_two_of(_STEPS),
    grows=_STEPS,
    keywords=("steps", "order", "then", "after", "list"),
    examples=(
        Example(outputs={"goto": "then:0"}),
        Example(frame={"next": 1}, outputs={"goto": "then:1"}, note="After the first branch has ended."),
        Example(frame={"next": 2}, outputs={"goto": ""}, note="After the last one the node is done."),
    ),
)
def sequence(call: Call) -> Goto:
    """Run several branches one after the other.

    Each branch runs until it has nothing more to do. There is no way out behind the last one.
    """
    return _next_branch(call, "")


@control(
    "parallel",
    family="control",
    label="Parallel",
    inputs=(EXEC_IN,),
    outputs=(
        *_two_of(_FORKS),
        Pin(
            "completed",
            "execution",
            description="Taken once, when all branches have ended.",
            label="Completed",
        ),
    ),
    grows=_FORKS,
    forks=True,
    keywords=("fork", "join", "all", "together", "concurrent", "split"),
    examples=(
        Example(outputs={"goto": "then:0"}),
        Example(frame={"next": 2}, outputs={"goto": "completed"}, note="When all branches have ended."),
    ),
)
def parallel(call: Call) -> Goto:
    """Run several branches and go on at completed when all of them have ended.

    They begin in their order, each as far as it comes. Where one waits for a person, an event, a moment or
    another flow, the next one goes on: several questions may be open at once, and are answered in any
    order. Variables are shared. When a step fails, the other branches are over too.
    """
    going = _next_branch(call, "completed")
    if going.loop is None:
        return going
    return Goto(going.pin, loop={**going.loop, "left": len(_branches(call)) - going.loop["next"]})
