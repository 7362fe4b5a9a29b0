"""Carrying out what a node asks for: outcomes, handlers, attempts.

A handler is one function, enrolled by `@handles(...)` in a module of the folder `effects/` or
given to the runtime by its host. A handler never writes: it returns an outcome, and what it changes
about other runs it hands to its `Services`, which the engine commits together with the step.

An *external* handler acts outside the store (a model, a tool, another machine). That its step has
STARTED is made durable before it is called, so that a crash leaves a trace and two drivers cannot
both call it. Handlers of hosts are external unless they say otherwise: `handler.external = False`. A
handler with a parameter `idempotency_key` is given the key of the visit, the same when the step is
taken again, so that whoever it calls can tell a repetition from a second request. One with a parameter
`is_cancelled` is given a function that says whether the run was ended meanwhile: a long handler asks it
now and then, and stops. One with a parameter `was_begun` is given a function that says whether this visit
was begun before by a process that stopped in the middle, so that nobody knows whether it has acted.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from ..storage.artifacts import ArtifactStore
from .boundary import guarded
from .errors import EffectError, KernelError, in_short
from .hints import unwired
from .models import (
    Effect,
    EffectType,
    RunState,
    StepPlan,
    StepRecord,
    WaitReason,
    WaitState,
)
from .policy import EffectPolicy, asked_pause, failed_before, may_help, planned_pause
from .records import EffectRecords
from .spec import WorkflowSpec

log = logging.getLogger("abstractruntime")
_BY_NAME = ("idempotency_key", "is_cancelled", "was_begun")  # what a host's handler may have as parameters


@dataclass(frozen=True)
class EffectOutcome:
    """What became of an effect: completed with a result, waiting, or failed with an error.

    `retryable` says of a failure whether trying again may help. The result of a failure is null, or what is
    known of it nevertheless (an object, such as what a model call has used): its record has it beside the error.
    """

    status: str
    result: Any = None
    wait: WaitState | None = None
    error: str | None = None
    retryable: bool = field(default=True, repr=False)

    def __init__(
        self,
        status: str,
        result: Any = None,
        wait: WaitState | None = None,
        error: str | None = None,
        retryable: bool = True,
    ) -> None:
        fields = self.__dict__  # as every effect makes one: see core.models
        fields["status"] = status
        fields["result"] = result
        fields["wait"] = wait
        fields["error"] = error
        fields["retryable"] = retryable

    @classmethod
    def completed(cls, result: Any = None) -> EffectOutcome:
        """Say that the effect is done; `result` goes to the effect's result key."""
        return cls("completed", result)

    @classmethod
    def waiting(cls, wait: WaitState) -> EffectOutcome:
        """Say that the run has to wait."""
        return cls("waiting", wait=wait)

    @classmethod
    def failed(
        cls, error: str, *, retryable: bool = True, known: dict[str, Any] | None = None
    ) -> EffectOutcome:
        """Say that the effect could not be carried out, in words for people, and what is `known` of it anyhow.

        Words that are longer than people read are cut (`in_short`).
        """
        return cls("failed", known or None, error=in_short(error), retryable=retryable)

    @classmethod
    def put_off(cls, error: str, wait: WaitState) -> EffectOutcome:
        """Say that the effect failed and is tried again when the wait is over; the engine's own."""
        return cls("put_off", error=error, wait=wait)


