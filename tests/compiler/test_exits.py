"""Which execution wires may leave a node: every row of the contract's table (visualflow.md 2.6)."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime.core.errors import InvalidFlow
from abstractruntime.visualflow_compiler import check, compile_program
from drive import end, flow, node, play, start

Document = dict[str, Any]
CASES = {"cases": [{"id": "a", "value": "1"}, {"id": "b", "value": "2"}]}
STEPS = {name: node("set_var", pins={"name": name}) for name in ("x", "y", "z")}


def leaving(kind: str, wires: str, **data: Any) -> Document:
    nodes = {"start": start(), "n": node(kind, **data), **STEPS, "value": node("add")}
    return flow("f", nodes, f"start -> n, {wires}" if wires else "start -> n")


def exits(document: Document) -> dict[str, str]:
    return dict(compile_program(document).ops["n"].exits)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (leaving("set_var", ""), {}),
        (leaving("set_var", "n -> x"), {"exec-out": "x"}),
        (leaving("if", "n:true -> x"), {"true": "x"}),
        (leaving("if", "n:true -> x, n:false -> y"), {"true": "x", "false": "y"}),
        (leaving("if", "n:true -> x, n:false -> x"), {"true": "x", "false": "x"}),
        (
            leaving("switch", "n:default -> x, n:case:b -> y", switchConfig=CASES),
            {"case:b": "y", "default": "x"},
        ),
        (leaving("sequence", "n:then:1 -> x"), {"then:1": "x"}),
        (leaving("parallel", "n:then:0 -> x, n:completed -> y"), {"then:0": "x", "completed": "y"}),
        (leaving("loop", "n:loop -> x, n:done -> y"), {"loop": "x", "done": "y"}),
        (leaving("for", "n:loop -> x"), {"loop": "x"}),
        (leaving("while", "n:done -> y"), {"done": "y"}),
        (leaving("set_var", "n -> value"), {}),
        (leaving("set_var", "value -> x, n -> y"), {"exec-out": "y"}),
        (leaving("set_var", "n -> gone"), {}),
        (leaving("set_var", "gone -> n, x -> n, n -> y"), {"exec-out": "y"}),
    ],
)
def test_what_may_leave(document: Document, expected: dict[str, str]) -> None:
    assert exits(document) == expected


def test_an_empty_handle_is_the_only_way_out_and_a_lost_target_none() -> None:
    document = leaving("set_var", "n -> x")
    document["edges"][-1]["sourceHandle"] = ""
    assert exits(document) == {"exec-out": "x"}
    document["edges"][-1]["target"] = "gone"
    assert exits(document) == {}


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (leaving("set_var", "n:odd -> x"), "edge.unknown_exit"),
        (leaving("set_var", "n:true -> x"), "edge.unknown_exit"),
        (leaving("set_var", "n -> x, n -> y"), "edge.duplicate_exit"),
        (leaving("if", "n:true -> x, n:true -> y"), "edge.duplicate_exit"),
        (leaving("if", "n:true -> x, n -> y"), "edge.unknown_exit"),
        (leaving("sequence", "n:completed -> x"), "edge.unknown_exit"),
        (leaving("sequence", "n -> x"), "edge.unknown_exit"),
        (leaving("parallel", "n:loop -> x"), "edge.unknown_exit"),
        (leaving("loop", "n:then:0 -> x"), "edge.unknown_exit"),
        (leaving("for", "n:true -> x"), "edge.unknown_exit"),
        (leaving("while", "n -> x"), "edge.unknown_exit"),
    ],
)
def test_what_may_not_leave_names_the_node_and_the_handle(document: Document, code: str) -> None:
    with pytest.raises(InvalidFlow) as refused:
        compile_program(document)
    (problem,) = refused.value.problems
    assert (problem.code, problem.node) == (code, "n")
    assert f"'{problem.pin}'" in problem.message


def test_a_case_that_is_gone_takes_its_wire_along() -> None:
    document = leaving("switch", "n:case:gone -> x, n:case:a -> y", switchConfig=CASES)
    assert exits(document) == {"case:a": "y"}


def test_wires_of_steps_that_are_never_reached_do_no_harm() -> None:
    document = leaving("set_var", "z:odd -> x, z -> y, z -> x")
    program = compile_program(document)
    assert sorted(program.ops) == ["n", "start"]
    assert set(program.ignored) == {"x", "y", "z"}


def test_control_goes_past_a_value_that_was_drawn_as_a_step() -> None:
    drawn = {"ins": ["exec-in", "a"], "outs": ["exec-out", "result"]}
    nodes = {
        "start": start(word="x"),
        "one": node("concat", **drawn),
        "two": node("uppercase", ins=["exec-in", "text"], outs=["exec-out", "result"]),
        "end": end("said"),
    }
    values = "start.word -> one.a, one.result -> two.text, two.result -> end.said"
    document = flow("f", nodes, f"start -> one, one -> two, two -> end, {values}")
    told = check(document)
    assert {problem.code for problem in told} == {"node.stray_execution_pin"}
    assert {problem.node for problem in told} == {"one", "two"}
    assert "control goes past it" in told[0].message
    assert play(document).output == {"said": "X", "success": True}
    round_ = flow("f", nodes, f"start -> one, one -> two, two -> one, {values}")
    assert play(round_).output == {"word": "x", "success": True}  # nowhere to go on to
