"""What an effect did is held back, or about to be written, when somebody else takes the run over or changes it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from abstractruntime import Effect, EffectType, RunState, RunStatus, Runtime, StepPlan, WorkflowSpec
from abstractruntime.core import RuntimeConfig
from abstractruntime.core.errors import StaleRevision
from abstractruntime.core.policy import RetryPolicy
from abstractruntime.core.runtime import EffectOutcome
from abstractruntime.storage import Stores
from abstractruntime.storage.base import Asking
from abstractruntime.testing.clock import MovableClock
from abstractruntime.testing.flows import ask_for, end, flow
from abstractruntime.testing.verify import verify

from ..conftest import MakeRuntime

KIND = EffectType.LLM_CALL
QUIET = RuntimeConfig(heartbeat=False)
Between = Callable[[], None]


class World:
    """Two owners of one run of two effects; what is to happen between these happens once."""

    def __init__(self, make_runtime: MakeRuntime, clock: MovableClock) -> None:
        self.clock = clock
        self.keys: list[str] = []
        self.between: list[Between] = []
        self.first, self.second = (
            make_runtime(effect_handlers={KIND: self.act}, clock=clock, config=QUIET, owner=name)
            for name in ("first", "second")
        )
        self.spec = self.flow()
        self.run_id = self.first.start(self.spec)

    def flow(self) -> WorkflowSpec:
        def then(run: RunState, context: Any) -> StepPlan:
            while self.between:
                self.between.pop()()
            return StepPlan("then", Effect(KIND, {"n": 2}, "second"), "end")

        return flow("one", one=ask_for("one", KIND, {"n": 1}, "then", "first"), then=then, end=end("end"))

    def act(self, run: RunState, effect: Effect, *, idempotency_key: str) -> EffectOutcome:
        self.keys.append(idempotency_key)
        return EffectOutcome.completed({"n": effect.payload["n"], "call": len(self.keys)})

    def asking(self, revision: int | None = None, seconds: float = 30) -> Asking:
        now = self.clock()
        return Asking(
            self.run_id, "third", 1, now, now + timedelta(seconds=seconds), revision, lambda owner: False
        )

    def outcomes(self) -> list[tuple[int, int]]:
        """Return what the ledger says that was done: the effect's number and which call did it."""
        results = [
            record["result"]
            for record in self.first.get_ledger(self.run_id)
            if record["status"] == "completed" and (record["effect"] or {}).get("type") == KIND.value
        ]
        return [(result["n"], result["call"]) for result in results]


@pytest.fixture
def world(make_runtime: MakeRuntime, clock: MovableClock) -> World:
    return World(make_runtime, clock)


def leases(runtime: Runtime) -> Any:
    assert runtime.journal.leases is not None
    return runtime.journal.leases


def holds(world: World) -> None:
    world.clock.advance(31)
    assert leases(world.second).take(world.asking()) is not None


def is_lost_too(world: World) -> None:
    holds(world)
    world.clock.advance(31)


def gives_back(world: World) -> None:
    world.clock.advance(31)
    lease = leases(world.second).take(world.asking())
    assert lease is not None
    leases(world.second).release(lease)


def goes_on(world: World) -> None:
    world.clock.advance(31)
    assert world.second.tick(world.spec, world.run_id).status is RunStatus.COMPLETED


@pytest.mark.parametrize("other", [holds, is_lost_too, gives_back, goes_on])
def test_who_was_taken_over_writes_nothing_and_its_effect_is_asked_for_again(
    other: Callable[[World], None], world: World, stores: Stores
) -> None:
    world.between.append(lambda: other(world))
    world.first.tick(world.spec, world.run_id)
    assert world.first._engine.in_flight == set(), "nothing is claimed any more"
    is_held_back = world.first.journal.atomic
    assert ((1, 1) in world.outcomes()) != is_held_back, "whoever took over may be acting"
    world.clock.advance(31)
    assert world.second.tick(world.spec, world.run_id).status is RunStatus.COMPLETED
    assert world.outcomes() == ([(1, 2), (2, 3)] if is_held_back else [(1, 1), (2, 2)])
    one, *again, two = world.keys
    assert again == ([one] if is_held_back else [])
    assert one != two
    assert verify(stores) == []


def test_a_takeover_that_is_refused_changes_nothing(world: World) -> None:
    def refused() -> None:
        world.clock.advance(31)
        with pytest.raises(StaleRevision):
            leases(world.second).take(world.asking(revision=1))

    world.between.append(refused)
    assert world.first.tick(world.spec, world.run_id).status is RunStatus.COMPLETED
    assert world.outcomes() == [(1, 1), (2, 2)]


def test_a_pause_while_the_lease_ran_out_keeps_the_outcome(world: World) -> None:
    def paused() -> None:
        world.clock.advance(31)
        world.second.pause_run(world.run_id)

    world.between.append(paused)
    assert world.first.tick(world.spec, world.run_id).status is RunStatus.WAITING
    assert world.outcomes() == [(1, 1)]
    world.second.resume_run(world.run_id)
    assert world.second.tick(world.spec, world.run_id).status is RunStatus.COMPLETED
    assert world.outcomes() == [(1, 1), (2, 2)]


@pytest.mark.parametrize("change", ["pause", "cancel"])
def test_an_attempt_that_failed_is_told_though_the_run_was_changed_meanwhile(
    change: str, make_runtime: MakeRuntime
) -> None:
    def fails(run: RunState, effect: Effect) -> EffectOutcome:
        (runtime.pause_run if change == "pause" else runtime.cancel_run)(run.run_id)
        return EffectOutcome.failed("no luck", retryable=True)

    runtime = make_runtime(effect_handlers={KIND: fails}, effect_policy=RetryPolicy())
    spec = flow("one", one=ask_for("one", KIND, {}, "end"), end=end("end"))
    run_id = runtime.start(spec)
    run = runtime.tick(spec, run_id)
    assert run.status is (RunStatus.WAITING if change == "pause" else RunStatus.CANCELLED)
    told = [r["status"] for r in runtime.get_ledger(run_id) if (r["effect"] or {}).get("type") == KIND.value]
    assert told == ["started", "failed"]
    assert runtime._engine.in_flight == set()


def test_what_is_held_back_outlives_a_lease_that_is_refused_for_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a host's store of leases that is behind: nobody else has changed the run."""
    take_for, refusals = world.first._leases.take_for, [StaleRevision("behind")]

    def refused(held: Any) -> bool:
        if len(world.keys) == 1 and refusals:
            raise refusals.pop()
        return take_for(held)

    monkeypatch.setattr(world.first._leases, "take_for", refused)
    run = world.first.tick(world.spec, world.run_id)
    assert run.status is RunStatus.COMPLETED
    assert world.outcomes() == [(1, 1), (2, 2)]
    assert world.first._engine.in_flight == set()
