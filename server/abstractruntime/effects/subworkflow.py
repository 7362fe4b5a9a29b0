"""Starting another workflow as a child run.

The child's id is derived from the key of the visit that starts it, so a step that is taken again
after a crash finds its child instead of starting a second one. A child that runs by itself is created
in the same commit as the parent's wait.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ..core.boundary import guarded
from ..core.effects import EffectOutcome, Services, handles
from ..core.models import Effect, EffectType, RunState, RunStatus, WaitReason, WaitState
from ..core.vars import get_runtime
from ..core.waits import child_summary, tool_result

_WORKSPACE = (
    "workspace_root",
    "workspace_access_mode",
    "workspace_allowed_paths",
    "workspace_ignored_paths",
)
_AGENT = "visual_react_agent_"  # what hosts register for each agent node (contract visualflow.md 2.7)
_NO_AGENT = (
    ". No agent loop is configured: the host registers one under this id, as react_agent_workflow of "
    "abstractruntime.integrations.abstractcore.react_agent makes it"
)


def _runs_at_once(effect: Effect) -> bool:
    return not effect.payload.get("async")


@handles(EffectType.START_SUBWORKFLOW, external=_runs_at_once)
def start_subworkflow(
    run: RunState, effect: Effect, next_node: str | None, services: Services
) -> EffectOutcome:
    """Start a child run: drive it at once, or (async) leave it to the scheduler, waiting for it or not.

    It begins at its entry, or at `entry_node`. A child that is `bound` ends with its parent at the latest:
    see `Driver.release`.
    """
    payload = effect.payload
    workflow_id = payload.get("workflow_id")
    if not isinstance(workflow_id, str) or not workflow_id:
        return _failed(payload, "start_subworkflow requires payload.workflow_id")
    if not services.has_registry:
        return _failed(payload, "start_subworkflow requires a workflow_registry: give one to the Runtime")
    if not services.knows(workflow_id):
        missing = f"start_subworkflow: workflow '{workflow_id}' not found in the workflow_registry"
        return _failed(payload, missing + (_NO_AGENT if workflow_id.startswith(_AGENT) else ""))
    session_id = payload.get("session_id") or payload.get("sessionId") or run.session_id
    child, is_new = services.make_child(workflow_id, _child_vars(run, payload), session_id=session_id)
    at = payload.get("entry_node")
    if is_new and isinstance(at, str) and at:
        child.current_node = at
    if payload.get("bound"):
        services.stage_change(run.run_id, partial(_bind, child.run_id))
    if not payload.get("async"):
        return _run_now(run, effect, next_node, services, child, is_new)
    if is_new:
        services.stage_child(child)
    if payload.get("wait"):
        details = {
            "sub_run_id": child.run_id,
            "sub_workflow_id": workflow_id,
            "async": True,
            "include_traces": bool(payload.get("include_traces")),
        }
        return _wait_for(effect, next_node, details)
    started = {"sub_run_id": child.run_id, "async": True}
    if payload.get("wrap_as_tool_result"):
        told = {"rendered": f"Started subworkflow {child.run_id}", **started}
        return EffectOutcome.completed(tool_result(*_call(payload), output=told, error=None))
    return EffectOutcome.completed(started)


def _run_now(
    run: RunState,
    effect: Effect,
    next_node: str | None,
    services: Services,
    child: RunState,
    is_new: bool,
) -> EffectOutcome:
    payload, workflow_id = effect.payload, child.workflow_id
    state, error = guarded(services.run_child, child, is_new=is_new)
    if state is None:
        return EffectOutcome.failed(f"Subworkflow '{workflow_id}' failed: {error}")
    if state.status is RunStatus.FAILED:
        return _failed(payload, f"Subworkflow '{workflow_id}' failed: {state.error}")
    if state.status is RunStatus.CANCELLED:
        return _failed(payload, f"Subworkflow '{workflow_id}' cancelled: {state.error}")
    wants_traces = bool(payload.get("include_traces"))
    if state.status is RunStatus.COMPLETED:
        if payload.get("wrap_as_tool_result"):
            told = child_summary(state.output, state.run_id)
            return EffectOutcome.completed(tool_result(*_call(payload), output=told, error=None))
        result: dict[str, Any] = {"sub_run_id": state.run_id, "output": state.output}
        if wants_traces:
            result["node_traces"] = services.traces(state.run_id)
        return EffectOutcome.completed(result)
    details: dict[str, Any] = {
        "sub_run_id": state.run_id,
        "sub_workflow_id": workflow_id,
        "include_traces": wants_traces,
    }
    if state.waiting is not None:
        details["sub_waiting"] = {"reason": state.waiting.reason.value, "wait_key": state.waiting.wait_key}
    return _wait_for(effect, next_node, details)


def _wait_for(effect: Effect, next_node: str | None, details: dict[str, Any]) -> EffectOutcome:
    if effect.payload.get("wrap_as_tool_result"):
        name, call_id = _call(effect.payload)
        details = {**details, "wrap_as_tool_result": True, "tool_name": name, "call_id": call_id}
    return EffectOutcome.waiting(
        WaitState(
            reason=WaitReason.SUBWORKFLOW,
            wait_key=f"subworkflow:{details['sub_run_id']}",
            resume_to_node=effect.payload.get("resume_to_node") or next_node,
            result_key=effect.result_key,
            details=details,
        )
    )


def _bind(child_id: str, run: RunState) -> None:
    bound = get_runtime(run.vars).setdefault("bound", [])
    if child_id not in bound:
        bound.append(child_id)


def _child_vars(run: RunState, payload: dict[str, Any]) -> dict[str, Any]:
    """Return the child's variables: those given, and the parent's workspace."""
    given = payload.get("vars")
    vars = dict(given) if isinstance(given, dict) else {}
    for key in _WORKSPACE:
        value = run.vars.get(key)
        if key not in vars and value is not None and not (isinstance(value, str) and not value.strip()):
            vars[key] = value
    return vars


def _call(payload: dict[str, Any]) -> tuple[str, str]:
    name = payload.get("tool_name") or payload.get("toolName") or "start_subworkflow"
    call_id = payload.get("call_id") or payload.get("callId") or "subworkflow"
    return str(name), str(call_id)


def _failed(payload: dict[str, Any], error: str) -> EffectOutcome:
    if payload.get("wrap_as_tool_result"):
        return EffectOutcome.completed(tool_result(*_call(payload), output=None, error=error))
    return EffectOutcome.failed(error)


CASES: list[tuple[EffectType, dict[str, Any], str | None, str, Any]] = [
    (EffectType.START_SUBWORKFLOW, {}, "next", "failed", "workflow_id"),
    (EffectType.START_SUBWORKFLOW, {"workflow_id": "nobody"}, "next", "failed", "'nobody' not found"),
    (
        EffectType.START_SUBWORKFLOW,
        {"workflow_id": "nobody", "wrap_as_tool_result": True, "toolName": "t", "callId": "c"},
        "next",
        "completed",
        {
            "mode": "executed",
            "results": [
                {
                    "call_id": "c",
                    "name": "t",
                    "success": False,
                    "output": None,
                    "error": "start_subworkflow: workflow 'nobody' not found in the workflow_registry",
                }
            ],
        },
    ),
]
