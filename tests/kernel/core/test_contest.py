"""Many who want to drive one run: every step is taken once, whoever takes it."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from abstractruntime import Effect, EffectType, RunState, RunStatus
from abstractruntime.core.runtime import EffectOutcome
from abstractruntime.testing.flows import ask_for, branch, end, flow, move

from ..conftest import MakeRuntime

KIND = EffectType.LLM_CALL
TURNS = 15


def loop() -> Any:
    def turn(vars: dict[str, Any]) -> None:
        vars["got"].append(vars["last"]["n"])

    return flow(
        "ask",
        ask=ask_for("ask", KIND, lambda run: {"n": len(run.vars["got"])}, "keep", "last"),
        keep=move("keep", "more", turn),
        more=branch("more", lambda vars: "ask" if len(vars["got"]) < TURNS else "end"),
        end=end("end", lambda vars: {"got": vars["got"]}),
    )


@pytest.fixture
def hasty() -> Iterator[None]:
    """Switch threads as often as possible."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty")
def test_drivers_of_one_runtime_take_every_step_once(make_runtime: MakeRuntime) -> None:
    acts: list[str] = []

    def handler(run: RunState, effect: Effect, *, idempotency_key: str) -> EffectOutcome:
        acts.append(idempotency_key)
        return EffectOutcome.completed({"n": effect.payload["n"]})

    spec, runtime = loop(), make_runtime(effect_handlers={KIND: handler})
    run_id = runtime.start(spec, {"got": []})
    contest([runtime] * 3, spec, run_id)
    run = runtime.get_state(run_id)
    assert run.output == {"got": list(range(TURNS))}
    assert max(Counter(acts).values()) == 1, "no effect acts twice in one process"
    outcomes = [r["step_id"] for r in runtime.get_ledger(run_id) if r["status"] == "completed"]
    assert len(outcomes) == len(set(outcomes)) == TURNS + 2


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("stores", ["memory", "sqlite"], indirect=True)
def test_drivers_of_several_runtimes_agree_on_one_story(make_runtime: MakeRuntime) -> None:
    def handler(run: RunState, effect: Effect) -> EffectOutcome:
        return EffectOutcome.completed({"n": effect.payload["n"]})

    handler.external = False  # type: ignore[attr-defined]
    spec = loop()
    runtimes = [make_runtime(effect_handlers={KIND: handler}) for _ in range(3)]
    run_id = runtimes[0].start(spec, {"got": []})
    contest(runtimes, spec, run_id)
    assert runtimes[0].get_state(run_id).output == {"got": list(range(TURNS))}
    records = runtimes[0].get_ledger(run_id)
    told = [r["effect"]["payload"]["n"] for r in records if r["status"] == "started"]
    assert told == list(range(TURNS))
    assert len(records) == 2 * TURNS + 2


def contest(runtimes: list[Any], spec: Any, run_id: str) -> None:
    """Let as many threads as runtimes drive a run until it is over."""
    states: list[RunState] = []

    def drive(runtime: Any) -> None:
        while (run := runtime.tick(spec, run_id, max_steps=5)).status is RunStatus.RUNNING:
            pass
        states.append(run)

    threads = [threading.Thread(target=drive, args=(runtime,)) for runtime in runtimes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [run.status for run in states] == [RunStatus.COMPLETED] * len(runtimes), "and no thread failed"
