"""Pinned outputs of trial runs: what a run begins with of them, and what a run has to give to be pinned.

What is asked stands in the run's variables (`visualflow_compiler.trial`), so a retry or a restart finds it there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from abstractruntime.core.errors import InvalidFlow, NotFound
from abstractruntime.core.halt import TRIAL
from abstractruntime.core.vars import RUNTIME
from abstractruntime.storage.artifacts import is_artifact_ref
from abstractruntime.visualflow_compiler import Program
from abstractruntime.visualflow_compiler.clip import is_clipped
from abstractruntime.visualflow_compiler.pinned import MOST_BYTES, pins_asked, pins_of, size_of

from .runner_nodes import NodeStories
from .runner_visits import Visit

Json = Any


class NoOutputs(NotFound):
    """A node gave no outputs in a run, or the run does not hold them any more."""

    code = "run.no_outputs"


class NotPinnable(InvalidFlow):
    """What a node gave cannot be kept with it."""

    code = "outputs.not_pinnable"


@dataclass(frozen=True)
class Given:
    """What a node gave in one visit, whole, and the execution output by which it left (empty for a value node)."""

    outputs: Mapping[str, Json]
    exit: str


def trial_vars(
    asked: Mapping[str, Json] | None, document: Mapping[str, Json], program: Program | None
) -> dict[str, Json]:
    """Return the variables with which a run begins of which this is asked: `pins`, that pinned outputs count."""
    if not asked or program is None:
        return {}
    pins = pins_of(document, program) if asked.get("pins") else {}
    return {RUNTIME: {TRIAL: {"pins": pins}}} if pins else {}


def asked_of(vars: Mapping[str, Json]) -> dict[str, Json] | None:
    """Return what asks the same of another run as was asked of the one with these variables."""
    return {"pins": True} if pins_asked(vars) else None


def visit_at(stories: NodeStories, run_id: str, node_id: str, at: int = 0) -> Visit:
    """Return a visit of a node by its place (from 1, of all; 0: the last); raise NoOutputs with the reason."""
    visits = stories.story(run_id).of(node_id)
    if not visits:
        raise NoOutputs("This run did not come to the node.")
    return visits[min(at if at > 0 else len(visits), len(visits)) - 1]


def outputs_of(stories: NodeStories, run_id: str, visit: Visit) -> tuple[Mapping[str, Json], bool]:
    """Return what a visit gave, and whether that is whole: the run holds what its steps gave last."""
    is_last = visit is stories.story(run_id).of(visit.node_id)[-1]
    kept = stories.kept(run_id, visit.node_id) if is_last and not visit.is_value else None
    if kept is None:
        return visit.outputs, False
    return (dict(kept) if isinstance(kept, Mapping) else {"result": kept}), True


def given(stories: NodeStories, run_id: str, node_id: str, at: int = 0) -> Given:
    """Return what a node gave in a visit of a run (see `visit_at`), to be pinned.

    Raises NoOutputs or NotPinnable with the reason.
    """
    visit = visit_at(stories, run_id, node_id, at)
    if visit.state in ("running", "waiting", "stopped"):
        raise NoOutputs("The node has given nothing yet: its visit is not over.")
    if not visit.is_value and not visit.exit:
        why = "it failed" if visit.state == "failed" else "the run ended there"
        raise NoOutputs(f"The node handed nothing on in this visit: {why}.")
    outputs, is_whole = outputs_of(stories, run_id, visit)
    if not outputs:
        raise NoOutputs("The node gave no outputs in this visit.")
    _check(outputs, is_whole=is_whole)
    return Given(outputs, visit.exit)


def _check(outputs: Mapping[str, Json], *, is_whole: bool) -> None:
    if (size := size_of(outputs)) > MOST_BYTES:
        raise NotPinnable(
            f"What the node gave takes {size:,} bytes, and {MOST_BYTES:,} are the most that can be pinned. "
            "Pin outputs of a run with smaller values."
        )
    for pin, value in outputs.items():
        if not is_whole and is_clipped(value):
            raise NotPinnable(
                f"Of the output '{pin}' the ledger keeps only the beginning. Pin the last visit of a run, which is whole."
            )
        if any(map(is_artifact_ref, _parts(value))):
            raise NotPinnable(
                f"The output '{pin}' holds a file (an artifact). It belongs to its run and is not pinned with the node."
            )


def _parts(value: Json) -> Iterator[Json]:
    """Yield a value and all its parts."""
    stack = [value]
    while stack:
        yield (here := stack.pop())
        stack += here.values() if isinstance(here, dict) else here if isinstance(here, list) else ()
