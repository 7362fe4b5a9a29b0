"""Variables that a flow declares: with a kind and a first value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .authored import setting
from .define import UNSET, Call, Example, Field, Finding, NodeError, Pin, pure
from .values import text
from .variables import EMPTY, read_variable, variable_path

Json = Any

_KINDS = (*EMPTY, "provider", "model", "tools", "assertion", "assertions")


def _fits(kind: str, value: Json) -> bool:
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    plain = {"string": str, "object": dict, "array": list}.get(kind)
    return plain is None or isinstance(value, plain)


def _declared(data: Mapping[str, Json], kind: str | None = None) -> tuple[str, str, Json]:
    """Return name, kind and first value of a declared variable; the first value fits the kind."""
    name = text(setting(data, "literalValue.name")).strip()
    wanted = kind or text(setting(data, "literalValue.type")).strip() or "any"
    first = setting(data, "literalValue.default", UNSET)
    if first is UNSET or not _fits(wanted, first):
        first = EMPTY.get(wanted, lambda: None)()
    return name, wanted, first


def _valued(call: Call, kind: str | None = None) -> dict[str, Json]:
    name, wanted, first = _declared(call.data, kind)
    found, value = read_variable(call.vars, name)
    return {"name": name, "value": value if found and _fits(wanted, value) else first}


def _seeds(kind: str | None = None) -> Callable[[Mapping[str, Json]], dict[str, Json]]:
    def seed(data: Mapping[str, Json]) -> dict[str, Json]:
        name, _, first = _declared(data, kind)
        if setting(data, "literalValue.default", UNSET) is UNSET or _check_declared(data):
            return {}
        return {name: first}

    return seed


def _check_declared(data: Mapping[str, Json]) -> list[Finding]:
    try:
        variable_path(text(setting(data, "literalValue.name")), "The node")
    except NodeError as problem:
        return [Finding("risk", problem.code, str(problem))]
    return []


def _told(kind: str) -> tuple[Pin, ...]:
    return (
        Pin("name", "string", description="Its name."),
        Pin("value", kind, description="Its value; the first value while nothing of its kind is set."),
    )


def _decl_shape(data: Mapping[str, Json]) -> tuple[tuple[Pin, ...], tuple[Pin, ...]]:
    kind = setting(data, "literalValue.type")
    return (), _told(kind if kind in _KINDS else "any")


@pure(
    "var_decl",
    family="variables",
    label="Variable",
    sentence="{literalValue.name|name}, at first {literalValue.default}",
    outputs=_told("any"),
    fields=(
        Field("literalValue.name", "string", "", "Name", "What the variable is called."),
        Field("literalValue.type", "string", "any", "Kind", "What it holds.", _KINDS),
        Field("literalValue.default", "any", None, "First value", "What it is until something is set."),
    ),
    shape=_decl_shape,
    seed=_seeds(),
    reads="literalValue.name",
    check=_check_declared,
    template={"literalValue": {"name": "", "type": "string", "default": ""}},
    keywords=("declare", "define", "typed", "state", "initial"),
    examples=(
        Example(
            {},
            {"name": "count", "value": 4},
            data={"literalValue": {"name": "count", "type": "number", "default": 1}},
            vars={"count": 4},
        ),
        Example(
            {},
            {"name": "count", "value": 1},
            data={"literalValue": {"name": "count", "type": "number", "default": 1}},
            vars={"count": True},
            note="A value of another kind does not count.",
        ),
        Example({}, {"name": "l", "value": []}, data={"literalValue": {"name": "l", "type": "array"}}),
    ),
)
def var_decl(call: Call) -> dict[str, Json]:
    """Declare a variable with its kind and its first value, and read it."""
    return _valued(call)


def _named_flag(data: dict[str, Json]) -> dict[str, Json]:
    """Older flows keep only the name."""
    value = data.get("literalValue")
    return {**data, "literalValue": {"name": value, "default": False}} if isinstance(value, str) else data


@pure(
    "bool_var",
    family="variables",
    label="Bool Variable",
    sentence="{literalValue.name|name}, at first {literalValue.default}",
    outputs=_told("boolean"),
    fields=(
        Field("literalValue.name", "string", "", "Name", "What the variable is called."),
        Field("literalValue.default", "boolean", False, "First value", "What it is until it is set."),
    ),
    seed=_seeds("boolean"),
    reads="literalValue.name",
    check=_check_declared,
    upgrade=_named_flag,
    template={"literalValue": {"name": "", "default": False}},
    keywords=("flag", "switch", "yes", "no", "declare", "state"),
    examples=(
        Example(
            {},
            {"name": "ready", "value": True},
            data={"literalValue": {"name": "ready", "default": False}},
            vars={"ready": True},
        ),
        Example(
            {},
            {"name": "ready", "value": True},
            data={"literalValue": {"name": "ready", "default": True}},
            vars={"ready": "yes"},
            note="Only true and false count.",
        ),
    ),
)
def bool_var(call: Call) -> dict[str, Json]:
    """Declare a variable that is true or false, and read it."""
    return _valued(call, "boolean")
