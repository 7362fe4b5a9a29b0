"""Every case runs on every backend that needs no server."""

from __future__ import annotations

from pathlib import Path

import pytest

from abstractruntime.storage.backends import BACKENDS

URLS = {
    "json": "json:///{folder}/runs?sync=never",
    "memory": "memory:",
    "sqlite": "sqlite:///{folder}/runs.db",
}


@pytest.fixture(params=sorted(BACKENDS))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store."""
    return URLS[request.param].format(folder=tmp_path)
