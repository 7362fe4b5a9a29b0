"""AbstractCore, where it is installed: imported when it is needed, its traces on logging undone.

Importing it sets the root logger to ERROR and adds a handler that writes to stdout, which would break
every program that speaks JSON there (docs: contract/integrations.md 1.3, observed on 2.18 and 2.30).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from threading import RLock
from types import ModuleType

from ...core.errors import KernelError

_importing = RLock()


class NotInstalled(KernelError, ImportError):
    """An optional package is missing; the message says what to install."""

    code = "integration.not_installed"


@contextmanager
def quiet_logging() -> Iterator[None]:
    """Keep the root logger as it is, whatever happens inside."""
    root = logging.getLogger()
    level, handlers = root.level, [*root.handlers]
    try:
        yield
    finally:
        root.setLevel(level)
        root.handlers[:] = handlers


def abstractcore(module: str = "", *, wanted_for: str) -> ModuleType:
    """Return `abstractcore` or a module of it; raise NotInstalled saying what wants it."""
    name = f"abstractcore.{module}" if module else "abstractcore"
    try:
        with _importing, quiet_logging():
            return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "abstractcore":
            missing = f"{name} needs the package '{error.name}'"
        else:
            missing = f"{wanted_for} needs AbstractCore"
        raise NotInstalled(
            f"{missing}, which is not installed: pip install 'flowstudio[abstractcore-light]' "
            "(34 MB), or 'flowstudio[abstractcore]' for the newest release with all engines."
        ) from None
