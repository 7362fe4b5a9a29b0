"""What the sandbox's parser says about the code in a flow, before any run.

`validate.check` reads documents and nothing else; this check asks the sandbox's workers, so it is a
function of its own for whoever has a sandbox: the editor's validation and the start of a run.
"""

from __future__ import annotations

from collections.abc import Container, Iterator

from ..nodes.catalog import Catalog
from ..nodes.define import FAULTS, Source
from .document import VisualFlow
from .expressions import MOST, expressions_of, source_of
from .graph import Graph, Placed, graph_of
from .policies import KEY, key_of
from .problem import Problem
from .sandbox import CodeSandbox
from .sandbox_words import SandboxRefusal


def code_problems(flow: VisualFlow, types: Catalog, sandbox: CodeSandbox) -> list[Problem]:
    """Return a problem for each code node, among those a run can come to, that cannot be run."""
    return problems_of_code(graph_of(flow, types, listeners=True), sandbox)


def problems_of_code(graph: Graph, sandbox: CodeSandbox) -> list[Problem]:
    """Do the same for a flow whose wires are sorted already."""
    used = (*graph.reachable, *graph.needed)
    found = [_problem(graph.nodes[node_id], sandbox) for node_id in used]
    told = [problem for problem in found if problem is not None]
    for node_id in used:
        told += _of_expressions(graph.nodes[node_id], graph.wires.get(node_id, {}), sandbox)
    return told


def _of_expressions(placed: Placed, wired: Container[str], sandbox: CodeSandbox) -> Iterator[Problem]:
    texts = [
        (pin, text)
        for pin, text in expressions_of(placed.node.data).items()
        if pin not in wired and pin in placed.inputs
    ]
    if placed.kind is not None and (key := key_of(placed.kind, placed.node.data)):
        texts.append((KEY, key))
    for pin, text in texts:
        if len(text) > MOST:
            continue
        source = source_of(text, [])
        try:
            refusal = sandbox.parse(source.text, skip_lines=source.skip_lines)
        except SandboxRefusal as error:
            refusal = error
        if refusal is not None:
            message = f"{placed.name}: the expression of '{pin}' cannot be read. {refusal}"
            yield Problem("error", "expression.syntax", message, placed.node.id, pin, line=refusal.line)


def holds_code(flow: VisualFlow, types: Catalog) -> bool:
    """Whether any node of the flow runs code: only then is there something to ask the sandbox."""
    if any(expressions_of(node.data) for node in flow.nodes):
        return True
    kinds = ((node, types.resolve(node.type)) for node in flow.nodes)
    return any(kind and (kind.source is not None or key_of(kind, node.data)) for node, kind in kinds)


def _problem(placed: Placed, sandbox: CodeSandbox) -> Problem | None:
    source = _source(placed)
    if source is None:
        return None
    try:
        refusal = sandbox.parse(source.text, python=source.python, skip_lines=source.skip_lines)
    except SandboxRefusal as error:
        refusal = error
    if refusal is None:
        return None
    message = f"{placed.name}: {refusal}"
    return Problem("error", refusal.code, message, placed.node.id, source.field or None, line=refusal.line)


def _source(placed: Placed) -> Source | None:
    if placed.kind is None or placed.kind.source is None:
        return None
    try:
        return placed.kind.source(placed.node.data)
    except FAULTS:
        return None  # `validate.check` tells what is wrong with the data
