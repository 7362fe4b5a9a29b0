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


# Said of a node where its type is compared, looked up, or listed.
_TYPE = r"(?:\.(?:type|node_type|nodeType|kind_name)\b|\b(?:node_type|nodeType)\b|\[[\"'](?:type|nodeType)[\"']\])"
_WORD = r"[\"']([a-z_]+)[\"']"
USES = [
    re.compile(_TYPE + r"\s*(?:===?|!==?|(?:not )?in)\s*[({\[]?\s*" + _WORD),  # node.type == "switch"
    re.compile(_WORD + r"\s*(?:===?|!==?)\s*[\w.]*" + _TYPE),  # "switch" == node.type
    re.compile(
        r"(?:\bof|built_in|catalog\(\)|types|TYPES|kinds|KINDS)(?:\.get\(|\[)\s*" + _WORD
    ),  # types["switch"]
]
LISTED = re.compile(
    r"[({\[]((?:\s*[\"'][a-z_]+[\"']\s*,)+\s*(?:[\"'][a-z_]+[\"']\s*)?)[)}\]]"
)  # {"if", "switch"}
KEYED = re.compile(
    r"[{,]\s*[\"'](switch|subflow|sequence|parallel|compare|coalesce|while)[\"']\s*:"
)  # {"switch": ...}


EDITS = {"add", "set", "replace"}  # what a change of a document is called, too


def named(text: str, names: set[str], plain: set[str]) -> set[str]:
    """Return the ordinary type names that a source uses as such; `plain` are words that are pins or JSON types too."""
    found = {word for pattern in USES for word in pattern.findall(text)} & names
    found |= set(KEYED.findall(text)) & names
    for group in LISTED.findall(text):
        words = set(re.findall(r"[a-z_]+", group))
        if len(words) > 1 and words <= names and not words <= EDITS:
            found |= words
    return found - plain


PLAIN = {"string", "number", "boolean", "object", "array", "any", "execution"}


@pytest.mark.parametrize("path", [*READERS, *ISLAND], ids=lambda p: p.relative_to(ROOT).as_posix())
def test_ordinary_words_are_not_used_as_type_names(path: Path) -> None:
    hits = named(path.read_text(encoding="utf-8"), ORDINARY | type_names(), PLAIN)
    assert not hits, f"{path.name} names a node type: {sorted(hits)}"


@pytest.mark.parametrize(
    "source",
    [
        'if node.type == "switch":',
        'if node.type in {"if", "switch"}:',
        'if node["type"] not in ("loop",):',
        'if kind in {"if", "switch"}:',
        "if ('while' === node.type) {",
        'WAYS = ["if", "switch", "sequence"]',
        'catalog().get("subflow")',
        "types['switch']",
        '{"switch": branch, "x": y}',
        "nodeType !== 'code'",
    ],
)
def test_an_ordinary_word_that_names_a_type_is_found(source: str) -> None:
    assert named(source, ORDINARY | type_names(), PLAIN)


@pytest.mark.parametrize(
    "source",
    [
        'words.get("code")',
        'if schema["type"] == "object":',
        'parts = ("code", "message")',
        'verb = "replace"',
        '{"code": code, "format": 1}',
    ],
)
def test_an_ordinary_word_alone_is_none(source: str) -> None:
    assert named(source, ORDINARY | type_names(), PLAIN) == set()
