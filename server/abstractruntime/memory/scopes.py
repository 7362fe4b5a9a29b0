"""Which runs a memory effect reads and changes.

The *base run* is the one that asks, or `target_run_id`. A scope leads from there to the run that
keeps the index: see `owners`.
"""

from __future__ import annotations

import hashlib
from typing import Any

from ..core.effects import EffectOutcome, Services
from ..core.models import Effect, RunState
from ..storage.artifacts import ArtifactStore
from .owners import GLOBAL_WORKFLOW, SCOPES, SESSION_WORKFLOW, new_owner, scope_owner_id
from .payload import text

_DIGITS = 32


def artifacts_of(effect: Effect, services: Services) -> ArtifactStore:
    """Return the artifact store; raise ValueError naming the effect if the runtime has none."""
    if services.artifacts is None:
        raise ValueError(
            f"{effect.type.value} requires an ArtifactStore: give one to the Runtime (artifact_store=...)"
        )
    return services.artifacts


def base_run(run: RunState, effect: Effect, services: Services) -> RunState:
    """Return the run that the effect is about; raise ValueError for an unknown one."""
    target = text(effect.payload, "target_run_id") or run.run_id
    found = services.state(target)
    if found is None:
        raise ValueError(f"Unknown target_run_id: {target}")
    return found


def owner(base: RunState, scope: str, services: Services) -> RunState:
    """Return the run that keeps a scope's index, made together with the step if there is none yet."""
    run_id = scope_owner_id(base, scope, services.state)
    found = services.state(run_id)
    if found is not None:
        return found
    workflow = GLOBAL_WORKFLOW if scope == "global" else SESSION_WORKFLOW
    session = base.session_id if scope == "session" else None
    made = new_owner(run_id, workflow, now=services.now().isoformat(), session_id=session)
    services.stage_new(made)
    return made


def owners(base: RunState, scope: str, services: Services) -> list[RunState]:
    """Return the runs whose indexes are looked at, each once; those that do not exist are left out.

    `all` means the run, its session and all runs, in this order.
    """
    scopes = SCOPES if scope == "all" else (scope,)
    ids = dict.fromkeys(scope_owner_id(base, one, services.state) for one in scopes)
    return [found for one in ids if (found := services.state(one)) is not None]


def made_id(services: Services, what: str) -> str:
    """Return the id of an artifact that this visit makes: another for every visit, the same after a crash."""
    return hashlib.sha256(f"{services.key}:{what}".encode()).hexdigest()[:_DIGITS]


def refused(effect: Effect, bad: ValueError) -> EffectOutcome:
    """Return the failure that says what of the request cannot be used, naming the effect."""
    name, why = effect.type.value, str(bad)
    return EffectOutcome.failed(why if name in why else f"{name}: {why}")


def told(
    effect: Effect, *, name: str, output: str, meta: dict[str, Any] | None, call_id: str = "memory"
) -> dict[str, Any]:
    """Return the result of a memory effect in the shape that tool nodes read."""
    return {
        "mode": "executed",
        "results": [
            {
                "call_id": text(effect.payload, "call_id") or call_id,
                "name": text(effect.payload, "tool_name") or name,
                "success": True,
                "output": output,
                "error": None,
                "meta": meta,
            }
        ],
    }
