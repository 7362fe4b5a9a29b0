"""Waiting for whichever of several child runs is over first."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..core.effects import EffectOutcome, Services, handles
from ..core.models import Effect, EffectType, RunState, WaitReason, WaitState
from ..core.vars import get_runtime


@handles(EffectType.AWAIT_RUNS)
def await_runs(run: RunState, effect: Effect, next_node: str | None, services: Services) -> EffectOutcome:
    """Pause until one of the runs `run_ids` is over; it answers with how that one ended.

    Runs in `let_go` are not wanted any more: whoever drives this run cancels them. With nothing to wait
    for it is done at once.
    """
    ids, let_go = (_texts(effect.payload.get(key)) for key in ("run_ids", "let_go"))
    if ids is None or let_go is None:
        return EffectOutcome.failed("await_runs requires payload.run_ids, a list of ids of runs")
    if let_go:
        services.stage_change(run.run_id, partial(_let_go, let_go))
    for run_id in ids:
        child = services.state(run_id)
        if child is None:
            return EffectOutcome.failed(f"await_runs: there is no run '{run_id}'")
        if child.status.is_over:
            return EffectOutcome.completed(ended(child))
    if not ids:
        return EffectOutcome.completed({})
    return EffectOutcome.waiting(
        WaitState(
            reason=WaitReason.SUBWORKFLOW,
            wait_key=f"subworkflow:{ids[0]}",
            resume_to_node=effect.payload.get("resume_to_node") or next_node,
            result_key=effect.result_key,
            details={"sub_run_id": ids[0], "sub_run_ids": ids, "async": True},
        )
    )


def ended(child: RunState) -> dict[str, Any]:
    """Return what is told of a run that is over."""
    told: dict[str, Any] = {"sub_run_id": child.run_id, "status": child.status.value, "output": child.output}
    return told if child.error is None else {**told, "error": child.error}


def _texts(value: Any) -> list[str] | None:
    if value is None:
        return []
    return value if isinstance(value, list) and all(isinstance(each, str) for each in value) else None


def _let_go(ids: list[str], run: RunState) -> None:
    known = get_runtime(run.vars).setdefault("let_go", [])
    known += [each for each in ids if each not in known]


CASES: list[tuple[EffectType, dict[str, Any], str | None, str, Any]] = [
    (EffectType.AWAIT_RUNS, {"run_ids": []}, "next", "completed", {}),
    (EffectType.AWAIT_RUNS, {"let_go": ["gone"]}, "next", "completed", {}),
    (EffectType.AWAIT_RUNS, {"run_ids": "one"}, "next", "failed", "a list of ids of runs"),
    (EffectType.AWAIT_RUNS, {"run_ids": ["nobody"]}, "next", "failed", "there is no run 'nobody'"),
]
