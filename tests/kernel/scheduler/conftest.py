"""Workflows and schedulers for the tests of this folder."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime import (
    EffectType,
    Runtime,
    WorkflowSpec,
)
from abstractruntime.core.clock import utc_now
from abstractruntime.scheduler import Scheduler, WorkflowRegistry
from abstractruntime.testing.clock import MovableClock
from abstractruntime.testing.flows import ask_flow, ask_for, end, flow, move

from ..conftest import MakeRuntime

SLEEP = flow(
    "sleep",
    "sleep",
    sleep=ask_for("sleep", EffectType.WAIT_UNTIL, lambda run: {"until": run.vars["until"]}, "done"),
    done=end("done", lambda vars: {"woke": True}),
)
LISTEN = flow(
    "listen",
    "listen",
    listen=ask_for("listen", EffectType.WAIT_EVENT, lambda run: {"name": run.vars["name"]}, "done", "event"),
    done=end("done", lambda vars: {"event": vars["event"]}),
)
PURE = flow("a", "pure", a=move("a", "b"), b=end("b", lambda vars: {"ok": True}))
FAILING = flow("a", "failing", a=lambda run, context: 1 / 0)  # type: ignore[arg-type,return-value]


def calling(workflow_id: str, name: str = "parent", **payload: Any) -> WorkflowSpec:
    content = {"workflow_id": workflow_id, "async": True, "wait": True, **payload}
    return flow(
        "call",
        name,
        call=ask_for("call", EffectType.START_SUBWORKFLOW, content, "done", "sub"),
        done=end("done", lambda vars: {"sub": vars["sub"]}),
    )


@pytest.fixture
def registry() -> WorkflowRegistry:
    found = WorkflowRegistry()
    for spec in (SLEEP, LISTEN, PURE, FAILING, ask_flow(), calling("pure"), calling("ask", "asks")):
        found.register(spec)
    return found


@pytest.fixture
def runtime(make_runtime: MakeRuntime, registry: WorkflowRegistry, clock: MovableClock) -> Runtime:
    return make_runtime(workflow_registry=registry, clock=clock)


@pytest.fixture
def scheduler(runtime: Runtime, registry: WorkflowRegistry, clock: MovableClock) -> Scheduler:
    return Scheduler(runtime=runtime, registry=registry, clock=clock, poll_interval_s=30)


@pytest.fixture
def keeper(runtime: Runtime, registry: WorkflowRegistry, clock: MovableClock) -> Scheduler:
    """A scheduler that also takes over what else can move."""
    return Scheduler(runtime=runtime, registry=registry, clock=clock, takes_over=True)


def begun(runtime: Runtime, spec: WorkflowSpec, **options: Any) -> str:
    run_id = runtime.start(spec, **options)
    runtime.tick(spec, run_id)
    return run_id


def sleeping(runtime: Runtime, clock: MovableClock, seconds: float) -> str:
    return begun(runtime, SLEEP, vars={"until": clock.after(seconds)})


def soon(seconds: float) -> str:
    return MovableClock(utc_now()).after(seconds)
