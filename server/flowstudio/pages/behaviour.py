"""Behaviour: which steps of two versions do something else, read from their programs. Nothing is run for it.

A program leaves out what a run does not see: places, names, notes, nodes that no run comes to. So two versions of
one program do the same, whatever their documents say; the flows that they call may have changed all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from abstractruntime.core.errors import InvalidFlow
from abstractruntime.visualflow_compiler import Program

from ..studio import Studio

Json = Any


@dataclass(frozen=True)
class Step:
    """A node that does something else: its title, and whether it is new, gone or changed."""

    id: str
    title: str
    state: str


@dataclass(frozen=True)
class Behaviour:
    """What differs when both are run. `unknown` says why it cannot be told, where one of them is no program."""

    steps: tuple[Step, ...] = ()
    has_other_start: bool = False
    unknown: str = ""

    @property
    def is_same(self) -> bool:
        """Whether every run of one would be a run of the other."""
        return not self.steps and not self.has_other_start and not self.unknown


def behaviour(studio: Studio, flow_id: str, before: str, after: str) -> Behaviour:
    """Compare the programs of two versions, each named by its number, `published` or `draft`."""
    documents = [studio.versions.named(flow_id, word) for word in (before, after)]
    programs: list[tuple[Program, ...]] = []
    for word, document in zip((before, after), documents, strict=True):
        try:
            programs.append(studio.programs.lowered(flow_id, document))
        except InvalidFlow as error:
            which = f"version {word}" if word.isdigit() else f"the {word}"
            return Behaviour(unknown=f"{which} cannot run: {error}")
    old, new = (_ops(each) for each in programs)
    steps = [
        Step(node_id, _title(documents, node_id), state)
        for node_id in dict.fromkeys((*old, *new))
        if (state := _state(old.get(node_id), new.get(node_id)))
    ]
    starts = [(each[0].entry, each[0].seeds) for each in programs]
    return Behaviour(tuple(steps), starts[0] != starts[1])


def _ops(programs: tuple[Program, ...]) -> dict[str, Json]:
    return {node_id: op.to_json() for each in programs for node_id, op in each.ops.items()}


def _state(before: Json, after: Json) -> str:
    if before is None:
        return "new"
    if after is None:
        return "gone"
    return "" if before == after else "changed"


def _title(documents: list[dict[str, Json]], node_id: str) -> str:
    """Return what a node is called, in the newer of the two that has it."""
    for document in reversed(documents):
        for node in document.get("nodes", []):
            if node.get("id") == node_id:
                data = node.get("data")
                label = data.get("label") if isinstance(data, Mapping) else None
                return str(label or node.get("type") or node_id)
    return node_id
