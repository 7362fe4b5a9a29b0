"""Whose memory it is: the run that keeps the spans of a scope.

`run` is the run itself, `session` a run of its own per session, `global` one for all. The last two
never do anything: they are COMPLETED from the start and only keep an index (kernel contract 2.14).
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping

from ..core.models import RunState, RunStatus

GLOBAL_RUN_ID = "global_memory"
GLOBAL_WORKFLOW = "__global_memory__"
SESSION_WORKFLOW = "__session_memory__"
GLOBAL_VARIABLE = "ABSTRACTRUNTIME_GLOBAL_MEMORY_RUN_ID"
_SAFE = re.compile(r"[a-zA-Z0-9_-]+")
SCOPES = ("run", "session", "global")
_DIGITS = 32
_MOST_LEVELS = 1000


def session_memory_run_id(session_id: str) -> str:
    """Return the id of the run that keeps a session's memory; odd session ids are digested."""
    name = session_id.strip()
    if _SAFE.fullmatch(name):
        return f"session_memory_{name}"
    return f"session_memory_sha_{hashlib.sha256(name.encode()).hexdigest()[:_DIGITS]}"


def global_memory_run_id(environ: Mapping[str, str] = os.environ) -> str:
    """Return the id of the run that keeps the memory of all; `ABSTRACTRUNTIME_GLOBAL_MEMORY_RUN_ID` sets it."""
    wanted = environ.get(GLOBAL_VARIABLE, "").strip()
    return wanted if _SAFE.fullmatch(wanted) else GLOBAL_RUN_ID


def scope_owner_id(run: RunState, scope: str, load: Callable[[str], RunState | None]) -> str:
    """Return the id of the run that keeps the memory of a scope; raise ValueError for an unknown scope.

    `load` returns a run's state: without a session, the topmost run of a run's parents is meant.
    """
    if scope == "run":
        return run.run_id
    if scope == "global":
        return global_memory_run_id()
    if scope != "session":
        raise ValueError(
            f"Unknown memory scope: {scope!r:.80} (it is one of {', '.join(SCOPES)}; all of them where one searches: all)"
        )
    if run.session_id and run.session_id.strip():
        return session_memory_run_id(run.session_id)
    for _ in range(_MOST_LEVELS):
        above = load(run.parent_run_id) if run.parent_run_id else None
        if above is None:
            break
        run = above
    return run.run_id


def new_owner(
    run_id: str, workflow_id: str, *, now: str, session_id: str | None = None, actor_id: str | None = None
) -> RunState:
    """Return a run that only keeps memory."""
    return RunState(
        run_id=run_id,
        workflow_id=workflow_id,
        status=RunStatus.COMPLETED,
        current_node="done",
        vars={
            "context": {"task": "", "messages": []},
            "scratchpad": {},
            "_runtime": {"memory_spans": []},
            "_temp": {},
            "_limits": {},
        },
        output={"messages": []},
        created_at=now,
        updated_at=now,
        actor_id=actor_id,
        session_id=session_id,
    )
