"""Where code of others is called, and whatever it raises is caught.

Handlers, nodes, tools, models, observers and packages of others may raise anything. They are called through
`guarded` (or `attempted`), which hands their exception back instead, and logs it with the run that a thread is
at work on. Elsewhere in the kernel exceptions are caught by name (decision 0053).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

from .errors import StoreError

log = logging.getLogger("abstractruntime")
Result = TypeVar("Result")
_at_work: ContextVar[str] = ContextVar("run_at_work", default="")


class AtWork:
    """Which run this thread is at work on, for what is logged meanwhile; for `with`."""

    __slots__ = ("_run_id", "_token")

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id

    def __enter__(self) -> None:
        self._token = _at_work.set(self._run_id)

    def __exit__(self, *_: object) -> None:
        _at_work.reset(self._token)


def at_work_on(run_id: str) -> AtWork:
    """Note which run this thread is at work on, for what is logged meanwhile."""
    return AtWork(run_id)


def run_at_work() -> str:
    """Return the id of the run that this thread is at work on, blank when it is on none."""
    return _at_work.get()


def guarded(
    function: Callable[..., Result], *args: Any, **kwargs: Any
) -> tuple[Result, None] | tuple[None, Exception]:
    """Call code that is not ours; return its result, or the exception that it raised.

    A store that fails is not that code's fault: its errors pass through. What an exception says may be secret, so
    it is logged for debugging only; that there was one, and its type, always.
    """
    try:
        return function(*args, **kwargs), None
    except StoreError:
        raise
    except Exception as error:
        run_id = run_at_work() or "(none)"
        named = getattr(function, "__qualname__", type(function).__qualname__)
        log.warning("Run %s: %s raised %s", run_id, named, type(error).__name__)
        log.debug("Run %s: %s raised", run_id, named, exc_info=error)
        return None, error


def attempted(
    function: Callable[..., Result], *args: Any, **kwargs: Any
) -> tuple[Result, None] | tuple[None, Exception]:
    """Call what must not end its caller, whatever fails; return its result, or what it raised.

    Unlike `guarded`, failures of the store too: a scheduler outlives them and tries again.
    """
    try:
        return guarded(function, *args, **kwargs)
    except StoreError as error:
        return None, error
