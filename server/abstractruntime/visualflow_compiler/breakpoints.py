"""Breakpoints of a trial run: where each stops it, and whether its condition holds.

A run is handed them by flow (`breaks` of what is asked of it). Each is the id of a node, before which the run stops,
or an object:

    node    the node; for a wire, the node where it begins
    at      "before", "after", or "wire": when control leaves the node by `pin`
    when    an expression that must hold: before a node over its inputs, else over what it gave; and variables

What is not about one place stands in `anywhere`: `errors` (before an error goes its way), `cost` (when the run and all
that it has started have cost more). A stop before each outside effect is the kernel's (`core.permission`).
A condition that has no value stops the run, which says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..nodes.define import NodeError
from .expressions import MOST, evaluate
from .stops import FAULTY

BEFORE, AFTER, WIRE = "before", "after", "wire"
CONDITION = "condition"


@dataclass(frozen=True)
class Found:
    """Why a run stops: one of the words in `stops`, and what is told with it."""

    why: str
    about: dict[str, Any] = field(default_factory=dict)


def entries(trial: Mapping[str, Any], flow_id: str, node_id: str, at: str) -> Iterator[dict[str, Any]]:
    """Yield the breakpoints of a node at one of its places."""
    breaks = trial.get("breaks")
    held = breaks.get(flow_id) if isinstance(breaks, Mapping) else None
    for each in held if isinstance(held, list | tuple) else ():
        entry = {"node": each} if isinstance(each, str) else each if isinstance(each, Mapping) else {}
        if entry.get("node") == node_id and entry.get("at", BEFORE) == at:
            yield dict(entry)


def wide(trial: Mapping[str, Any], name: str) -> Any:
    """Return what a run stops at wherever it is; None where it does not."""
    held = trial.get("anywhere")
    return held.get(name) if isinstance(held, Mapping) else None


def holds(
    entry: Mapping[str, Any],
    sandbox: Any,
    seen: Mapping[str, Any],
    variables: Mapping[str, Any],
    *,
    now: str,
    seed: str,
) -> dict[str, Any] | None:
    """Return what a stop tells of its condition, {} where there is none; None where it does not hold."""
    text = str(entry.get("when") or "").strip()
    if not text:
        return {}
    if len(text) > MOST:
        return {"when": text[:80], FAULTY: f"It has more than {MOST:,} characters."}
    try:
        value = evaluate(sandbox, text, CONDITION, seen, variables, now=now, seed=seed)
    except NodeError as wrong:
        return {"when": text, FAULTY: str(wrong)}
    return {"when": text} if value else None


__all__ = ["AFTER", "BEFORE", "CONDITION", "WIRE", "Found", "entries", "holds", "wide"]
