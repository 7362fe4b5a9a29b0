"""A handler for everything is allowed at a few boundaries only; elsewhere it hides a fault."""

from __future__ import annotations

import ast

from house import MODULES, module_name

BOUNDARIES = {
    "abstractruntime.nodes.packages",  # a package of others may raise anything when it is imported
    "abstractruntime.core.effects",  # a host's effect handler may raise anything
    "abstractruntime.storage.observable",  # an observer must not break the ledger
    "abstractruntime.integrations.mcp.connections",  # whatever ends a session is told to who waits
    "flowstudio.worker",  # one bad run must not stop the others
    "flowstudio.live.stream",  # one bad frame must not end the stream silently
}


def broad_handlers(path: object) -> list[int]:
    """Return the lines of `except:`, `except Exception` and `except BaseException`."""
    lines = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):  # type: ignore[attr-defined]
        if isinstance(node, ast.ExceptHandler):
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            names = {k.id for k in kinds if isinstance(k, ast.Name)}
            if node.type is None or names & {"Exception", "BaseException"}:
                lines.append(node.lineno)
    return lines


def test_only_boundaries_catch_everything() -> None:
    wrong = {
        module_name(path): lines
        for path in MODULES
        if module_name(path) not in BOUNDARIES and (lines := broad_handlers(path))
    }
    assert not wrong, f"catch what you expect, by name: {wrong}"


def test_boundaries_log_what_they_catch() -> None:
    silent = []
    for path in MODULES:
        if module_name(path) not in BOUNDARIES or not broad_handlers(path):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler) and node.lineno in broad_handlers(path):
                body = ast.unparse(ast.Module(body=node.body, type_ignores=[]))
                if "log" not in body and "raise" not in body and "failed(" not in body:
                    silent.append(f"{module_name(path)}:{node.lineno}")
    assert not silent, f"log the run's id and the error: {silent}"
