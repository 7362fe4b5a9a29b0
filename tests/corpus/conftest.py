"""Real documents that lie beside the checkout; without them these tests are skipped, and say so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from corpus.real import corpus_folder, documents


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of the corpus."""
    folder = corpus_folder()
    if not documents():
        pytest.skip(f"no corpus at {folder}: set FLOWSTUDIO_CORPUS")
    return folder


@pytest.fixture(scope="session")
def flows(corpus: Path) -> dict[str, Any]:
    """All documents, by id."""
    return {flow_id: json.loads(path.read_bytes()) for flow_id, path in documents().items()}


@pytest.fixture(scope="session")
def golden(corpus: Path) -> dict[str, Any]:
    """What the reference did with each of them."""
    found: dict[str, Any] = json.loads((corpus / "golden.json").read_bytes())
    return found
