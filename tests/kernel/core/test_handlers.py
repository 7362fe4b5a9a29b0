"""Carrying out effects: handlers, attempts, reuse of results, and what a pause in between does."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from abstractruntime import (
    DefaultEffectPolicy,
    Effect,
    EffectType,
    RunState,
    RunStatus,
    Runtime,
    StepPlan,
    WaitReason,
    WaitState,
    WorkflowSpec,
)
from abstractruntime.core.errors import StoreBusy
from abstractruntime.core.ids import new_id
from abstractruntime.core.policy import visit_key
from abstractruntime.core.runtime import EffectOutcome
from abstractruntime.storage import Stores
from abstractruntime.testing.flows import ask_for, branch, end, flow, move

from ..conftest import MakeRuntime

KIND = EffectType.LLM_CALL


def asking(payload: Any = None, result_key: str | None = "got") -> WorkflowSpec:
    return flow(
        "ask",
        ask=ask_for("ask", KIND, payload if payload is not None else {"prompt": "p"}, "end", result_key),
        end=end("end", lambda vars: {"got": vars.get("got")}),
    )


class Counter:
    """A handler that counts its calls and answers in turn."""

    def __init__(self, *outcomes: EffectOutcome | Exception) -> None:
        self.outcomes = outcomes
        self.payloads: list[dict[str, Any]] = []

    def __call__(self, run: RunState, effect: Effect) -> EffectOutcome:
        self.payloads.append(effect.payload)
        outcome = self.outcomes[min(len(self.payloads), len(self.outcomes)) - 1]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def test_handlers_of_two_and_three_parameters_both_work(make_runtime: MakeRuntime) -> None:
    seen: list[Any] = []

    def two(run: RunState, effect: Effect) -> EffectOutcome:
        seen.append((effect.payload["prompt"],))
        return EffectOutcome.completed({"n": 2})

    def three(run: RunState, effect: Effect, default_next_node: str | None = None) -> EffectOutcome:
        seen.append((effect.payload["prompt"], default_next_node))
        return EffectOutcome.completed({"n": 3})

    def any_number(*args: Any) -> EffectOutcome:
        seen.append((args[1].payload["prompt"], args[2]))
        return EffectOutcome.completed({"n": 0})

    for handler, n in ((two, 2), (three, 3), (any_number, 0)):
        runtime = make_runtime(effect_handlers={KIND: handler})
        spec = asking()
        assert runtime.tick(spec, runtime.start(spec)).output == {"got": {"n": n}}
    assert seen == [("p",), ("p", "end"), ("p", "end")]


def test_a_handler_is_never_called_twice_for_its_signature(make_runtime: MakeRuntime) -> None:
    handler = Counter(TypeError("two arguments expected"))
    runtime = make_runtime(effect_handlers={KIND: handler})
    spec = asking()
    run = runtime.tick(spec, runtime.start(spec))
    assert run.status is RunStatus.FAILED
    assert len(handler.payloads) == 1


def test_a_host_may_replace_a_built_in_handler(make_runtime: MakeRuntime) -> None:
    handler = Counter(EffectOutcome.completed({"response": "mine"}))
    runtime = make_runtime(effect_handlers={EffectType.ASK_USER: handler})
    spec = flow(
        "ask", ask=ask_for("ask", EffectType.ASK_USER, {"prompt": "?"}, "end", "got"), end=end("end", dict)
    )
    assert runtime.tick(spec, runtime.start(spec)).vars["got"] == {"response": "mine"}


@pytest.mark.parametrize(
    ("handler", "error"),
    [
        (None, "No effect handler registered for llm_call"),
        (Counter(EffectOutcome.failed("nope")), "nope"),
        (Counter(ValueError("boom")), "Effect handler raised exception: boom"),
        (Counter("text"), "Effect handler returned 'text' instead of an EffectOutcome"),  # type: ignore[arg-type]
        (
            Counter(EffectOutcome("waiting")),
            "Effect handler returned EffectOutcome(status='waiting', result=None, wait=None, error=None)",
        ),
        (Counter(EffectOutcome("done")), "Effect handler returned EffectOutcome(status='done'"),
        (
            Counter(EffectOutcome("waiting", wait="later")),
            "Effect handler returned EffectOutcome(status='waiting'",
        ),  # type: ignore[arg-type]
        (
            Counter(EffectOutcome("completed", {}, WaitState(WaitReason.JOB))),
            "Effect handler returned EffectOutcome(status='completed'",
        ),
    ],
)
def test_a_failure_ends_the_run(make_runtime: MakeRuntime, handler: Any, error: str) -> None:
    runtime = make_runtime(effect_handlers={KIND: handler} if handler else {})
    spec = asking()
    run_id = runtime.start(spec)
    run = runtime.tick(spec, run_id)
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert run.error.startswith(f"Effect failed after 1 attempts: {error}")
    started, failed, status = runtime.get_ledger(run_id)
    assert (started["status"], failed["status"], failed["step_id"]) == (
        "started",
        "failed",
        started["step_id"],
    )
    assert failed["error"].startswith(error)
    assert status["result"]["payload"] == {"text": "failed"}


def test_a_failing_effect_is_tried_again(make_runtime: MakeRuntime, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    handler = Counter(EffectOutcome.failed("1"), ValueError("2"), EffectOutcome.completed({"ok": True}))
    policy = DefaultEffectPolicy(default_max_attempts=3, default_backoff_base=0.5)
    runtime = make_runtime(effect_handlers={KIND: handler}, effect_policy=policy)
    spec = asking()
    run_id = runtime.start(spec)
    assert runtime.tick(spec, run_id).output == {"got": {"ok": True}}
    assert slept == [0.5, 1.0]
    records = runtime.get_ledger(run_id)[:6]
    assert [(r["status"], r["attempt"]) for r in records] == [
        ("started", 1),
        ("failed", 1),
        ("started", 2),
        ("failed", 2),
        ("started", 3),
        ("completed", 3),
    ]
    assert len({r["step_id"] for r in records}) == 3
    assert len({r["idempotency_key"] for r in records}) == 1


def test_attempts_run_out(make_runtime: MakeRuntime, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("abstractruntime.core.runtime.time.sleep", slept.append)
    handler = Counter(EffectOutcome.failed("busy"))
    runtime = make_runtime(
        effect_handlers={KIND: handler}, effect_policy=DefaultEffectPolicy(default_max_attempts=3)
    )
    spec = asking()
    run = runtime.tick(spec, runtime.start(spec))
    assert run.error == "Effect failed after 3 attempts: busy"
    assert (len(handler.payloads), len(slept)) == (3, 2)


def test_a_waiting_outcome_is_not_tried_again(make_runtime: MakeRuntime) -> None:
    wait = WaitState(WaitReason.JOB, wait_key="job:1", resume_to_node="end", result_key="got")
    handler = Counter(EffectOutcome.waiting(wait))
    runtime = make_runtime(
        effect_handlers={KIND: handler}, effect_policy=DefaultEffectPolicy(default_max_attempts=3)
    )
    spec = asking()
    run_id = runtime.start(spec)
    run = runtime.tick(spec, run_id)
    assert (run.status, run.waiting, len(handler.payloads)) == (RunStatus.WAITING, wait, 1)
    assert runtime.resume(spec, run_id, "job:1", {"x": 1}).output == {"got": {"x": 1}}


def test_a_store_that_fails_is_not_the_handlers_fault(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(effect_handlers={KIND: Counter(StoreBusy("held"))})
    spec = asking()
    run_id = runtime.start(spec)
    with pytest.raises(StoreBusy):
        runtime.tick(spec, run_id)
    assert runtime.get_state(run_id).status is RunStatus.RUNNING


def test_a_result_that_is_not_json_fails_the_run(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(effect_handlers={KIND: Counter(EffectOutcome.completed({"x": {1}}))})
    spec = asking()
    run_id = runtime.start(spec)
    run = runtime.tick(spec, run_id)
    assert run.status is RunStatus.FAILED
    assert "the handler of llm_call returned a value that is not JSON: result.x" in str(run.error)
    assert run == runtime.get_state(run_id)
    assert [r["status"] for r in runtime.get_ledger(run_id)] == ["started", "failed", "completed"]


def test_a_result_without_a_key_is_in_the_ledger_only(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(effect_handlers={KIND: Counter(EffectOutcome.completed({"x": 1}))})
    spec = asking(result_key=None)
    run_id = runtime.start(spec)
    run = runtime.tick(spec, run_id)
    assert "got" not in run.vars
    assert runtime.get_ledger(run_id)[1]["result"] == {"x": 1}


def test_an_external_effect_has_started_in_the_store_before_it_acts(
    make_runtime: MakeRuntime, stores: Stores
) -> None:
    seen: list[Any] = []

    def handler(run: RunState, effect: Effect) -> EffectOutcome:
        stored = stores.runs.load(run.run_id)
        assert stored is not None
        seen.append(
            ([r["status"] for r in stores.ledger.list(run.run_id)], stored.vars.get("n"), run.vars["n"])
        )
        return EffectOutcome.completed({})

    def node(run: RunState, context: Any) -> StepPlan:
        run.vars["n"] = run.vars.get("n", 0) + 1
        return StepPlan("ask", effect=Effect(KIND, {}), next_node="end")

    spec = flow("ask", ask=node, end=end("end", lambda vars: {"n": vars["n"]}))
    runtime = make_runtime(effect_handlers={KIND: handler})
    run = runtime.tick(spec, runtime.start(spec))
    assert seen == [(["started"], None, 1)], "what the node has changed is not stored before its step is"
    assert run.output == {"n": 1}


def test_a_handler_may_say_that_it_is_not_external(make_runtime: MakeRuntime, stores: Stores) -> None:
    seen: list[int] = []

    def handler(run: RunState, effect: Effect) -> EffectOutcome:
        seen.append(len(stores.ledger.list(run.run_id)))
        return EffectOutcome.completed({})

    handler.external = False  # type: ignore[attr-defined]
    spec = asking()
    runtime = make_runtime(effect_handlers={KIND: handler})
    run_id = runtime.start(spec)
    runtime.tick(spec, run_id)
    assert seen == [0]
    assert [r["status"] for r in runtime.get_ledger(run_id)[:2]] == ["started", "completed"]


# one request, one result


def test_a_finished_run_that_is_set_back_gets_its_old_results(
    make_runtime: MakeRuntime, stores: Stores
) -> None:
    handler = Counter(EffectOutcome.completed({"n": 1}))
    spec = flow(
        "one",
        one=ask_for("one", KIND, {"prompt": "1"}, "two", "a"),
        two=ask_for("two", KIND, {"prompt": "2"}, "end", "b"),
        end=end("end"),
    )
    runtime = make_runtime(effect_handlers={KIND: handler})
    run_id = runtime.start(spec)
    run = runtime.tick(spec, run_id)
    run.status, run.current_node, run.output = RunStatus.RUNNING, "one", None
    stores.runs.save(run)
    before = len(runtime.get_ledger(run_id))
    again = make_runtime(effect_handlers={KIND: handler}).tick(spec, run_id)
    assert again.status is RunStatus.COMPLETED
    assert len(handler.payloads) == 2
    assert len(runtime.get_ledger(run_id)) == before + 2, "only the run's end is told again"
    steps = again.vars["_runtime"]["node_traces"]["one"]["steps"]
    assert [step["reused_prior_result"] for step in steps] == [False, True]


def test_a_loop_asks_anew_at_every_turn(make_runtime: MakeRuntime) -> None:
    handler = Counter(*[EffectOutcome.completed({"n": n}) for n in range(1, 4)])
    spec = flow(
        "ask",
        ask=ask_for("ask", KIND, {"prompt": "same"}, "keep", "got"),
        keep=move("keep", "more", lambda vars: vars["all"].append(vars["got"]["n"])),
        more=branch("more", lambda vars: "ask" if len(vars["all"]) < 3 else "end"),
        end=end("end", lambda vars: {"all": vars["all"]}),
    )
    runtime = make_runtime(effect_handlers={KIND: handler})
    run_id = runtime.start(spec, {"all": []})
    assert runtime.tick(spec, run_id).output == {"all": [1, 2, 3]}
    policy = runtime.effect_policy
    key = policy.idempotency_key(
        run=runtime.get_state(run_id), node_id="ask", effect=Effect(KIND, {"prompt": "same"})
    )
    used = [r["idempotency_key"] for r in runtime.get_ledger(run_id) if r["status"] == "started"]
    assert used == [key, visit_key(key, 2), visit_key(key, 3)]


def test_a_pause_while_an_effect_acts_wins_and_the_effect_acts_once(make_runtime: MakeRuntime) -> None:
    calls: list[str] = []

    def handler(run: RunState, effect: Effect) -> EffectOutcome:
        calls.append(run.run_id)
        runtime.pause_run(run.run_id, reason="stop")
        return EffectOutcome.completed({"n": len(calls)})

    spec = asking()
    runtime = make_runtime(effect_handlers={KIND: handler})
    run_id = runtime.start(spec)
    run = runtime.tick(spec, run_id)
    assert (run.status, run.current_node) == (RunStatus.WAITING, "ask")
    assert run.vars["_runtime"]["control"]["paused"] is True
    assert [r["status"] for r in runtime.get_ledger(run_id)] == ["started", "completed"]
    assert runtime.tick(spec, run_id) == run
    runtime.resume_run(run_id)
    assert runtime.tick(spec, run_id).output == {"got": {"n": 1}}
    assert calls == [run_id]


def test_a_cancel_while_an_effect_acts_wins(make_runtime: MakeRuntime) -> None:
    def handler(run: RunState, effect: Effect) -> EffectOutcome:
        runtime.cancel_run(run.run_id, reason="enough")
        return EffectOutcome.completed({"n": 1})

    spec = asking()
    runtime = make_runtime(effect_handlers={KIND: handler})
    run_id = runtime.start(spec)
    run = runtime.tick(spec, run_id)
    assert (run.status, run.error) == (RunStatus.CANCELLED, "enough")
    assert runtime.get_state(run_id) == run
    assert "completed" in [r["status"] for r in runtime.get_ledger(run_id) if r["idempotency_key"]]


def test_a_cancel_while_a_pure_node_runs_wins(runtime: Runtime) -> None:
    def node(run: RunState, context: Any) -> StepPlan:
        runtime.cancel_run(run.run_id)
        run.vars["x"] = 1
        return StepPlan("n", next_node="end")

    spec = flow("n", n=node, end=end("end"))
    run = runtime.tick(spec, runtime.start(spec))
    assert (run.status, run.error, run.vars.get("x")) == (RunStatus.CANCELLED, "Cancelled", None)


def test_limits_changed_while_an_effect_acts_are_kept(make_runtime: MakeRuntime) -> None:
    def handler(run: RunState, effect: Effect) -> EffectOutcome:
        calls.append(1)
        runtime.update_limits(run.run_id, {"max_iterations": 7})
        return EffectOutcome.completed({"n": 1})

    calls: list[int] = []
    spec = asking()
    runtime = make_runtime(effect_handlers={KIND: handler})
    run_id = runtime.start(spec)
    run = runtime.tick(spec, run_id)
    assert run.status is RunStatus.RUNNING, "somebody else wrote: look what is there"
    run = runtime.tick(spec, run_id)
    assert (run.output, run.vars["_limits"]["max_iterations"], len(calls)) == ({"got": {"n": 1}}, 7, 1)


def test_a_second_thread_does_not_repeat_an_effect_under_way(make_runtime: MakeRuntime) -> None:
    acting, go_on, calls = threading.Event(), threading.Event(), []

    def handler(run: RunState, effect: Effect) -> EffectOutcome:
        calls.append(1)
        acting.set()
        assert go_on.wait(60)
        return EffectOutcome.completed({"n": 1})

    spec = asking()
    runtime = make_runtime(effect_handlers={KIND: handler})
    run_id = runtime.start(spec)
    first = threading.Thread(target=runtime.tick, args=(spec, run_id))
    first.start()
    assert acting.wait(60)
    assert runtime.is_driving(run_id)
    second = runtime.tick(spec, run_id)
    assert (second.status, second.current_node) == (RunStatus.RUNNING, "ask")
    go_on.set()
    first.join(60)
    assert runtime.get_state(run_id).output == {"got": {"n": 1}}
    assert len(calls) == 1
    assert not runtime.is_driving(run_id)


def test_ids_of_steps_are_uuids() -> None:
    made = [uuid.UUID(new_id()) for _ in range(200)]
    assert len(set(made)) == 200
    assert {(one.version, one.variant) for one in made} == {(4, uuid.RFC_4122)}


def test_ids_of_runs_are_uuids_that_sort_by_time() -> None:
    made = [uuid.UUID(RunState.new(workflow_id="w", entry_node="a").run_id) for _ in range(50)]
    assert len(set(made)) == 50
    assert {(one.version, one.variant) for one in made} == {(7, uuid.RFC_4122)}
    since = [one.int >> 80 for one in made]  # milliseconds since 1970
    assert since == sorted(since)
    assert abs(since[0] / 1000 - time.time()) < 60


def test_a_handler_may_ask_for_the_key_of_its_visit(make_runtime: MakeRuntime) -> None:
    keys: list[Any] = []

    def two(run: RunState, effect: Effect, *, idempotency_key: str) -> EffectOutcome:
        keys.append(idempotency_key)
        return EffectOutcome.completed({})

    def three(run: RunState, effect: Effect, next_node: str, idempotency_key: str = "") -> EffectOutcome:
        keys.append((next_node, idempotency_key))
        return EffectOutcome.completed({})

    spec = asking()
    for handler in (two, three):
        runtime = make_runtime(effect_handlers={KIND: handler})
        run_id = runtime.start(spec)
        runtime.tick(spec, run_id)
        keys.append(runtime.get_ledger(run_id)[0]["idempotency_key"])
    assert keys[0] == keys[1]
    assert keys[2] == ("end", keys[3])


def test_a_long_handler_learns_that_its_run_was_cancelled(make_runtime: MakeRuntime) -> None:
    seen: list[bool] = []

    def long(run: RunState, effect: Effect, *, is_cancelled: Callable[[], bool]) -> EffectOutcome:
        seen.append(is_cancelled())
        runtime.pause_run(run.run_id)
        seen.append(is_cancelled())  # held back is not ended
        runtime.cancel_run(run.run_id, reason="not wanted")
        seen.append(is_cancelled())
        return EffectOutcome.completed({"got": "half"})

    spec = asking()
    runtime = make_runtime(effect_handlers={KIND: long})
    run_id = runtime.start(spec)
    assert runtime.tick(spec, run_id).status is RunStatus.CANCELLED
    assert seen == [False, False, True]
    assert runtime.get_ledger(run_id)[-1]["result"] == {"got": "half"}


@pytest.mark.parametrize(
    ("handlers", "code"),
    [({}, "effect.not_wired"), ({KIND: Counter(EffectOutcome.failed("nope"))}, "effect.failed")],
)
def test_a_failure_has_a_code_for_programs(make_runtime: MakeRuntime, handlers: Any, code: str) -> None:
    runtime, spec = make_runtime(effect_handlers=handlers), asking()
    run_id = runtime.start(spec)
    runtime.tick(spec, run_id)
    failed = runtime.get_ledger(run_id)[1]
    assert failed["result"]["error"] == {"code": code, "message": failed["error"], "node_id": "ask"}


def test_an_effect_that_acted_is_not_repeated_for_its_nodes_bad_value(make_runtime: MakeRuntime) -> None:
    handler = Counter(EffectOutcome.completed({"n": 1}))

    def node(run: RunState, context: Any) -> StepPlan:
        run.vars["bad"] = {1, 2}
        return StepPlan("ask", effect=Effect(KIND, {"prompt": "p"}, "got"), next_node="end")

    spec = flow("ask", ask=node, end=end("end"))
    runtime = make_runtime(effect_handlers={KIND: handler})
    run_id = runtime.start(spec)
    for _ in range(3):
        with pytest.raises(TypeError, match=r"Node 'ask' of workflow 'flow': vars\.bad"):
            runtime.tick(spec, run_id)
    assert len(handler.payloads) == 1
    assert [r["status"] for r in runtime.get_ledger(run_id)] == ["started", "completed"]
