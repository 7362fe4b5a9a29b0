"""The effects that the kernel carries out itself, one family a file.

The folder is the list: every module here is imported, and its `@handles(...)` functions are enrolled.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path

from ..core.effects import Handler, enrolled
from ..core.models import EffectType


def modules() -> list[str]:
    """Return the names of the modules in this folder, sorted."""
    return sorted(file.stem for file in Path(__file__).parent.glob("*.py") if file.stem != "__init__")


def built_in() -> dict[EffectType, Handler]:
    """Return the handlers of all modules of this folder; they are imported for the first runtime."""
    _enrol()
    return dict(enrolled)


@cache
def _enrol() -> None:
    for name in modules():
        import_module(f"{__name__}.{name}")
