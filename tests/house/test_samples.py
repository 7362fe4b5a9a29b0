"""Sample flows are kept as the library writes them, so that opening and saving one changes nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flowstudio.library_text import read_json, write_document
from house import ROOT

SAMPLES = sorted((ROOT / "flows").glob("*.json"))


def test_there_are_samples() -> None:
    assert len(SAMPLES) >= 5


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_is_in_canonical_form(path: Path) -> None:
    kept = path.read_bytes()
    document = read_json(kept)
    assert write_document(document) == kept
    assert document["id"] == path.stem
    assert document["description"], "say what the flow does"


def test_the_page_says_what_each_flow_is() -> None:
    page = (ROOT / "docs" / "samples.md").read_text(encoding="utf-8")
    table = page.split("| key | holds |", 1)[0]
    named = re.findall(r"`([a-z-]+)`", table)
    assert sorted(named) == [path.stem for path in SAMPLES]
    assert f"the {len(SAMPLES)} flows" in table


def test_a_flow_has_a_sample_or_a_test_of_its_own() -> None:
    kept = {file.stem for file in (ROOT / "flows" / "samples").glob("*.json")}
    tests = [ROOT / "tests" / "cases" / "test_small_flows.py", ROOT / "tests" / "web" / "test_coach.py"]
    words = "".join(file.read_text(encoding="utf-8") for file in tests)
    assert [path.stem for path in SAMPLES if path.stem not in kept and f'"{path.stem}"' not in words] == []
