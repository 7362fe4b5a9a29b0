"""Inputs that depend on the wire by which control came in.

A step with several incoming execution wires may name, for an input, another source per wire
(`inputRouteOverrides`, keyed `<source node>::<source handle>`; `entryRoutes` lists the wires).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .document import EXEC_OUT, VisualEdge, VisualNode
from .problem import Problem, set_to

Routes = dict[str, dict[str, tuple[str, str]]]  # pin -> route key -> (node, pin)


def route_key(source: str, handle: str) -> str:
    """Return the name of an incoming execution wire."""
    return f"{source}::{handle or EXEC_OUT}"


def routes_of(node: VisualNode) -> Routes:
    """Read a node's overrides; malformed ones are left out (and told by `route_problems`)."""
    routes: Routes = {}
    overrides = node.data.get("inputRouteOverrides")
    for pin, by_route in overrides.items() if isinstance(overrides, Mapping) else ():
        for key, source in by_route.items() if isinstance(by_route, Mapping) else ():
            named = _source(source)
            if named is not None:
                routes.setdefault(pin, {})[key] = named
    return routes


def ways_in(node: VisualNode, incoming: list[VisualEdge]) -> tuple[str, ...]:
    """Return the execution wires that lead to a node, in the order of `entryRoutes`, else of the document."""
    wired = [route_key(edge.source, edge.source_handle) for edge in incoming]
    listed = node.data.get("entryRoutes")
    rows = [each for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []
    keys = [str(each.get("key")) for each in rows]
    return tuple(keys if sorted(keys) == sorted(wired) else wired)


def route_problems(
    node: VisualNode, incoming: list[VisualEdge], known: Mapping[str, Any]
) -> Iterator[Problem]:
    """Yield an error for each route that names no incoming wire, or a source that does not exist."""
    wired = {route_key(edge.source, edge.source_handle) for edge in incoming}
    listed = node.data.get("entryRoutes")
    keys = (
        [each.get("key") for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []
    )
    for key in sorted({str(key) for key in keys if keys.count(key) > 1}):
        yield _problem(node, f"the route '{key}' is listed twice", path=("entryRoutes",))
    if keys and {str(key) for key in keys} != wired:
        text = "its entry routes are not the execution wires that lead to it"
        yield _problem(node, text, path=("entryRoutes",))
    overrides = node.data.get("inputRouteOverrides")
    if overrides is None:
        return
    if not isinstance(overrides, Mapping):
        yield _problem(node, "'inputRouteOverrides' is not an object", path=("inputRouteOverrides",))
        return
    for pin, by_route in overrides.items():
        for key, source in by_route.items() if isinstance(by_route, Mapping) else ():
            named, path = _source(source), ("inputRouteOverrides", pin, key)
            if key not in wired:
                text = f"the input '{pin}' depends on the route '{key}', which is no wire"
                yield _problem(node, text, pin, path)
            elif named is None or named[0] not in known:
                yield _problem(node, f"the input '{pin}' has no source for the route '{key}'", pin, path)


def _source(source: Any) -> tuple[str, str] | None:
    named = source if isinstance(source, Mapping) else {}
    node_id, handle = named.get("sourceNodeId"), named.get("sourceHandle")
    return (node_id, handle) if isinstance(node_id, str) and isinstance(handle, str) else None


def _problem(node: VisualNode, what: str, pin: str | None = None, path: tuple[str, ...] = ()) -> Problem:
    drop = set_to("Forget it", node.id, path)
    return Problem("error", "route.invalid", f"{node.label} ({node.id}): {what}.", node.id, pin, drop)
