"""A batch of tool calls that is cut in the middle: what has ended is not done again, and what is unknown is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from abstractruntime import RunStatus, Runtime, StepPlan, WorkflowSpec
from abstractruntime.core.models import EffectType
from abstractruntime.integrations.abstractcore import (
    MappingToolExecutor,
    create_hybrid_runtime,
    create_remote_runtime,
)
from abstractruntime.integrations.abstractcore.effect_handlers import make_tool_calls_handler
from abstractruntime.storage import open_stores
from integrations.abstractcore.scripted import call, tool_effect


class PowerCut(BaseException):
    """The process ends here."""


class Desk:
    """Stamps papers; the power goes at the papers in `cuts`, before or after the stamp."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.stamped: list[str] = []
        self.cuts: dict[str, str] = {}
        self.jams: set[str] = set()

    def stamp(self, paper: str) -> str:
        cut = self.cuts.pop(paper, "")
        if cut == "before":
            raise PowerCut
        if paper in self.jams:
            self.jams.remove(paper)
            raise ValueError("paper jam")
        self.stamped.append(paper)
        if cut == "after":
            raise PowerCut
        return f"{paper} stamped"

    def runtime(self, change: Callable[[Any], None] = lambda tool: None) -> tuple[Runtime, WorkflowSpec]:
        """Open everything anew, as a process does when it starts."""

        def stamp(paper: str) -> str:
            return self.stamp(paper)

        change(stamp)
        stores = open_stores(self.url)
        handler = make_tool_calls_handler(
            tools=MappingToolExecutor({"stamp": stamp}), ledger_store=stores.ledger
        )
        runtime = Runtime(
            run_store=stores.runs,
            ledger_store=stores.ledger,
            effect_handlers={EffectType.TOOL_CALLS: handler},
        )
        effect = tool_effect(*(call("stamp", str(n), paper=paper) for n, paper in enumerate("abc")))
        nodes: dict[str, Any] = {
            "work": lambda run, ctx: StepPlan("work", effect=effect, next_node="end"),
            "end": lambda run, ctx: StepPlan("end", complete_output=run.vars["results"]),
        }
        return runtime, WorkflowSpec(workflow_id="w", entry_node="work", nodes=nodes)