class Services(Protocol):
    """What a built-in handler may ask of the engine.

    Everything it changes is staged and committed with the step of the run that asked; nothing is
    written by calling these, but `run_child`, whose child run lives its own life.
    """

    @property
    def key(self) -> str:
        """The idempotency key of this visit: what is derived from it is the same after a crash."""
        ...

    @property
    def node_id(self) -> str:
        """The node that asks."""
        ...

    @property
    def has_registry(self) -> bool:
        """Whether the runtime knows other workflows."""
        ...

    @property
    def can_find_runs(self) -> bool:
        """Whether the run store can be searched."""
        ...

    @property
    def artifacts(self) -> ArtifactStore | None:
        """The store of large values, if the runtime has one."""
        ...

    @property
    def summarizer(self) -> Any:
        """The host's summarizer of conversations, if it has given one."""
        ...

    def now(self) -> datetime:
        """Return the present moment."""
        ...

    def now_iso(self) -> str:
        """Return the present moment as ISO text."""
        ...

    def is_cancelled(self) -> bool:
        """Say whether somebody has ended the run meanwhile, so that its step is wanted no more; reads the store."""
        ...

    def was_begun(self) -> bool:
        """Say whether a process that stopped in the middle has begun this visit before; may read the ledger."""
        ...

    def knows(self, workflow_id: str) -> bool:
        """Say whether a workflow is registered."""
        ...

    def state(self, run_id: str) -> RunState | None:
        """Return a run's state for reading; of another run, the one that a staged change builds on."""
        ...

    def stage_new(self, run: RunState) -> None:
        """Have a run created together with the step; nobody drives it."""
        ...

    def stage_change(self, run_id: str, change: Callable[[RunState], None]) -> None:
        """Have a run's variables changed together with the step, of this run or of another.

        If somebody changes the other run meanwhile, the whole step is taken again.
        """
        ...

    def traces(self, run_id: str) -> dict[str, Any]:
        """Return a run's newest effect steps of each node."""
        ...

    def make_child(
        self, workflow: str | WorkflowSpec, vars: dict[str, Any], *, session_id: str | None
    ) -> tuple[RunState, bool]:
        """Return this visit's child run and whether it is new; the same one whenever it is asked."""
        ...

    def stage_child(self, child: RunState) -> None:
        """Have a new child created together with the parent's step."""
        ...

    def run_child(self, child: RunState, *, is_new: bool, workflow: WorkflowSpec | None = None) -> RunState:
        """Create the child now and drive it until it rests; a `workflow` need not be registered."""
        ...

    def listeners(self, wait_keys: Iterable[str]) -> list[str]:
        """Return ids of the other runs that wait under one of the keys, or listen under it for good."""
        ...

    def listening(self, prefix: str) -> list[str]:
        """Return wait keys that begin so, for people who wonder why nobody listened."""
        ...

    def stage_event(
        self, run_id: str, wait_keys: Collection[str], payload: dict[str, Any], *, max_steps: int
    ) -> str | None:
        """Have a waiting run woken together with the step; return its status then, or None.

        A run that is paused, or busy with an earlier event, gets it into its inbox: status `queued`.
        """
        ...


HostHandler = Callable[..., EffectOutcome]
EffectHandler = HostHandler
BuiltIn = Callable[[RunState, Effect, str | None, Services], EffectOutcome]


@dataclass(frozen=True, slots=True)
class Handler:
    """An enrolled handler: how to call it and what the engine must know about it."""

    call: BuiltIn
    external: Callable[[Effect], bool]
    retry: bool = True
    repeats: bool = False


enrolled: dict[EffectType, Handler] = {}


def handles(
    effect_type: EffectType,
    *,
    external: bool | Callable[[Effect], bool] = False,
    retry: bool = False,
    repeats: bool = False,
) -> Callable[[BuiltIn], BuiltIn]:
    """Enrol the decorated function as the built-in handler of an effect.

    A handler that `repeats` changes runs, and what it changes can be done twice. It is called again
    for the changes when its result is found in the ledger: where a record and the state it leads to
    are not one transaction, a crash may have left only the record.
    """

    def enrol(function: BuiltIn) -> BuiltIn:
        enrolled[effect_type] = Handler(function, _claim(external), retry, repeats)
        return function

    return enrol


def _claim(external: bool | Callable[[Effect], bool]) -> Callable[[Effect], bool]:
    if callable(external):
        return external
    return _always if external else _never


def _always(effect: Effect) -> bool:
    return True


def _never(effect: Effect) -> bool:
    return False


