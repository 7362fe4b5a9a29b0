"""Variables of a run: reading and writing.

`read_variable` and `write_variable` are the only ways to the run's variables. A name is a path; names
that begin with `_` belong to the system: none is written, and only the run's limits can be read.
Writing copies what lies on the way, so a value that somebody else holds never changes under them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from .authored import pin_value
from .define import (
    EXEC_IN,
    EXEC_OUT,
    UNSET,
    Call,
    Example,
    Finding,
    NodeError,
    Pin,
    action,
    pure,
)
from .jsontext import decoded
from .paths import PathError, Segment, find, parse, write
from .values import described, text

Json = Any

_LIMITS = "_limits"
_NAME = Pin("name", "string", description="The name of the variable, as in total or order.lines[0].")
EMPTY: Mapping[str, Callable[[], Json]] = {
    "boolean": lambda: False,
    "number": lambda: 0,
    "string": lambda: "",
    "object": dict,
    "array": list,
    "any": lambda: None,
}


def read_variable(held: Mapping[str, Json], name: str) -> tuple[bool, Json]:
    """Return whether a run variable exists, and its value."""
    segments = parse(name.strip(), "name")
    if not segments or _is_hidden(segments[0].key) or segments[0].key not in held:
        return False, None
    return find(held[segments[0].key], segments[1:])


def _is_hidden(name: str) -> bool:
    return name.startswith("_") and name != _LIMITS


def variable_path(name: str, whose: str = "Set Variable") -> tuple[Segment, ...]:
    """Read the name of a variable that is to be written; raise NodeError when it may not be."""
    segments = parse(name.strip(), "name")
    if not segments:
        raise NodeError(f"{whose} requires a non-empty variable name.", code="variable.no_name", pin="name")
    if segments[0].key.startswith("_"):
        raise NodeError(
            f"Invalid variable name '{name.strip()}': names starting with '_' are reserved.",
            code="variable.reserved",
            pin="name",
        )
    return segments


def write_variable(held: dict[str, Json], segments: tuple[Segment, ...], value: Json) -> None:
    """Put a value at the place of a run variable; objects on the way are made."""
    top = segments[0].key
    try:
        held[top] = write(held.get(top), segments[1:], value, "name")
    except PathError as problem:
        raise NodeError(f"Failed to set variable '{top}': {problem}", code=problem.code, pin="name") from None


def _check_name(data: Mapping[str, Json]) -> list[Finding]:
    name = pin_value(data, "name")
    try:
        variable_path("" if name is UNSET else text(name), "The node")
    except NodeError as problem:
        return [Finding("risk", problem.code, str(problem), pin="name")]
    return []


def _check_read(data: Mapping[str, Json]) -> list[Finding]:
    name = pin_value(data, "name")
    try:
        segments = parse("" if name is UNSET else text(name).strip(), "name")
    except NodeError as problem:
        return [Finding("risk", problem.code, str(problem), pin="name")]
    if not segments:
        message = "No variable is named, so the value is null."
        return [Finding("risk", "variable.no_name", message, pin="name")]
    if _is_hidden(segments[0].key):
        message = f"'{segments[0].key}' belongs to the system and cannot be read; the value is null."
        return [Finding("risk", "variable.reserved", message, pin="name")]
    return []


def _value_type(data: Mapping[str, Json], side: str) -> str:
    """Return the type that the document gives the value pin."""
    saved = data.get(side)
    pins = [pin for pin in saved if isinstance(pin, dict)] if isinstance(saved, (list, tuple)) else []
    types = [pin.get("type") for pin in pins if pin.get("id") == "value"]
    return types[0] if types and isinstance(types[0], str) and types[0] != "execution" else "any"


def _read(kind: str) -> Pin:
    return Pin("value", kind, description="What the variable holds now; null when there is none.")


def _get_shape(data: Mapping[str, Json]) -> tuple[tuple[Pin, ...], tuple[Pin, ...]]:
    return (_NAME,), (_read(_value_type(data, "outputs")),)


@pure(
    "get_var",
    family="variables",
    label="Get Variable",
    sentence="Value of {name|name}",
    inputs=(_NAME,),
    outputs=(_read("any"),),
    shape=_get_shape,
    reads="pinDefaults.name",
    check=_check_read,
    keywords=("read", "variable", "recall", "state", "memory"),
    examples=(
        Example({"name": "order.lines[0]"}, {"value": "tea"}, vars={"order": {"lines": ["tea"]}}),
        Example({"name": "unknown"}, {"value": None}),
        Example({"name": "_temp.x"}, {"value": None}, vars={"_temp": {"x": 1}}, note="Not for flows."),
    ),
)
def get_var(call: Call) -> dict[str, Json]:
    """Read a variable of the run as it is now; null when there is none."""
    return {"value": read_variable(call.vars, text(call.get("name")))[1]}


def _set_shape(data: Mapping[str, Json]) -> tuple[tuple[Pin, ...], tuple[Pin, ...]]:
    return _set_pins(_value_type(data, "inputs"), _value_type(data, "outputs"))


@lru_cache(maxsize=256)
def _set_pins(kind: str, given: str) -> tuple[tuple[Pin, ...], tuple[Pin, ...]]:
    value = Pin("value", kind, description="What to keep.")
    kept = Pin("value", given, description="What this step put into the variable.")
    return (EXEC_IN, _NAME, value), (EXEC_OUT, kept)


@action(
    "set_var",
    family="variables",
    label="Set Variable",
    sentence="Set {name|name} to {value}",
    inputs=_set_pins("any", "any")[0],
    outputs=_set_pins("any", "any")[1],
    shape=_set_shape,
    check=_check_name,
    writes="name",
    carries="before",
    keywords=("write", "variable", "remember", "store", "assign", "state", "memory"),
    examples=(
        Example({"name": "total", "value": 5}, {"value": 5}, vars_after={"total": 5}),
        Example(
            {"name": "a.b.c", "value": 1},
            {"value": 1},
            vars={"a": {"x": 0}},
            vars_after={"a": {"x": 0, "b": {"c": 1}}},
            note="Objects on the way are made.",
        ),
        Example(
            {"name": "count"},
            {"value": 0},
            data={"inputs": [{"id": "value", "type": "number"}]},
            vars_after={"count": 0},
            note="Without a value: what is empty for the kind of the pin.",
        ),
        Example({"name": " ", "value": 1}, error="Set Variable requires a non-empty variable name."),
        Example({"name": "_x", "value": 1}, error="Invalid variable name '_x': names starting with '_'"),
    ),
)
def set_var(call: Call) -> dict[str, Json]:
    """Keep a value in a variable of the run.

    Get Variable reads it from then on, also inside loops. A subflow has variables of its own.
    """
    segments = variable_path(text(call.get("name")))
    if "value" in call.inputs:
        value = call.inputs["value"]
    else:
        kind = _value_type(call.data, "inputs")
        value = EMPTY[kind]() if kind in ("boolean", "number", "string") else None
    write_variable(call.vars, segments, value)
    return {"value": value}


def _updates(value: Json) -> dict[str, Json]:
    given = value
    if isinstance(value, str):
        try:
            given = decoded(value) if value.strip() else {}
        except ValueError as problem:
            raise NodeError(f"'updates' is no JSON: {problem}.", code="json.invalid", pin="updates") from None
    if given is None:
        return {}
    if isinstance(given, dict):
        return given
    raise NodeError(
        f"'updates' needs an object of names and values, but got {described(value)}.",
        code="value.not_object",
        pin="updates",
    )


def _check_updates(data: Mapping[str, Json]) -> list[Finding]:
    given = pin_value(data, "updates")
    try:
        for name in _updates(None if given is UNSET else given):
            variable_path(name, "The node")
    except NodeError as problem:
        return [Finding("risk", problem.code, str(problem), pin="updates")]
    return []


@action(
    "set_vars",
    family="variables",
    label="Set Variables",
    sentence="Set {updates}",
    inputs=(EXEC_IN, Pin("updates", "object", {}, "Names and what to keep under them; may be JSON text.")),
    outputs=(EXEC_OUT, Pin("updates", "object", description="What was kept.")),
    check=_check_updates,
    writes="updates",
    carries="before",
    ends_with=("updates",),
    keywords=("write", "variables", "several", "many", "store", "assign", "state"),
    examples=(
        Example(
            {"updates": {"a": 1, "b.c": [2]}},
            {"updates": {"a": 1, "b.c": [2]}},
            vars_after={"a": 1, "b": {"c": [2]}},
        ),
        Example({"updates": '{"a": 1}'}, {"updates": {"a": 1}}, vars_after={"a": 1}),
        Example({}, {"updates": {}}, vars={"a": 1}, vars_after={"a": 1}, note="Nothing to keep."),
        Example(
            {"updates": {"a": 1, "_b": 2}},
            vars_after={},
            error="Invalid variable name '_b'",
            note="One bad name and nothing is kept.",
        ),
        Example({"updates": "{a"}, error="'updates' is no JSON"),
    ),
)
def set_vars(call: Call) -> dict[str, Json]:
    """Keep several values in variables of the run at once: all of them or none."""
    updates = _updates(call.get("updates"))
    try:
        places = [(variable_path(name), value) for name, value in updates.items()]
    except NodeError as problem:
        if problem.code != "variable.no_name":
            raise
        message = "Set Variables requires non-empty variable names in updates."
        raise NodeError(message, code=problem.code, pin="updates") from None
    trial: dict[str, Json] = {
        segments[0].key: call.vars[segments[0].key] for segments, _ in places if segments[0].key in call.vars
    }
    for segments, value in places:
        write_variable(trial, segments, value)
    for name, value in trial.items():
        call.vars[name] = value
    return {"updates": updates}


@action(
    "set_var_property",
    family="variables",
    label="Set Variable Property",
    sentence="Set {key|name} of {name|name} to {value}",
    inputs=(
        EXEC_IN,
        _NAME,
        Pin("key", "string", description="Which entry of it, as in address.city."),
        Pin("value", "any", description="What to put there."),
    ),
    outputs=(EXEC_OUT, Pin("value", "object", description="The whole variable after the change.")),
    check=_check_name,
    writes="name",
    carries="before",
    ends_with=("value",),
    keywords=("write", "field", "entry", "object", "update", "state"),
    examples=(
        Example(
            {"name": "user", "key": "address.city", "value": "Rome"},
            {"value": {"id": 1, "address": {"city": "Rome"}}},
            vars={"user": {"id": 1}},
            vars_after={"user": {"id": 1, "address": {"city": "Rome"}}},
        ),
        Example(
            {"name": "user", "key": "x", "value": None},
            {"value": {"x": None}},
            vars={"user": "a text"},
            vars_after={"user": {"x": None}},
            note="What is no object gives place to one.",
        ),
        Example({"name": "user", "key": "", "value": 1}, error="requires a non-empty key"),
        Example({"name": "", "key": "a"}, error="Set Variable Property requires a non-empty variable name."),
    ),
)
def set_var_property(call: Call) -> dict[str, Json]:
    """Change one entry of an object that is kept in a variable."""
    segments = variable_path(text(call.get("name")), "Set Variable Property")
    key = parse(text(call.get("key")).strip(), "key")
    if not key:
        message = "Set Variable Property requires a non-empty key."
        raise NodeError(message, code="variable.no_key", pin="key")
    held = read_variable(call.vars, text(call.get("name")))[1]
    changed = write(held if isinstance(held, (dict, list)) else {}, key, call.get("value"), "key")
    write_variable(call.vars, segments, changed)
    return {"value": changed}
