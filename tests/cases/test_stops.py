"""A trial run stops before a node, tells what it would read, and goes on as it is told, also after a restart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from abstractruntime.core.models import RunState, RunStatus
from abstractruntime.visualflow_compiler.stops import GO_ON, INTO, OVER
from cases.test_parallel import TWO, Town
from drive import Host, end, flow, node, start

SUM = flow(
    "sum",
    {
        "start": start("x"),
        "twice": node("multiply", pins={"b": 2}),
        "a": node("set_var", pins={"name": "a"}),
        "b": node("set_var", pins={"name": "b", "value": 1}),
        "end": end("x"),
    },
    "start -> a, a -> b, b -> end, start.x -> twice.a, twice.result -> a.value, a.value -> end.x",
)
LOOP = flow(
    "loop",
    {
        "start": start(),
        "each": node("for", pins={"start": 0, "end": 3}),
        "note": node("set_var", pins={"name": "n"}),
        "end": end(),
    },
    "start -> each, each:loop -> note, each.i -> note.value, each:done -> end",
)
CHILD = flow(
    "child",
    {"begin": start("n"), "work": node("set_var", pins={"name": "w", "value": 1}), "stop": end("n")},
    "begin -> work, work -> stop, begin.n -> stop.n",
)
OUTER = flow(
    "outer",
    {
        "start": start(),
        "call": node(
            "subflow",
            subflowId="child",
            ins=["exec-in", "n"],
            outs=["exec-out", "n"],
            pins={"n": 4},
        ),
        "after": node("set_var", pins={"name": "a", "value": 1}),
        "end": end("n"),
    },
    "start -> call, call -> after, after -> end, call.n -> end.n",
)


def trial(**asked: Any) -> dict[str, Any]:
    return {"_runtime": {"trial": asked}}


def stop_of(run: RunState) -> tuple[str, str]:
    """Return before which node a run has stopped, and why."""
    assert run.status is RunStatus.WAITING
    assert run.waiting is not None
    return run.current_node, (run.waiting.details or {}).get("stop", "")


def go(host: Host, root: str, run: RunState, how: str) -> RunState:
    host.answer(run, {"response": how})
    return host.drive(root)


def walk(host: Host, root: str, hows: list[str]) -> tuple[list[str], RunState]:
    """Go on in these ways; return before which nodes it stopped, and the run at its end."""
    run, stops = host.drive(root), []
    for how in hows:
        stops.append(stop_of(run)[0])
        run = go(host, root, run, how)
    return stops, run


def test_a_run_stops_at_a_breakpoint_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    host = Host(SUM, store=f"sqlite:///{tmp_path}/runs.db")
    root = host.start({"x": 4, **trial(breaks={"sum": ["a"], "another": ["b"]})})
    run = host.drive(root)
    assert stop_of(run) == ("a", "breakpoint")
    host.restart()
    run = host.drive(root)
    assert stop_of(run) == ("a", "breakpoint")
    host.runtime.resume(host.spec_of(run), root, None, {"response": GO_ON}, 0, actor_id="ada")
    host.restart()
    run = host.drive(root)
    assert (run.status, run.output) == (RunStatus.COMPLETED, {"x": 8, "success": True})
    told = [
        (record["node_id"], (record.get("effect") or {}).get("type"), record.get("actor_id"))
        for record in host.runtime.get_ledger(root)
    ]
    at = told.index(("a", "resume", "ada"))
    assert told[at - 1][:2] == ("a", "ask_user")
    assert told[at + 1][:2] == ("a", None)


def test_a_stop_tells_what_the_node_would_read_and_is_no_visit() -> None:
    host = Host(SUM)
    root = host.start({"x": 4, **trial(breaks={"sum": ["a"]})})
    run = host.drive(root)
    (asked,) = [each for each in host.runtime.get_ledger(root) if each["status"] == "started"]
    assert asked["result"]["visit"] == {"visit": 1, "values": {"twice": {"result": 8}}}
    assert asked["effect"]["payload"]["choices"] == [GO_ON, OVER]
    assert "a" not in run.vars["_temp"]["visits"]
    run = go(host, root, run, GO_ON)
    assert run.vars["_temp"]["visits"]["a"] == 1


def test_steps_go_from_node_to_node_until_it_is_let_go() -> None:
    host = Host(SUM)
    root = host.start({"x": 1, **trial(step="over")})
    stops, run = walk(host, root, [OVER, OVER, GO_ON])
    assert stops == ["start", "a", "b"]
    assert run.status is RunStatus.COMPLETED


def test_a_run_goes_to_a_node_and_stops_there_once() -> None:
    host = Host(LOOP)
    root = host.start(trial(to="note"))
    run = host.drive(root)
    assert stop_of(run) == ("note", "to")
    assert go(host, root, run, GO_ON).status is RunStatus.COMPLETED


def test_a_breakpoint_in_a_loop_stops_every_turn() -> None:
    host = Host(LOOP)
    root = host.start(trial(breaks={"loop": ["note"]}))
    stops, run = walk(host, root, [GO_ON] * 3)
    assert stops == ["note"] * 3
    assert run.status is RunStatus.COMPLETED
    keys = {each["effect"]["payload"]["wait_key"] for each in host.runtime.get_ledger(root) if stopped(each)}
    assert len(keys) == 3


def stopped(record: dict[str, Any]) -> bool:
    return record["status"] == "waiting" and bool(record["effect"]["payload"].get("stop"))


def test_steps_go_round_a_loop_by_its_head() -> None:
    host = Host(LOOP)
    stops, _ = walk(host, host.start(trial(step="over")), [OVER] * 6)
    assert stops == ["start", "each", "note", "each", "note", "each"]


def test_stepping_into_a_subflow_stops_before_its_first_node() -> None:
    host = Host(OUTER, CHILD)
    root = host.start(trial(breaks={"outer": ["call"]}))
    run = host.drive(root)
    assert run.waiting is not None
    assert run.waiting.choices == [GO_ON, OVER, INTO]
    run = go(host, root, run, INTO)
    assert (run.workflow_id, *stop_of(run)) == ("child", "begin", "step")
    run = go(host, root, run, OVER)
    assert (run.workflow_id, *stop_of(run)) == ("child", "work", "step")
    run = go(host, root, run, GO_ON)
    assert (run.workflow_id, *stop_of(run)) == (
        "outer",
        "after",
        "step",
    )  # the host says if it is not to be so
    run = go(host, root, run, GO_ON)
    assert (run.status, run.output) == (RunStatus.COMPLETED, {"n": 4, "success": True})


def test_stepping_over_a_subflow_stops_after_it_but_for_its_own_breakpoints() -> None:
    host = Host(OUTER, CHILD)
    over = host.start(trial(breaks={"outer": ["call"]}))
    run = go(host, over, host.drive(over), OVER)
    assert (run.workflow_id, *stop_of(run)) == ("outer", "after", "step")
    both = host.start(trial(breaks={"outer": ["call"], "child": ["work"]}))
    run = go(host, both, host.drive(both), OVER)
    assert (run.workflow_id, *stop_of(run)) == ("child", "work", "breakpoint")


def test_a_stop_in_one_branch_stops_all_of_the_run() -> None:
    host = Town(TWO)
    root = host.start(trial(breaks={"two": ["keep"]}))
    host.settle()
    asked = host.open(root)
    assert sorted(asked) == ["Rain?", "Tea?"]
    host.answer(asked["Tea?"], {"response": "green"})
    host.settle()
    (stop,) = [run for run in host.open_all(root) if run.run_id == root]
    assert stop_of(stop) == ("keep", "breakpoint")
    host.answer(host.open(root)["Rain?"], {"response": "none"})
    host.settle()
    assert host.runtime.get_state(root).current_node == "keep"
    host.answer(host.runtime.get_state(root), {"response": GO_ON})
    host.settle()
    assert host.runtime.get_state(root).output == {
        "tea": "green",
        "rain": "none",
        "said": "green",
        "success": True,
    }


def test_what_is_wrong_with_an_input_comes_to_light_when_the_run_goes_on() -> None:
    wrong = flow(
        "wrong",
        {
            "start": start(),
            "code": node("divide", pins={"a": 1, "b": 0}),
            "a": node("set_var", pins={"name": "a"}),
        },
        "start -> a, code.result -> a.value",
    )
    host = Host(wrong)
    root = host.start(trial(breaks={"wrong": ["a"]}))
    run = host.drive(root)
    assert stop_of(run) == ("a", "breakpoint")
    assert go(host, root, run, GO_ON).status is RunStatus.FAILED


def test_a_run_that_is_asked_nothing_never_stops() -> None:
    host = Host(SUM)
    played = host.play({"x": 4})
    assert (played.status, played.asked) == ("completed", [])
