"""What all tests share: where the outside test data lies."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test has one name in every process, or several workers cannot share the tests."""
    odd = [item.nodeid for item in items if ADDRESS.search(item.nodeid)]
    if odd:
        raise pytest.UsageError(f"names with an address in memory; give them ids: {odd[:3]}")


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
