"""Interfaces: what a flow promises to programs that run it, and whether it keeps that.

A flow names its interfaces in `interfaces`; names that are not in the table are promises to others, and are kept
with the document. Nothing is added to a flow by itself: each problem has a fix that does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..nodes.define import NodeType
from ..nodes.pins import may_flow
from .graph import Graph, Placed
from .problem import Problem, set_to

Pins = Mapping[str, str]  # types by id, in the order to show


@dataclass(frozen=True)
class Interface:
    """A shape that programs rely on: pins of the start node, and of each end node."""

    id: str
    label: str
    description: str
    required_start: Pins
    required_end: Pins
    recommended_start: Pins = field(default_factory=dict)
    recommended_end: Pins = field(default_factory=dict)


INTERFACES: Sequence[Interface] = (
    Interface(
        "abstractcode.agent.v1",
        "Chat agent",
        "A program in which people write to an agent, such as a terminal or a chat page, can run the flow.",
        required_start={"provider": "provider", "model": "model", "prompt": "string"},
        required_end={"response": "string", "success": "boolean", "meta": "object"},
        recommended_start={
            "use_context": "boolean",
            "memory": "memory",
            "context": "object",
            "system": "string",
            "tools": "tools",
            "max_iterations": "number",
            "max_in_tokens": "number",
            "temperature": "number",
            "seed": "number",
            "resp_schema": "object",
        },
        recommended_end={"scratchpad": "object"},
    ),
)


def unkept(graph: Graph) -> Iterator[Problem]:
    """Yield what a flow lacks of the interfaces that it names."""
    named = set(graph.flow.interfaces)
    for interface in INTERFACES:
        if interface.id in named:
            yield from _lacks(graph, interface)


def _lacks(graph: Graph, interface: Interface) -> Iterator[Problem]:
    starts, ends = _of(graph, graph.types.start), _of(graph, graph.types.end)
    if len(starts) != 1:
        count = "no start node" if not starts else f"{len(starts)} start nodes"
        yield _problem(
            interface, f"needs one start node, and the flow has {count}.", starts[1] if starts else None
        )
    if not ends:
        yield _problem(interface, "needs an end node, and the flow has none.", None)
    for placed in starts[:1]:
        yield from _pins(placed, interface, "outputs", placed.outputs, interface.required_start)
    for placed in ends:
        yield from _pins(placed, interface, "inputs", placed.inputs, interface.required_end)


def _of(graph: Graph, kind: NodeType | None) -> list[Placed]:
    return [placed for placed in graph.nodes.values() if kind is not None and placed.kind is kind]


def _pins(
    placed: Placed, interface: Interface, side: str, found: Mapping[str, Any], wanted: Pins
) -> Iterator[Problem]:
    """Yield what a node lacks; one fix adds all of it."""
    lacking = {name: kind for name, kind in wanted.items() if name not in found}
    for name, kind in wanted.items():
        if name in found and not may_flow(*_direction(side, found[name].type, kind)):
            text = f"needs '{name}' of {placed.name} to be {kind}, not {found[name].type}. Change its type."
            yield _problem(interface, text, placed, name)
    if lacking:
        words = ", ".join(f"'{name}' ({kind})" for name, kind in lacking.items())
        what = "value" if len(lacking) == 1 else "values"
        given = placed.node.data.get(side)
        drawn = {pin.id: pin.type for pin in found.values()}
        pins = [*(given if isinstance(given, list) else _written(drawn)), *_written(lacking)]
        mend = set_to(f"Add the {what} to {placed.node.label}", placed.node.id, side, pins)
        yield _problem(interface, f"needs {words} of {placed.name}.", placed, fix=mend)


def _written(pins: Pins) -> list[dict[str, str]]:
    return [{"id": name, "label": name, "type": kind} for name, kind in pins.items()]


def _direction(side: str, own: str, wanted: str) -> tuple[str, str]:
    """Return from what to what a value goes: a program gives what the start hands on, and takes what the end has."""
    return (wanted, own) if side == "outputs" else (own, wanted)


def _problem(
    interface: Interface, text: str, placed: Placed | None, pin: str | None = None, fix: Any = None
) -> Problem:
    node = placed.node.id if placed is not None else None
    return Problem("risk", "flow.interface", f"The interface '{interface.label}' {text}", node, pin, fix)
