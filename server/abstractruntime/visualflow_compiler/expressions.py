"""Expressions: an input without a wire may be computed, in the sandbox, when its step reads it.

`node.data.pinExpressions` holds a Python expression by input. It sees the node's other inputs by name, the
run's variables by name, and both whole as `pins` and `vars`. An input hides a function of the same name, a
function hides a variable. No other node is seen: what comes from there comes by a wire (decision 0028).
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Container, Iterator, Mapping
from typing import Any

from ..nodes.define import NodeError, Source
from .problem import Problem, set_to
from .sandbox_names import CONSTANTS, ERRORS, FUNCTIONS, MEMBERS
from .sandbox_words import SandboxRefusal

EXPRESSIONS = "pinExpressions"
MOST = 4_000  # characters
SECONDS = 1.0
FUNCTION = "expression"
_ARGUMENT = "_input"
_NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
_TEXT = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'")
_OWN = frozenset({*FUNCTIONS, *CONSTANTS, *ERRORS, *MEMBERS})


def expressions_of(data: Mapping[str, Any]) -> dict[str, str]:
    """Return the expressions of a node by input; what is no text or empty is none."""
    held = data.get(EXPRESSIONS)
    if held is None or not isinstance(held, Mapping):
        return {}
    return {str(pin): text for pin, text in held.items() if isinstance(text, str) and text.strip()}


def names_in(text: str) -> set[str]:
    """Return the names that an expression may mean: words that follow no dot."""
    return {name for name in _NAME.findall(text) if not keyword.iskeyword(name)}


def is_nameless(text: str) -> bool:
    """Say whether an expression names nothing outside its texts, so that its value is always the same."""
    return not names_in(_TEXT.sub("", text))


def source_of(text: str, names: list[str]) -> Source:
    """Return the function that gives the value of an expression which sees these names."""
    head = [f"def {FUNCTION}({_ARGUMENT}):", *(f"    {name} = {_ARGUMENT}[{name!r}]" for name in names)]
    lines = [*head, "    return (", *text.replace("\r\n", "\n").split("\n"), "    )"]
    return Source("\n".join(lines), FUNCTION, skip_lines=len(head) + 1)


def argument(text: str, pins: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that an expression names: of inputs, then of variables that no function is called like."""
    wanted = names_in(text)
    seen: dict[str, Any] = {}
    if "vars" in wanted:
        seen["vars"] = {name: value for name, value in variables.items() if not name.startswith("_")}
    if "pins" in wanted:
        seen["pins"] = dict(pins)
    for name in sorted(wanted):
        if name in pins:
            seen[name] = pins[name]
        elif name in variables and not name.startswith("_") and name not in _OWN and name not in seen:
            seen[name] = variables[name]
    return seen


def evaluate(
    sandbox: Any,
    text: str,
    pin: str,
    pins: Mapping[str, Any],
    variables: Mapping[str, Any],
    *,
    now: str,
    seed: str,
) -> Any:
    """Return the value of an expression; raise NodeError that says what is wrong with it."""
    if sandbox is None:
        raise NodeError(
            "Expressions cannot be computed here: this program has no sandbox.", code="code.unavailable"
        )
    given = argument(text, pins, variables)
    source = source_of(text, list(given))
    try:
        result = sandbox.run(
            source.text, FUNCTION, given, now=now, seed=seed, seconds=SECONDS, skip_lines=source.skip_lines
        )
    except SandboxRefusal as refusal:
        raise NodeError(
            f"The expression of '{pin}' has no value: {explained(refusal, given, pins, variables)}",
            code="expression.failed",
            pin=pin,
        ) from refusal
    return result.value


def unknown_name(refusal: SandboxRefusal) -> str:
    """Return the name in an expression that stands for nothing, or "" when it failed otherwise."""
    found = re.search(r"name '(\w+)' is not defined", refusal.why or str(refusal))
    return found[1] if found else ""


def explained(
    refusal: SandboxRefusal, given: Mapping[str, Any], pins: Mapping[str, Any], variables: Mapping[str, Any]
) -> str:
    """Say why an expression has no value: in the sandbox's words, and what the names in it are."""
    if unknown := unknown_name(refusal):
        known = sorted({*pins, *(name for name in variables if not name.startswith("_"))})
        shown = ", ".join(known[:12]) + (", …" if len(known) > 12 else "")
        return f"there is no '{unknown}' here. It may name: {shown or 'functions only'}."
    words = str(refusal)
    if "TypeError" in words and given:
        kinds = ", ".join(f"`{name}` is {kind_of(value)}" for name, value in list(given.items())[:6])
        return f"{words} ({kinds})"
    return words


def kind_of(value: Any) -> str:
    """Say what kind of value this is, in the words of pins."""
    if value is None:
        return "nothing (None)"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return (
        "a list"
        if isinstance(value, list)
        else "an object"
        if isinstance(value, Mapping)
        else type(value).__name__
    )


def mismatch(kind: str, value: Any) -> str:
    """Say how a value differs from what an input of this type takes; "" when it does not."""
    wanted = {
        "string": "a text",
        "number": "a number",
        "boolean": "true or false",
        "array": "a list",
        "object": "an object",
    }
    if value is None or kind not in wanted or kind_of(value) == wanted[kind]:
        return ""
    return f"It gives {kind_of(value)}, but this input takes {wanted[kind]}; it is handed over as it is."


def expression_problems(
    node_id: str, name: str, data: Mapping[str, Any], pins: Container[str], wired: Container[str]
) -> Iterator[Problem]:
    """Yield what of a node's expressions cannot be used, or means nothing. `pins` are its data inputs."""
    held = data.get(EXPRESSIONS)
    if held is None:
        return
    if not isinstance(held, Mapping):
        text = f"{name}: its expressions are no object by input; they are not used."
        yield Problem(
            "risk",
            "expression.value",
            text,
            node_id,
            EXPRESSIONS,
            set_to("Remove them", node_id, EXPRESSIONS),
        )
        return
    for pin, text in held.items():
        where = (EXPRESSIONS, str(pin))
        gone = set_to("Remove the expression", node_id, where)
        if pin not in pins:
            words = f"{name} has no input '{pin}', so the expression for it has no effect."
            yield Problem("risk", "expression.unknown_pin", words, node_id, str(pin), gone)
        elif not isinstance(text, str) or not text.strip():
            words = f"{name}: the expression of '{pin}' is empty; the input has its value as without one."
            yield Problem("risk", "expression.value", words, node_id, str(pin), gone)
        elif len(text) > MOST:
            words = f"{name}: the expression of '{pin}' has {len(text):,} characters; more than {MOST:,} belong into a code node."
            yield Problem("error", "expression.too_long", words, node_id, str(pin))
        elif pin in wired:
            words = f"{name}: '{pin}' has a wire, so its expression has no effect."
            yield Problem("note", "expression.wired", words, node_id, str(pin), gone)
