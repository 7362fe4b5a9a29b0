"""Libraries that a few node types need, loaded when first used.

The kernel imports the standard library only, so that it stays importable alone. A node type whose work is
a library's own subject (calendars of cron, patterns in linear time) borrows that library here by
name: whoever does not use the node does not need the package, and whoever does and lacks it is told
which one to install (docs/decisions/0021-nodes-borrow-libraries.md).
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from .define import NodeError


@cache
def borrowed(module: str, package: str) -> Any:
    """Return a module of a package outside the standard library; raise NodeError naming the package."""
    try:
        return import_module(module)
    except ImportError as error:
        raise NodeError(
            f"This needs the Python package '{package}', which cannot be loaded here ({error}). "
            f"Install it with: pip install {package}",
            code="node.needs_package",
        ) from None
