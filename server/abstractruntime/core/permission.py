"""What a run may do outside only when a person has said yes: every outside effect of a fork that asks first.

The question is a wait like any other. It is asked before the effect acts, and the answer leads back to the node,
which asks for the same again. While it is open the whole run waits, its other branches too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .effects import Deed, EffectOutcome, Handler, HandlerTable, Services
from .halt import GO_ON, OVER, SAID, WITHIN
from .models import Effect, EffectType, RunState, StepStatus, WaitReason, WaitState
from .records import STATUS_KEY_PREFIX
from .vars import CLOCK, RUNTIME, clock_factor, get_runtime

EFFECTS = (
    "effects"  # in the kernel's own space: what becomes of outside effects, where they are not simply done
)
ASK = "ask"
STOP = "stop"  # a trial run stops there, as at a breakpoint: whoever looks has it go on
RECORDED = "recorded"  # it asks where the recording of its parent has no reply (`recorded`)
RECORDING = "recording"  # in the kernel's own space: that recording, which run and what of its story was kept
YES, NO = "Do it", "Do not"
KIND = "outside_effect"
_GIVEN, _ASKED_BY = "permitted", "permitted_to"  # what a person said, and the node that had asked
_SHOWN = 600
_LOOKS = frozenset(
    {
        EffectType.START_SUBWORKFLOW,  # what the child does is asked about there
        EffectType.READ_FILE,
        EffectType.LIST_FILES,
        EffectType.READ_PDF,
        EffectType.READ_ARTIFACT,
        EffectType.MEMORY_QUERY,
        EffectType.MEMORY_KG_QUERY,
        EffectType.MEMORY_KG_RESOLVE,
    }
)
_WRITES = frozenset(
    {EffectType.WRITE_FILE, EffectType.APPEND_FILE, EffectType.WRITE_PDF, EffectType.EXPORT_ARTIFACT}
)


def acts_outside(handler: Handler | None, effect: Effect) -> bool:
    """Say whether an effect changes something outside the run and what it has started, or costs something."""
    if handler is None or effect.type in _LOOKS:
        return False
    if effect.type is EffectType.EMIT_EVENT:
        return str(effect.payload.get("scope") or "session").strip().lower() in ("global", "workflow")
    return effect.type in _WRITES or handler.external(effect)


def looks_outside(handler: Handler | None, effect: Effect) -> bool:
    """Say whether an effect reads something that the run does not hold."""
    return handler is not None and effect.type in _LOOKS and effect.type is not EffectType.START_SUBWORKFLOW


def mode_of(run: RunState) -> str:
    """Return what becomes of a run's outside effects: `ask`, `recorded`, or empty where they are simply done."""
    space = dict.get(run.vars, "_runtime")
    mode: Any = dict.get(space, EFFECTS) if isinstance(space, dict) else None
    return str(mode) if mode else ""


def inherit(vars: dict[str, Any], parent: RunState) -> None:
    """Have a run that begins with `vars` ask first where its parent does, and take from the recording that it has.

    It goes by the parent's clock, too.
    """
    if (factor := clock_factor(parent.vars)) != 1:
        get_runtime(vars)[CLOCK] = factor
    if mode_of(parent):
        given, space = get_runtime(parent.vars), get_runtime(vars)
        space.update({name: given[name] for name in (EFFECTS, RECORDING) if name in given})


def question(deed: Deed) -> WaitState | None:
    """Return the wait for a yes, None where there is nothing to ask: what was said is heeded."""
    run, effect = deed.run, deed.effect
    if not mode_of(run) or not acts_outside(deed.handler, effect):
        return None
    space = get_runtime(run.vars)
    answer, asked_by = space.pop(_GIVEN, None), space.pop(_ASKED_BY, None)
    if answer is None or asked_by != deed.plan.node_id:
        return _wait(deed)
    said = answer.get("response") if isinstance(answer, dict) else answer
    if said != YES and mode_of(run) != STOP and deed.handler is not None:
        deed.handler = Handler(_refuse, deed.handler.external, retry=False)
    return None


def _refuse(run: RunState, effect: Effect, next_node: str | None, services: Services) -> EffectOutcome:
    return EffectOutcome.failed(f"A person did not allow it: {effect.type.value}.", retryable=False)


def _wait(deed: Deed) -> WaitState:
    effect, node_id = deed.effect, deed.plan.node_id
    told = json.dumps(effect.payload, ensure_ascii=False, indent=1)
    shown = told if len(told) <= _SHOWN else f"{told[:_SHOWN]} …"
    if mode_of(deed.run) == STOP:
        return _stop(deed, shown)
    why = "The other run has no reply to this. " if mode_of(deed.run) == RECORDED else ""
    return WaitState(
        WaitReason.USER,
        wait_key=f"permit:{deed.run.run_id}:{deed.key}",
        resume_to_node=deed.run.current_node,
        result_key=f"{RUNTIME}.{_GIVEN}",
        prompt=f"{why}Shall this fork really do it? {effect.type.value} at {node_id}:\n{shown}",
        choices=[YES, NO],
        allow_free_text=False,
        details={
            "kind": KIND,
            "type": effect.type.value,
            "with_answer": {f"{RUNTIME}.{_ASKED_BY}": node_id},
        },
    )


def _stop(deed: Deed, shown: str) -> WaitState:
    """Return the wait of a trial run that stops here; how it goes on is for the program that reads `trial.said`."""
    node_id = deed.plan.node_id
    return WaitState(
        WaitReason.USER,
        wait_key=f"{WITHIN}{deed.run.run_id}:{deed.key}",
        resume_to_node=deed.run.current_node,
        result_key=SAID,
        prompt=f"Stopped before “{node_id}” acts outside: {deed.effect.type.value} {shown}",
        choices=[GO_ON, OVER],
        allow_free_text=False,
        details={
            "stop": "outside",
            "stop_about": {"request": f"{deed.effect.type.value} {shown}"},
            "with_answer": {f"{RUNTIME}.{_GIVEN}": YES, f"{RUNTIME}.{_ASKED_BY}": node_id},
        },
    )


def acted_outside(handlers: HandlerTable, record: Mapping[str, Any]) -> bool:
    """Say whether a record tells of an effect that has acted outside, or may have."""
    told = record.get("effect")
    if not isinstance(told, dict) or record.get("status") == StepStatus.WAITING.value:
        return False
    if str(record.get("idempotency_key") or "").startswith(STATUS_KEY_PREFIX):
        return False
    try:
        effect = Effect(EffectType(str(told.get("type"))), told.get("payload") or {})
    except ValueError:
        return False  # what is no effect of a node: an answer, one call of a batch
    return acts_outside(handlers.get(effect.type), effect)
