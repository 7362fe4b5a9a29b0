"""What the author of a flow set at a node: values beside pins, and settings.

Node functions use it for what `Call.inputs` cannot say (was it set, or is it the default?), checks for
reading `node.data` before any run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .define import UNSET, Call

Json = Any


def pin_value(data: Mapping[str, Json], pin: str) -> Json:
    """Return the value typed beside a pin, or UNSET."""
    values = data.get("pinDefaults")
    return values.get(pin, UNSET) if isinstance(values, Mapping) else UNSET


def setting(data: Mapping[str, Json], path: str, default: Json = None) -> Json:
    """Return a setting by its dotted path, or `default` when it is not there."""
    value: Json = data
    for key in path.split("."):
        if not isinstance(value, Mapping) or key not in value:
            return default
        value = value[key]
    return value


def grown(call: Call) -> list[str]:
    """Return the pins of a growing node that have a value: as drawn, then others, letters first."""
    others = [pin for pin in call.inputs if pin not in call.pins and not pin.startswith("_")]
    order = [*call.pins, *sorted(others, key=lambda pin: (len(pin) != 1, pin))]
    return [pin for pin in order if pin in call.inputs]


def chosen(call: Call, pin: str, path: str, default: Json = None) -> Json:
    """Return what was given: by wire or value at the pin, else by the setting, else `default`."""
    if pin in call.fed or pin_value(call.data, pin) is not UNSET:
        return call.get(pin)
    settled = setting(call.data, path)
    return call.get(pin, default) if settled is None or settled == "" else settled
