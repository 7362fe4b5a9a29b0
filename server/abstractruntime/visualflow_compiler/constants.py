"""Inputs whose value is known before any run: wired to a fixed value, or an expression without a name.

What a node type's check says of a value typed beside a pin holds for these values too.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

from ..nodes.define import FAULTS, Call
from .expressions import expressions_of, is_nameless
from .graph import Graph, Placed

_MOST = 200  # characters; a longer expression is no constant that anybody wrote
_COMPARED: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def constants(graph: Graph, placed: Placed) -> dict[str, Any]:
    """Return the values, by input, that a node gets in every run by a wire or an expression."""
    found: dict[str, Any] = {}
    wires = graph.wires.get(placed.node.id, {})
    routed = graph.routes.get(placed.node.id, {})
    for pin, edge in wires.items():
        source = graph.source_of(edge)
        if source.kind is None or not source.kind.fixed or pin in routed:
            continue
        try:
            value = source.kind.run(Call({}, source.node.data))
        except FAULTS:
            continue  # told at its own node
        if edge.source_handle in value:
            found[pin] = value[edge.source_handle]
    for pin, text in expressions_of(placed.node.data).items():
        if pin not in wires and pin not in routed and len(text) <= _MOST and is_nameless(text):
            try:
                found[pin] = _value(ast.parse(text.strip(), mode="eval").body)
            except (ArithmeticError, MemoryError, RecursionError, SyntaxError, TypeError, ValueError):
                continue  # no constant; one that cannot be read is told by the sandbox
    return found


def _value(tree: ast.expr) -> Any:
    """Return the value of a literal, of `not` before one, or of a comparison of two; raise ValueError."""
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not):
        return not _value(tree.operand)
    if isinstance(tree, ast.Compare) and len(tree.ops) == 1 and type(tree.ops[0]) in _COMPARED:
        return _COMPARED[type(tree.ops[0])](_value(tree.left), _value(tree.comparators[0]))
    return ast.literal_eval(tree)
