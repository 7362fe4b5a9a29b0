"""Names of a package that are imported when they are first asked for, so that a program waits for what it uses.

A package names its exports three times: for type checkers (`if TYPE_CHECKING`), in `__all__`, and by
their homes for `door`; a test of the house holds the three against each other.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def door(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package; `homes` maps modules (`.base`) to names, separated by spaces.

    Its own modules and packages are found too, as if they had been imported with it.
    """
    home_of = {name: home for home, names in homes.items() for name in names.split()}

    def find(name: str) -> Any:
        home = home_of.get(name)
        if home is None:
            return _part(package, name)
        value = getattr(import_module(home, package), name)
        setattr(sys.modules[package], name, value)  # from now on it is there at once
        return value

    return find


def _part(package: str, name: str) -> Any:
    try:
        return import_module(f".{name}", package)
    except ModuleNotFoundError as error:
        if error.name != f"{package}.{name}":
            raise
    raise AttributeError(f"module {package!r} has no attribute {name!r}")
