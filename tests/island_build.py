"""The build hook of the island, which lies outside of the packages, as a module."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

ISLAND = Path(__file__).resolve().parents[1] / "static" / "island"


def island_build() -> ModuleType:
    """Return `static/island/hatch_build.py`."""
    spec = importlib.util.spec_from_file_location("hatch_build", ISLAND / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    return build
