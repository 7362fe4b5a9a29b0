"""Comparing and combining."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from .authored import grown, pin_value
from .define import UNSET, Call, Example, Finding, Grow, NodeError, Pin, pure
from .values import clipped, text, truth

Json = Any

_RESULT = (Pin("result", "boolean", description="Whether it holds."),)
_ORDER: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_OPERATORS = ("==", "!=", *_ORDER)


def _operator(value: Json) -> str:
    word = "==" if value is None else text(value).strip()
    if word not in _OPERATORS:
        raise NodeError(
            f"Unknown comparison operator: {clipped(word, 60)}. Choose one of: {' '.join(_OPERATORS)}.",
            code="compare.unknown_operator",
            pin="op",
        )
    return word


def _check_compare(data: Mapping[str, Json]) -> list[Finding]:
    op = pin_value(data, "op")
    try:
        _operator(None if op is UNSET else op)
    except NodeError as problem:
        return [Finding("risk", problem.code, str(problem), pin="op")]
    return []


@pure(
    "compare",
    family="logic",
    label="Compare",
    sentence="{a} {op|name} {b}",
    inputs=(
        Pin("a", "any", description="The left side."),
        Pin("op", "string", "==", "How they are compared.", choices=_OPERATORS),
        Pin("b", "any", description="The right side."),
    ),
    outputs=_RESULT,
    check=_check_compare,
    template={"pinDefaults": {"op": "=="}},
    keywords=("equals", "greater", "less", "same", "different", "if", "condition"),
    examples=(
        Example({"a": 3, "op": "<", "b": 5}, {"result": True}),
        Example({"a": 1, "b": "1"}, {"result": False}, note="A number is not a text."),
        Example({"a": 1, "b": 1.0}, {"result": True}),
        Example({"a": "b", "op": ">", "b": 1}, {"result": False}, note="Unlike things have no order."),
        Example({"a": 1, "op": "~", "b": 1}, error="Unknown comparison operator: ~"),
    ),
)
def compare(call: Call) -> dict[str, Json]:
    """Compare two values.

    Equality looks at the value itself: the number 1 and the text 1 differ. Numbers and texts can be
    ordered, each among themselves.
    """
    op, left, right = _operator(call.get("op")), call.get("a"), call.get("b")
    if op in ("==", "!="):
        return {"result": (left == right) == (op == "==")}
    try:
        return {"result": bool(_ORDER[op](left, right))}
    except TypeError:
        return {"result": False}


_A = Pin("a", "boolean", False, "The first condition; empty, zero and null mean no.")
_B = Pin("b", "boolean", False, "The second condition; empty, zero and null mean no.")


@pure(
    "not",
    family="logic",
    label="NOT",
    sentence="Not {value}",
    inputs=(
        Pin("value", "boolean", False, "The condition that is turned round; empty, zero and null mean no."),
    ),
    outputs=_RESULT,
    keywords=("negate", "invert", "opposite"),
    examples=(
        Example({"value": True}, {"result": False}),
        Example({"value": "no"}, {"result": True}, note="The text no means no."),
        Example({"value": "perhaps"}, error="needs true or false"),
    ),
)
def not_(call: Call) -> dict[str, Json]:
    """Turn yes into no and no into yes."""
    return {"result": not truth(call.get("value"), "value")}


@pure(
    "and",
    family="logic",
    label="AND",
    inputs=(_A, _B),
    outputs=_RESULT,
    keywords=("both", "all"),
    examples=(
        Example({"a": True, "b": 1}, {"result": True}),
        Example({"a": True}, {"result": False}, note="A missing value means no."),
        Example({"a": False, "b": "perhaps"}, error="needs true or false"),
    ),
)
def and_(call: Call) -> dict[str, Json]:
    """Say yes when both values mean yes."""
    left, right = truth(call.get("a"), "a"), truth(call.get("b"), "b")
    return {"result": left and right}


@pure(
    "or",
    family="logic",
    label="OR",
    inputs=(_A, _B),
    outputs=_RESULT,
    keywords=("either", "any"),
    examples=(
        Example({"a": False, "b": "yes"}, {"result": True}),
        Example({"a": [], "b": None}, {"result": False}, note="Empty and null mean no."),
    ),
)
def or_(call: Call) -> dict[str, Json]:
    """Say yes when at least one value means yes."""
    left, right = truth(call.get("a"), "a"), truth(call.get("b"), "b")
    return {"result": left or right}


_CANDIDATES = Grow("inputs", "letters", 2, description="A value to take if none before it is there.")


@pure(
    "coalesce",
    family="logic",
    label="Coalesce",
    inputs=(_CANDIDATES.pin("a"), _CANDIDATES.pin("b")),
    outputs=(Pin("result", "any", description="The first value that is there."),),
    grows=_CANDIDATES,
    keywords=("first", "fallback", "default", "otherwise", "null", "empty"),
    examples=(
        Example({"a": None, "b": 0}, {"result": 0}, note="Zero, no and an empty text are values."),
        Example({}, {"result": None}),
        Example(
            {"c": "third"},
            {"result": "third"},
            data={"inputs": [{"id": name, "type": "any"} for name in ("a", "b", "c")]},
        ),
    ),
)
def coalesce(call: Call) -> dict[str, Json]:
    """Take the first of several values that is not null, in the order of the pins."""
    present = (call.inputs[pin] for pin in grown(call))
    return {"result": next((value for value in present if value is not None), None)}
