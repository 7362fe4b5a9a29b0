"""No line of the contract's checklist is without a test, and every test that the page names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from corpus.real import corpus_folder

OURS = "X"  # how the lines begin that the contract does not have
TESTS = Path(__file__).resolve().parents[1]
PAGE = TESTS.parent / "docs" / "acceptance.md"
CONTRACT = corpus_folder().parent / "contract" / "visualflow.md"


def rows() -> dict[str, list[str]]:
    """Return line -> the tests named for it."""
    found = re.findall(r"^\| ([A-Z]\d+) \| [^|]+ \| (.+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    return {line: re.findall(r"`([^`]+)`", tests) for line, tests in found}


@pytest.mark.skipif(not CONTRACT.is_file(), reason="no contract beside the checkout: set FLOWSTUDIO_SHARED")
def test_every_line_of_the_checklist_has_a_row() -> None:
    checklist = CONTRACT.read_text("utf-8").split("# 6. Acceptance checklist", 1)[1]
    lines = set(re.findall(r"\b([A-Z]\d{1,2})\b (?=\S)", checklist))
    assert len(lines) > 45
    assert lines == {line for line in rows() if not line.startswith(OURS)}


@pytest.mark.parametrize("line", sorted(rows()))
def test_the_tests_of_a_line_are_there(line: str) -> None:
    named = rows()[line]
    assert named
    for each in named:
        path, _, name = each.partition("::")
        text = (TESTS / path).read_text("utf-8")
        assert f"def {name or 'test_'}" in text, each
