"""AbstractCore for the tests: imported behind our guard, because importing it silences the root logger."""

from __future__ import annotations

from types import ModuleType

import pytest

from abstractruntime.integrations.abstractcore.guard import NotInstalled, abstractcore


def core(module: str = "") -> ModuleType:
    """Return AbstractCore or a module of it; skip the test, aloud, where it is not installed."""
    try:
        return abstractcore(module, wanted_for="This test")
    except NotInstalled as missing:
        pytest.skip(str(missing))
