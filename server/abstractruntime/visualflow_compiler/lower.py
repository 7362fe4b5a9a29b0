"""From the document to the program.

Only what a run can reach is lowered: the steps along the execution wires from the entry, and the
values that they read. Looks (labels, places, colours) are left out, so that moving a node does not
change the program's digest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..core.errors import InvalidFlow
from ..nodes.catalog import Catalog
from ..nodes.define import ERROR_OUT, EXEC_OUT, FAULTS, ON_ERROR, NodeType
from ..nodes.paths import parse
from .disabled import KEY as DISABLED
from .expressions import EXPRESSIONS, expressions_of
from .graph import Graph, Placed
from .policies import key_of, retry_of
from .problem import Problem, errors_of
from .program import Op, Program, Source
from .routes import ways_in
from .validate import setting_of, structural

Rename = Callable[[str], str]

# What is for the eye only: `canvas` holds notes, groups and led wires (decision 0023).
_LOOKS = frozenset({"nodeType", "label", "icon", "headerColor", "description", "pinDefaults", "canvas"})
_OWN_KEYS = frozenset(
    {
        "inputKey",
        "outputKey",
        "entryRoutes",
        "inputRouteOverrides",
        ON_ERROR.path,
        EXPRESSIONS,
        "policy",
        DISABLED,
    }
)


def lower(graph: Graph, *, workflow_id: str | None = None, rename: Rename | None = None) -> Program:
    """Make the program of a flow; raise InvalidFlow with all problems that keep it from being one.

    `rename` turns the flow ids that subflows name into workflow ids (bundles, versions).
    """
    refused = errors_of(structural(graph))
    if refused or graph.entry is None:
        raise InvalidFlow(_summary(graph, refused), refused)
    wanted = _wanted(graph)
    ops = {
        node_id: _op(graph, graph.nodes[node_id], rename, wanted.get(node_id, ()))
        for node_id in (*graph.reachable, *graph.needed)
    }
    return Program(
        workflow_id=workflow_id or graph.flow.id,
        flow_id=graph.flow.id,
        entry=graph.entry,
        ops=ops,
        seeds=tuple(_seeds(graph).items()),
        ignored=tuple(
            node_id
            for node_id, placed in graph.nodes.items()
            if placed.is_exec and node_id not in graph.reached
        ),
    )


def _summary(graph: Graph, refused: list[Problem]) -> str:
    first = refused[0].message if refused else "Flow must have an entry node"
    more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
    return f"Invalid flow '{graph.flow.id}': {first}{more}"


def _wanted(graph: Graph) -> dict[str, tuple[str, ...]]:
    """Return the outputs on demand that are read, by node."""
    read: dict[str, set[str]] = {}
    for node_id in graph.used:
        sources = [(edge.source, edge.source_handle) for edge in graph.wires.get(node_id, {}).values()]
        for by_route in graph.routes.get(node_id, {}).values():
            sources += by_route.values()
        for source, handle in sources:
            pin = graph.nodes[source].outputs.get(handle) if source in graph.nodes else None
            if pin is not None and pin.on_demand:
                read.setdefault(source, set()).add(handle)
    return {node_id: tuple(sorted(pins)) for node_id, pins in read.items()}


def _op(graph: Graph, placed: Placed, rename: Rename | None, wanted: tuple[str, ...]) -> Op:
    node, kind = placed.node, placed.kind
    if kind is None:  # `structural` has refused these
        raise InvalidFlow(f"Unknown node type '{node.type}'.")
    wires = {pin: (edge.source, edge.source_handle) for pin, edge in graph.wires.get(node.id, {}).items()}
    return Op(
        type=kind.name,
        kind=kind.kind,
        data=_data(placed, kind, rename),
        pins=placed.data_pins(),
        outs=tuple(pin for pin in placed.outputs if pin != ERROR_OUT.id),
        types={
            pin.id: pin.type for pin in (*placed.inputs.values(), *placed.outputs.values()) if not pin.is_exec
        },
        wires=wires,
        routes=graph.routes.get(node.id, {}),
        defaults=_defaults(placed, wires),
        expressions=_expressions(placed, wires),
        exits=(exits := _exits(graph, placed)),
        ways=ways_in(node, graph.incoming.get(node.id, [])) if kind.knows_way else (),
        wanted=wanted,
        output_key=_key(node.data.get("outputKey")),
        input_key=_key(node.data.get("inputKey")),
        catch=_catch(placed, kind, exits),
        retry=retry_of(kind, placed.node.data),
        key=key_of(kind, placed.node.data),
    )


def _key(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _data(placed: Placed, kind: NodeType, rename: Rename | None) -> dict[str, Any]:
    data = {
        key: value for key, value in placed.node.data.items() if key not in _LOOKS and key not in _OWN_KEYS
    }
    for side in ("inputs", "outputs"):
        pins = data.pop(side, None)
        if kind.saved_pins or kind.shape is not None or kind.grows is not None:
            data[side] = _bare_pins(pins)
    if placed.node.defaults:
        data["pinDefaults"] = dict(placed.node.defaults)
    return data if rename is None else _renamed_data(data, kind, rename)


def _renamed_data(data: dict[str, Any], kind: NodeType, rename: Rename) -> dict[str, Any]:
    for setting in kind.fields:
        named = setting_of(data, setting.path) if setting.type == "flow" else None
        if isinstance(named, str) and named.strip():
            data = _with(data, setting.path.split("."), rename(named.strip()))
    return data


def renamed(program: Program, types: Catalog, rename: Rename) -> Program:
    """Return a program under another workflow id, calling its subflows by other ids too."""
    ops = dict(program.ops)
    for node_id, op in program.ops.items():
        kind = types.resolve(op.type)
        if kind is not None and any(setting.type == "flow" for setting in kind.fields):
            ops[node_id] = replace(op, data=_renamed_data(dict(op.data), kind, rename))
    return replace(program, workflow_id=rename(program.workflow_id), ops=ops)


def _with(data: Mapping[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    here = dict(data)
    inner = here.get(path[0])
    if len(path) == 1:
        here[path[0]] = value
    elif isinstance(inner, Mapping):
        here[path[0]] = _with(inner, path[1:], value)
    return here


def _bare_pins(pins: Any) -> list[dict[str, Any]]:
    found = [pin for pin in pins if isinstance(pin, Mapping)] if isinstance(pins, list) else []
    return [{key: pin[key] for key in ("id", "type") if key in pin} for pin in found]


def _defaults(placed: Placed, wires: Mapping[str, Source]) -> dict[str, Any]:
    given = placed.node.defaults
    defaults = {
        pin.id: pin.default
        for pin in placed.inputs.values()
        if not pin.is_exec and pin.has_default and pin.id not in given
    }
    defaults.update(given)
    computed = _expressions(placed, wires)
    return {pin: value for pin, value in defaults.items() if pin not in wires and pin not in computed}


def _expressions(placed: Placed, wires: Mapping[str, Source]) -> dict[str, str]:
    pins = placed.data_pins()
    return {
        pin: text
        for pin, text in expressions_of(placed.node.data).items()
        if pin in pins and pin not in wires
    }


def _exits(graph: Graph, placed: Placed) -> dict[str, str]:
    wired = graph.exits.get(placed.node.id, {})
    return {handle: wired[handle].target for handle in placed.exits() if handle in wired}


def _catch(placed: Placed, kind: NodeType, exits: Mapping[str, str]) -> str:
    """Say by which output a failure leaves; one that is wired to nothing is not caught."""
    choice = placed.node.data.get(ON_ERROR.path) if kind.may_fail else None
    if choice == "continue":
        return EXEC_OUT.id
    return ERROR_OUT.id if choice == "branch" and ERROR_OUT.id in exits else ""


def _seeds(graph: Graph) -> dict[str, Any]:
    """Collect first values of run variables: of the steps that run, then of all value nodes."""
    seeds: dict[str, Any] = {}
    steps = [graph.nodes[node_id] for node_id in graph.reachable]
    values = [placed for placed in graph.nodes.values() if not placed.is_exec]
    for placed in (*steps, *values):
        if placed.kind is None or placed.kind.seed is None:
            continue
        try:
            given = placed.kind.seed(placed.node.data)
        except FAULTS as error:
            problem = Problem("error", "node.settings", f"{placed.name}: {error}", placed.node.id)
            raise InvalidFlow(problem.message, [problem]) from None
        for name, value in given.items():
            if _may_be_variable(name):
                seeds.setdefault(name, value)
    return seeds


def _may_be_variable(name: str) -> bool:
    try:
        path = parse(name)
    except FAULTS:
        return False
    return bool(path) and not path[0].key.startswith("_")
