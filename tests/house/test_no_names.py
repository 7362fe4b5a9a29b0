"""No reader names a node type: a type is declared once and everything else reads the declaration."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from abstractruntime.nodes.catalog import catalog
from house import MODULES, ROOT, module_name, tracked_files

READERS = [
    path
    for path in MODULES
    if module_name(path).startswith(("abstractruntime.visualflow_compiler", "flowstudio"))
    or module_name(path)
    in {"abstractruntime.nodes.catalog", "abstractruntime.nodes.pins", "abstractruntime.nodes.families"}
]
ISLAND = [
    path
    for path in tracked_files()
    if path.suffix == ".ts" and path.is_relative_to(ROOT / "static" / "island" / "src")
]
# Words that are also ordinary English or JSON: no proof of a type being named.
ORDINARY = {"if", "for", "while", "not", "and", "or", "get", "set", "join", "split", "format", "length"}
ORDINARY |= {"replace", "contains", "loop", "switch", "code", "merge", "trim", "round", "abs", "add", "power"}
ORDINARY |= {"json_schema", "function", "sequence", "parallel", "compare", "subflow"}
ORDINARY |= {"agent"}  # a type of pin too


def type_names() -> set[str]:
    return {card["type"] for card in catalog().cards()["types"]} - ORDINARY


def effect_words() -> set[str]:
    """Names shared by a node type and the effect it asks for: the effect may be named."""
    return {"ask_user", "answer_user", "wait_until", "wait_event", "emit_event", "web_request", "notify"}


@pytest.mark.parametrize("path", READERS, ids=module_name)
def test_python_readers_name_no_node_type(path: Path) -> None:
    names = type_names() - effect_words()
    hits = [
        f"{node.value!r} at line {node.lineno}"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in names
    ]
    assert not hits, f"{module_name(path)} names a node type: {hits}"


@pytest.mark.parametrize("path", ISLAND, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_the_island_names_no_node_type(path: Path) -> None:
    names = type_names()
    words = re.findall(r"""["'`]([a-z_]+)["'`]""", path.read_text(encoding="utf-8"))
    hits = sorted(set(words) & names)
    assert not hits, f"{path.name} names a node type: {hits}"


def test_comparisons_with_ordinary_type_names_are_found_too() -> None:
    """`node.type == "switch"` names a type even though the word is ordinary."""
    pattern = re.compile(r"""\.(?:type|node_type|nodeType)\s*(?:===?|!==?|in)\s*\(?["']([a-z_]+)["']""")
    allowed = {"string", "number", "boolean", "object", "array", "any", "execution"}
    hits = []
    for path in [*READERS, *ISLAND]:
        found = set(pattern.findall(path.read_text(encoding="utf-8"))) - allowed
        if found & (ORDINARY | type_names()):
            hits.append(f"{path.name}: {sorted(found)}")
    assert not hits
