"""Where the real documents lie."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

_BESIDE = Path(__file__).resolve().parents[3] / "shared"


def corpus_folder() -> Path:
    """Return the folder of the corpus: FLOWSTUDIO_CORPUS, else beside the checkout."""
    given = os.environ.get("FLOWSTUDIO_CORPUS")
    return Path(given) if given else Path(os.environ.get("FLOWSTUDIO_SHARED", _BESIDE)) / "corpus"


@cache
def documents() -> dict[str, Path]:
    """Return the paths of all documents by the id inside; empty without a corpus."""
    folder = corpus_folder() / "flows"
    paths = sorted(folder.glob("*.json")) if folder.is_dir() else []
    return {json.loads(path.read_bytes())["id"]: path for path in paths}


@cache
def small_documents() -> dict[str, Any]:
    """Return the one-behaviour cases by id; empty without a corpus."""
    path = corpus_folder() / "micro.json"
    cases = json.loads(path.read_bytes())["cases"] if path.is_file() else []
    return {case["id"]: case for case in cases}
