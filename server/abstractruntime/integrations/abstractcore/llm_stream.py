"""Words of a model as they come: told to whoever listens in this process, kept nowhere.

The ledger gets the whole answer when the call is over. A listener that fails is told in the log and
never reaches the call.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextvars import ContextVar
from threading import Lock
from typing import Any

from ...core.boundary import guarded

log = logging.getLogger("abstractruntime")
Delta = dict[str, Any]
Listener = Callable[[str, Delta], None]

_listeners: list[tuple[str | None, Listener]] = []
_lock = Lock()
# The key of the effect that is being carried out: model servers are told it, so that they can see a
# repetition after a crash for what it is.
current_key: ContextVar[str | None] = ContextVar("current_key", default=None)
# Says whether the run that a call is made for has ended meanwhile; its words are then not waited for.
current_end: ContextVar[Callable[[], bool] | None] = ContextVar("current_end", default=None)
_LOOK_SECONDS = 0.5
CALLED_OFF = "The run was ended in the middle of the model's answer; the connection was closed."


def end_of(run_id: str, run_store: Any) -> Callable[[], bool] | None:
    """Return what says whether a run has ended meanwhile, looked up twice a second at most."""
    if run_store is None:
        return None
    looked, is_over = time.monotonic(), False

    def has_ended() -> bool:
        nonlocal looked, is_over
        now = time.monotonic()
        if not is_over and now - looked >= _LOOK_SECONDS:
            run, _ = guarded(run_store.load, run_id)
            looked, is_over = now, run is not None and run.status.is_over
        return is_over

    return has_ended


def has_ended() -> bool:
    """Say whether the run of the call under way has ended, so that nobody waits for the answer."""
    asks = current_end.get()
    return asks is not None and asks()


def subscribe_llm_tokens(run_id: str | None, listener: Listener) -> Callable[[], None]:
    """Have `listener(run_id, {"content"?, "reasoning"?})` called for a run's (or every run's) words.

    Returns what ends it.
    """
    entry = (run_id, listener)
    with _lock:
        _listeners.append(entry)

    def unsubscribe() -> None:
        with _lock:
            if entry in _listeners:
                _listeners.remove(entry)

    return unsubscribe


def tell(run_id: str, delta: Delta) -> None:
    """Pass on a piece of an answer."""
    with _lock:
        listening = [each for wanted, each in _listeners if wanted in (None, run_id)]
    for listener in listening:
        _, error = guarded(listener, run_id, delta)
        if error is not None:
            log.warning("A listener to model output of run %s raised %r", run_id, error)


def joined_tool_calls(deltas: list[Any]) -> list[dict[str, Any]]:
    """Return whole tool calls from streamed pieces, joined by their index."""
    calls: dict[int, dict[str, Any]] = {}
    for piece in deltas:
        if not isinstance(piece, dict):
            continue
        index = piece.get("index")
        call = calls.setdefault(
            index if isinstance(index, int) else len(calls), {"id": None, "name": "", "arguments": ""}
        )
        function = piece.get("function")
        inner = function if isinstance(function, dict) else piece
        call["id"] = call["id"] or piece.get("id")
        call["name"] += inner.get("name") or ""
        text = inner.get("arguments")
        if isinstance(text, dict):
            call["arguments"] = text
        elif isinstance(text, str) and isinstance(call["arguments"], str):
            call["arguments"] += text
    return [calls[index] for index in sorted(calls)]
