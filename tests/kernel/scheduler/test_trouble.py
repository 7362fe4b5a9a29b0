"""What a scheduler does with runs, drivers and stores that fail, and with slow effects."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from abstractruntime import (
    Effect,
    EffectType,
    RunState,
    RunStatus,
    Runtime,
)
from abstractruntime.core import RuntimeConfig
from abstractruntime.core.errors import StoreBusy, StoreError, StoreFull, StoreUnsynced
from abstractruntime.core.runtime import EffectOutcome
from abstractruntime.scheduler import Driver, Scheduler, WorkflowRegistry
from abstractruntime.storage import Stores
from abstractruntime.storage.base import StepCommit
from abstractruntime.testing.clock import MovableClock
from abstractruntime.testing.flows import ask_for, end, flow

from ..conftest import MakeRuntime
from .conftest import FAILING, PURE, SLEEP, begun, sleeping, soon


def test_a_run_that_fails_again_and_again_is_parked_with_the_reason(
    keeper: Scheduler, runtime: Runtime, clock: MovableClock
) -> None:
    run_id, good = runtime.start(FAILING), runtime.start(PURE)
    keeper.recover()
    assert runtime.get_state(good).status is RunStatus.COMPLETED
    for _ in range(8):
        clock.advance(60)
        keeper.poll_once()
    assert keeper.stats.runs_failed == 5, "then it is left alone"
    run = runtime.get_state(run_id)
    assert run.status is RunStatus.WAITING
    control = run.vars["_runtime"]["control"]
    assert control["paused"] is True
    assert control["pause_reason"].startswith("It could not be driven on 5 times in a row: ZeroDivisionError")
    record = runtime.get_ledger(run_id)[-1]
    assert record["status"] == "failed"
    assert record["result"]["error"]["code"] == "run.parked"
    assert record["node_id"] == "a"
    assert runtime.resume_run(run_id).status is RunStatus.RUNNING, "somebody may let it go on"
    keeper.poll_once()
    assert keeper.stats.runs_failed == 6


def test_a_run_that_kills_its_drivers_is_parked(
    make_runtime: MakeRuntime, registry: WorkflowRegistry, clock: MovableClock
) -> None:
    class Killed(BaseException):
        pass

    def fatal(run: RunState, context: Any) -> Any:
        raise Killed

    registry.register(flow("a", "fatal", a=fatal))
    first = make_runtime(workflow_registry=registry, clock=clock, config=RuntimeConfig(heartbeat=False))
    run_id = first.start(registry.get_or_raise("fatal"))
    for number in range(6):
        lost = make_runtime(
            workflow_registry=registry, clock=clock, owner=f"o{number}", config=RuntimeConfig(heartbeat=False)
        )
        lost._leases._give_back = lambda lease: None  # type: ignore[method-assign]
        with pytest.raises(Killed):
            Driver(runtime=lost, registry=registry, clock=clock, park_after=100).drive(run_id)
        clock.advance(31)
    driver = Driver(runtime=first, registry=registry, clock=clock)
    run = driver.drive(run_id)
    assert run.status is RunStatus.WAITING
    reason = run.vars["_runtime"]["control"]["pause_reason"]
    assert reason.startswith("6 drivers in a row were lost at node 'a'")


def test_a_store_that_fails_parks_nobody(
    keeper: Scheduler, runtime: Runtime, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = runtime.start(PURE)
    drive = keeper.drive

    def broken(run_id: str, *, max_steps: int = 100) -> RunState:
        raise StoreError("The disk is full.")

    monkeypatch.setattr(keeper, "drive", broken)
    keeper.recover()
    for _ in range(9):
        clock.advance(400)
        keeper.poll_once()
    assert keeper.stats.runs_failed >= 6
    assert runtime.get_state(run_id).status is RunStatus.RUNNING
    monkeypatch.setattr(keeper, "drive", drive)
    clock.advance(400)
    assert keeper.poll_once() == 1


def test_a_disk_that_stays_full_is_told_and_its_runs_go_on_soon_after_there_is_room(
    keeper: Scheduler,
    runtime: Runtime,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    run_id, other = runtime.start(PURE), runtime.start(PURE)
    journal = runtime.journal
    commit = journal.commit

    def full(step: StepCommit) -> int:
        raise StoreFull("The disk is full.")

    monkeypatch.setattr(journal, "commit", full)
    assert keeper.stats.no_room is None
    for _ in range(9):
        keeper.recover()
        keeper.poll_once()
        clock.advance(60)
        assert isinstance(keeper.stats.no_room, StoreFull), "it is told while it lasts"
    told = [line.message for line in caplog.records if "disk is full" in line.message]
    assert told == ["No run goes on: The disk is full."], "once"
    assert keeper.recover() == 0
    monkeypatch.setattr(journal, "commit", commit)
    clock.advance(31)
    assert keeper.poll_once() == 2, "without waiting longer and longer: it was not their fault"
    for each in (run_id, other):
        assert runtime.get_state(each).status is RunStatus.COMPLETED
    assert keeper.stats.no_room is None
    assert "There is room again" in caplog.text


def test_a_disk_that_does_not_take_what_is_written_is_told(
    keeper: Scheduler,
    runtime: Runtime,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    run_id = runtime.start(PURE)

    def lost(step: StepCommit) -> int:
        raise StoreUnsynced("Restart the program.")

    monkeypatch.setattr(runtime.journal, "commit", lost)
    assert keeper.stats.unsynced is None
    for _ in range(9):
        keeper.recover()
        clock.advance(400)
    assert isinstance(keeper.stats.unsynced, StoreUnsynced)
    told = [line.message for line in caplog.records if line.levelname == "ERROR"]
    assert told == ["No run goes on: Restart the program."], "once"
    assert runtime.get_state(run_id).status is RunStatus.RUNNING, (
        "it is not the run's fault: it is not parked"
    )


def test_a_store_that_fails_ends_no_thread(
    make_runtime: MakeRuntime, registry: WorkflowRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = make_runtime(workflow_registry=registry)
    scheduler = Scheduler(runtime=runtime, registry=registry, takes_over=True, poll_interval_s=0.01)
    drive, due, failures = scheduler.drive, scheduler.due, {"drive": 3, "due": 3}
    ran = threading.Event()

    def failing(name: str, function: Any) -> Any:
        def call(*args: Any, **more: Any) -> Any:
            failures[name] -= 1
            if failures[name] >= 0:
                raise StoreBusy("Try again.")
            if failures["due"] < 0:
                ran.set()
            return function(*args, **more)

        return call

    monkeypatch.setattr(scheduler, "drive", failing("drive", drive))
    monkeypatch.setattr(scheduler, "due", failing("due", due))
    scheduler.start()
    try:
        assert ran.wait(60)
        run_id = runtime.start(PURE)
        for _ in range(4):
            runtime.announce(run_id)
            until_over_or(runtime, run_id)
        until_over(runtime, run_id)
        assert scheduler.is_running
    finally:
        scheduler.stop()


def until_over_or(runtime: Runtime, run_id: str) -> None:
    """Give a run a little time to end."""
    pause = threading.Event()
    for _ in range(30):
        if runtime.get_state(run_id).status.is_over:
            return
        pause.wait(0.01)


def test_a_slow_effect_keeps_nobody_waiting(make_runtime: MakeRuntime, registry: WorkflowRegistry) -> None:
    begun, leave, acts = threading.Event(), threading.Event(), []

    def act(run: RunState, effect: Effect) -> EffectOutcome:
        acts.append(run.run_id)
        if effect.payload["slow"]:
            begun.set()
            assert leave.wait(60)
        return EffectOutcome.completed({})

    registry.register(
        flow(
            "act",
            "acting",
            act=ask_for("act", EffectType.TOOL_CALLS, lambda run: {"slow": run.vars["slow"]}, "done"),
            done=end("done"),
        )
    )
    runtime = make_runtime(workflow_registry=registry, effect_handlers={EffectType.TOOL_CALLS: act})
    spec = registry.get_or_raise("acting")
    slow = [runtime.start(spec, {"slow": True}) for _ in range(2)]
    scheduler = Scheduler(runtime=runtime, registry=registry, takes_over=True, workers=3, poll_interval_s=30)
    scheduler.start()
    try:
        assert begun.wait(60)
        quick = [runtime.start(spec, {"slow": False}) for _ in range(5)]
        sleeper = runtime.start(SLEEP, {"until": soon(0.3)})
        for run_id in (*quick, sleeper):
            runtime.announce(run_id)
        for run_id in (*quick, sleeper):
            until_over(runtime, run_id)
        assert {runtime.get_state(run_id).status for run_id in slow} == {RunStatus.RUNNING}
        leave.set()
        for run_id in slow:
            until_over(runtime, run_id)
    finally:
        leave.set()
        scheduler.stop()
    assert sorted(acts) == sorted([*slow, *quick]), "each acted once"
    assert scheduler.stats.errors == []


def until_over(runtime: Runtime, run_id: str) -> None:
    """Wait until a run is over."""
    pause = threading.Event()
    for _ in range(1000):
        if runtime.get_state(run_id).status.is_over:
            return
        pause.wait(0.01)
    raise AssertionError(f"run {run_id} does not come to its end")


def test_many_unknown_workflows_starve_nobody(
    scheduler: Scheduler, runtime: Runtime, stores: Stores, clock: MovableClock
) -> None:
    unknown = flow("sleep", "unknown", **dict(SLEEP.nodes))
    for _ in range(350):
        begun(runtime, unknown, vars={"until": clock.after(1)})
    good = [sleeping(runtime, clock, 2) for _ in range(3)]
    clock.advance(5)
    driven = [scheduler.poll_once() for _ in range(5)]
    assert sum(driven) == 3
    assert all(runtime.get_state(run_id).status is RunStatus.COMPLETED for run_id in good)
