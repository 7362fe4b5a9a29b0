"""Child runs: one per visit, whatever happens in between."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime import EffectType, RunStatus, Runtime, WaitReason, WorkflowSpec
from abstractruntime.scheduler import WorkflowRegistry
from abstractruntime.storage import QueryableRunStore, Stores
from abstractruntime.testing.flows import ask_flow, ask_for, branch, end, flow, move

from ..conftest import MakeRuntime

START = EffectType.START_SUBWORKFLOW


def parent(next_node: str | None = "done", **payload: Any) -> WorkflowSpec:
    return flow(
        "call",
        "parent",
        call=ask_for("call", START, {"workflow_id": "child", **payload}, next_node, "sub"),
        done=end("done", lambda vars: {"sub": vars.get("sub")}),
    )


CHILD = flow("c", "child", c=end("c", lambda vars: {"answer": f"got {vars.get('x')}"}))
FAILING = flow("c", "failing", c=lambda run, context: 1 / 0)  # type: ignore[arg-type,return-value]
REFUSING = flow("c", "refusing", c=ask_for("c", EffectType.ASK_USER, {}))
ENDLESS = flow("c", "endless", c=move("c", "c"))
SLOW = flow(
    "c",
    "slow",
    **{f"c{n}": move(f"c{n}", f"c{n + 1}") for n in range(150)},
    c=move("c", "c0"),
    c150=end("c150"),
)


@pytest.fixture
def registry() -> WorkflowRegistry:
    found = WorkflowRegistry()
    for spec in (CHILD, FAILING, REFUSING, ENDLESS, SLOW, ask_flow("asking")):
        found.register(spec)
    return found


@pytest.fixture
def runtime(make_runtime: MakeRuntime, registry: WorkflowRegistry) -> Runtime:
    return make_runtime(workflow_registry=registry)


def children(stores: Stores, run_id: str) -> list[Any]:
    assert isinstance(stores.runs, QueryableRunStore)
    return stores.runs.list_children(parent_run_id=run_id)


def call(runtime: Runtime, given: dict[str, Any] | None = None, **payload: Any) -> tuple[str, Any]:
    spec = parent(**payload)
    run_id = runtime.start(spec, given, actor_id="ann", session_id="s1")
    return run_id, runtime.tick(spec, run_id)


def test_a_child_is_driven_at_once(runtime: Runtime, stores: Stores) -> None:
    run_id, run = call(runtime, {"workspace_root": "/w", "other": 1}, vars={"x": 5})
    child = children(stores, run_id)[0]
    assert run.output == {"sub": {"sub_run_id": child.run_id, "output": {"answer": "got 5"}}}
    assert (child.actor_id, child.session_id, child.parent_run_id) == ("ann", "s1", run_id)
    assert child.vars["workspace_root"] == "/w"
    assert "other" not in child.vars


def test_a_child_may_have_its_own_session_and_workspace(runtime: Runtime, stores: Stores) -> None:
    run_id, _ = call(
        runtime,
        {"workspace_root": "/w", "workspace_access_mode": " "},
        vars={"workspace_root": "/own"},
        sessionId="s2",
    )
    child = children(stores, run_id)[0]
    assert (child.session_id, child.vars["workspace_root"]) == ("s2", "/own")
    assert "workspace_access_mode" not in child.vars


def test_traces_of_a_child_come_with_its_output(runtime: Runtime, registry: WorkflowRegistry) -> None:
    tells = flow("t", "tells", t=ask_for("t", EffectType.ANSWER_USER, {"message": "m"}, "e"), e=end("e"))
    registry.register(tells)
    _, run = call(runtime, workflow_id="tells", include_traces=True)
    assert list(run.output["sub"]["node_traces"]) == ["t"]


@pytest.mark.parametrize(
    ("workflow_id", "error"),
    [
        ("failing", "Subworkflow 'failing' failed: division by zero"),
        ("refusing", "Subworkflow 'refusing' failed: Effect failed after 1 attempts: ask_user requires"),
        ("nobody", "workflow 'nobody' not found"),
        ("", "workflow_id"),
    ],
)
def test_a_child_that_fails_fails_its_parent(runtime: Runtime, workflow_id: str, error: str) -> None:
    _, run = call(runtime, workflow_id=workflow_id)
    assert run.status is RunStatus.FAILED
    assert error in str(run.error)


def test_children_need_a_registry(make_runtime: MakeRuntime) -> None:
    _, run = call(make_runtime())
    assert "workflow_registry" in str(run.error)


def test_a_child_that_asks_makes_its_parent_wait(runtime: Runtime, stores: Stores) -> None:
    run_id, run = call(runtime, workflow_id="asking")
    child = children(stores, run_id)[0]
    assert run.waiting.reason is WaitReason.SUBWORKFLOW
    assert run.waiting.wait_key == f"subworkflow:{child.run_id}"
    assert run.waiting.details == {
        "sub_run_id": child.run_id,
        "sub_workflow_id": "asking",
        "include_traces": False,
        "sub_waiting": {"reason": "user", "wait_key": f"user:{child.run_id}:ask"},
    }
    run = runtime.resume(parent(), run_id, run.waiting.wait_key, {"raw": "output"})
    assert run.output == {"sub": {"raw": "output"}}, "stored as it is given"


def test_a_child_that_needs_more_steps_makes_its_parent_wait(runtime: Runtime, stores: Stores) -> None:
    run_id, run = call(runtime, workflow_id="slow")
    assert run.status is RunStatus.WAITING
    assert "sub_waiting" not in run.waiting.details
    assert children(stores, run_id)[0].status is RunStatus.RUNNING


def test_a_child_may_run_by_itself(runtime: Runtime, stores: Stores) -> None:
    told: list[str] = []
    runtime.subscribe_runnable(told.append)
    run_id, run = call(runtime, **{"async": True})
    child = children(stores, run_id)[0]
    assert run.output == {"sub": {"sub_run_id": child.run_id, "async": True}}
    assert (child.status, told) == (RunStatus.RUNNING, [child.run_id])
    assert runtime.get_ledger(child.run_id) == []


def test_a_parent_may_wait_for_a_child_that_runs_by_itself(runtime: Runtime, stores: Stores) -> None:
    run_id, run = call(runtime, **{"async": True, "wait": True, "include_traces": True})
    child = children(stores, run_id)[0]
    assert (run.status, child.status) == (RunStatus.WAITING, RunStatus.RUNNING)
    assert run.waiting.details == {
        "sub_run_id": child.run_id,
        "sub_workflow_id": "child",
        "async": True,
        "include_traces": True,
    }


def test_results_in_the_shape_of_a_tools(runtime: Runtime, stores: Stores) -> None:
    wrapped = {"wrap_as_tool_result": True, "tool_name": "t", "callId": "c"}
    run_id, run = call(runtime, **wrapped)
    child = children(stores, run_id)[0]
    output = {"rendered": "got None", "answer": "got None", "sub_run_id": child.run_id}
    result = {"call_id": "c", "name": "t", "success": True, "output": output, "error": None}
    assert run.output["sub"] == {"mode": "executed", "results": [result]}
    _, run = call(runtime, **wrapped, workflow_id="refusing")
    assert run.output["sub"]["results"][0]["success"] is False
    assert "Subworkflow 'refusing' failed" in run.output["sub"]["results"][0]["error"]
    _, run = call(runtime, **wrapped, workflow_id="failing")
    assert run.status is RunStatus.FAILED, "an exception is no tool result"
    run_id, run = call(runtime, **wrapped, **{"async": True})
    started = f"Started subworkflow {children(stores, run_id)[0].run_id}"
    assert run.output["sub"]["results"][0]["output"]["rendered"] == started
    _, run = call(runtime, **wrapped, workflow_id="asking")
    details = run.waiting.details
    assert (details["wrap_as_tool_result"], details["tool_name"], details["call_id"]) == (True, "t", "c")


@pytest.mark.parametrize("mode", [{}, {"async": True}, {"async": True, "wait": True}])
def test_a_loop_starts_a_child_per_turn(runtime: Runtime, stores: Stores, mode: dict[str, Any]) -> None:
    spec = flow(
        "call",
        "parent",
        call=ask_for("call", START, {"workflow_id": "child", **mode}, "more", "sub"),
        more=branch("more", lambda vars: "call" if vars.update(n=vars["n"] + 1) or vars["n"] < 3 else "done"),
        done=end("done"),
    )
    run_id = runtime.start(spec, {"n": 0})
    run = runtime.tick(spec, run_id)
    while run.status is RunStatus.WAITING:
        run = runtime.resume(spec, run_id, None, {})
    assert len(children(stores, run_id)) == 3


def test_a_step_taken_again_finds_its_child(
    make_runtime: MakeRuntime, registry: WorkflowRegistry, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = make_runtime(workflow_registry=registry)
    spec = parent()
    run_id = runtime.start(spec)
    commit = runtime.journal.commit

    def cut(step: Any) -> int:
        if step.run.run_id == run_id and len(step.records) == 1 and step.records[0].status == "completed":
            raise KeyboardInterrupt
        return commit(step)

    monkeypatch.setattr(runtime.journal, "commit", cut)
    with pytest.raises(KeyboardInterrupt):
        runtime.tick(spec, run_id)
    monkeypatch.undo()
    assert children(stores, run_id)[0].status is RunStatus.COMPLETED
    run = make_runtime(workflow_registry=registry).tick(spec, run_id)
    assert run.status is RunStatus.COMPLETED
    assert len(children(stores, run_id)) == 1
    assert len(runtime.get_ledger(children(stores, run_id)[0].run_id)) == 2


def test_a_workflow_that_starts_itself_for_ever_is_stopped(
    runtime: Runtime, registry: WorkflowRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("abstractruntime.core.engine.MOST_LEVELS", 5)
    registry.register(flow("c", "itself", c=ask_for("c", START, {"workflow_id": "itself"})))
    _, run = call(runtime, workflow_id="itself")
    assert run.status is RunStatus.FAILED
    assert "started more than 5 levels deep: does it start itself?" in str(run.error)
