"""No file over 500 lines, no function over 60: when the limit hurts, the design asks for a word."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from house import ROOT, tracked_files

FILE_LIMIT, FUNCTION_LIMIT = 500, 60
CODE = {".py", ".ts", ".mjs", ".css", ".html", ".sql"}
SOURCES = [path for path in tracked_files() if path.suffix in CODE]
PYTHON = [path for path in SOURCES if path.suffix == ".py"]


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_files_stay_short(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= FILE_LIMIT, f"{name(path)} has {lines} lines; cut it by subject"


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_functions_stay_short(path: Path) -> None:
    long = [
        f"{node.name} at line {node.lineno}: {(node.end_lineno or node.lineno) - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno + 1 > FUNCTION_LIMIT
    ]
    assert not long, f"{name(path)}: {long}"


def test_no_drawer_for_odds_and_ends() -> None:
    banned = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
    wrong = [name(path) for path in PYTHON if path.stem in banned]
    wrong += [
        name(p) for p in PYTHON if p.stem == "base" and name(p) != "server/abstractruntime/storage/base.py"
    ]
    assert not wrong, f"name the file after the word it explains: {wrong}"


BROWSING = [path for path in PYTHON if path.parent.name == "browser" and path.name.startswith("test_")]


@pytest.mark.parametrize("path", BROWSING, ids=name)
def test_what_drives_a_browser_says_so(path: Path) -> None:
    """Unmarked it would run among the other tests, and Playwright's loop would be in the way of theirs."""
    assert "pytest.mark.browser" in path.read_text(encoding="utf-8"), f"{name(path)}: set pytestmark"