class HandlerTable:
    """The handlers of one runtime: the built-in ones, those of the host laid over them."""

    def __init__(
        self,
        built_in: Mapping[EffectType, Handler],
        hosts: Mapping[EffectType, HostHandler] | None = None,
    ) -> None:
        self._handlers = dict(built_in)
        self._hosts = {EffectType(each): function for each, function in (hosts or {}).items()}
        for effect_type, function in self._hosts.items():
            external = getattr(function, "external", True)
            self._handlers[effect_type] = Handler(_adapt(function), _claim(external))

    def get(self, effect_type: EffectType) -> Handler | None:
        """Return the handler of an effect type, or None."""
        return self._handlers.get(effect_type)

    def host(self, effect_type: EffectType) -> HostHandler | None:
        """Return what the host has given for an effect type, or None."""
        return self._hosts.get(effect_type)

    def types(self) -> set[EffectType]:
        """Return the effect types that have a handler."""
        return set(self._handlers)


def _adapt(function: HostHandler) -> BuiltIn:
    """Return a host's handler in our form; its signature says what it takes."""
    takes_three, extras = _signature(function)

    def call(run: RunState, effect: Effect, next_node: str | None, services: Services) -> EffectOutcome:
        places = (run, effect, next_node) if takes_three else (run, effect)
        if not extras:
            return function(*places)
        offered = {
            "idempotency_key": services.key,
            "is_cancelled": services.is_cancelled,
            "was_begun": services.was_begun,
        }
        return function(*places, **{name: offered[name] for name in extras})

    return call


def _signature(function: HostHandler) -> tuple[bool, list[str]]:
    """Return whether a handler takes the next node, and which of the parameters that are offered by name."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return True, []
    extras = [name for name in _BY_NAME if name in parameters]
    places = [
        parameter
        for parameter in parameters.values()
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        and parameter.name not in _BY_NAME
    ]
    takes_any = any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters.values())
    return takes_any or len(places) >= 3, extras


def take_executor(handlers: HandlerTable, executor: Any) -> None:
    """Give the host's handler of tools who carries out what a person allows; raise TypeError if it takes none."""
    take = getattr(handlers.host(EffectType.TOOL_CALLS), "take_executor", None)
    if not callable(take):
        raise TypeError(
            "The runtime has no handler of tool_calls that takes an executor: give it build_effect_handlers(...)"
        )
    take(executor)


@dataclass(slots=True)
class Deed:
    """An effect on its way through one step: what a node asks for, and then what became of it."""

    run: RunState
    plan: StepPlan
    effect: Effect
    policy_key: str
    key: str  # of this visit
    prior: dict[str, Any] | None  # the record of an earlier result
    handler: Handler | None
    note: dict[str, Any] | None = None
    is_known: bool = False  # the run has settled the earlier result before: only its words are used again
    is_first: bool = False  # since the run was loaded: only such a one can have been begun before
    let_go: Callable[[], None] | None = None  # of an external effect: ends the claim on it
    is_held_back: bool = False
    recorded: dict[str, Any] | None = (
        None  # the run and the entry whose reply is taken, where it is a recorded one
    )
    records: list[StepRecord] = field(default_factory=list)  # that the step's commit must still write
    now: str = ""  # the moment of the outcome
    ms: float = 0.0

    @property
    def external(self) -> bool:
        """Whether it acts outside the store, so that its STARTED is written first."""
        return self.let_go is not None


