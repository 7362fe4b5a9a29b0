"""Whether a run that has come some way under one program can go on under another: what was done must still fit.

What the run keeps is by node: where it is, the loops it is in, the branches that wait, and what each step gave. A step
that was done and has changed since is no hindrance: what it gave is kept. A step that is to go on must be there, and
what is still to come must find what it reads.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .memory import MISSING, Memory
from .program import Op, Program
from .strands import LANDING


@dataclass(frozen=True)
class Fit:
    """How a run fits another program: `done` are its steps, `changed` and `gone` those of them that are not as they
    were, `reasons` why it cannot go on; none where it can.
    """

    done: tuple[str, ...]
    changed: tuple[str, ...]
    gone: tuple[str, ...]
    reasons: tuple[str, ...]


def fit(
    before: Program,
    after: Program,
    vars: Mapping[str, Any],
    at: str,
    name: Callable[[str], str] = str,
) -> Fit:
    """Say how a run that is at a node, with these variables, fits another program than its own."""
    memory = Memory(dict(vars))
    here = at.removesuffix(LANDING)
    counts = memory.temp.get("visits")
    visited = [node for node in (counts if isinstance(counts, Mapping) else {}) if node in before.ops]
    done = tuple(node for node in visited if node != here)
    old, new = _plain(before), _plain(after)
    gone = tuple(node for node in done if node not in after.ops)
    changed = tuple(node for node in done if node in after.ops and old[node] != new[node])
    needed = dict.fromkeys([here, *memory.active(), *_waiting(memory)])
    reasons = [*_missing(needed, here, at, before, after, name)]
    if not reasons:
        reasons = [*_unread(after, memory, here, name)]
    return Fit(done, changed, gone, tuple(reasons))


def _plain(program: Program) -> dict[str, str]:
    """Return the ops of a program as text, without the digest that its calls name."""
    digest = program.workflow_id.rpartition("@")[2]
    texts = {node: json.dumps(op.to_json(), sort_keys=True) for node, op in program.ops.items()}
    return {node: text.replace(f"@{digest}", "@") for node, text in texts.items()}


def _waiting(memory: Memory) -> Iterator[str]:
    """Yield the nodes at which branches wait, and the loops that these are in."""
    branches = memory.temp.get("branches")
    held = branches.get("held") if isinstance(branches, Mapping) else None
    for each in held.values() if isinstance(held, Mapping) else ():
        yield str(each.get("node"))
        yield from each.get("strand", {}).get("_control", {}).get("stack", ())


def _missing(
    needed: Mapping[str, None],
    here: str,
    at: str,
    before: Program,
    after: Program,
    name: Callable[[str], str],
) -> Iterator[str]:
    for node in needed:
        was, now = before.ops.get(node), after.ops.get(node)
        if was is None:
            continue  # where branches meet: no node of the flow
        role = "the run is at it" if node == here else "the run is inside of it"
        if now is None or not now.is_exec:
            yield f"“{name(node)}” is gone, and {role}."
        elif now.type != was.type and (node != here or at.endswith(LANDING)):
            yield f"“{name(node)}” is of another type now, and {role}."


def _unread(after: Program, memory: Memory, here: str, name: Callable[[str], str]) -> Iterator[str]:
    """Yield what is still to come and reads of a step what this run did not get from it, and will not."""
    ahead = _ahead(after, [here, *memory.active(), *_waiting(memory)])
    told = set()
    for node in sorted(ahead):
        for source, pin in _sources(after, node):
            if (node, source) in told or source in ahead:
                continue
            gave = memory.outputs(source)
            if gave is MISSING:
                told.add((node, source))
                yield f"“{name(node)}” reads “{name(source)}”, which this run has not come to."
            elif isinstance(gave, Mapping) and pin not in gave and pin in after.ops[source].outs:
                told.add((node, source))
                yield f"“{name(node)}” reads “{pin}” of “{name(source)}”, which gave no such value in this run."


def _ahead(after: Program, begin: list[str]) -> set[str]:
    """Return the steps that control can still come to."""
    ahead: set[str] = set()
    pending = [node for node in begin if node in after.ops]
    while pending:
        node = pending.pop()
        if node not in ahead:
            ahead.add(node)
            pending += after.ops[node].exits.values()
    return ahead


def _sources(after: Program, node: str) -> Iterator[tuple[str, str]]:
    """Yield the steps whose outputs a step reads, also through nodes that only compute."""
    pending, seen = [node], {node}
    while pending:
        op: Op | None = after.ops.get(pending.pop())
        for source, pin in op.wires.values() if op is not None else ():
            other = after.ops.get(source)
            if other is None:
                continue
            if other.is_exec:
                yield source, pin
            elif source not in seen:
                seen.add(source)
                pending.append(source)
