"""Calls to node types without a run: what an example or a test gives, completed by the declaration."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Mapping
from typing import Any

from abstractruntime.nodes.catalog import catalog
from abstractruntime.nodes.define import Ask, Call, Effect, Example, Finding, Finish, Goto, NodeType, Offers
from abstractruntime.nodes.pins import pins_of
from abstractruntime.visualflow_compiler.sandbox import shared_sandbox

NOW = "2030-01-01T00:00:00+00:00"


def node_type(name: str) -> NodeType:
    """Return a declared type that must exist."""
    kind = catalog().get(name)
    assert kind is not None, f"no node type '{name}'"
    return kind


def call_of(
    kind: NodeType,
    inputs: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
    *,
    vars: Mapping[str, Any] | None = None,
    frame: Mapping[str, Any] | None = None,
    ambient: Any = None,
    seed: int = 1,
    fed: tuple[str, ...] = (),
    exits: tuple[str, ...] | None = None,
    offers: Offers | None = None,
    wanted: tuple[str, ...] = (),
) -> Call:
    """Return the call that the machine would make: declared defaults below the given inputs."""
    settings = copy.deepcopy(dict(data or {}))
    takes, gives = pins_of(kind, settings)
    given = settings.get("pinDefaults", {})
    resolved = {pin.id: copy.deepcopy(pin.default) for pin in takes if not pin.is_exec and pin.has_default}
    resolved.update(given)
    resolved.update(copy.deepcopy(dict(inputs or {})))
    ways = tuple(pin.id for pin in gives if pin.is_exec)
    return Call(
        inputs=resolved,
        data=settings,
        pins=tuple(pin.id for pin in takes if not pin.is_exec),
        outs=tuple(pin.id for pin in gives),
        types={pin.id: pin.type for pin in (*takes, *gives) if not pin.is_exec},
        fed=fed,
        exits=ways if exits is None else exits,
        vars=copy.deepcopy(dict(vars or {})),
        frame=copy.deepcopy(dict(frame or {})),
        ambient=copy.deepcopy(ambient),
        run_id="run",
        node_id="node",
        flow_id="flow",
        session_id="session",
        workflow_id="flow@1",
        now=NOW,
        random=random.Random(seed),
        sandbox=shared_sandbox(),
        offers=offers or Offers(),
        wanted=wanted,
    )


def example_call(kind: NodeType, example: Example) -> Call:
    """Return the call of an example; the pins it gives count as wired."""
    call = call_of(
        kind,
        example.inputs,
        example.data,
        vars=example.vars,
        frame=example.frame,
        ambient=example.ambient,
        fed=tuple(example.inputs),
        offers=Offers(models=example.models),
    )
    call.came, call.ways = example.ways[0] if example.ways else "", tuple(sorted(example.ways))
    return call


def told(result: Any) -> Any:
    """Return what a node's function gave back in the words of examples."""
    if isinstance(result, Ask):
        result = result.effect
    if isinstance(result, Goto):
        return {"goto": result.pin, **result.outputs}
    if isinstance(result, Finish):
        return {"finish": dict(result.output)}
    if isinstance(result, Effect):
        return {"effect": {"type": result.type.value, "payload": result.payload}}
    return result


def run(
    name: str, inputs: Mapping[str, Any] | None = None, data: Mapping[str, Any] | None = None, **more: Any
) -> Any:
    """Run a node type by name and return its outputs in the words of examples."""
    kind = node_type(name)
    return told(kind.run(call_of(kind, inputs, data, **more)))


def findings(name: str, data: Mapping[str, Any]) -> list[Finding]:
    """Return what a type's own check finds in a node's data."""
    kind = node_type(name)
    assert kind.check is not None
    return kind.check(data)


def codes(name: str, data: Mapping[str, Any]) -> list[str]:
    """Return the codes of what a type's own check finds."""
    return [found.code for found in findings(name, data)]


def is_json(value: Any) -> bool:
    """Say whether a value survives being stored as JSON."""
    return bool(json.loads(json.dumps(value, allow_nan=False)) == value)
