"""What is never the same in two runs, so that a comparison leaves it out and says so: the moment of a step, and ids."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..flow_tests.leaves import Other, others
from ..runner_visits import Visit
from .words import instant

Json = Any
RUN_IDS = ("sub_run_id",)  # outputs that name a run
NEAR = timedelta(seconds=2)  # a step writes its record a moment after it has looked at the clock
_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-f]{32}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?")


@dataclass(frozen=True)
class LeftOut:
    """A value that was not compared: its path, and by which rule."""

    path: str
    rule: str


def compared_outputs(one: Visit, other: Visit) -> tuple[list[str], list[LeftOut]]:
    """Return the outputs of two visits that differ, and what of them was left out by rule."""
    left, right = one.outputs, other.outputs
    differing: list[str] = []
    left_out: list[LeftOut] = []
    for pin in dict.fromkeys((*left, *right)):
        if pin in RUN_IDS:
            left_out.append(LeftOut(pin, "the id of a run"))
            continue
        if pin not in left or pin not in right:
            differing.append(pin)
            continue
        found = others(left[pin], right[pin], path=pin)
        rules = [(each.path, rule_for(each, one, other)) for each in found]
        left_out += [LeftOut(path, rule) for path, rule in rules if rule]
        if any(not rule for _, rule in rules) or (not found and _is_other(left[pin], right[pin])):
            differing.append(pin)
    return differing, left_out


def rule_for(leaf: Other, one: Visit, other: Visit) -> str:
    """Return by which rule a leaf that differs is left out, "" for by none."""
    pair = ((leaf.before, one), (leaf.after, other))
    if not all(isinstance(value, str) for value, _ in pair):
        return ""
    if all(_ID.fullmatch(value) for value, _ in pair):
        return "an id"
    return "the time of the step" if all(_is_moment(value, visit) for value, visit in pair) else ""


def _is_moment(text: str, visit: Visit) -> bool:
    """Say whether a text is an instant within the visit itself: what its step read from the clock."""
    if not _INSTANT.fullmatch(text):
        return False
    found, begin, end = instant(text), instant(visit.started_at), instant(visit.ended_at)
    if found is None or begin is None:
        return False
    last: datetime = end if end is not None else begin
    return begin - NEAR <= found <= last + NEAR


def _is_other(one: Json, other: Json) -> bool:
    """Say whether two values without a differing leaf differ all the same, as an empty list and an empty text do."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() != other.keys() or any(_is_other(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) != len(other) or any(map(_is_other, one, other))
    return type(one) is not type(other) or bool(one != other)
