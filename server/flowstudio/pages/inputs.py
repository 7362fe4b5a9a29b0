"""The values of a start node as fields of a form, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

from starlette.datastructures import FormData

from ..flow_inputs import Input, inputs_of, json_types
from .form import text

Json = Any
KINDS = {"number": "number", "boolean": "boolean", "string": "text"}


@dataclass(frozen=True)
class InputField:
    """One value that a flow takes: `kind` is text, number, boolean or json."""

    id: str
    label: str
    type: str
    kind: str
    value: Json = ""
    description: str = ""
    choices: tuple[str, ...] = ()
    wrong: str = ""


class BadValue(ValueError):
    """A field cannot be read; `fields` are all of them, the wrong ones saying why."""

    def __init__(self, fields: list[InputField]) -> None:
        super().__init__("; ".join(f"{field.label}: {field.wrong}" for field in fields if field.wrong))
        self.fields = fields


def fields_of(document: Mapping[str, Json]) -> list[InputField]:
    """Return what a flow's start node takes, with its defaults."""
    return [_field(each) for each in inputs_of(document)]


def filled(fields: list[InputField], inputs: Mapping[str, Json]) -> list[InputField]:
    """Return fields with these values; those of which there is none stay as they are."""
    return [
        replace(field, value=_shown(field.kind, inputs[field.id])) if field.id in inputs else field
        for field in fields
    ]


def read_inputs(fields: list[InputField], form: FormData) -> dict[str, Json]:
    """Read a posted form; raise BadValue. A number or JSON left empty is not given at all."""
    values: dict[str, Json] = {}
    told = []
    for field in fields:
        raw = text(form, f"in:{field.id}")
        try:
            if field.kind == "boolean":
                values[field.id] = bool(raw)
            elif field.kind == "text" or raw.strip():
                values[field.id] = _value(field, raw)
            told.append(replace(field, value=bool(raw) if field.kind == "boolean" else raw))
        except ValueError as error:
            told.append(replace(field, value=raw, wrong=str(error)))
    if any(field.wrong for field in told):
        raise BadValue(told)
    return values


def _field(each: Input) -> InputField:
    types = json_types(each.type)
    form = KINDS.get(types[0], "json") if types else "json"
    return InputField(
        id=each.id,
        label=each.label,
        type=each.type,
        kind=form,
        value=_shown(form, each.default),
        description=each.description,
    )


def _shown(kind: str, default: Json) -> Json:
    if kind == "boolean":
        return default is True
    if default is None:
        return ""
    return default if isinstance(default, str) else json.dumps(default, ensure_ascii=False, indent=2)


def _value(field: InputField, raw: str) -> Json:
    if field.kind == "text":
        return raw
    if field.kind == "number":
        return _number(raw)
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        if field.type == "any":
            return raw
        raise ValueError(f"This is not JSON: {error}.") from None


def _number(raw: str) -> int | float:
    try:
        value = json.loads(raw.strip().replace(",", "."))
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ValueError("This is not a number.")
    return value
