"""Stopping a trial run: at a breakpoint, after a step, where it was to run to.

A stop is a question like any other: a durable wait of the run, answered by a person. So it survives restarts, is
in the inbox, and the ledger says who had the run go on, and how. It comes before the visit: the node is not
counted as visited, and its moment is that of going on. What it would read is told with the stop.

The whole run stops, all of its branches: they take turns, and none has one. Runs that it has called or started are
runs of their own. A called flow gets the breakpoints of its own nodes (`handed_on`); stepped into, it stops before
its first node.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..core.halt import GO_ON, INTO, KEY, OVER, SAID, TRIAL, WITHIN
from ..core.models import EffectType, WaitState
from ..core.vars import RUNTIME
from ..nodes.define import NodeType
from .trial import asked

STEPS = {OVER: "over", INTO: "into"}
FAULTY = "faulty"  # of what a stop tells: why its condition has no value
WORDS = {
    "breakpoint": "Stopped at a breakpoint before {at}",
    "after": "Stopped at a breakpoint after {came}",
    "wire": "Stopped at a breakpoint on the wire from {came} to {at}",
    "error": "Stopped at an error of {at}",
    "outside": "Stopped before {at} acts outside",
    "cost": "Stopped after {came}: the run has cost {cost}, more than {most}",
    "step": "Stopped before {at}",
    "to": "Stopped before {at}, to which it was to run",
}


def heed(trial: dict[str, Any]) -> bool:
    """Take in what somebody said to the last stop; say whether there was something."""
    said = trial.pop("said", None)
    if said is None:
        return False
    lead(trial, said.get("response") if isinstance(said, Mapping) else said)
    return True


def lead(trial: dict[str, Any], response: Any) -> None:
    """Note how a run is to go on after a stop."""
    step = STEPS.get(str(response))
    if step is not None:
        trial["step"] = step
    elif "step" in trial:
        del trial["step"]


def words(why: str, node: str, about: Mapping[str, Any], name: Callable[[str], str] = str) -> str:
    """Say where a run has stopped, and why; `name` says how a node is called."""
    came = name(str(about["from"])) if "from" in about else node
    numbers = {key: f"{about[key]:g}" for key in ("cost", "most") if key in about}
    text = WORDS.get(why, WORDS["step"]).format(
        at=f"“{node}”", came=f"“{came}”", **{"cost": "", "most": "", **numbers}
    )
    if FAULTY in about:
        return f"{text}, for its condition {about.get('when')} cannot be told. {about[FAULTY]}"
    told = about.get("error") or about.get("request")
    return f"{text}{_when(about)}{f': {told}' if told else ''}"


def _when(about: Mapping[str, Any]) -> str:
    return f", where {about['when']}" if about.get("when") else ""


def key_of(run_id: str, node_id: str, visit: int, *, within: bool) -> str:
    """Return the key of the wait of a stop."""
    return f"{WITHIN if within else KEY}{run_id}:{node_id}:{visit}"


def payload_of(why: str, node_id: str, about: Mapping[str, Any], key: str, *, calls: bool) -> dict[str, Any]:
    """Return what a stop asks: how the run is to go on."""
    return {
        "prompt": words(why, node_id, about),
        "choices": [GO_ON, OVER, *([INTO] if calls else [])],
        "allow_free_text": False,
        "stop": why,
        **({"stop_about": dict(about)} if about else {}),
        "wait_key": key,
    }


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
    return {**{name: trial[name] for name in ("breaks", "anywhere") if name in trial}, **into}


def of_wait(wait: WaitState | None) -> str:
    """Return why a run has stopped, if that is what it waits for."""
    details = wait.details if wait is not None else None
    return str(details.get("stop") or "") if isinstance(details, dict) else ""


def about_of(wait: WaitState | None) -> dict[str, Any]:
    """Return what a stop tells beside why it is."""
    about = (wait.details or {}).get("stop_about") if wait is not None else None
    return dict(about) if isinstance(about, Mapping) else {}


def is_within(record: Mapping[str, Any]) -> bool:
    """Say whether a record tells of a stop in the middle of a visit, which then goes on."""
    payload = (record.get("effect") or {}).get("payload") or {}
    return is_told_by(record) and str(payload.get("wait_key") or "").startswith(WITHIN)


def is_told_by(record: Mapping[str, Any]) -> bool:
    """Say whether a record tells of a stop, or that a run goes on after one."""
    effect = record.get("effect")
    if not isinstance(effect, Mapping):
        return False
    payload = effect.get("payload") or {}
    if effect.get("type") == "resume":
        return str(payload.get("wait_key") or "").startswith(KEY)
    if record.get("status") == "waiting":
        wait = (record.get("result") or {}).get("wait") or {}
        return bool((wait.get("details") or {}).get("stop"))  # of what it would do outside, too
    return bool(payload.get("stop")) and effect.get("type") == EffectType.ASK_USER.value


__all__ = ["GO_ON", "INTO", "OVER", "SAID"]
