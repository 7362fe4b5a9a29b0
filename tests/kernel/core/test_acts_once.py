"""An effect acts once per visit: again in the next turn of a loop, and not again after a crash."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime import Effect, EffectType, RunState, RunStatus, Runtime, WorkflowSpec
from abstractruntime.core.runtime import EffectOutcome
from abstractruntime.storage import Stores
from abstractruntime.testing.flows import ask_for, branch, end, flow

from ..conftest import MakeRuntime

KIND = EffectType.LLM_CALL


class Sensor:
    """A handler that answers something else at every call."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, run: RunState, effect: Effect) -> EffectOutcome:
        self.calls += 1
        return EffectOutcome.completed({"reading": self.calls})


def polling(turns: int) -> WorkflowSpec:
    def again(vars: dict[str, Any]) -> str:
        vars.setdefault("seen", []).append(vars["got"]["reading"])
        return "poll" if len(vars["seen"]) < turns else "end"

    return flow(
        "poll",
        poll=ask_for("poll", KIND, {"prompt": "how warm?"}, "again", "got"),
        again=branch("again", again),
        end=end("end", lambda vars: {"seen": vars["seen"]}),
    )


@pytest.mark.parametrize("steps", [100, 1])
def test_a_loop_that_asks_the_same_gets_fresh_answers(make_runtime: MakeRuntime, steps: int) -> None:
    """Weakness B1: with one tick, and with a restart after every step."""
    sensor, spec = Sensor(), polling(3)
    run_id = make_runtime().start(spec)
    run = make_runtime().get_state(run_id)
    while run.status is RunStatus.RUNNING:
        run = make_runtime(effect_handlers={KIND: sensor}).tick(spec, run_id, max_steps=steps)
    assert run.output == {"seen": [1, 2, 3]}
    assert sensor.calls == 3


def test_only_a_run_that_has_moved_is_looked_up_in_its_ledger(
    make_runtime: MakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    runtime, spec = make_runtime(effect_handlers={KIND: Sensor()}), polling(2)
    find = runtime.journal.find_completed

    def counted(run_id: str, key: str) -> Any:
        asked.append(key)
        return find(run_id, key)

    monkeypatch.setattr(runtime.journal, "find_completed", counted)
    run_id = runtime.start(spec)
    runtime.tick(spec, run_id, max_steps=1)
    is_atomic, first = runtime.journal.atomic, len(asked)
    runtime.tick(spec, run_id, max_steps=2)
    assert first == (0 if is_atomic else 2)
    assert len(asked) == first + 2, "whether it had completed, and whether this visit has a result"


def test_an_effect_without_a_result_acts_once(make_runtime: MakeRuntime, stores: Stores) -> None:
    """Weakness B2: a pause comes while it acts; when the run goes on, it is not asked again."""
    calls: list[str] = []

    def act(run: RunState, effect: Effect) -> EffectOutcome:
        calls.append(run.run_id)
        make_runtime().pause_run(run.run_id)
        return EffectOutcome.completed()

    spec = flow("act", act=ask_for("act", KIND, {"prompt": "p"}, "end", "got"), end=end("end", dict))
    runtime: Runtime = make_runtime(effect_handlers={KIND: act})
    run_id = runtime.start(spec)
    assert runtime.tick(spec, run_id).status is RunStatus.WAITING
    runtime.resume_run(run_id)
    run = make_runtime(effect_handlers={KIND: act}).tick(spec, run_id)
    assert run.status is RunStatus.COMPLETED
    assert "got" not in run.vars
    assert len(calls) == 1
    done = [
        one for one in stores.ledger.list(run_id) if one["status"] == "completed" and one["node_id"] == "act"
    ]
    assert [one["result"] for one in done] == [None]
