"""Calculating. Whole numbers stay whole as long as the result is."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from .define import Call, Example, NodeError, Pin, pure
from .values import number, whole

Json = Any
Number = int | float

_MOST_BITS = 1023  # as far as a number with a point reaches
_MOST_DECIMALS = 300


def _finite(compute: Callable[[Number, Number], Any], left: Number, right: Number) -> dict[str, Json]:
    """Compute and refuse what is no number that JSON can hold."""
    try:
        result = compute(left, right)
    except OverflowError:
        result = math.inf
    if isinstance(result, complex):
        raise NodeError("The result is not a real number.", code="math.not_real")
    too_big = result.bit_length() > _MOST_BITS if isinstance(result, int) else not math.isfinite(result)
    if too_big:
        raise NodeError("The result is too large.", code="math.too_large")
    return {"result": result}


def _two(first: str, second: str, default: Number = 0) -> tuple[Pin, Pin]:
    """Return the pins of a calculation with two numbers, by what each of them is in it."""
    return Pin("a", "number", 0, first), Pin("b", "number", default, second)


def _result(description: str) -> tuple[Pin, ...]:
    return (Pin("result", "number", description=description),)


def _pair(call: Call, right_default: Number = 0) -> tuple[Number, Number]:
    return number(call.get("a", 0), "a"), number(call.get("b", right_default), "b")


@pure(
    "add",
    family="math",
    label="Add",
    inputs=_two("The number to begin with.", "The number that is added."),
    outputs=_result("The sum of both; whole when both are whole."),
    keywords=("plus", "sum", "+", "increment"),
    examples=(
        Example({"a": 2, "b": 3}, {"result": 5}),
        Example({"a": "1.5", "b": True}, {"result": 2.5}, note="Numeric text counts as a number."),
        Example({"a": "two"}, error="'a' needs a number"),
        Example({"a": None}, error="'a' needs a number"),
    ),
)
def add(call: Call) -> dict[str, Json]:
    """Add two numbers."""
    return _finite(operator.add, *_pair(call))


@pure(
    "subtract",
    family="math",
    label="Subtract",
    sentence="{a} − {b}",
    inputs=_two("The number to begin with.", "The number that is taken away."),
    outputs=_result("The difference; below 0 when `b` is the larger one."),
    keywords=("minus", "difference", "-", "decrement"),
    examples=(
        Example({"a": 2, "b": 3}, {"result": -1}),
        Example({"a": 4}, {"result": 4}, note="A missing number counts as 0."),
    ),
)
def subtract(call: Call) -> dict[str, Json]:
    """Take the second number from the first."""
    return _finite(operator.sub, *_pair(call))


@pure(
    "multiply",
    family="math",
    label="Multiply",
    inputs=_two("One factor.", "The other factor."),
    outputs=_result("The product of both; whole when both are whole."),
    keywords=("times", "product", "*"),
    examples=(
        Example({"a": 4, "b": 2.5}, {"result": 10.0}),
        Example({"a": "3", "b": True}, {"result": 3}, note="Text that is a number counts, and true is 1."),
        Example({"a": 1e308, "b": 10}, error="too large"),
    ),
)
def multiply(call: Call) -> dict[str, Json]:
    """Multiply two numbers."""
    return _finite(operator.mul, *_pair(call))


def _quotient(left: Number, right: Number) -> Number:
    if not right:
        raise NodeError("Division by zero", code="math.by_zero", pin="b")
    exact = isinstance(left, int) and isinstance(right, int) and left % right == 0
    return left // right if exact else left / right


@pure(
    "divide",
    family="math",
    label="Divide",
    sentence="{a} ÷ {b}",
    inputs=_two("The number that is divided.", "The number to divide by; 0 is an error.", 1),
    outputs=_result("How often `b` goes into `a`; whole when both are whole and nothing is left over."),
    keywords=("quotient", "ratio", "/", "by"),
    examples=(
        Example({"a": 6, "b": 3}, {"result": 2}),
        Example({"a": 7, "b": 2}, {"result": 3.5}),
        Example({"a": 1, "b": 0}, error="Division by zero"),
    ),
)
def divide(call: Call) -> dict[str, Json]:
    """Divide the first number by the second."""
    return _finite(_quotient, *_pair(call, 1))


def _remainder(left: Number, right: Number) -> Number:
    if not right:
        raise NodeError("Modulo by zero", code="math.by_zero", pin="b")
    return left % right


@pure(
    "modulo",
    family="math",
    label="Modulo",
    sentence="Rest of {a} ÷ {b}",
    inputs=_two("The number that is divided.", "The number to divide by; 0 is an error.", 1),
    outputs=_result("What is left over, with the sign of `b`."),
    keywords=("remainder", "rest", "%", "even", "odd"),
    examples=(
        Example({"a": 7, "b": 3}, {"result": 1}),
        Example({"a": -7, "b": 3}, {"result": 2}, note="The rest has the sign of b."),
        Example({"a": 1, "b": 0}, error="Modulo by zero"),
    ),
)
def modulo(call: Call) -> dict[str, Json]:
    """Give what is left over when the first number is divided by the second."""
    return _finite(_remainder, *_pair(call, 1))


def _raised(base: Number, exponent: Number) -> Any:
    if isinstance(base, int) and isinstance(exponent, int):
        if exponent < 0:
            return _power_of_float(float(base), exponent)
        if abs(base) > 1 and base.bit_length() * exponent > 2 * _MOST_BITS:
            raise OverflowError
        return base**exponent
    return _power_of_float(base, exponent)


def _power_of_float(base: Number, exponent: Number) -> Any:
    try:
        return base**exponent
    except ZeroDivisionError:
        raise NodeError("Zero has no negative power.", code="math.by_zero", pin="base") from None


@pure(
    "power",
    family="math",
    label="Power",
    sentence="{base} to the power of {exp}",
    inputs=(
        Pin("base", "number", 0, "The number that is raised."),
        Pin("exp", "number", 1, "The power: 2 gives the square, 0.5 the square root, -1 the reciprocal."),
    ),
    outputs=_result("`base` to the power `exp`; whole when both are whole and `exp` is not negative."),
    keywords=("exponent", "square", "root", "^", "**"),
    examples=(
        Example({"base": 2, "exp": 10}, {"result": 1024}),
        Example({"base": 9, "exp": 0.5}, {"result": 3.0}),
        Example({"base": -1, "exp": 0.5}, error="not a real number"),
        Example({"base": 10, "exp": 1000000000}, error="too large"),
    ),
)
def power(call: Call) -> dict[str, Json]:
    """Raise a number to a power; the power 0.5 is the square root."""
    return _finite(_raised, number(call.get("base", 0), "base"), number(call.get("exp", 1), "exp"))


@pure(
    "abs",
    family="math",
    label="Absolute",
    sentence="{value} without its sign",
    inputs=(Pin("value", "number", 0, "The number whose sign is dropped."),),
    outputs=_result("How far the number is from 0; never negative."),
    keywords=("magnitude", "positive", "distance"),
    examples=(
        Example({"value": -3}, {"result": 3}),
        Example({"value": "-2.5"}, {"result": 2.5}),
    ),
)
def absolute(call: Call) -> dict[str, Json]:
    """Give a number without its sign."""
    return {"result": abs(number(call.get("value", 0), "value"))}


@pure(
    "number_from_text",
    family="math",
    label="Number From Text",
    sentence="The number in {text}",
    converts=True,
    inputs=(
        Pin(
            "text",
            "string",
            "",
            "A number as it is written: 12, -2.5 or 1e3; blanks around it do not matter.",
        ),
    ),
    outputs=_result("The number; a whole one stays whole."),
    keywords=("parse", "convert", "cast", "float", "integer", "read"),
    examples=(
        Example({"text": " 12 "}, {"result": 12}),
        Example({"text": "-2.5"}, {"result": -2.5}),
        Example({"text": "a dozen"}, error="'text' needs a number", note="What is no number ends the step."),
    ),
)
def number_from_text(call: Call) -> dict[str, Json]:
    """Read the number that a text spells."""
    return {"result": number(call.get("text", ""), "text")}


@pure(
    "round",
    family="math",
    label="Round",
    sentence="{value} rounded to {decimals} places",
    inputs=(
        Pin("value", "number", 0, "The number to round."),
        Pin("decimals", "number", 0, "How many digits stay behind the point."),
    ),
    outputs=_result("The nearest number with that many digits; whole when `decimals` is 0 or less."),
    keywords=("integer", "decimals", "precision"),
    examples=(
        Example({"value": 3.14159, "decimals": 2}, {"result": 3.14}),
        Example({"value": 2.5}, {"result": 2}, note="A half goes to the even neighbour."),
        Example({"value": 1234, "decimals": -2}, {"result": 1200}),
    ),
)
def round_(call: Call) -> dict[str, Json]:
    """Round a number; with no decimals the result is a whole number."""
    value, decimals = number(call.get("value", 0), "value"), whole(call.get("decimals", 0), "decimals")
    decimals = max(-_MOST_DECIMALS, min(decimals, _MOST_DECIMALS))
    rounded = round(value, decimals)
    return {"result": int(rounded) if decimals <= 0 else rounded}


def _bounds(call: Call, read: Callable[[Json, str], Any], highest: Number) -> tuple[Any, Any]:
    """Read the limits in rising order; what is no number counts as its default."""
    limits = []
    for pin, default in (("min", 0), ("max", highest)):
        try:
            limits.append(read(call.get(pin, default), pin))
        except NodeError:
            limits.append(default)
    return min(limits), max(limits)


@pure(
    "random_int",
    family="math",
    label="Random Int",
    sentence="Any whole number from {min} to {max}",
    inputs=(
        Pin("min", "number", 0, "The smallest number."),
        Pin("max", "number", 100, "The largest number; it may come up."),
    ),
    outputs=_result("A whole number from `min` to `max`; both may come up."),
    once=True,
    keywords=("dice", "chance", "lottery", "pick"),
    examples=(
        Example({"min": 1, "max": 6}, {"result": 2}, note="A die; another step may throw another number."),
        Example({"min": 7.9, "max": 7}, {"result": 7}, note="What follows the point is cut off."),
    ),
)
def random_int(call: Call) -> dict[str, Json]:
    """Draw a whole number by chance.

    All readers of one step get the same number, also when the step is repeated after a restart.
    """
    low, high = _bounds(call, whole, 100)
    return {"result": call.random.randint(low, high)}


@pure(
    "random_float",
    family="math",
    label="Random Float",
    sentence="Any number from {min} to {max}",
    inputs=(Pin("min", "number", 0, "The smallest number."), Pin("max", "number", 1, "The largest number.")),
    outputs=_result("A number with decimals, from `min` to `max`."),
    once=True,
    keywords=("chance", "probability", "percent"),
    examples=(
        Example({}, {"result": 0.13436424411240122}, note="Another step may get another number."),
        Example({"min": 1, "max": "1"}, {"result": 1.0}),
    ),
)
def random_float(call: Call) -> dict[str, Json]:
    """Draw a number between two others by chance.

    All readers of one step get the same number, also when the step is repeated after a restart.
    """
    low, high = _bounds(call, number, 1)
    return {"result": min(max(low + (high - low) * call.random.random(), low), high)}
