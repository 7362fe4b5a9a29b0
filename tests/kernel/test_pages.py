"""The Python in the pages of the docs runs as it stands, each page in a folder of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from house import ROOT

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = [
    page
    for page in sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md"])
    if BLOCK.search(page.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_code_of_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": page.stem}
    text = page.read_text(encoding="utf-8")
    for block in BLOCK.finditer(text):
        line = text.count("\n", 0, block.start(1))
        exec(compile("\n" * line + block[1], str(page), "exec"), names)


def test_there_are_pages_with_code() -> None:
    assert {"storage.md", "artifacts.md"} <= {page.name for page in PAGES}
