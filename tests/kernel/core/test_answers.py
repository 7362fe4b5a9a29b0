"""An answer shares the commit of the step that follows it, and is neither lost nor given twice by that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from abstractruntime import Effect, EffectType, RunState, RunStatus, Runtime
from abstractruntime.core.errors import NotDurable, NotWaiting, RunIsPaused
from abstractruntime.core.models import StepPlan
from abstractruntime.core.runtime import EffectOutcome
from abstractruntime.core.spec import WorkflowSpec
from abstractruntime.storage import Stores
from abstractruntime.testing.flows import ask_flow, ask_for, end, flow, move

from ..conftest import MakeRuntime

KIND = EffectType.MEMORY_KG_QUERY
FIRST, OTHER = {"response": "first"}, {"response": "other"}
ASKS = ask_for("ask", EffectType.ASK_USER, {"prompt": "ok?"}, "then", "answer")


def then(node: Callable[[RunState, Any], StepPlan]) -> WorkflowSpec:
    """Return a workflow that asks, and goes on with this node."""
    return flow("ask", "asks", ask=ASKS, then=node, last=end("last"))


def parked(runtime: Runtime, spec: WorkflowSpec) -> str:
    run_id = runtime.start(spec, {})
    assert runtime.tick(spec, run_id).status is RunStatus.WAITING
    return run_id


def told(runtime: Runtime, run_id: str) -> list[Any]:
    """Return what each answer in the ledger was."""
    effects = [record["effect"] or {} for record in runtime.get_ledger(run_id)]
    return [effect["payload"]["payload"] for effect in effects if effect.get("type") == "resume"]


def revision(runtime: Runtime, run_id: str) -> int:
    found = runtime.journal.load(run_id)
    assert found is not None
    return found.revision


@pytest.mark.parametrize("max_steps", [0, 1, 100])
def test_an_answer_and_the_step_after_it_are_one_commit(runtime: Runtime, max_steps: int) -> None:
    spec = ask_flow()
    run_id = parked(runtime, spec)
    before, length = revision(runtime, run_id), len(runtime.get_ledger(run_id))
    run = runtime.resume(spec, run_id, None, FIRST, max_steps)
    assert run == runtime.get_state(run_id)
    assert run.vars["answer"] == FIRST
    assert run.status is (RunStatus.COMPLETED if max_steps else RunStatus.RUNNING)
    together = 1 if max_steps == 0 or runtime.journal.atomic else 2
    assert revision(runtime, run_id) == before + together
    fresh = [record["idempotency_key"] for record in runtime.get_ledger(run_id)[length:]]
    assert fresh == ([None] if not max_steps else [None, None, "system:terminal_status:completed"])
    if runtime.journal.atomic:
        assert runtime.journal.state_at(run_id, length + 1) == run


def test_an_answer_goes_with_a_step_that_moves_on(runtime: Runtime) -> None:
    spec = then(move("then", "last", lambda vars: vars.update(seen=vars["answer"])))
    run_id = parked(runtime, spec)
    before = revision(runtime, run_id)
    run = runtime.resume(spec, run_id, None, FIRST, 1)
    assert (run.current_node, run.vars["seen"], told(runtime, run_id)) == ("last", FIRST, [FIRST])
    assert revision(runtime, run_id) == before + (1 if runtime.journal.atomic else 2)
    assert runtime.journal.refolded(run_id) in (None, run)
    assert runtime.tick(spec, run_id).status is RunStatus.COMPLETED


def test_an_answer_is_durable_before_an_effect_reaches_out(make_runtime: MakeRuntime) -> None:
    seen: list[Any] = []

    def handler(run: RunState, effect: Effect) -> EffectOutcome:
        found = runtime.get_state(run.run_id)
        seen.append((found.status, found.vars["answer"], runtime.get_ledger(run.run_id)[-1]["status"]))
        return EffectOutcome.completed({"ok": True})

    runtime = make_runtime(effect_handlers={KIND: handler})
    spec = then(ask_for("then", KIND, {}, "last"))
    run_id = parked(runtime, spec)
    assert runtime.resume(spec, run_id, None, FIRST).status is RunStatus.COMPLETED
    assert seen == [(RunStatus.RUNNING, FIRST, "started")]


def test_an_answer_is_durable_before_a_node_that_never_asks(runtime: Runtime) -> None:
    seen: list[Any] = []

    def look(run: RunState, context: Any) -> StepPlan:
        seen.append(runtime.get_state(run.run_id).vars["answer"])
        return StepPlan("then", next_node="last")

    look.asks = False  # type: ignore[attr-defined]
    spec = then(look)
    assert runtime.resume(spec, parked(runtime, spec), None, FIRST).status is RunStatus.COMPLETED
    assert seen == [FIRST]


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt, NotDurable])
def test_an_answer_outlives_a_node_that_fails(runtime: Runtime, failure: type[BaseException]) -> None:
    def broken(run: RunState, context: Any) -> StepPlan:
        run.vars["half"] = 1
        if failure is NotDurable:
            return StepPlan("then", complete_output={"bad": object()})
        raise failure

    spec = then(broken)
    run_id = parked(runtime, spec)
    with pytest.raises(failure):
        runtime.resume(spec, run_id, None, FIRST)
    run = runtime.get_state(run_id)
    assert (run.status, run.current_node, run.vars["answer"]) == (RunStatus.RUNNING, "then", FIRST)
    assert "half" not in run.vars
    assert told(runtime, run_id) == [FIRST]
    with pytest.raises(NotWaiting):
        runtime.resume(spec, run_id, None, OTHER)


def test_of_two_answers_one_is_refused_though_its_node_was_asked(
    make_runtime: MakeRuntime, stores: Stores
) -> None:
    one, two = make_runtime(), make_runtime()
    if not one.journal.atomic:
        pytest.skip("an answer is written at once there")
    asked: list[Any] = []

    def slow(run: RunState, context: Any) -> StepPlan:
        asked.append(run.vars["answer"])
        if len(asked) == 1:
            two.resume(spec, run.run_id, None, OTHER, 0)
        return StepPlan("then", complete_output={"was": run.vars["answer"]})

    spec = then(slow)
    run_id = parked(one, spec)
    with pytest.raises(NotWaiting):
        one.resume(spec, run_id, None, FIRST)
    assert (asked, told(one, run_id)) == ([FIRST], [OTHER])
    assert one.tick(spec, run_id).output == {"was": OTHER}


def test_an_answer_is_given_anew_where_the_run_still_waits(make_runtime: MakeRuntime) -> None:
    one, two = make_runtime(), make_runtime()
    asked: list[Any] = []

    def slow(run: RunState, context: Any) -> StepPlan:
        asked.append(run.vars["answer"])
        if len(asked) == 1:
            two.update_limits(run.run_id, {"max_iterations": 7})
        return StepPlan("then", complete_output={"was": run.vars["answer"]})

    spec = then(slow)
    run_id = parked(one, spec)
    run = one.resume(spec, run_id, None, FIRST)
    if one.journal.atomic:
        assert asked == [FIRST, FIRST]
        assert run.output == {"was": FIRST}
        assert run.vars["_limits"]["max_iterations"] == 7
    assert told(one, run_id) == [FIRST]


def test_an_answer_does_not_overtake_a_pause(make_runtime: MakeRuntime) -> None:
    one, two = make_runtime(), make_runtime()
    if not one.journal.atomic:
        pytest.skip("an answer is written at once there")

    def slow(run: RunState, context: Any) -> StepPlan:
        two.pause_run(run.run_id, reason="hold on")
        return StepPlan("then", complete_output={})

    waits = ask_for("ask", EffectType.WAIT_EVENT, {"wait_key": "e"}, "then", "answer")
    spec = flow("ask", "asks", ask=waits, then=slow)
    run_id = parked(one, spec)
    with pytest.raises(RunIsPaused):
        one.resume(spec, run_id, "e", FIRST)
    run = one.get_state(run_id)
    assert (run.status, told(one, run_id)) == (RunStatus.WAITING, [])
