"""A planned retry is a wait in the state: it survives a crash, and nobody sleeps for it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from abstractruntime import (
    Effect,
    EffectType,
    RetryPolicy,
    RunState,
    RunStatus,
    Runtime,
    StepPlan,
    WaitReason,
    WorkflowSpec,
)
from abstractruntime.core.errors import NotDurable
from abstractruntime.core.policy import DefaultEffectPolicy, planned_pause
from abstractruntime.core.runtime import EffectOutcome
from abstractruntime.scheduler import Scheduler, WorkflowRegistry
from abstractruntime.testing.clock import MovableClock
from abstractruntime.testing.flows import end, flow

from ..conftest import MakeRuntime

KIND = EffectType.LLM_CALL
POLICY = RetryPolicy(llm_max_attempts=3, backoff_base=10.0, jitter=0.0)


class Line:
    """A handler that fails as often as told."""

    def __init__(self, fails: int, **failure: Any) -> None:
        self.fails, self.failure = fails, failure
        self.keys: list[str] = []

    def __call__(self, run: RunState, effect: Effect, *, idempotency_key: str) -> EffectOutcome:
        self.keys.append(idempotency_key)
        if len(self.keys) <= self.fails:
            return EffectOutcome.failed("the line is dead", **self.failure)
        return EffectOutcome.completed({"said": "hello"})


def calling() -> WorkflowSpec:
    """Return a workflow whose node changes the variables before it asks: each attempt asks it anew."""

    def call(run: RunState, context: Any) -> Any:
        run.vars["asked"] = run.vars.get("asked", 0) + 1
        return StepPlan("call", effect=Effect(KIND, {"prompt": "hi"}, "got"), next_node="done")

    return flow(
        "call", call=call, done=end("done", lambda vars: {"got": vars["got"], "asked": vars["asked"]})
    )


@pytest.fixture(autouse=True)
def _awake(monkeypatch: pytest.MonkeyPatch) -> None:
    def sleep(seconds: float) -> None:
        raise AssertionError("nobody sleeps for a planned retry")

    # The engine's own clock, not `time.sleep` for all: whoever waits for a lock may.
    monkeypatch.setattr("abstractruntime.core.runtime.time", SimpleNamespace(sleep=sleep))


def attempts(runtime: Runtime, run_id: str) -> list[tuple[str, int]]:
    return [
        (r["status"], r["attempt"])
        for r in runtime.get_ledger(run_id)
        if r["effect"] and r["effect"]["type"] == KIND
    ]


def test_a_retry_is_a_wait(make_runtime: MakeRuntime, clock: MovableClock) -> None:
    line, spec = Line(2), calling()
    runtime = make_runtime(effect_handlers={KIND: line}, effect_policy=POLICY, clock=clock)
    run_id = runtime.start(spec)
    run = runtime.tick(spec, run_id, plans_retries=True)
    assert run.status is RunStatus.WAITING
    assert run.waiting is not None
    assert (run.waiting.reason, run.waiting.until) == (WaitReason.UNTIL, clock.after(10))
    assert run.waiting.details == {
        "kind": "retry",
        "key": line.keys[0],
        "attempt": 1,
        "max_attempts": 3,
        "error": "the line is dead",
        "errors": ["the line is dead"],
    }
    assert runtime.tick(spec, run_id, plans_retries=True).status is RunStatus.WAITING, "not before its time"
    clock.advance(10)
    # Somebody else goes on, as after a crash: the number of the attempt is in the state.
    second = make_runtime(effect_handlers={KIND: line}, effect_policy=POLICY, clock=clock)
    run = second.tick(spec, run_id, plans_retries=True)
    assert run.waiting is not None
    assert run.waiting.until == clock.after(20), "twice as long"
    clock.advance(20)
    run = second.tick(spec, run_id, plans_retries=True)
    assert run.output == {"got": {"said": "hello"}, "asked": 1}, "what the node changed counts once"
    assert len(set(line.keys)) == 1, "all attempts ask under one key"
    assert attempts(runtime, run_id) == [
        ("started", 1),
        ("failed", 1),
        ("started", 2),
        ("failed", 2),
        ("started", 3),
        ("completed", 3),
    ]
    assert "retry" not in runtime.get_state(run_id).vars["_runtime"]


def test_the_last_failure_ends_the_run(make_runtime: MakeRuntime, clock: MovableClock) -> None:
    line, spec = Line(9), calling()
    runtime = make_runtime(effect_handlers={KIND: line}, effect_policy=POLICY, clock=clock)
    run_id = runtime.start(spec)
    for _ in range(3):
        run = runtime.tick(spec, run_id, plans_retries=True)
        clock.advance(60)
    assert run.status is RunStatus.FAILED
    assert run.error == "Effect failed after 3 attempts: the line is dead"
    assert "retry" not in run.vars["_runtime"]


@pytest.mark.parametrize(
    ("asked", "pause"),
    [(45, 45), (4, 10), (10**9, 3600), (True, 10), ("45", 10), (float("nan"), 10), (-5, 10)],
)
def test_a_server_that_asks_for_a_pause_has_it(
    make_runtime: MakeRuntime, clock: MovableClock, asked: Any, pause: int
) -> None:
    known = {"error": {"kind": "rate_limit", "retry_after_s": asked}}
    spec = calling()

    def limited(run: RunState, effect: Effect) -> EffectOutcome:
        return EffectOutcome.failed("too many", known=known if asked == asked else {"error": None})

    runtime = make_runtime(effect_handlers={KIND: limited}, effect_policy=POLICY, clock=clock)
    run = runtime.tick(spec, runtime.start(spec), plans_retries=True)
    assert run.waiting is not None
    assert run.waiting.until == clock.after(pause)


def test_those_who_were_asked_to_wait_come_back_one_by_one_and_never_earlier() -> None:
    policy, effect = RetryPolicy(llm_max_attempts=3, backoff_base=1.0, jitter=0.5), Effect(KIND, {}, "r")
    pauses = [planned_pause(policy, effect, attempt=1, key=f"k{n}", asked_s=40.0) for n in range(50)]
    assert min(pauses) >= 40.0
    assert max(pauses) <= 60.0
    assert len({round(each) for each in pauses}) > 10


def test_a_scheduler_wakes_it_in_time(make_runtime: MakeRuntime, clock: MovableClock) -> None:
    line, spec, registry = Line(1), calling(), WorkflowRegistry()
    registry.register(spec)
    runtime = make_runtime(
        effect_handlers={KIND: line}, effect_policy=POLICY, clock=clock, workflow_registry=registry
    )
    keeper = Scheduler(runtime=runtime, registry=registry, takes_over=True, clock=clock)
    run_id = runtime.start(spec)
    keeper.recover()
    assert runtime.get_state(run_id).status is RunStatus.WAITING
    assert keeper.poll_once() == 0
    clock.advance(11)
    assert keeper.poll_once() == 1
    assert runtime.get_state(run_id).status is RunStatus.COMPLETED


@pytest.mark.parametrize("kind", ["told", "raised", "by_policy", "refused"])
def test_what_cannot_help_is_not_tried_again(
    make_runtime: MakeRuntime, clock: MovableClock, kind: str
) -> None:
    class Never(RetryPolicy):
        def is_retryable(self, *, effect: Effect, error: str) -> bool:
            return "dead" not in error

    class Final(Exception):
        retryable = False

    def raising(run: RunState, effect: Effect) -> EffectOutcome:
        raise Final("no such model") if kind == "raised" else NotDurable("a value is not JSON")

    handler = {"told": Line(9, retryable=False), "by_policy": Line(9)}.get(kind, raising)
    policy = Never(llm_max_attempts=3) if kind == "by_policy" else POLICY
    spec = calling()
    runtime = make_runtime(effect_handlers={KIND: handler}, effect_policy=policy, clock=clock)
    run = runtime.tick(spec, runtime.start(spec), plans_retries=True)
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert run.error.startswith("Effect failed after 1 attempts: ")
    run = runtime.tick(spec, runtime.start(spec))
    assert run.status is RunStatus.FAILED, "and nobody sleeps for it either"


def test_an_exception_is_tried_again(make_runtime: MakeRuntime, clock: MovableClock) -> None:
    def handler(run: RunState, effect: Effect) -> EffectOutcome:
        raise TimeoutError("no answer")

    spec = calling()
    runtime = make_runtime(effect_handlers={KIND: handler}, effect_policy=POLICY, clock=clock)
    run = runtime.tick(spec, runtime.start(spec), plans_retries=True)
    assert run.waiting is not None
    assert (run.waiting.details or {})["error"] == "Effect handler raised exception: no answer"


def test_a_pause_and_a_cancel_hold_also_then(make_runtime: MakeRuntime, clock: MovableClock) -> None:
    line, spec = Line(1), calling()
    runtime = make_runtime(effect_handlers={KIND: line}, effect_policy=POLICY, clock=clock)
    run_id = runtime.start(spec)
    runtime.tick(spec, run_id, plans_retries=True)
    runtime.pause_run(run_id)
    clock.advance(60)
    assert runtime.tick(spec, run_id, plans_retries=True).status is RunStatus.WAITING
    runtime.resume_run(run_id)
    assert runtime.tick(spec, run_id, plans_retries=True).status is RunStatus.COMPLETED
    other = runtime.start(spec)
    line.keys.clear()
    runtime.tick(spec, other, plans_retries=True)
    assert runtime.cancel_run(other).status is RunStatus.CANCELLED


def test_pauses_are_spread_and_always_the_same(clock: MovableClock) -> None:
    effect = Effect(KIND, {})
    policy = DefaultEffectPolicy(3, 10.0, 60.0, jitter=0.2)
    pauses = [planned_pause(policy, effect, attempt=1, key=f"k{number}") for number in range(200)]
    assert all(8.0 <= pause <= 12.0 for pause in pauses)
    assert max(pauses) - min(pauses) > 3.0
    assert pauses[0] == planned_pause(policy, effect, attempt=1, key="k0")
    assert policy.backoff_seconds(effect=effect, attempt=1) == 10.0, "the published number stays"
    plain = DefaultEffectPolicy(3, 10.0)
    assert planned_pause(plain, effect, attempt=2, key="k") == 20.0
