"""The Python in the pages runs as it is written: every block of a page, in order, in an empty folder."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

from house import ROOT

BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> list[tuple[int, str]]:
    """Return the Python blocks of a page with the number of their first line."""
    text = page.read_text(encoding="utf-8")
    return [(text.count("\n", 0, found.start(1)), found.group(1)) for found in BLOCK.finditer(text)]


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if blocks(page)],
    ids=lambda page: page.relative_to(ROOT).as_posix(),
)
def test_the_code_of_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__main__"}
    for line, source in blocks(page):
        # Blank lines in front: a traceback shows the line of the page.
        exec(compile("\n" * line + textwrap.dedent(source), str(page), "exec"), names)


def test_the_pages_show_what_the_reference_does() -> None:
    """Every subject of the reference's examples has a heading, with code under it."""
    subjects = {
        "docs/getting-started.md": (
            "Hello",
            "Ask and resume",
            "Wait until",
            "Persistence",
            "Scheduler",
        ),
        "docs/recipes.md": (
            "Retries",
            "Subworkflow",
            "Events",
            "Artifacts",
            "Bundle",
        ),
    }
    for name, titles in subjects.items():
        parts = re.split(r"^## ", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE)
        shown = {part.partition("\n")[0].strip() for part in parts if "```python" in part}
        assert set(titles) <= shown, f"{name} lacks code under {sorted(set(titles) - shown)}"
    pages = {"snapshots": "Snapshots", "ledger-chain": "Hash chain", "history": "History bundles"}
    for name, title in pages.items():
        page = ROOT / "docs" / f"{name}.md"
        assert page.read_text(encoding="utf-8").startswith(f"# {title}\n")
        assert blocks(page), f"{page.name} lacks code"
