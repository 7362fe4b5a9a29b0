"""Waking runs in time, and driving on what a crash has left."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from abstractruntime import (
    EffectType,
    RunState,
    RunStatus,
    Runtime,
    WaitReason,
    WaitState,
)
from abstractruntime.scheduler import Driver, Scheduler, WorkflowRegistry
from abstractruntime.storage import RunStore, Stores
from abstractruntime.testing.clock import MovableClock
from abstractruntime.testing.flows import ask_flow, ask_for, end, flow

from ..conftest import MakeRuntime
from .conftest import FAILING, LISTEN, PURE, SLEEP, begun, calling, sleeping, soon

# due runs


def test_due_runs_are_driven_in_turn(scheduler: Scheduler, runtime: Runtime, clock: MovableClock) -> None:
    late, early = sleeping(runtime, clock, 20), sleeping(runtime, clock, 10)
    assert scheduler.poll_once() == 0
    assert scheduler.next_due() is not None
    clock.advance(10)
    assert scheduler.due() == [early]
    clock.advance(10)
    assert scheduler.due() == [early, late]
    assert scheduler.due(limit=1) == [early]
    assert scheduler.poll_once() == 2
    assert runtime.get_state(late).output == {"woke": True}
    assert (scheduler.due(), scheduler.next_due()) == ([], None)
    stats = scheduler.stats
    assert (stats.runs_resumed, stats.runs_failed, stats.poll_cycles, stats.errors) == (2, 0, 2, [])
    assert stats.last_poll_at == clock().isoformat()


def test_a_paused_run_is_not_woken(scheduler: Scheduler, runtime: Runtime, clock: MovableClock) -> None:
    run_id = sleeping(runtime, clock, 1)
    runtime.pause_run(run_id)
    clock.advance(5)
    assert scheduler.poll_once() == 0
    runtime.resume_run(run_id)
    assert scheduler.poll_once() == 1


def test_runs_that_cannot_be_driven_do_not_keep_others_waiting(
    scheduler: Scheduler, runtime: Runtime, stores: Stores, clock: MovableClock
) -> None:
    unknown = flow("sleep", "unknown", **dict(SLEEP.nodes))
    bad = [begun(runtime, unknown, vars={"until": clock.after(1)}) for _ in range(110)]
    good = sleeping(runtime, clock, 2)
    clock.advance(5)
    assert scheduler.poll_once() == 0
    assert scheduler.poll_once() == 1
    assert runtime.get_state(good).status is RunStatus.COMPLETED
    assert scheduler.stats.runs_failed == 110
    assert "Workflow 'unknown' is not registered" in scheduler.stats.errors[0]
    assert len(scheduler.stats.errors) == 100
    assert runtime.get_state(bad[0]).status is RunStatus.WAITING


def test_a_page_full_of_paused_runs_hides_nothing(
    scheduler: Scheduler, runtime: Runtime, clock: MovableClock
) -> None:
    for _ in range(5):
        runtime.pause_run(sleeping(runtime, clock, 1))
    good = sleeping(runtime, clock, 2)
    clock.advance(5)
    assert scheduler.due(limit=2) == [good]


def test_who_watches_is_told(runtime: Runtime, registry: WorkflowRegistry, clock: MovableClock) -> None:
    done: list[Any] = []
    failed: list[Any] = []
    scheduler = Scheduler(
        runtime=runtime,
        registry=registry,
        clock=clock,
        on_run_resumed=lambda run: done.append(run.run_id) or 1 / 0,  # type: ignore[func-returns-value,arg-type]
        on_run_failed=lambda run_id, error: failed.append((run_id, error)) or 1 / 0,  # type: ignore[func-returns-value,arg-type]
    )
    good = sleeping(runtime, clock, 1)
    bad = begun(runtime, flow("sleep", "unknown", **dict(SLEEP.nodes)), vars={"until": clock.after(1)})
    clock.advance(1)
    assert scheduler.poll_once() == 1
    assert done == [good]
    assert [run_id for run_id, _ in failed] == [bad]
    assert isinstance(failed[0][1], KeyError)


def test_a_scheduler_needs_a_store_that_can_be_searched(stores: Stores, registry: WorkflowRegistry) -> None:
    class Plain(RunStore):
        def save(self, run: RunState) -> None: ...

        def load(self, run_id: str) -> RunState | None: ...

    runtime = Runtime(run_store=Plain(), ledger_store=stores.ledger)
    with pytest.raises(TypeError, match="QueryableRunStore"):
        Scheduler(runtime=runtime, registry=registry)


def test_the_thread(make_runtime: MakeRuntime, registry: WorkflowRegistry) -> None:
    runtime = make_runtime(workflow_registry=registry)
    scheduler = Scheduler(runtime=runtime, registry=registry, poll_interval_s=3600)
    woken = threading.Event()
    scheduler._on_run_resumed = lambda run: woken.set()
    run_id = runtime.start(SLEEP, {"until": soon(0.2)})
    runtime.tick(SLEEP, run_id)
    scheduler.start()
    try:
        assert scheduler.is_running
        names = [thread.name for thread in threading.enumerate()]
        assert "abstractruntime-scheduler" in names
        with pytest.raises(RuntimeError, match="already running"):
            scheduler.start()
        assert woken.wait(60), "it sleeps until the moment, not for its whole interval"
        assert runtime.get_state(run_id).status is RunStatus.COMPLETED
    finally:
        scheduler.stop()
        scheduler.stop()
    assert not scheduler.is_running


# what else can move


def test_runs_left_running_by_a_crash_are_driven_on(
    keeper: Scheduler, runtime: Runtime, clock: MovableClock
) -> None:
    first, second = runtime.start(PURE), runtime.start(PURE)
    assert set(keeper.orphans()) == {first, second}
    assert keeper.orphans(idle_s=5) == []
    assert keeper.recover() == 2
    assert runtime.get_state(first).output == {"ok": True}
    assert keeper.orphans() == []


def test_a_run_that_somebody_drives_is_no_orphan(
    make_runtime: MakeRuntime, registry: WorkflowRegistry
) -> None:
    seen: list[list[str]] = []

    def look(run: RunState, context: Any) -> Any:
        seen.append(driver.orphans())
        return end("look")(run, context)

    runtime = make_runtime(workflow_registry=registry)
    driver = Driver(runtime=runtime, registry=registry)
    spec = flow("look", "look", look=look)
    run_id = runtime.start(spec)
    assert driver.orphans() == [run_id]
    runtime.tick(spec, run_id)
    assert seen == [[]]


def test_a_poisoned_run_is_put_off(keeper: Scheduler, runtime: Runtime, clock: MovableClock) -> None:
    run_id = runtime.start(FAILING)
    assert keeper.recover() == 0
    assert keeper.stats.runs_failed == 1
    assert "division by zero" in keeper.stats.errors[0]
    for tries, delay in enumerate((2, 4, 8), 1):
        clock.advance(delay - 0.5)
        runtime.announce(run_id)
        assert keeper.poll_once() == 0
        assert keeper.stats.runs_failed == tries, "not again so soon, whoever says that it can go on"
        clock.advance(0.6)
        runtime.announce(run_id)
        assert keeper.poll_once() == 0
        assert keeper.stats.runs_failed == tries + 1
    assert runtime.get_state(run_id).status is RunStatus.RUNNING


def test_a_clock_that_is_set_back_keeps_nobody_waiting(
    keeper: Scheduler, runtime: Runtime, clock: MovableClock
) -> None:
    failing = runtime.start(FAILING)
    assert keeper.recover() == 0
    left = runtime.start(PURE)
    clock.advance(-7200)
    keeper.poll_once()
    clock.advance(31)
    assert keeper.poll_once() == 1
    assert runtime.get_state(left).status is RunStatus.COMPLETED
    assert keeper.stats.runs_failed == 2, f"run {failing} was put off for two seconds, not for two hours"


def test_listeners_woken_by_an_event_are_driven(
    keeper: Scheduler, runtime: Runtime, registry: WorkflowRegistry
) -> None:
    run_id = begun(runtime, LISTEN, vars={"name": "bell"}, session_id="s")
    emit = flow(
        "e", "emit", e=ask_for("e", EffectType.EMIT_EVENT, {"name": "bell"}, "done"), done=end("done")
    )
    begun(runtime, emit, session_id="s")
    assert runtime.get_state(run_id).status is RunStatus.RUNNING
    assert keeper.poll_once() == 1
    assert runtime.get_state(run_id).status is RunStatus.COMPLETED


def test_a_parent_goes_on_when_its_child_is_over(keeper: Scheduler, runtime: Runtime) -> None:
    run_id = begun(runtime, calling("pure"))
    assert runtime.get_state(run_id).status is RunStatus.WAITING
    assert keeper.poll_once() == 1, "the child"
    assert keeper.poll_once() == 1, "the parent"
    run = runtime.get_state(run_id)
    assert run.output is not None
    assert run.output["sub"]["output"] == {"ok": True}
    assert set(run.output["sub"]) == {"sub_run_id", "output"}


def test_a_parent_is_left_alone_unless_asked(scheduler: Scheduler, runtime: Runtime) -> None:
    run_id = begun(runtime, calling("pure"))
    wait = runtime.get_state(run_id).waiting
    assert wait is not None
    assert wait.details is not None
    child_id = wait.details["sub_run_id"]
    runtime.tick(PURE, child_id)
    assert scheduler.poll_once() == 0
    assert runtime.get_state(run_id).status is RunStatus.WAITING
    run = scheduler.resume_subworkflow_parent(child_run_id=child_id, child_output={"x": 1})
    assert run is not None
    assert run.output == {"sub": {"sub_run_id": child_id, "output": {"x": 1}}}
    assert scheduler.resume_subworkflow_parent(child_run_id=child_id, child_output={}) is None


@pytest.mark.parametrize(
    ("finish", "status", "error"),
    [
        (
            lambda runtime, child: runtime.fail_run(child, error="boom"),
            RunStatus.FAILED,
            "Subworkflow 'ask' failed: boom",
        ),
        (
            lambda runtime, child: runtime.cancel_run(child),
            RunStatus.CANCELLED,
            "Subworkflow 'ask' cancelled",
        ),
    ],
)
def test_a_child_that_ends_badly_takes_its_parents_along(
    keeper: Scheduler,
    runtime: Runtime,
    registry: WorkflowRegistry,
    finish: Any,
    status: RunStatus,
    error: str,
) -> None:
    registry.register(calling("asks", "grandparent"))
    top = begun(runtime, registry.get_or_raise("grandparent"))
    keeper.recover()
    middle = keeper.descendants(top)[1].run_id
    child = keeper.descendants(top)[2].run_id
    finish(runtime, child)
    assert [run.run_id for run in keeper.stranded()] == [child]
    keeper.recover()
    assert (runtime.get_state(middle).status, runtime.get_state(middle).error) == (status, error)
    assert runtime.get_state(top).status is status
    assert keeper.stranded() == []


def test_a_wrapped_child_that_fails_is_a_failed_tool_result(
    keeper: Scheduler, runtime: Runtime, registry: WorkflowRegistry
) -> None:
    registry.register(calling("ask", "wrapping", wrap_as_tool_result=True))
    run_id = begun(runtime, registry.get_or_raise("wrapping"))
    child = keeper.descendants(run_id)[1]
    runtime.fail_run(child.run_id, error="boom")
    keeper.recover()
    run = runtime.get_state(run_id)
    assert run.output is not None
    result = run.output["sub"]["results"][0]
    assert (result["success"], result["error"]) == (False, "Subworkflow 'ask' failed: boom")


def test_a_paused_parent_is_settled_when_it_may_go_on(keeper: Scheduler, runtime: Runtime) -> None:
    run_id = begun(runtime, calling("pure"))
    runtime.pause_run(run_id)
    keeper.recover()
    assert runtime.get_state(run_id).status is RunStatus.WAITING
    runtime.resume_run(run_id)
    keeper.recover()
    assert runtime.get_state(run_id).status is RunStatus.COMPLETED


def test_settling_twice_changes_nothing(keeper: Scheduler, runtime: Runtime) -> None:
    run_id = begun(runtime, calling("pure", include_traces=True))
    child = keeper.descendants(run_id)[1]
    assert keeper.settle_child(child) is None, "it is not over"
    done = runtime.tick(PURE, child.run_id)
    parent = keeper.settle_child(done)
    assert parent is not None
    assert (parent.run_id, parent.status) == (run_id, RunStatus.RUNNING)
    assert parent.vars["sub"]["node_traces"] == {}
    assert keeper.settle_child(done) is None
    assert keeper.settle_child(parent) is None, "has no parent"


# on behalf of the host


def test_an_answer_through_the_scheduler(scheduler: Scheduler, runtime: Runtime) -> None:
    run_id = begun(runtime, ask_flow())
    wait = runtime.get_state(run_id).waiting
    assert wait is not None
    key = str(wait.wait_key)
    run = scheduler.resume_event(run_id=run_id, wait_key=key, payload={"response": "y"})
    assert run.status is RunStatus.COMPLETED
    with pytest.raises(ValueError, match="not waiting"):
        scheduler.resume_event(run_id=run_id, wait_key=key, payload={})
    with pytest.raises(KeyError):
        scheduler.resume_event(run_id="nobody", wait_key=key, payload={})


def test_an_event_from_outside(scheduler: Scheduler, runtime: Runtime, clock: MovableClock) -> None:
    exact = begun(runtime, LISTEN, vars={"name": "bell"}, session_id="s")
    every = begun(runtime, LISTEN, vars={"name": "*"}, session_id="s")
    second = begun(runtime, LISTEN, vars={"name": "bell"}, session_id="s")
    paused = begun(runtime, LISTEN, vars={"name": "bell"}, session_id="s")
    stranger = begun(
        runtime, flow("listen", "unknown", **dict(LISTEN.nodes)), vars={"name": "bell"}, session_id="s"
    )
    other = begun(runtime, LISTEN, vars={"name": "bell"}, session_id="other")
    runtime.pause_run(paused)
    with pytest.raises(KeyError, match="unknown"):
        scheduler.emit_event(name=" bell ", payload={"n": 1}, session_id="s")
    reached = [runtime.get_state(run_id) for run_id in (exact, second)]
    assert all(run.status is RunStatus.COMPLETED for run in reached)
    assert runtime.get_state(every).status is RunStatus.WAITING, "the host names who is meant"
    assert reached[0].output is not None
    assert reached[0].output["event"] == {
        "event_id": None,
        "name": "bell",
        "scope": "session",
        "session_id": "s",
        "payload": {"n": 1},
        "emitted_at": clock().isoformat(),
        "emitter": {"source": "external"},
    }
    assert f"run {stranger}" in scheduler.stats.errors[0]
    assert runtime.get_state(other).status is RunStatus.WAITING
    woken = scheduler.emit_event(name="bell", payload={}, session_id="other")
    assert [(run.run_id, run.status) for run in woken] == [(other, RunStatus.COMPLETED)]
    assert runtime.resume_run(paused).status is RunStatus.RUNNING
    with pytest.raises(ValueError, match="event name is required"):
        scheduler.emit_event(name=" ", payload={}, session_id="s")


def test_waiting_runs_can_be_listed(scheduler: Scheduler, runtime: Runtime, clock: MovableClock) -> None:
    asking, sleeper = begun(runtime, ask_flow()), sleeping(runtime, clock, 1)
    assert {run.run_id for run in scheduler.find_waiting_runs()} == {asking, sleeper}
    found = scheduler.find_waiting_runs(wait_reason=WaitReason.USER)
    assert [run.run_id for run in found] == [asking]
    assert scheduler.find_waiting_runs(workflow_id="nobody") == []


def test_a_tree_is_cancelled_root_first(
    scheduler: Scheduler, runtime: Runtime, registry: WorkflowRegistry
) -> None:
    registry.register(calling("asks", "grandparent"))
    top = begun(runtime, registry.get_or_raise("grandparent"))
    middle = scheduler.descendants(top)[1].run_id
    scheduler.drive(middle)
    child = scheduler.descendants(top)[2].run_id
    cancelled = scheduler.cancel_with_children(top, reason="enough")
    assert [(run.run_id, run.status, run.error) for run in cancelled] == [
        (run_id, RunStatus.CANCELLED, "enough") for run_id in (top, middle, child)
    ]
    assert scheduler.cancel_with_children(top) == []


@pytest.mark.parametrize("stores", ["memory", "sqlite"], indirect=True)
def test_a_parent_is_found_among_very_many_waiting_runs(
    scheduler: Scheduler, runtime: Runtime, stores: Stores
) -> None:
    parents = [RunState(f"p{n}", "pure", RunStatus.WAITING, "a") for n in range(1100)]
    for n, parent in enumerate(parents):
        details = {"sub_run_id": f"kid-{n}"}
        parent.waiting = WaitState(
            WaitReason.SUBWORKFLOW,
            f"subworkflow:kid-{n}",
            resume_to_node="b",
            result_key="r",
            details=details,
        )
        stores.runs.save(parent)
    for n in (0, 1099):
        after = scheduler.resume_subworkflow_parent(child_run_id=f"kid-{n}", child_output={"x": n})
        assert after is not None
        assert after.run_id == f"p{n}"
        assert after.vars["r"] == {"sub_run_id": f"kid-{n}", "output": {"x": n}}


def test_a_parent_made_by_hand_is_found(scheduler: Scheduler, runtime: Runtime, stores: Stores) -> None:
    run = runtime.get_state(runtime.start(PURE))
    run.status = RunStatus.WAITING
    run.waiting = WaitState(
        WaitReason.SUBWORKFLOW,
        wait_key="own",
        resume_to_node="b",
        result_key="r",
        details={"sub_run_id": "kid"},
    )
    stores.runs.save(run)
    child = RunState("kid", "pure", RunStatus.COMPLETED, "b", parent_run_id=run.run_id)
    stores.runs.save(child)
    after = scheduler.resume_subworkflow_parent(child_run_id="kid", child_output={"x": 1})
    assert after is not None
    assert after.vars["r"] == {"sub_run_id": "kid", "output": {"x": 1}}