def execute(
    deed: Deed,
    services: Services,
    policy: EffectPolicy,
    *,
    write: Callable[[Sequence[StepRecord]], None],
    sleep: Callable[[float], None] | None,
) -> EffectOutcome:
    """Carry out an effect, again if it fails and may be retried.

    `write` commits records at once: that an external effect has STARTED, and failed attempts before
    the pause that follows them. The deed keeps the others, and the moment of the outcome. Without a
    `sleep` the outcome of an attempt that is to be followed by another is to be put off.
    """
    effect, handler = deed.effect, deed.handler
    attempts = max(1, policy.max_attempts(effect)) if handler is None or handler.retry else 1
    failed, errors = failed_before(deed.run.vars, deed.key)
    for attempt in range(failed + 1, max(attempts, failed + 1) + 1):
        now = services.now_iso()
        told = EffectRecords(deed.run, deed.plan.node_id, effect, now, attempt, deed.key, deed.recorded)
        deed.records.append(told.started(deed.note))
        if deed.let_go is not None:
            write(deed.records)
            deed.records = []
        outcome = _call(deed, services)
        deed.now = services.now_iso()
        if outcome.status == "completed":
            deed.records.append(told.completed(outcome.result, deed.now))
            return outcome
        if outcome.wait is not None:
            tell = told.set_aside if sets_aside(deed.plan, outcome.wait) else told.waiting
            deed.records.append(tell(outcome.wait, deed.now))
        else:
            code = "effect.not_wired" if handler is None else "effect.failed"
            known = outcome.result if isinstance(outcome.result, dict) else {}
            said = outcome.error or "unknown error"
            deed.records.append(told.failed(code, said, deed.now, known, deed.plan.place))
        if outcome.status != "failed":
            return outcome
        errors.append(str(outcome.error)[:MOST_TOLD])
        if attempt >= attempts or not outcome.retryable or not may_help(policy, effect, outcome.error):
            break
        if sleep is None:
            return _put_off(deed, policy, outcome, attempt, attempts, services.now(), errors)
        write(deed.records)
        deed.records = []
        pause = policy.backoff_seconds(effect=effect, attempt=attempt)
        if pause > 0:
            sleep(pause)
    several = {"attempts": errors} if len(errors) > 1 else None
    return EffectOutcome.failed(f"Effect failed after {attempt} attempts: {outcome.error}", known=several)


MOST_TOLD = 300
"""Characters that are kept of what an attempt said, before the next one."""


def sets_aside(plan: StepPlan, wait: WaitState) -> bool:
    """Say whether a plan has the run go on where its effect waits; the end of a child is told to its parent only."""
    return bool(plan.aside_key and plan.next_node) and wait.reason is not WaitReason.SUBWORKFLOW


def _put_off(
    deed: Deed,
    policy: EffectPolicy,
    outcome: EffectOutcome,
    attempt: int,
    attempts: int,
    now: datetime,
    errors: list[str],
) -> EffectOutcome:
    """Return the wait until the next attempt."""
    asked = asked_pause(outcome.result)
    pause = max(0.0, planned_pause(policy, deed.effect, attempt=attempt, key=deed.key, asked_s=asked))
    error = str(outcome.error)
    details = {"kind": "retry", "key": deed.key, "attempt": attempt, "max_attempts": attempts, "error": error}
    details["errors"] = errors
    wait = WaitState(
        WaitReason.UNTIL,
        until=(now + timedelta(seconds=pause)).isoformat(),
        resume_to_node=deed.plan.node_id,
        details=details,
    )
    return EffectOutcome.put_off(error, wait)


def _call(deed: Deed, services: Services) -> EffectOutcome:
    effect, handler = deed.effect, deed.handler
    if handler is None:
        return EffectOutcome.failed(unwired(effect.type))
    outcome, error = guarded(handler.call, deed.run, effect, deed.plan.next_node, services)
    if error is not None:
        log.warning(
            "Effect %s of node %s in run %s raised %r",
            effect.type.value,
            deed.plan.node_id,
            deed.run.run_id,
            error,
            exc_info=error,
        )
        told = f"Effect handler raised exception: {error}"
        return EffectOutcome.failed(told, retryable=_may_pass(error))
    if not isinstance(outcome, EffectOutcome):
        return EffectOutcome.failed(f"Effect handler returned {outcome!r:.200} instead of an EffectOutcome")
    wait: Any = outcome.wait
    is_waiting = outcome.status == "waiting" and isinstance(wait, WaitState)
    if not is_waiting and (wait is not None or outcome.status not in ("completed", "failed")):
        return EffectOutcome.failed(
            f"Effect handler returned {outcome!r:.200}: an outcome is completed, waiting with a WaitState, or failed"
        )
    return outcome


def _may_pass(error: Exception) -> bool:
    """Say whether an exception may not come again: it says so itself, or it is not one of our refusals."""
    said = getattr(error, "retryable", None)
    if isinstance(said, bool):
        return said
    return error.retriable if isinstance(error, KernelError) and not isinstance(error, EffectError) else True
