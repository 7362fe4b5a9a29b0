"""The page of the kernel's public names, from their signatures and docstrings."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise
from types import ModuleType
from typing import Any

import abstractruntime

from .nodes import MADE

HEAD = """
# The kernel's names

Everything that `from abstractruntime import ...` gives, by the module where it is defined. What a method of a class
promises that is not told here is told at the class it is based on. [Architecture](architecture.md) says how the parts
hang together, [errors](errors.md) explains every error by its code.
"""


def kernel_page() -> str:
    """Return the text of `docs/kernel-api.md`."""
    homes: dict[str, list[str]] = defaultdict(list)
    for name in abstractruntime.__all__:
        homes[home_of(name)].append(name)
    lines = [MADE, *HEAD.splitlines()]
    for home in sorted(homes):
        about = (inspect.getdoc(import_module(home)) or "").split("\n\n", 1)[0]
        lines += ["", f"## `{home}`", "", *about.splitlines()]
        for name in sorted(homes[home], key=str.lower):
            lines += ["", f"### {name}", "", *entry(home, name)]
    return "\n".join(lines).replace("\n\n\n", "\n\n").rstrip() + "\n"


def home_of(name: str) -> str:
    """Return the module that defines a public name."""
    value = getattr(abstractruntime, name)
    if inspect.isclass(value) or inspect.isfunction(value):
        return value.__module__
    for module in list(sys.modules):
        if module.startswith("abstractruntime.") and constant(sys.modules[module], name) is not None:
            return module
    raise LookupError(f"no module of the kernel assigns {name}")


def entry(home: str, name: str) -> list[str]:
    """Return the lines about one public name."""
    value = getattr(abstractruntime, name)
    if inspect.isclass(value):
        return class_lines(value)
    if inspect.isfunction(value):
        return ["```pyi", signature(value), "```", "", *doc_lines(value)]
    return ["```pyi", f"{name} = {value!r}", "```", "", *(constant(import_module(home), name) or [])]


def class_lines(kind: type[Any]) -> list[str]:
    """Return the lines about a class: how it is made, what it is, its fields and its methods."""
    bases = [base.__name__ for base in kind.__bases__ if base is not object and base.__name__ != "Generic"]
    made = vars(kind).get("__init__")
    tree = parsed(kind)
    fields = [line for line in tree.body if isinstance(line, ast.AnnAssign | ast.Assign) and is_public(line)]
    based = f"({', '.join(bases)})" if bases else ""
    lines = ["```pyi", f"class {kind.__name__}{based}"]
    lines += [f"    {ast.unparse(line)}" for line in fields]
    if inspect.isfunction(made) and made.__module__ == kind.__module__ and not fields:
        lines.append(f"    {signature(made)}")
    lines += ["```", "", *doc_lines(kind), ""]
    for name, method, is_property in methods_of(kind):
        said = " ".join(line for line in doc_lines(method) if line)
        head = f"{name}: {ast.unparse(parsed(method).returns)}" if is_property else signature(method)
        lines += [f"- `{head}`: {said}"]
    return lines


def methods_of(kind: type[Any]) -> Iterator[tuple[str, Any, bool]]:
    """Yield the public methods and properties that a class has for itself and that say what they do."""
    for name, value in vars(kind).items():
        method = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        if not name.startswith("_") and inspect.isfunction(method) and method.__doc__:
            yield name, method, isinstance(value, property)


def is_public(line: ast.AnnAssign | ast.Assign) -> bool:
    """Say whether a line of a class declares a public field."""
    target = line.target if isinstance(line, ast.AnnAssign) else line.targets[0]
    return isinstance(target, ast.Name) and not target.id.startswith("_")


def signature(function: Any) -> str:
    """Return a function's head as it is written, without `self`."""
    tree = parsed(function)
    arguments = tree.args
    if arguments.args and arguments.args[0].arg in ("self", "cls"):
        arguments.args.pop(0)
    returns = f" -> {ast.unparse(tree.returns)}" if tree.returns else ""
    return f"{tree.name}({ast.unparse(arguments)}){returns}"


def parsed(value: Any) -> Any:
    """Return the syntax tree of a class or a function."""
    return ast.parse(textwrap.dedent(inspect.getsource(value))).body[0]


def doc_lines(value: Any) -> list[str]:
    """Return the lines of what a class or function says about itself, and not what it inherits."""
    return inspect.cleandoc(value.__doc__ or "").splitlines()


def constant(module: ModuleType, name: str) -> list[str] | None:
    """Return what stands in quotes below a constant of a module, or None where the module has none."""
    if not module.__file__:
        return None
    body = ast.parse(inspect.getsource(module)).body
    for line, below in pairwise(body):
        targets = line.targets if isinstance(line, ast.Assign) else [getattr(line, "target", None)]
        if isinstance(targets[0], ast.Name) and targets[0].id == name:
            said = below.value if isinstance(below, ast.Expr) else None
            return inspect.cleandoc(str(said.value)).splitlines() if isinstance(said, ast.Constant) else []
    return None
