"""One visit: what a handler makes of a node's answer, called as the kernel calls it."""

from typing import Any

import pytest

from abstractruntime.core.models import EffectType, RunState, StepPlan
from abstractruntime.core.spec import WorkflowSpec
from abstractruntime.visualflow_compiler import compile_visualflow
from compiler.tiny import TINY
from drive import Host, flow, node

START, END = node("begin", outs=["exec-out", "x"]), node("finish", ins=["exec-in", "r"])


def compiled(nodes: dict[str, Any], wires: str) -> WorkflowSpec:
    return compile_visualflow(flow("f", nodes, wires), types=TINY)


def visit(spec: WorkflowSpec, run: RunState, node_id: str) -> StepPlan:
    return spec.nodes[node_id](run, None)  # type: ignore[arg-type]


def new_run(spec: WorkflowSpec, **vars: Any) -> RunState:
    return RunState.new(workflow_id=spec.workflow_id, entry_node=spec.entry_node, vars=vars)


def test_an_effect_node_asks_and_its_landing_reads_the_reply() -> None:
    spec = compiled(
        {"start": START, "a": node("ask"), "end": END}, "start -> a, a -> end, start.x -> a.prompt"
    )
    assert sorted(spec.nodes) == ["a", "a~", "end", "start"]
    run = new_run(spec, x="Who?")
    assert visit(spec, run, "start").next_node == "a"
    plan = visit(spec, run, "a")
    assert plan.effect is not None
    assert (plan.effect.type, plan.effect.payload) == (EffectType.ASK_USER, {"prompt": "Who?"})
    assert (plan.effect.result_key, plan.next_node) == ("_temp.effects.a", "a~")
    run.vars["_temp"]["effects"] = {"a": {"response": "Ada"}}
    landed = visit(spec, run, "a~")
    assert (landed.node_id, landed.next_node) == ("a", "end")
    assert landed.note == {"visit": 1, "outputs": {"response": "Ada", "asked": "Who?"}, "exit": "exec-out"}
    assert run.vars["_temp"]["effects"] == {}
    assert "open" not in run.vars["_temp"]


def test_a_visit_that_is_taken_again_is_the_same_visit() -> None:
    spec = compiled({"start": START, "a": node("ask"), "end": END}, "start -> a, a -> end")
    run = new_run(spec)
    first, second = visit(spec, run, "a"), visit(spec, run, "a")
    assert first == second
    assert run.vars["_temp"]["visits"] == {"a": 1}


def test_a_landing_may_ask_once_more() -> None:
    spec = compiled({"start": START, "a": node("again")}, "start -> a")
    run = new_run(spec)
    visit(spec, run, "a")
    run.vars["_temp"]["effects"] = {"a": {"response": "tea"}}
    plan = visit(spec, run, "a~")
    assert plan.effect is not None
    assert plan.effect.payload == {"prompt": "Sure about tea?"}
    assert plan.next_node == "a~"
    run.vars["_temp"]["effects"] = {"a": {"response": "yes"}}
    visit(spec, run, "a~")
    assert run.vars["_temp"]["node_outputs"]["a"] == {"answers": ["tea", "yes"]}
    assert "open" not in run.vars["_temp"]


@pytest.mark.parametrize(
    ("how", "code", "said"),
    [
        ("node error", "breaks.no", "No."),
        ("key", "node.failed", "KeyError: 'missing'"),
        ("set", "value.not_durable", "bad"),
        ("nan", "value.not_durable", "bad"),
        ("exit", "node.unknown_exit", "no execution output 'nowhere'"),
        ("deep", "node.failed", "RecursionError"),
    ],
)
def test_whatever_goes_wrong_at_a_node_ends_the_run_there(how: str, code: str, said: str) -> None:
    document = flow(
        "f",
        {"start": START, "loop": node("repeat"), "b": node("breaks", pins={"how": how}), "end": END},
        "start -> loop, loop:body -> b, loop:after -> end",
    )
    played = Host(document, types=TINY).play()
    assert played.status == "failed"
    failure = played.failure
    assert (failure["code"], failure["node_id"], failure["node_type"]) == (code, "b", "breaks")
    assert said in failure["message"]
    assert played.error == failure["message"]


def test_how_a_run_ends_without_an_end_node() -> None:
    def output(nodes: dict[str, Any], wires: str, answers: Any = ()) -> Any:
        return Host(flow("f", {"start": START, **nodes}, wires), types=TINY).play({"x": 1}, answers).output

    assert output({"n": node("note", pins={"text": "t"})}, "start -> n") == {"said": "t", "success": True}
    assert output({"p": node("picky", pins={"need": "v"})}, "start -> p") == {
        "response": "v",
        "success": True,
    }
    assert output({"p": node("picky", pins={"need": {"success": False}})}, "start -> p") == {"success": False}
    assert output({"a": node("ask")}, "start -> a", ["yes"]) == {
        "success": True,
        "result": {"response": "yes"},
    }
    assert output({"p": node("pick")}, "start -> p") == {"success": True, "result": {"x": 1}}
    assert output({"r": node("repeat")}, "start -> r") == {"success": True, "result": {"x": 1, "turn": 1}}
    assert output({"e": END}, "start -> e") == {"r": None}


def test_a_plain_value_is_read_whole() -> None:
    document = flow(
        "f",
        {
            "start": START,
            "p": node("picky", pins={"need": [1, 2]}),
            "end": node("finish", ins=["exec-in", "a", "b", "c"]),
        },
        "start -> p, p -> end, p.result -> end.a, p.output -> end.b, p.other -> end.c",
    )
    assert Host(document, types=TINY).play().output == {"a": [1, 2], "b": [1, 2], "c": None}


def test_long_chains_of_values_are_computed_without_recursion() -> None:
    nodes: dict[str, Any] = {"start": START, "v0": node("join2", pins={"a": "x"})}
    wires = []
    for number in range(1, 3_000):
        nodes[f"v{number}"] = node("join2", pins={"b": "x"})
        wires.append(f"v{number - 1}.result -> v{number}.a")
    nodes["end"] = END
    document = flow("f", nodes, "start -> end, v2999.result -> end.r\n" + "\n".join(wires))
    assert Host(document, types=TINY).play().output == {"r": "x" * 3_000}


def test_a_value_read_twice_is_computed_once() -> None:
    nodes: dict[str, Any] = {"start": START, "v0": node("join2", pins={"a": "x"}), "end": END}
    wires = []
    for number in range(1, 16):
        nodes[f"v{number}"] = node("join2")
        wires += [f"v{number - 1}.result -> v{number}.a", f"v{number - 1}.result -> v{number}.b"]
    document = flow("f", nodes, "start -> end, v15.result -> end.r\n" + "\n".join(wires))
    assert Host(document, types=TINY).play().output == {"r": "x" * 2**15}


def test_frames_that_a_restart_brings_back_continue_where_they_were() -> None:
    document = flow(
        "f",
        {
            "start": START,
            "o": node("repeat"),
            "i": node("repeat", pins={"times": 3}),
            "a": node("ask"),
            "end": END,
        },
        "start -> o, o:body -> i, i:body -> a, o:after -> end, o.turn -> end.r",
    )
    played = Host(document, types=TINY).play(answers=["x"] * 6)
    assert played.output == {"r": 1}
    assert len(played.asked) == 6
    control = played.state.vars["_temp"]["_control"]
    assert control == {"stack": [], "frames": {}}