@pytest.fixture(params=["sqlite", "json"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Desk:
    place = tmp_path / ("runs.db" if request.param == "sqlite" else "runs")
    return Desk(f"{request.param}://{place}")


def cut_and_taken_up(desk: Desk, change: Callable[[Any], None] = lambda tool: None) -> dict[str, Any]:
    """Run until the power goes, start again, and return the run's output."""
    runtime, spec = desk.runtime(change)
    run_id = runtime.start(spec)
    with pytest.raises(PowerCut):
        runtime.tick(spec, run_id)
    runtime, spec = desk.runtime(change)
    done = runtime.tick(spec, run_id)
    assert done.status is RunStatus.COMPLETED, done.error
    assert done.output is not None
    desk_records = [
        each for each in runtime.get_ledger(run_id) if (each["effect"] or {}).get("type") == "tool_call"
    ]
    assert len([each for each in desk_records if each["status"] == "completed"]) >= 2
    return done.output


@pytest.mark.parametrize(
    ("paper", "when"), [("b", "before"), ("c", "before"), ("b", "after"), ("c", "after")]
)
def test_calls_that_have_ended_are_not_made_again(desk: Desk, paper: str, when: str) -> None:
    desk.cuts = {paper: when}
    output = cut_and_taken_up(desk)
    assert [each["output"] for each in output["results"]] == ["a stamped", "b stamped", "c stamped"]
    twice = {paper} if when == "after" else set()
    assert {each for each in "abc" if desk.stamped.count(each) == 2} == twice


@pytest.mark.parametrize(
    ("make", "more"),
    [(create_remote_runtime, {}), (create_hybrid_runtime, {"tool_timeout_s": 0})],
    ids=["remote", "hybrid"],
)
def test_a_runtime_that_is_put_together_for_a_host_records_each_call(
    desk: Desk, make: Any, more: dict[str, Any]
) -> None:
    def opened() -> tuple[Runtime, WorkflowSpec]:
        stores = open_stores(desk.url)
        runtime = make(
            server_base_url="http://127.0.0.1:9/v1",
            model="m",
            run_store=stores.runs,
            ledger_store=stores.ledger,
            tool_executor=MappingToolExecutor({"stamp": desk.stamp}),
            **more,
        )
        return runtime, desk.runtime()[1]

    desk.cuts = {"b": "before"}
    runtime, spec = opened()
    run_id = runtime.start(spec)
    with pytest.raises(PowerCut):
        runtime.tick(spec, run_id)
    runtime, spec = opened()
    assert runtime.tick(spec, run_id).status is RunStatus.COMPLETED
    assert desk.stamped == ["a", "b", "c"]


def test_a_call_that_must_not_be_repeated_is_told_instead(desk: Desk) -> None:
    desk.cuts = {"b": "after"}
    first, second, third = cut_and_taken_up(desk, once)["results"]
    assert (first["success"], third["success"]) == (True, True)
    assert "not known whether 'stamp' was carried out" in second["error"]
    assert desk.stamped == ["a", "b", "c"]


def alone(desk: Desk, change: Callable[[Any], None], **more: Any) -> tuple[Runtime, WorkflowSpec]:
    """Open everything anew, for a flow with one call."""
    runtime, spec = desk.runtime(change)
    effect = tool_effect(call("stamp", "1", paper="a"))
    effect.payload.update(more)
    spec.nodes["work"] = lambda run, ctx: StepPlan("work", effect=effect, next_node="end")
    return runtime, spec


def once(tool: Any) -> None:
    tool.idempotent = False


def as_often_as_you_like(tool: Any) -> None:
    """Say nothing: it may be repeated."""


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_single_call_that_must_not_be_repeated_is_told_instead(desk: Desk, when: str) -> None:
    desk.cuts = {"a": when}
    runtime, spec = alone(desk, once)
    run_id = runtime.start(spec)
    with pytest.raises(PowerCut):
        runtime.tick(spec, run_id)
    runtime, spec = alone(desk, once)
    done = runtime.tick(spec, run_id)
    [result] = (done.output or {})["results"]
    assert "not known whether 'stamp' was carried out" in result["error"]
    assert result["meta"]["carried_out"] == "unknown"
    assert desk.stamped == (["a"] if when == "after" else [])


def test_a_single_call_that_may_be_repeated_is(desk: Desk) -> None:
    desk.cuts = {"a": "after"}
    runtime, spec = alone(desk, as_often_as_you_like)
    run_id = runtime.start(spec)
    with pytest.raises(PowerCut):
        runtime.tick(spec, run_id)
    runtime, spec = alone(desk, as_often_as_you_like)
    assert runtime.tick(spec, run_id).status is RunStatus.COMPLETED
    assert desk.stamped == ["a", "a"]


def test_a_second_visit_is_no_repetition_of_the_first(desk: Desk) -> None:
    """Only a visit that was begun and not ended is in doubt, also in a process that has loaded the run anew."""
    run_id = ""
    for _ in range(2):
        runtime, spec = alone(desk, once)
        spec.nodes["end"] = lambda run, ctx: StepPlan("end", next_node="work")
        run_id = run_id or runtime.start(spec)
        runtime.tick(spec, run_id, max_steps=2)
    assert desk.stamped == ["a", "a"]


def test_a_step_that_fails_with_its_calls_is_in_doubt_until_a_person_says_again(desk: Desk) -> None:
    desk.cuts = {"a": "after"}
    runtime, spec = alone(desk, once, fail_on_error=True)
    run_id = runtime.start(spec)
    with pytest.raises(PowerCut):
        runtime.tick(spec, run_id)
    runtime, spec = alone(desk, once, fail_on_error=True)
    failed = runtime.tick(spec, run_id)
    assert failed.status is RunStatus.FAILED
    assert "Tool 'stamp' failed: It is not known whether 'stamp' was carried out" in str(failed.error)
    assert desk.stamped == ["a"]
    reopen(runtime, run_id)
    runtime, spec = alone(desk, once, fail_on_error=True)
    assert runtime.tick(spec, run_id).status is RunStatus.COMPLETED
    assert desk.stamped == ["a", "a"]


def test_a_batch_that_fails_with_a_call_repeats_only_those_that_failed(desk: Desk) -> None:
    def with_failure(runtime: Runtime, spec: WorkflowSpec) -> None:
        calls = [call("stamp", str(n), paper=paper) for n, paper in enumerate("abc")]
        effect = tool_effect(*calls)
        effect.payload["fail_on_error"] = True
        spec.nodes["work"] = lambda run, ctx: StepPlan("work", effect=effect, next_node="end")

    desk.jams = {"b"}
    runtime, spec = desk.runtime()
    with_failure(runtime, spec)
    run_id = runtime.start(spec)
    failed = runtime.tick(spec, run_id)
    assert failed.status is RunStatus.FAILED
    assert "Tool 'stamp' failed: paper jam" in str(failed.error)
    assert desk.stamped == ["a", "c"]
    reopen(runtime, run_id)
    runtime, spec = desk.runtime()
    with_failure(runtime, spec)
    assert runtime.tick(spec, run_id).status is RunStatus.COMPLETED
    assert desk.stamped == ["a", "c", "b"]


def reopen(runtime: Runtime, run_id: str) -> None:
    """Take a failed run up again at its step, as a host does for a person."""
    run = runtime.get_state(run_id)
    run.status, run.error = RunStatus.RUNNING, None
    runtime.run_store.save(run)


def test_a_single_call_has_no_records_of_its_own(desk: Desk) -> None:
    runtime, spec = desk.runtime()
    effect = tool_effect(call("stamp", "1", paper="a"))
    spec.nodes["work"] = lambda run, ctx: StepPlan("work", effect=effect, next_node="end")
    run_id = runtime.start(spec)
    assert runtime.tick(spec, run_id).status is RunStatus.COMPLETED
    kinds = [(each["effect"] or {}).get("type") for each in runtime.get_ledger(run_id)]
    assert kinds.count("tool_calls") == 2
    assert "tool_call" not in kinds


def test_another_visit_of_the_node_makes_its_calls(desk: Desk) -> None:
    runtime, spec = desk.runtime()
    work = spec.nodes["work"]

    def again(run: Any, ctx: Any) -> StepPlan:
        run.vars["rounds"] = run.vars.get("rounds", 0) + 1
        plan = work(run, ctx)
        return StepPlan("work", effect=plan.effect, next_node="work" if run.vars["rounds"] < 2 else "end")

    spec.nodes["work"] = again
    assert runtime.tick(spec, runtime.start(spec)).status is RunStatus.COMPLETED
    assert desk.stamped == [*"abcabc"]
