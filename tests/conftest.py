"""What all tests share: where the outside test data lies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def shared_folder() -> Path:
    """Return the folder of contracts and corpora that lies beside the checkout."""
    return Path(os.environ.get("FLOWSTUDIO_SHARED", ROOT.parent / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared folder; a test that needs it is skipped, aloud, where it is absent."""
    folder = shared_folder()
    if not folder.is_dir():
        pytest.skip(f"no shared test data at {folder}: set FLOWSTUDIO_SHARED")
    return folder
