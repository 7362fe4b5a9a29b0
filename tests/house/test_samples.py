"""Sample flows are kept as the library writes them, so that opening and saving one changes nothing."""

from __future__ import annotations

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
