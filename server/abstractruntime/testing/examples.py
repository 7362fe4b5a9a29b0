"""Runs the examples of node types, for packages that bring some."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

from ..nodes.define import Call, Effect, Example, Finish, Goto, NodeError, NodeType, Offers
from ..nodes.packages import declared_in
from ..nodes.pins import pins_of

NOW = "2030-01-01T00:00:00+00:00"


def examples_of(module: ModuleType) -> list[Callable[[], None]]:
    """Return a check for each example of each declaration in a module; a check raises AssertionError."""
    return [partial(check_example, kind, each) for kind in declared_in(module) for each in kind.examples]


def check_example(kind: NodeType, example: Example) -> None:
    """Run an example and compare: outputs, the effect asked for, or the error."""
    call = _call(kind, example)
    try:
        result = told(kind.run(call))
    except NodeError as error:
        if example.error is None or example.error not in str(error):
            raise AssertionError(f"{kind.name}: {error}") from error
        return
    if example.error is not None:
        raise AssertionError(f"{kind.name}: expected the error '{example.error}', but got {result!r}")
    if kind.settle is not None and example.reply is not None:
        result = {**result, "settled": told(kind.settle(example.reply, call))}
    wrong = {key: result.get(key) for key, value in example.outputs.items() if result.get(key) != value}
    if wrong:
        raise AssertionError(f"{kind.name}: got {wrong!r} instead of {dict(example.outputs)!r}")


def told(result: Any) -> Any:
    """Return what a node's function gave back in the words of examples."""
    if isinstance(result, Goto):
        return {"goto": result.pin, **result.outputs}
    if isinstance(result, Finish):
        return {"finish": dict(result.output)}
    if isinstance(result, Effect):
        return {"effect": {"type": result.type.value, "payload": result.payload}}
    return result


def _call(kind: NodeType, example: Example) -> Call:
    takes, gives = pins_of(kind, example.data)
    inputs = {pin.id: pin.default for pin in takes if not pin.is_exec and pin.has_default}
    inputs.update(example.data.get("pinDefaults", {}))
    inputs.update(example.inputs)
    return Call(
        inputs=inputs,
        data=dict(example.data),
        pins=tuple(pin.id for pin in takes if not pin.is_exec),
        outs=tuple(pin.id for pin in gives),
        fed=tuple(example.inputs),
        exits=tuple(pin.id for pin in gives if pin.is_exec),
        vars=dict(example.vars),
        frame=dict(example.frame),
        ambient=example.ambient,
        run_id="run",
        node_id="node",
        flow_id="flow",
        session_id="session",
        now=NOW,
        random=random.Random(1),
        offers=Offers(models=example.models),
        came=example.ways[0] if example.ways else "",
        ways=tuple(sorted(example.ways)),
    )
