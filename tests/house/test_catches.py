"""A handler for everything is allowed at a few boundaries only, and says whose run it was (decision 0053)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from house import MODULES, module_name

BOUNDARIES = {
    "abstractruntime.core.boundary",  # handlers, nodes, tools, observers, packages: code of others may raise anything
    "abstractruntime.integrations.mcp.connections",  # whatever ends a session is told to who waits
    "flowstudio.worker",  # one bad run must not stop the others
    "flowstudio.live.stream",  # one bad frame must not end the stream silently
}
NO_RUN = {"flowstudio.worker:_keep_time"}  # it looks for runs, and has none yet
LEVELS = {"debug", "info", "warning", "error", "exception"}


def broad_handlers(tree: ast.AST) -> list[tuple[str, ast.ExceptHandler]]:
    """Return `except:`, `except Exception` and `except BaseException`, each with the function that it is in."""
    found = []
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module):
            continue
        for node in inner(function):
            if isinstance(node, ast.ExceptHandler):
                kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
                if node.type is None or any(
                    name_of(kind) in ("Exception", "BaseException") for kind in kinds
                ):
                    found.append((getattr(function, "name", "module"), node))
    return found


def inner(function: ast.AST) -> list[ast.AST]:
    """Return what stands in a function and not in one within it."""
    found: list[ast.AST] = []
    for child in ast.iter_child_nodes(function):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            found += [child, *inner(child)]
    return found


def name_of(node: ast.AST | None) -> str:
    """Return the last word of a name, an attribute, or what is called."""
    if isinstance(node, ast.Call):
        return name_of(node.func)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def fault_of(handler: ast.ExceptHandler, *, wants_run: bool = True) -> str:
    """Return what a handler for everything lacks: it has to log the run and the exception, or raise it again."""
    if any(isinstance(node, ast.Raise) and node.exc is None for node in handler.body):
        return ""
    for call in (node for node in ast.walk(handler) if isinstance(node, ast.Call)):
        is_log = isinstance(call.func, ast.Attribute) and name_of(call.func.value) == "log"
        if not is_log or name_of(call) not in LEVELS - {"debug"}:
            continue
        said = [node for argument in [*call.args, *call.keywords] for node in ast.walk(argument)]
        has_run = any(name_of(node).strip("_") in ("run_id", "run_ids") for node in said)
        has_error = name_of(call) == "exception" or any(
            isinstance(node, ast.Name) and node.id == handler.name for node in said
        )
        if has_error and (has_run or not wants_run):
            return ""
    return "log the run's id and the exception, and not for debugging only"


def test_only_boundaries_catch_everything() -> None:
    catching = {
        module_name(path) for path in MODULES if broad_handlers(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert catching == BOUNDARIES, "catch what you expect, by name, or call code of others through `guarded`"


def test_boundaries_log_the_run_and_what_they_catch() -> None:
    wrong, without_run = [], set()
    for path in MODULES:
        for function, handler in broad_handlers(ast.parse(path.read_text(encoding="utf-8"))):
            place = f"{module_name(path)}:{function}"
            if fault_of(handler) and place in NO_RUN:
                without_run.add(place)
            if fault := fault_of(handler, wants_run=place not in NO_RUN):
                wrong.append(f"{place}, line {handler.lineno}: {fault}")
    assert not wrong
    assert without_run == NO_RUN, "a place that has a run now is to say which"


@pytest.mark.parametrize(
    ("body", "is_right"),
    [
        ("log.error('Run %s: %r', run_id, error)", True),
        ("log.error('Run %s: %r', record.run_id, 'x', exc_info=error)", True),
        ("log.exception('Run %s', self._run_id)", True),
        ("raise", True),
        ("log.debug('Run %s: %r', run_id, error)", False),
        ("log.error('%r raised %r', function, error)", False),
        ("log.error('Run %s failed', run_id)", False),
        ("logged = catalog('raise', run_id, error)", False),
        ("if odd:\n        raise", False),
        ("return failed(run_id, error)", False),
    ],
)
def test_the_check_reads_calls_and_not_letters(body: str, is_right: bool) -> None:
    source = f"def f():\n  try:\n    g()\n  except (KeyError, Exception) as error:\n    {body}"
    [(function, handler)] = broad_handlers(ast.parse(source))
    assert (function, fault_of(handler) == "") == ("f", is_right)


def test_who_catches_is_found_in_nested_functions_once() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert broad_handlers(ast.parse(source)) == []
    nested = "def f():\n  def g():\n    try:\n      h()\n    except BaseException:\n      pass"
    assert [name for name, _ in broad_handlers(ast.parse(nested))] == ["g"]
