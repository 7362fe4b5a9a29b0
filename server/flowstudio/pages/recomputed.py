"""Inputs of value nodes that an expression gives: no record keeps them, so they are computed from what the records keep.

Nothing is run but the expression, in the sandbox. Where the result could differ from what it was, there is a reason instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from abstractruntime.nodes.define import NodeError
from abstractruntime.visualflow_compiler.clip import is_clipped
from abstractruntime.visualflow_compiler.expressions import argument, evaluate, names_in
from abstractruntime.visualflow_compiler.program import Op
from abstractruntime.visualflow_compiler.sandbox import shared_sandbox

from ..runner_visits import Visit
from ..studio import Studio
from .html import covers

Json = Any
CLOCK, CHANCE = "it reads the clock, which stood otherwise then", "it draws by chance"
NOT_THE_SAME = {"datetime": CLOCK, "time": CLOCK, "random": CHANCE, "uuid": CHANCE, "secrets": CHANCE}
NOW = "computed now, from what the run recorded"


def recomputed(studio: Studio, run_id: str, visit: Visit, op: Op) -> tuple[dict[str, Json], dict[str, str]]:
    """Return, by input of a value node, what its expression gives, and of the others why that cannot be said."""
    found: dict[str, Json] = {}
    reasons: dict[str, str] = {}
    texts = {pin: text for pin, text in op.expressions.items() if pin not in visit.inputs}
    if not visit.is_value or visit.is_pinned or not texts:
        return found, reasons
    variables = studio.stories.variables(run_id, visit.position - 1)
    for pin, text in texts.items():
        given = argument(text, visit.inputs, variables)
        if reason := _doubt(text, given):
            reasons[pin] = f"computed, and not on record; it is not computed again: {reason}"
            continue
        try:
            found[pin] = evaluate(
                shared_sandbox(), text, pin, visit.inputs, variables, now=visit.started_at, seed=run_id
            )
        except NodeError as error:
            reasons[pin] = f"computed, and not on record; it cannot be computed again: {error}"
    return found, reasons


def _doubt(text: str, given: Mapping[str, Json]) -> str:
    """Say why the value could be another one than it was; empty where it is the same."""
    if unsure := sorted(names_in(text) & {*NOT_THE_SAME}):
        return NOT_THE_SAME[unsure[0]]
    for name, value in given.items():
        if is_clipped(value):
            return f"of “{name}” the ledger keeps only a part"
        if any(len(covers(each)) > 1 for each in _texts(value)):
            return f"a part of “{name}” was covered before it was kept"
    return ""


def _texts(value: Json) -> list[str]:
    """Return all texts in a value."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [text for each in inner for text in _texts(each)]
