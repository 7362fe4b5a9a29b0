"""Stopping a trial run before a node: at a breakpoint, after a step, where it was to run to.

A stop is a question like any other: a durable wait of the run, answered by a person. So it survives restarts, is
in the inbox, and the ledger says who had the run go on, and how. It comes before the visit: the node is not
counted as visited, and its moment is that of going on. What it would read is told with the stop.

The whole run stops, all of its branches: they take turns, and none has one. Runs that it has called or started are
runs of their own. A called flow gets the breakpoints of its own nodes (`handed_on`); stepped into, it stops before
its first node.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.models import Effect, EffectType, RunState, StepPlan, WaitState
from ..core.vars import RUNTIME
from ..nodes.define import NodeType
from .trial import TRIAL, asked

GO_ON, OVER, INTO = "Go on", "Step over", "Step into"
STEPS = {OVER: "over", INTO: "into"}
SAID = f"{RUNTIME}.{TRIAL}.said"
KEY = "stop:"  # begins the keys of these waits
WORDS = {
    "breakpoint": "Stopped at a breakpoint before {}",
    "step": "Stopped before {}",
    "to": "Stopped before {}, to which it was to run",
}


def reason(vars: Mapping[str, Any], flow_id: str, node_id: str) -> str:
    """Return why a run that comes to a node stops there; empty where it does not.

    What somebody said to the last stop is taken in, and what was asked for once is used up.
    """
    trial = asked(vars)
    said = trial.pop("said", None)
    if said is not None:
        lead(trial, said.get("response") if isinstance(said, Mapping) else said)
        return ""
    if trial.get("to") == node_id:
        del trial["to"]
        return "to"
    breaks = trial.get("breaks")
    if isinstance(breaks, Mapping) and node_id in breaks.get(flow_id, ()):
        return "breakpoint"
    return "step" if "step" in trial else ""


def lead(trial: dict[str, Any], response: Any) -> None:
    """Note how a run is to go on after a stop."""
    step = STEPS.get(str(response))
    if step is not None:
        trial["step"] = step
    elif "step" in trial:
        del trial["step"]


def words(why: str, node: str) -> str:
    """Say before which node a run has stopped, and why."""
    return WORDS.get(why, WORDS["step"]).format(f"“{node}”")


def stop(run: RunState, node_id: str, why: str, note: dict[str, Any], *, calls: bool) -> StepPlan:
    """Return the plan that holds a run before a node until somebody says how it goes on; then it comes there again."""
    payload = {
        "prompt": words(why, node_id),
        "choices": [GO_ON, OVER, *([INTO] if calls else [])],
        "allow_free_text": False,
        "stop": why,
        "wait_key": f"{KEY}{run.run_id}:{node_id}:{note['visit']}",
    }
    return StepPlan(node_id, effect=Effect(EffectType.ASK_USER, payload, SAID), next_node=node_id, note=note)


def calls_flow(kind: NodeType) -> bool:
    """Say whether nodes of a type call a flow, which can be stepped into."""
    return kind.asks and any(setting.type == "flow" for setting in kind.fields)


def handed_on(payload: dict[str, Any], vars: Mapping[str, Any]) -> dict[str, Any]:
    """Return what starts a called flow, with what the trial run asks of it."""
    trial = for_called(asked(vars))
    if not trial:
        return payload
    given = payload.get("vars")
    given = dict(given) if isinstance(given, Mapping) else {}
    held = given.get(RUNTIME)
    given[RUNTIME] = {**(held if isinstance(held, Mapping) else {}), TRIAL: trial}
    return {**payload, "vars": given}


def for_called(trial: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a trial run asks of a run that it starts: its breakpoints, and to stop at once if it is stepped into."""
    into = {"step": "into"} if trial.get("step") == "into" else {}
    return {**({"breaks": trial["breaks"]} if "breaks" in trial else {}), **into}


def of_wait(wait: WaitState | None) -> str:
    """Return why a run has stopped, if that is what it waits for."""
    details = wait.details if wait is not None else None
    return str(details.get("stop") or "") if isinstance(details, dict) else ""


def is_told_by(record: Mapping[str, Any]) -> bool:
    """Say whether a record tells of a stop, or that a run goes on after one."""
    effect = record.get("effect")
    if not isinstance(effect, Mapping):
        return False
    payload = effect.get("payload") or {}
    if effect.get("type") == "resume":
        return str(payload.get("wait_key") or "").startswith(KEY)
    return bool(payload.get("stop")) and effect.get("type") == EffectType.ASK_USER.value
