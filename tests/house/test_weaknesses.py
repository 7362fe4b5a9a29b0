"""Every fault of docs/weaknesses.md names a test that exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from house import ROOT

PAGE = ROOT / "docs" / "weaknesses.md"
ROW = re.compile(r"^\| ([A-Z]\d+) \| ([HM]) \|(.*)\|$", re.MULTILINE)
TEST = re.compile(r"`((?:tests|server)/[\w/.-]+\.py)::(\w+)`")
# How many there are of each kind, and which of the list are only blemishes.
COUNTS = {"D": 12, "C": 11, "S": 13, "B": 23}
BLEMISHES = {"C10", "C11", "S12", "S13", "B19", "B20", "B21", "B22", "B23"}


def rows() -> dict[str, str]:
    return {name: rest for name, _, rest in ROW.findall(PAGE.read_text(encoding="utf-8"))}


@cache
def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_no_fault_is_left_out() -> None:
    wanted = {f"{kind}{n}" for kind, count in COUNTS.items() for n in range(1, count + 1)} - BLEMISHES
    assert set(rows()) == wanted


def test_every_fault_names_a_test_or_says_that_it_is_open() -> None:
    silent = [name for name, rest in rows().items() if not TEST.search(rest) and "| open" not in rest]
    assert not silent


def test_every_test_that_is_named_exists() -> None:
    missing = [
        f"{name}: {path}::{test}"
        for name, rest in rows().items()
        for path, test in TEST.findall(rest)
        if not (ROOT / path).is_file() or test not in functions_of(ROOT / path)
    ]
    assert not missing
