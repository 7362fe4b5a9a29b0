"""A trial run stops after a node, on a wire, where a condition holds, at an error, before outside effects, over a cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from abstractruntime.core.effects import EffectOutcome
from abstractruntime.core.models import EffectType, RunState, RunStatus
from abstractruntime.core.spec import DefaultRunContext
from abstractruntime.visualflow_compiler.stops import GO_ON, OVER
from cases.test_stops import LOOP, SUM, go, stop_of, trial
from drive import Document, Host, end, flow, node, start

DIVIDES = {
    "start": start(),
    "code": node("divide", pins={"a": 1, "b": 0}),
    "a": node("set_var", pins={"name": "a"}),
    "b": node("set_var", pins={"name": "b", "value": 1}),
}
CALL = {
    "start": start(),
    "ask": node("llm_call", pins={"prompt": "Hello"}, effectConfig={"provider": "p", "model": "m"}),
    "keep": node("set_var", pins={"name": "said"}),
    "end": end("said"),
}
CALLS = "start -> ask, ask -> keep, keep -> end, ask.response -> keep.value, keep.value -> end.said"


class Model:
    """Answers, or fails as often as it is told to, and counts."""

    def __init__(self, fails: int = 0) -> None:
        self.asked, self.fails = 0, fails

    def __call__(self, run: RunState, effect: Any, next_node: str | None, *more: Any) -> EffectOutcome:
        self.asked += 1
        if self.asked <= self.fails:
            return EffectOutcome.failed("The line is down", retryable=False)
        return EffectOutcome.completed({"content": "Good day", "metadata": {"cost": 0.4}})


def about(run: RunState) -> dict[str, Any]:
    assert run.waiting is not None
    told: dict[str, Any] = (run.waiting.details or {}).get("stop_about") or {}
    return told


def lasting(document: Document, where: Path, **rest: Any) -> Host:
    return Host(document, store=f"sqlite:///{where}/runs.db", **rest)


def again(host: Host, root: str) -> RunState:
    """Have the server end and begin again; return the run as it stands then."""
    host.restart()
    return host.drive(root)


def test_a_run_stops_after_a_node_and_tells_which(tmp_path: Path) -> None:
    host = lasting(SUM, tmp_path)
    root = host.start({"x": 4, **trial(breaks={"sum": [{"node": "a", "at": "after"}]})})
    host.drive(root)
    run = again(host, root)
    assert stop_of(run) == ("b", "after")
    assert about(run) == {"from": "a"}
    assert run.waiting is not None
    assert run.waiting.prompt == "Stopped at a breakpoint after “a”"
    assert run.vars["a"] == 8
    run = go(host, root, run, GO_ON)
    assert (run.status, run.output) == (RunStatus.COMPLETED, {"x": 8, "success": True})


def test_after_the_last_node_the_end_is_held_back(tmp_path: Path) -> None:
    host = lasting(SUM, tmp_path)
    root = host.start({"x": 4, **trial(breaks={"sum": [{"node": "end", "at": "after"}]})})
    host.drive(root)
    run = again(host, root)
    assert stop_of(run) == ("end", "after")
    assert run.output is None
    host.answer(run, {"response": GO_ON})
    run = again(host, root)
    assert (run.status, run.output) == (RunStatus.COMPLETED, {"x": 8, "success": True})
    ends = [
        each
        for each in host.runtime.get_ledger(root)
        if (each.get("result") or {}).get("visit", {}).get("outputs")
    ]
    assert ends[-1]["node_id"] == "end"


def test_a_branch_that_just_ends_is_held_back_too() -> None:
    short = flow(
        "short", {"start": start("x"), "a": node("set_var", pins={"name": "a", "value": 3})}, "start -> a"
    )
    plain = Host(short).play({"x": 1})
    host = Host(short)
    root = host.start({"x": 1, **trial(breaks={"short": [{"node": "a", "at": "after"}]})})
    run = host.drive(root)
    assert stop_of(run) == ("a", "after")
    run = go(host, root, run, GO_ON)
    assert (run.status, run.output) == (RunStatus.COMPLETED, plain.output)


def test_a_run_stops_when_control_goes_along_a_wire(tmp_path: Path) -> None:
    host = lasting(LOOP, tmp_path)
    wire = {"node": "each", "at": "wire", "pin": "done"}
    root = host.start(trial(breaks={"loop": [wire]}))
    host.drive(root)
    run = again(host, root)
    assert stop_of(run) == ("end", "wire")
    assert run.vars["n"] == 2
    assert go(host, root, run, GO_ON).status is RunStatus.COMPLETED


def test_a_condition_over_inputs_and_variables_decides(tmp_path: Path) -> None:
    host = lasting(LOOP, tmp_path)
    root = host.start(trial(breaks={"loop": [{"node": "note", "when": "value == 1 and n == 0"}]}))
    host.drive(root)
    run = again(host, root)
    assert stop_of(run) == ("note", "breakpoint")
    assert about(run) == {"when": "value == 1 and n == 0"}
    assert run.vars["n"] == 0
    assert go(host, root, run, GO_ON).status is RunStatus.COMPLETED


def test_a_condition_after_a_node_reads_what_it_gave() -> None:
    host = Host(LOOP)
    root = host.start(
        trial(breaks={"loop": [{"node": "each", "at": "wire", "pin": "loop", "when": "i > 1"}]})
    )
    run = host.drive(root)
    assert (*stop_of(run), run.vars["n"]) == ("note", "wire", 1)


@pytest.mark.parametrize(
    ("text", "why"), [("nobody > 1", "there is no 'nobody' here"), ("1 +", "Syntax error")]
)
def test_a_condition_without_a_value_stops_the_run_and_says_why(text: str, why: str) -> None:
    host = Host(SUM)
    root = host.start({"x": 4, **trial(breaks={"sum": [{"node": "a", "when": text}]})})
    run = host.drive(root)
    assert stop_of(run) == ("a", "breakpoint")
    assert why in about(run)["faulty"]
    assert run.waiting is not None
    assert why in (run.waiting.prompt or "")
    assert go(host, root, run, GO_ON).status is RunStatus.COMPLETED


def test_an_error_is_looked_at_before_the_run_fails(tmp_path: Path) -> None:
    wires = "start -> a, code.result -> a.value"
    wrong = flow("wrong", {name: DIVIDES[name] for name in ("start", "code", "a")}, wires)
    plain = Host(wrong).play()
    host = lasting(wrong, tmp_path)
    root = host.start(trial(anywhere={"errors": True}))
    host.drive(root)
    run = again(host, root)
    assert stop_of(run) == ("a", "error")
    assert about(run) == {"error": plain.state.error}
    host.answer(run, {"response": GO_ON})
    run = again(host, root)
    assert (run.status, run.error, run.current_node) == (RunStatus.FAILED, plain.state.error, "a")
    assert run.vars["_temp"]["visits"]["a"] == 1


def test_an_error_that_the_flow_takes_goes_its_way_after_a_look() -> None:
    nodes = {
        "start": start(),
        "ask": {**CALL["ask"], "data": {**CALL["ask"]["data"], "onError": "branch"}},
        "end": end("why"),
    }
    taken = flow("taken", nodes, "start -> ask, ask:exec-error -> end, ask.error_message -> end.why")
    handlers = {EffectType.LLM_CALL: Model(fails=9)}
    plain = Host(taken, handlers=handlers).play()
    host = Host(taken, handlers=handlers)
    root = host.start(trial(anywhere={"errors": True}))
    run = host.drive(root)
    assert stop_of(run) == ("ask~", "error")
    run = go(host, root, run, OVER)
    assert stop_of(run) == ("end", "step")
    run = go(host, root, run, GO_ON)
    assert (run.status, run.output) == (RunStatus.COMPLETED, plain.output)
    assert "The line is down" in str(plain.output)


def test_a_failed_effect_is_looked_at_and_can_be_tried_again(tmp_path: Path) -> None:
    model = Model(fails=1)
    host = lasting(flow("calls", CALL, CALLS), tmp_path, handlers={EffectType.LLM_CALL: model})
    root = host.start(trial(anywhere={"errors": True}))
    host.drive(root)
    run = again(host, root)
    assert (*stop_of(run), model.asked) == ("ask~", "error", 1)
    run = go(host, root, run, GO_ON)
    assert (run.status, run.current_node, model.asked) == (RunStatus.FAILED, "ask", 1)
    assert "The line is down" in str(run.error)


def test_before_each_outside_effect_it_stops_and_it_is_done_once(tmp_path: Path) -> None:
    model = Model()
    host = lasting(flow("calls", CALL, CALLS), tmp_path, handlers={EffectType.LLM_CALL: model})
    root = host.start({"_runtime": {"effects": "stop", "trial": {"breaks": {}}}})
    host.drive(root)
    run = again(host, root)
    assert (*stop_of(run), model.asked) == ("ask", "outside", 0)
    assert "llm_call" in about(run)["request"]
    run = go(host, root, run, OVER)
    assert (*stop_of(run), model.asked) == ("keep", "step", 1)
    run = go(host, root, run, GO_ON)
    assert (run.status, model.asked) == (RunStatus.COMPLETED, 1)


def test_a_run_stops_once_when_it_has_cost_more(tmp_path: Path) -> None:
    model = Model()
    host = lasting(flow("calls", CALL, CALLS), tmp_path, handlers={EffectType.LLM_CALL: model})
    context = DefaultRunContext(host.clock)
    context.spending = lambda run_id: 0.4 * model.asked
    host.runtime._engine.context = context
    for most, stops in ((0.5, False), (0.3, True)):
        model.asked = 0
        root = host.start(trial(anywhere={"cost": most}))
        run = host.drive(root)
        if not stops:
            assert run.status is RunStatus.COMPLETED
            continue
        assert stop_of(run) == ("keep", "cost")
        assert about(run) == {"from": "ask", "cost": 0.4, "most": 0.3}
        run = go(host, root, run, GO_ON)
        assert run.status is RunStatus.COMPLETED
