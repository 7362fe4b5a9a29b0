"""Starting and driving runs."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime import EffectType, RunState, RunStatus, Runtime, StepPlan, WaitReason, WaitState
from abstractruntime.core import RuntimeConfig
from abstractruntime.core.errors import NodeNotFound, NotDurable, RunNotFound
from abstractruntime.storage import Stores
from abstractruntime.testing.clock import MovableClock
from abstractruntime.testing.flows import ask_flow, ask_for, branch, end, flow, move

from ..conftest import MakeRuntime

PURE = flow(
    "one",
    one=move("one", "two", lambda vars: vars.update(seen=["one"])),
    two=move("two", "end", lambda vars: vars["seen"].append("two")),
    end=end("end", lambda vars: {"seen": vars["seen"]}),
)
ANSWER = {"message": "Hello"}
TELL = flow("tell", tell=ask_for("tell", EffectType.ANSWER_USER, ANSWER, "end", "told"), end=end("end"))


def test_start_keeps_a_run_and_visits_nothing(runtime: Runtime, stores: Stores) -> None:
    given = {"x": 1}
    run_id = runtime.start(PURE, given, "ann", "s1")
    run = runtime.get_state(run_id)
    assert given == {"x": 1}, "the caller's variables are not touched"
    assert (run.status, run.current_node, run.vars["x"]) == (RunStatus.RUNNING, "one", 1)
    assert (run.actor_id, run.session_id, run.parent_run_id, run.workflow_id) == ("ann", "s1", None, "flow")
    assert runtime.get_ledger(run_id) == []
    assert set(run.vars) == {"x", "_limits", "_runtime"}
    assert run.vars["_limits"] == RuntimeConfig().to_limits_dict()
    assert stores.runs.load(run_id) == run


def test_start_by_keyword_keeps_given_limits(runtime: Runtime) -> None:
    run_id = runtime.start(workflow=PURE, vars={"_limits": {"max_iterations": 3}}, parent_run_id="p")
    run = runtime.get_state(run_id)
    assert run.vars["_limits"] == {"max_iterations": 3}
    assert run.parent_run_id == "p"


def test_start_tells_nodes_of_the_hosts_model(make_runtime: MakeRuntime) -> None:
    config = RuntimeConfig(
        provider=" local ", model="m", model_capabilities={"tool_support": "native", "max_tokens": 9}
    )
    runtime = make_runtime(config=config)
    known = runtime.get_state(runtime.start(PURE, {"_runtime": {"model": "own"}})).vars["_runtime"]
    assert known == {
        "provider": "local",
        "model": "own",
        "tool_support": "native",
        "supports_native_tools": True,
    }


def test_start_refuses_values_that_are_not_json(runtime: Runtime) -> None:
    with pytest.raises(NotDurable, match=r"vars\.a\.b") as refused:
        runtime.start(PURE, {"a": {"b": {1}}})
    assert refused.value.path == "vars.a.b"


def test_two_runs_cannot_have_one_id(runtime: Runtime) -> None:
    runtime.start(PURE, run_id="r1")
    with pytest.raises(ValueError, match="r1"):
        runtime.start(PURE, run_id="r1")


def test_tick_runs_pure_nodes_to_the_end(runtime: Runtime, stores: Stores) -> None:
    run_id = runtime.start(PURE)
    run = runtime.tick(PURE, run_id)
    assert (run.status, run.output, run.error) == (RunStatus.COMPLETED, {"seen": ["one", "two"]}, None)
    assert run == stores.runs.load(run_id)
    assert type(run.vars) is dict, "who is not the engine gets plain variables"
    records = runtime.get_ledger(run_id)
    assert [(r["node_id"], r["status"], r["effect"]) for r in records[:1]] == [("end", "completed", None)]
    assert records[0]["result"] == {"completed": True, "output": {"seen": ["one", "two"]}}
    assert records[1]["result"] == {
        "emitted": True,
        "name": "abstract.status",
        "payload": {"text": "completed"},
    }
    assert records[1]["effect"] == {
        "type": "emit_event",
        "payload": {"name": "abstract.status", "scope": "session", "payload": {"text": "completed"}},
        "result_key": None,
    }
    assert records[1]["idempotency_key"] == "system:terminal_status:completed"
    assert len(records) == 2, "pure steps write no records of their own"


def test_tick_knows_no_unknown_runs(runtime: Runtime) -> None:
    with pytest.raises(KeyError, match="Unknown run_id: nobody"):
        runtime.tick(workflow=PURE, run_id="nobody")
    with pytest.raises(RunNotFound):
        runtime.get_state("nobody")


def test_a_run_that_is_over_is_returned_as_it_is(runtime: Runtime) -> None:
    run_id = runtime.start(PURE)
    over = runtime.tick(PURE, run_id)
    assert runtime.tick(PURE, run_id) == over
    assert len(runtime.get_ledger(run_id)) == 2


def test_a_run_is_not_driven_by_another_workflow(runtime: Runtime) -> None:
    run_id = runtime.start(PURE)
    with pytest.raises(ValueError, match="belongs to workflow 'flow', not to 'ask'"):
        runtime.tick(ask_flow(), run_id)


def test_steps_are_counted(runtime: Runtime, stores: Stores) -> None:
    run_id = runtime.start(TELL)
    run = runtime.tick(TELL, run_id, max_steps=1)
    assert (run.status, run.current_node) == (RunStatus.RUNNING, "end")
    assert run.vars["told"] == {"message": "Hello", "level": "message"}
    assert stores.runs.load(run_id) == run
    assert runtime.tick(TELL, run_id, max_steps=0) == run
    assert runtime.tick(TELL, run_id).status is RunStatus.COMPLETED


def test_an_empty_output_completes_and_wins_over_an_effect(runtime: Runtime) -> None:
    def both(run: RunState, context: Any) -> StepPlan:
        plan = ask_for("n", EffectType.ASK_USER, {"prompt": "?"})(run, context)
        return StepPlan("n", effect=plan.effect, next_node="m", complete_output={})

    spec = flow("n", n=both)
    run = runtime.tick(spec, runtime.start(spec))
    assert (run.status, run.output) == (RunStatus.COMPLETED, {})


def test_an_effect_without_a_next_node_ends_the_run(runtime: Runtime) -> None:
    spec = flow("tell", tell=ask_for("tell", EffectType.ANSWER_USER, ANSWER, None, "told"))
    run_id = runtime.start(spec)
    run = runtime.tick(spec, run_id)
    result = {"message": "Hello", "level": "message"}
    assert (run.status, run.output) == (RunStatus.COMPLETED, {"success": True, "result": result})
    assert run.vars["told"] == result
    kinds = [(r["status"], (r["effect"] or {}).get("type")) for r in runtime.get_ledger(run_id)]
    assert kinds == [("started", "answer_user"), ("completed", "answer_user"), ("completed", "emit_event")]


def test_records_of_one_effect_share_their_step(runtime: Runtime) -> None:
    run_id = runtime.start(TELL, actor_id="ann", session_id="s")
    runtime.tick(TELL, run_id)
    started, done = runtime.get_ledger(run_id)[:2]
    same = (
        "step_id",
        "node_id",
        "effect",
        "started_at",
        "idempotency_key",
        "attempt",
        "actor_id",
        "session_id",
    )
    assert {key: started[key] for key in same} == {key: done[key] for key in same}
    assert (started["status"], started["result"], started["ended_at"]) == ("started", None, None)
    assert (done["status"], done["actor_id"], done["attempt"]) == ("completed", "ann", 1)
    assert done["ended_at"] is not None
    assert list(started)[:5] == ["run_id", "step_id", "node_id", "status", "effect"]


def test_a_failure_plan_ends_the_run_as_failed(runtime: Runtime) -> None:
    failure = {"code": "math.zero", "message": "Division by zero", "pin": "b"}
    spec = flow("div", div=lambda run, context: StepPlan("div", failure=failure))
    run_id = runtime.start(spec)
    run = runtime.tick(spec, run_id)
    assert (run.status, run.error, run.output) == (RunStatus.FAILED, "Division by zero", None)
    told, status = runtime.get_ledger(run_id)
    assert (told["status"], told["error"], told["effect"]) == ("failed", "Division by zero", None)
    assert told["result"] == {"error": {"node_id": "div", **failure}}
    assert status["result"]["payload"] == {"text": "failed"}


@pytest.mark.parametrize(
    ("node", "error", "message"),
    [
        (lambda run, context: run.vars["gone"], KeyError, "gone"),
        (lambda run, context: StepPlan("n"), ValueError, "Node 'n' returned no effect and no next_node"),
        (lambda run, context: None, TypeError, "Node 'n' returned NoneType instead of a StepPlan"),
        (move("n", "nowhere"), NodeNotFound, "Unknown node_id 'nowhere' in workflow 'flow'"),
    ],
)
def test_an_exception_of_a_node_leaves_tick_and_the_run_where_it_was(
    runtime: Runtime, node: Any, error: type[Exception], message: str
) -> None:
    spec = flow("n", n=node)
    run_id = runtime.start(spec)
    for _ in range(2):
        with pytest.raises(error, match=message):
            runtime.tick(spec, run_id)
    run = runtime.get_state(run_id)
    assert run.status is RunStatus.RUNNING
    assert runtime.get_ledger(run_id) == []


def test_what_a_failing_node_had_changed_is_not_kept(runtime: Runtime) -> None:
    def fails(run: RunState, context: Any) -> StepPlan:
        run.vars["x"].append(1)
        raise RuntimeError("no")

    spec = flow("n", n=fails)
    run_id = runtime.start(spec, {"x": []})
    with pytest.raises(RuntimeError, match="no"):
        runtime.tick(spec, run_id)
    assert runtime.get_state(run_id).vars["x"] == []


def test_exceptions_of_nodes_can_end_the_run(make_runtime: MakeRuntime) -> None:
    def fails(run: RunState, context: Any) -> StepPlan:
        run.vars["x"].append(1)
        raise RuntimeError("no")

    runtime = make_runtime(config=RuntimeConfig(node_errors="fail"))
    spec = flow("n", n=fails)
    run_id = runtime.start(spec, {"x": []})
    run = runtime.tick(spec, run_id)
    assert (run.status, run.error) == (RunStatus.FAILED, "Node 'n' failed: RuntimeError: no")
    assert run.vars["x"] == []
    assert run == runtime.get_state(run_id)
    told = runtime.get_ledger(run_id)[0]
    assert told["result"]["error"]["code"] == "node.error"
    assert told["result"]["error"]["node_id"] == "n"


def bad_vars(run: RunState, context: Any) -> StepPlan:
    run.vars["deep"] = {"list": [1, {2, 3}]}
    return StepPlan("n", next_node="end")


def bad_output(run: RunState, context: Any) -> StepPlan:
    return StepPlan("n", complete_output={"x": object()})


def bad_replacement(run: RunState, context: Any) -> StepPlan:
    run.vars = [1]  # type: ignore[assignment]
    return StepPlan("n", next_node="end")


@pytest.mark.parametrize(
    ("node", "path"),
    [(bad_vars, "vars.deep.list[1]"), (bad_output, "output.x"), (bad_replacement, "vars")],
)
def test_a_value_that_is_not_json_is_refused_at_its_node(
    make_runtime: MakeRuntime, node: Any, path: str
) -> None:
    spec = flow("n", n=node, end=end("end"))
    runtime = make_runtime()
    run_id = runtime.start(spec)
    with pytest.raises(NotDurable, match="Node 'n' of workflow 'flow'") as refused:
        runtime.tick(spec, run_id)
    assert refused.value.path.endswith(path)
    assert runtime.get_state(run_id).status is RunStatus.RUNNING
    assert runtime.get_ledger(run_id) == []
    strict = make_runtime(config=RuntimeConfig(node_errors="fail"))
    run = strict.tick(spec, run_id)
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert path in run.error
    assert "deep" not in run.vars


def test_a_node_may_replace_its_variables(runtime: Runtime) -> None:
    def swap(run: RunState, context: Any) -> StepPlan:
        run.vars = {"new": run.vars["old"]}
        return StepPlan("swap", next_node="more")

    spec = flow(
        "swap", swap=swap, more=move("more", "end", lambda v: v["new"].append(2)), end=end("end", dict)
    )
    run = runtime.tick(spec, runtime.start(spec, {"old": [1]}))
    assert run.output == {"new": [1, 2]}


def test_a_loop_of_many_steps_keeps_every_change(make_runtime: MakeRuntime) -> None:
    def work(vars: dict[str, Any]) -> None:
        vars["n"] += 1
        vars["items"].append({"n": vars["n"], "squares": [i * i for i in range(vars["n"] % 4)]})
        vars["by"][str(vars["n"] % 5)] = vars["items"][-1]

    spec = flow(
        "work",
        work=move("work", "again", work),
        again=branch("again", lambda vars: "work" if vars["n"] < 60 else "end"),
        end=end("end", lambda vars: {"items": vars["items"], "by": vars["by"]}),
    )
    runtime = make_runtime()
    run_id = runtime.start(spec, {"n": 0, "items": [], "by": {}})
    run = runtime.get_state(run_id)
    while run.status is RunStatus.RUNNING:
        run = make_runtime().tick(spec, run_id, max_steps=7)
    expected: dict[str, Any] = {"n": 0, "items": [], "by": {}}
    for _ in range(60):
        work(expected)
    assert run.output == {"items": expected["items"], "by": expected["by"]}


def test_a_due_moment_lets_a_run_go_on(make_runtime: MakeRuntime, clock: MovableClock) -> None:
    spec = flow(
        "sleep",
        sleep=ask_for("sleep", EffectType.WAIT_UNTIL, lambda run: {"until": clock.after(60)}, "end", "woke"),
        end=end("end", lambda vars: {"woke": vars.get("woke")}),
    )
    runtime = make_runtime(clock=clock)
    run_id = runtime.start(spec)
    run = runtime.tick(spec, run_id)
    assert run.waiting is not None
    assert (run.status, run.waiting.reason) == (RunStatus.WAITING, WaitReason.UNTIL)
    clock.advance(59)
    assert runtime.tick(spec, run_id).status is RunStatus.WAITING
    clock.advance(1)
    run = runtime.tick(spec, run_id)
    assert (run.status, run.output) == (RunStatus.COMPLETED, {"woke": None})
    assert len([r for r in runtime.get_ledger(run_id) if (r["effect"] or {}).get("type") == "resume"]) == 0


@pytest.mark.parametrize(
    ("until", "is_due"),
    [
        ("2026-01-01T20:59:59+09:00", True),
        ("2026-01-01T21:00:01+09:00", False),
        ("2026-01-01T11:59:59Z", True),
        ("2026-01-01T12:00:00.5", False),
        ("2026-01-01T07:00:00-05:00", True),
    ],
)
def test_moments_are_compared_as_instants(
    make_runtime: MakeRuntime, stores: Stores, clock: MovableClock, until: str, is_due: bool
) -> None:
    runtime = make_runtime(clock=clock)
    spec = flow("end", end=end("end"))
    run = runtime.get_state(runtime.start(spec))
    run.status, run.waiting = RunStatus.WAITING, WaitState(WaitReason.UNTIL, until=until)
    stores.runs.save(run)
    expected = RunStatus.COMPLETED if is_due else RunStatus.WAITING
    assert runtime.tick(spec, run.run_id).status is expected


def test_a_wait_without_a_next_node_asks_again_when_it_is_due(
    make_runtime: MakeRuntime, clock: MovableClock
) -> None:
    until = clock.after(60)
    spec = flow("sleep", sleep=ask_for("sleep", EffectType.WAIT_UNTIL, {"until": until}))
    runtime = make_runtime(clock=clock)
    run_id = runtime.start(spec)
    assert runtime.tick(spec, run_id).status is RunStatus.WAITING
    clock.advance(61)
    run = runtime.tick(spec, run_id)
    assert run.output == {"success": True, "result": {"until": until, "ready": True}}


def test_the_host_gives_nodes_their_context(make_runtime: MakeRuntime, clock: MovableClock) -> None:
    seen = []

    def look(run: RunState, context: Any) -> StepPlan:
        seen.append(context.now_iso())
        return StepPlan("look", complete_output={})

    spec = flow("look", look=look)
    runtime = make_runtime(clock=clock)
    runtime.tick(spec, runtime.start(spec))
    assert seen == [clock().isoformat()]


def test_what_a_runtime_was_made_of_can_be_asked_and_changed(
    make_runtime: MakeRuntime, stores: Stores
) -> None:
    policy, registry, artifacts, config = object(), object(), object(), RuntimeConfig(max_iterations=2)
    runtime = make_runtime(config=config)
    assert (runtime.run_store, runtime.ledger_store, runtime.config) == (stores.runs, stores.ledger, config)
    runtime.set_effect_policy(policy)  # type: ignore[arg-type]
    runtime.set_workflow_registry(registry)  # type: ignore[arg-type]
    runtime.set_artifact_store(artifacts)
    assert runtime.effect_policy is policy
    assert runtime.workflow_registry is registry
    assert runtime.artifact_store is artifacts
