"""Runs the examples of node types: our own, and those of packages that bring some."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import Any

from ..nodes.define import FAULTS, Ask, Call, Effect, Example, Finish, Goto, NodeError, NodeType, Offers
from ..nodes.packages import declared_in
from ..nodes.pins import pins_of
from ..visualflow_compiler.sandbox import shared_sandbox

NOW = "2030-01-01T00:00:00+00:00"


def examples_of(module: ModuleType) -> list[Callable[[], None]]:
    """Return a check for each example of each declaration in a module; a check raises AssertionError."""
    return [partial(check_example, kind, each) for kind in declared_in(module) for each in kind.examples]


def check_example(kind: NodeType, example: Example) -> None:
    """Run an example; raise AssertionError, naming node type and example, where it is not true.

    Compared are all outputs (or the effect asked for and its settled reply, or the error) and the variables
    left. The node must not change what it is given, and a value must give the pins that it declares.
    """
    call = example_call(kind, example)
    before = _given(call)
    try:
        _compare_answers(kind, example, call)
        if example.vars_after is not None:
            _same("the variables are", call.vars, example.vars_after)
        _same("the node changed what it was given:", _given(call), before)
    except AssertionError as wrong:
        raise AssertionError(f"{_name(kind, example)}: {wrong}") from wrong.__cause__


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
    """Return the call that a run would make: declared defaults below the given inputs, and a sandbox for code."""
    settings = copy.deepcopy(dict(data or {}))
    takes, gives = pins_of(kind, settings)
    resolved = {pin.id: copy.deepcopy(pin.default) for pin in takes if not pin.is_exec and pin.has_default}
    resolved.update(settings.get("pinDefaults", {}))
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


def is_json(value: Any) -> bool:
    """Say whether a value survives being stored as JSON."""
    try:
        return bool(json.loads(json.dumps(value, allow_nan=False)) == value)
    except (TypeError, ValueError):
        return False


def _compare_answers(kind: NodeType, example: Example, call: Call) -> None:
    try:
        result = _answers(kind, example, call)
    except FAULTS as error:
        _compare_error(example, error)
        return
    if example.error is not None:
        raise AssertionError(f"expected the error '{example.error}', but got {result!r}")
    for name, value in example.outputs.items():
        if name not in result:
            raise AssertionError(
                f"'{name}' should be {value!r}, but is not among what it gives: {list(result)}"
            )
        _same(f"'{name}' is", result[name], value)
    more = sorted(set(result) - set(example.outputs) - _unfixed(kind))
    if more:
        raise AssertionError(f"it gives {more} too, which the example's outputs do not tell")
    if kind.kind == "pure":
        _same("the outputs are", sorted(result), sorted(pin.id for pin in pins_of(kind, call.data)[1]))
    if not is_json(result):
        raise AssertionError(f"{result!r} is not JSON, so no run can keep it")


def _compare_error(example: Example, error: Exception) -> None:
    if not isinstance(error, NodeError):
        raise AssertionError(f"raised {error!r}: a node tells what is wrong by NodeError") from error
    if example.error is None:
        raise AssertionError(f"failed with '{error}'") from error
    if example.error not in str(error):
        raise AssertionError(f"expected the error '{example.error}', but it says '{error}'") from error
    if not error.code:
        raise AssertionError(f"the error '{error}' needs a code") from error


def _answers(kind: NodeType, example: Example, call: Call) -> dict[str, Any]:
    """Return what the node gives, and what it settles on when the example has a reply."""
    answer = kind.run(call)
    outputs = told(answer)
    # A value that is no object is read whole, through the pin `result`.
    result = dict(outputs) if isinstance(outputs, Mapping) else {"result": outputs}
    if kind.settle is not None and example.reply is not None:
        call.kept = answer.keep if isinstance(answer, Ask) else {}
        result["settled"] = told(kind.settle(example.reply, call))
    return result


def _given(call: Call) -> dict[str, Any]:
    return copy.deepcopy(
        {"inputs": call.inputs, "data": call.data, "frame": call.frame, "ambient": call.ambient}
    )


def _same(what: str, found: Any, expected: Any) -> None:
    if found != expected:
        raise AssertionError(f"{what} {found!r}, not {expected!r}")


def _unfixed(kind: NodeType) -> set[str]:
    """Outputs that differ from machine to machine and so cannot stand in an example."""
    return {pin.id for pin in kind.outputs if pin.id == "locale"} | (
        {"execution"} if kind.family == "code" else set()
    )


def _name(kind: NodeType, example: Example) -> str:
    """Name an example: its node type, its number and what it says about itself."""
    number = next((n for n, each in enumerate(kind.examples, 1) if each is example), None)
    note = f" ({example.note})" if example.note else ""
    return f"{kind.name}, example {number}{note}" if number else f"{kind.name}, an example{note}"


__all__ = ["NOW", "call_of", "check_example", "example_call", "examples_of", "is_json", "told"]
