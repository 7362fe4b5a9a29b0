"""A runtime and a scheduler together; the registry of workflows."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime import (
    EffectType,
    NoRetryPolicy,
    RunState,
    RunStatus,
    ScheduledRuntime,
    WorkflowRegistry,
    create_scheduled_runtime,
)
from abstractruntime.core.clock import utc_now
from abstractruntime.core.runtime import EffectOutcome
from abstractruntime.storage import InMemoryLedgerStore, InMemoryRunStore
from abstractruntime.testing.clock import MovableClock
from abstractruntime.testing.flows import ask_flow, ask_for, end, flow

ASK = ask_flow()


@pytest.fixture
def scheduled() -> ScheduledRuntime:
    return create_scheduled_runtime(auto_start=False)


def test_a_workflow_is_run_and_answered(scheduled: ScheduledRuntime) -> None:
    run_id, run = scheduled.run(ASK, vars={"x": 1}, actor_id="ann", session_id="s")
    assert (run.status, run.actor_id, run.session_id) == (RunStatus.WAITING, "ann", "s")
    assert "ask" in scheduled.registry
    assert [waiting.run_id for waiting in scheduled.find_waiting_runs()] == [run_id]
    run = scheduled.respond(run_id, {"response": "yes"})
    assert run.output == {"answer": {"response": "yes"}}
    assert scheduled.get_state(run_id) == run
    assert len(scheduled.get_ledger(run_id)) == 5
    with pytest.raises(ValueError, match="not waiting"):
        scheduled.respond(run_id, {})


@pytest.mark.parametrize("missing", ["run_store", "ledger_store"])
def test_one_store_alone_is_not_thrown_away(missing: str, caplog: pytest.LogCaptureFixture) -> None:
    """Weakness B11: what is given is used, and what is not is said."""
    stores = {"run_store": InMemoryRunStore(), "ledger_store": InMemoryLedgerStore()}
    del stores[missing]
    alone = create_scheduled_runtime(auto_start=False, **stores)  # type: ignore[arg-type]
    run_id, run = alone.run(ASK)
    kept = stores.popitem()[1]
    if isinstance(kept, InMemoryRunStore):
        assert kept.load(run_id) == run
    else:
        assert kept.list(run_id) == alone.get_ledger(run_id)
    assert f"No {missing} was given" in caplog.text


def test_a_moment_cannot_be_answered(scheduled: ScheduledRuntime) -> None:
    later = MovableClock(utc_now()).after(3600)
    spec = flow("s", s=ask_for("s", EffectType.WAIT_UNTIL, {"until": later}, "e"), e=end("e"))
    run_id, _ = scheduled.run(spec)
    with pytest.raises(ValueError, match="no wait_key"):
        scheduled.respond(run_id, {})


def test_starting_and_driving_apart(scheduled: ScheduledRuntime) -> None:
    run_id = scheduled.start(workflow=ASK)
    assert scheduled.get_state(run_id).status is RunStatus.RUNNING
    run = scheduled.tick(run_id, max_steps=1)
    assert run.waiting is not None
    answered = scheduled.resume_event(run_id=run_id, wait_key=str(run.waiting.wait_key), payload={"r": 1})
    assert answered.status is RunStatus.COMPLETED
    other = scheduled.start(workflow=ASK)
    assert scheduled.cancel_run(other, reason="r").error == "r"
    assert scheduled.cancel_with_children(scheduled.start(workflow=ASK))[0].status is RunStatus.CANCELLED
    assert scheduled.resume_subworkflow_parent(child_run_id=run_id, child_output={}) is None


def test_a_second_spec_under_one_id_is_not_taken(scheduled: ScheduledRuntime) -> None:
    scheduled.run(ASK)
    _, run = scheduled.run(flow("x", "ask", x=end("x")))
    assert (run.status, run.current_node) == (RunStatus.WAITING, "ask")
    assert scheduled.registry.get("ask") is ASK


def test_the_scheduler_of_a_scheduled_runtime() -> None:
    scheduled = create_scheduled_runtime(poll_interval_s=0.01)
    try:
        assert scheduled.is_running
        scheduled.start_scheduler()
        later = MovableClock(utc_now()).after(0.05)
        spec = flow("s", s=ask_for("s", EffectType.WAIT_UNTIL, {"until": later}, "e"), e=end("e"))
        run_id, run = scheduled.run(spec)
        until = MovableClock(utc_now()).advance(5)
        while run.status is RunStatus.WAITING and utc_now() < until:
            run = scheduled.get_state(run_id)
        assert run.status in (RunStatus.RUNNING, RunStatus.COMPLETED)
    finally:
        scheduled.stop()
    assert not scheduled.is_running
    assert scheduled.stats.runs_resumed == 1


def test_what_a_scheduled_runtime_is_made_of() -> None:
    def handler(run: RunState, effect: Any) -> EffectOutcome:
        return EffectOutcome.completed({"own": True})

    runs, ledger, policy, artifacts = InMemoryRunStore(), InMemoryLedgerStore(), NoRetryPolicy(), object()
    scheduled = create_scheduled_runtime(
        run_store=runs,
        ledger_store=ledger,
        artifact_store=artifacts,
        effect_policy=policy,
        workflows=[ASK],
        effect_handlers={EffectType.ASK_USER: handler},
        auto_start=False,
    )
    runtime = scheduled.runtime
    assert (runtime.run_store, runtime.ledger_store) == (runs, ledger)
    assert (runtime.effect_policy, runtime.artifact_store) == (policy, artifacts)
    assert runtime.workflow_registry is scheduled.registry
    assert not scheduled.is_running
    _, run = scheduled.run(ASK)
    assert run.output == {"answer": {"own": True}}


def test_the_registry() -> None:
    registry = WorkflowRegistry()
    registry.register(ASK)
    other = ask_flow("other")
    registry.register(other)
    assert (registry.get("ask"), registry.get("gone")) == (ASK, None)
    assert registry.get_or_raise("other") is other
    assert (registry.list_ids(), len(registry), "ask" in registry) == (["ask", "other"], 2, True)
    with pytest.raises(ValueError, match="already registered"):
        registry.register(ask_flow())
    registry.unregister("ask")
    assert "ask" not in registry
    for refused in (registry.unregister, registry.get_or_raise):
        with pytest.raises(KeyError, match="not registered"):
            refused("ask")
