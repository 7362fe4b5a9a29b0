"""The settings with which a node was executed in a run: what its program says, not what stands in the flow today."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from abstractruntime.nodes.define import NodeType
from abstractruntime.visualflow_compiler.expressions import expressions_of
from abstractruntime.visualflow_compiler.policies import retry_of
from abstractruntime.visualflow_compiler.program import Op

from .data_values import Shown, shown
from .data_views import short

Json = Any
ABSENT = object()


@dataclass(frozen=True)
class Setting:
    """A setting of a visit. `origin` says where it comes from, `now` what the flow says today where that is otherwise."""

    value: Shown
    origin: str
    now: str = ""


def read_path(data: Mapping[str, Any], path: str) -> Any:
    """Return the value at a dotted path, or ABSENT."""
    value: Any = data
    for key in path.split("."):
        if not isinstance(value, Mapping) or key not in value:
            return ABSENT
        value = value[key]
    return value


def settings_used(kind: NodeType, op: Op, data: Mapping[str, Json]) -> tuple[list[Setting], list[Setting]]:
    """Return the settings that were made for a node, and those that are the type's own; `data` is the node today."""
    made: list[Setting] = []
    usual: list[Setting] = []
    for name, value, origin, today in (
        *_constants(op, data),
        *_fields(kind, op, data),
        *_policy(kind, op, data),
    ):
        setting = Setting(shown(name, value), origin, _now(value, today))
        (usual if origin == "default" else made).append(setting)
    return made, usual


def _now(value: Json, today: Json) -> str:
    if today is ABSENT:
        return "no longer set"
    same = type(value) is type(today) and value == today
    return "" if same else short(today) or "empty text"


def _constants(op: Op, data: Mapping[str, Json]) -> Iterator[tuple[str, Json, str, Json]]:
    """Yield the inputs that stood in the node: expressions, constants, and what the type gives."""
    expressions, set_today = expressions_of(data), data.get("pinDefaults")
    held = op.data.get("pinDefaults")
    mine = held if isinstance(held, Mapping) else {}
    today = set_today if isinstance(set_today, Mapping) else {}
    for pin, text in op.expressions.items():
        yield pin, f"= {text}", "expression", f"= {expressions[pin]}" if pin in expressions else ABSENT
    for pin, value in op.defaults.items():
        if pin in op.fed:
            continue
        if pin in mine:
            yield pin, value, "constant", today.get(pin, ABSENT)
        else:
            yield pin, value, "default", today.get(pin, value)


def _fields(kind: NodeType, op: Op, data: Mapping[str, Json]) -> Iterator[tuple[str, Json, str, Json]]:
    for field in kind.fields:
        value, today = read_path(op.data, field.path), read_path(data, field.path)
        if value is ABSENT and field.default is None and today in (ABSENT, None):
            continue
        name = field.label or field.path.rsplit(".", 1)[-1]
        said = dict(zip(field.choices, field.words, strict=False))
        usual = field.default if today is ABSENT else today
        held = field.default if value is ABSENT else _unbound(value, today)
        origin = "default" if value is ABSENT or value == field.default else "setting"
        yield name, _worded(held, said), origin, _worded(usual, said)


def _worded(value: Json, said: Mapping[str, str]) -> Json:
    """Return the words for one of a few choices."""
    return said.get(value, value) if isinstance(value, str) else value


def _unbound(value: Json, today: Json) -> Json:
    """Return a value without the digest of the program that a call was bound to, where only that is new."""
    told = isinstance(value, str) and isinstance(today, str) and value.startswith(f"{today}@")
    return today if told and today else value


def _policy(kind: NodeType, op: Op, data: Mapping[str, Json]) -> Iterator[tuple[str, Json, str, Json]]:
    """Yield how often a failed effect was to be tried, and its key."""
    held = data.get("policy")
    key = held.get("key") if isinstance(held, Mapping) else None
    today = retry_of(kind, data)
    if op.retry or today:
        yield "attempts", _attempts(op.retry), "policy" if op.retry else "default", _attempts(today)
    if op.key:
        yield "key", f"= {op.key}", "policy", f"= {key}" if key else ABSENT


def _attempts(retry: Mapping[str, float]) -> str:
    """Write how often an effect is tried, and with what pauses."""
    if not retry:
        return "1"
    return f"{retry['attempts']:g}, the first pause {retry['pause']:g} s, the longest {retry['longest']:g} s"
