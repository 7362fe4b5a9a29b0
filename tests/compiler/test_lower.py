"""From the document to the program: entry, reach, exits, and what a program is."""

import json
from typing import Any

import pytest

from abstractruntime.core.errors import InvalidFlow
from abstractruntime.visualflow_compiler import Program, bind, compile_program, compile_visualflow
from abstractruntime.visualflow_compiler.program import FORMATS
from compiler.tiny import TINY
from drive import flow, node

START, END = node("begin", outs=["exec-out", "x"]), node("finish", ins=["exec-in", "r"])


def lowered(document: Any) -> Program:
    return compile_program(document, types=TINY)


def test_the_entry_is_the_one_named_else_the_first_nobody_leads_to_else_the_first() -> None:
    nodes = {"v": node("join2"), "b": node("note"), "a": node("pick"), "c": node("note")}
    wires = "a:left -> b, b -> c"
    assert lowered(flow("f", nodes, wires)).entry == "a"
    assert lowered(flow("f", nodes, wires, entryNode="b")).entry == "b"
    assert lowered(flow("f", nodes, wires, entryNode="v")).entry == "a"
    assert lowered(flow("f", nodes, wires, entryNode="gone")).entry == "a"
    assert lowered(flow("f", nodes, wires + ", c -> a")).entry == "b"


def test_only_what_can_be_reached_or_read_is_lowered() -> None:
    document = flow(
        "f",
        {
            "start": START,
            "n": node("note"),
            "v": node("join2"),
            "w": node("join2"),
            "unread": node("join2"),
            "lost": node("no_such_type"),
            "lost2": node("breaks"),
        },
        "start -> n, v.result -> n.text, w.result -> v.a, lost -> lost2, lost2.good -> n.size",
        entryNode="start",
    )
    program = lowered(document)
    assert list(program.ops) == ["start", "n", "w", "v"]
    assert program.ignored == ("lost", "lost2")
    assert program.ops["n"].wires == {"text": ("v", "result"), "size": ("lost2", "good")}
    assert program.ops["n"].defaults == {}
    assert sorted(bind(program, TINY).nodes) == ["n", "start"]


def test_defaults_are_the_documents_then_the_declarations_and_never_a_wired_pins() -> None:
    document = flow(
        "f",
        {"start": START, "n": node("note", pins={"text": "hi", "extra": 1})},
        "start -> n, start.x -> n.text",
    )
    assert lowered(document).ops["n"].defaults == {"size": 1, "extra": 1}


def test_branches_are_kept_in_the_order_of_the_pins() -> None:
    document = flow(
        "f",
        {
            "start": START,
            "b": node("branches", outs=["then:1|execution", "then:0|execution", "then:7|execution"]),
            "x": END,
            "y": END,
        },
        "start -> b, b:then:7 -> x, b:then:1 -> y",
    )
    assert lowered(document).ops["b"].exits == {"then:1": "y", "then:7": "x"}
    assert lowered(document).ops["b"].outs == ("then:1", "then:0", "then:7")


def test_branches_of_a_document_without_pins_are_those_its_wires_name() -> None:
    document = flow("f", {"b": node("branches"), "x": END, "y": END}, "b:then:10 -> y, b:then:2 -> x")
    assert lowered(document).ops["b"].exits == {"then:2": "x", "then:10": "y"}


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"id": "f"}, "flow.no_entry"),
        (flow("f", {"v": node("join2")}, ""), "flow.no_entry"),
        (flow("f", {"a": node("nott")}, ""), "node.unknown_type"),
        (flow("f", {"a": node("note"), "b": END}, "a:true -> b"), "edge.unknown_exit"),
        (flow("f", {"a": node("note"), "b": END, "c": END}, "a -> b, a -> c"), "edge.duplicate_exit"),
        (flow("f", {"a": node("pick"), "b": END}, "a:left -> b, a:left -> b"), "edge.duplicate_exit"),
        (flow("f", {"a": node("repeat"), "b": END}, "a:true -> b"), "edge.unknown_exit"),
        (
            flow("f", {"a": node("join2"), "b": node("note")}, "a.result -> a.a, a.result -> b.text"),
            "data.cycle",
        ),
        (flow("f", {"a": node("note")}, "a -> a"), "exec.endless"),
        ({**flow("f", {"a": END}, ""), "formatVersion": 2}, "flow.unknown_version"),
    ],
)
def test_what_leaves_no_program_is_refused_with_the_problems(document: Any, code: str) -> None:
    with pytest.raises(InvalidFlow) as caught:
        compile_visualflow(document, types=TINY)
    assert code in [problem.code for problem in caught.value.problems]
    assert "Invalid flow 'f': " in str(caught.value)
    assert caught.value.problems[0].message in str(caught.value)


def test_what_would_fail_at_its_node_still_compiles() -> None:
    document = flow("f", {"start": START, "p": node("picky")}, "start -> p")
    assert "p" in compile_visualflow(document, types=TINY).nodes


def test_a_program_survives_json() -> None:
    document = flow(
        "f",
        {
            "start": START,
            "n": node(
                "note",
                pins={"size": 2},
                outputKey="a.b",
                inputKey="c",
                inputRouteOverrides={
                    "text": {"start::exec-out": {"sourceNodeId": "v", "sourceHandle": "result"}}
                },
            ),
            "v": node("join2"),
        },
        "start -> n, v.result -> n.text",
    )
    program = lowered(document)
    again = Program.from_json(json.loads(json.dumps(program.to_json())))
    assert again == program
    assert again.digest == program.digest
    assert program.ops["n"].routes == {"text": {"start::exec-out": ("v", "result")}}
    later = FORMATS[-1] + 1
    with pytest.raises(InvalidFlow, match=f"format {later}"):
        Program.from_json({**program.to_json(), "format": later})
    with pytest.raises(InvalidFlow, match="damaged"):
        Program.from_json({"format": 1, "ops": {}})
    with pytest.raises(InvalidFlow, match="damaged"):
        Program.from_json({**program.to_json(), "ops": {"a": {"wires": 1}}})


def test_a_program_that_needs_a_type_we_lack_is_refused() -> None:
    body = lowered(flow("f", {"start": START}, "")).to_json()
    body["ops"]["start"]["type"] = "beginn"
    with pytest.raises(InvalidFlow, match="Did you mean 'begin'"):
        bind(Program.from_json(body), TINY)


def test_a_note_on_the_canvas_makes_no_other_program() -> None:
    plain = flow("f", {"start": START, "n": node("note")}, "start -> n")
    marks = {"notes": {"n1": {"x": 0, "y": 0, "text": "look here"}}, "locked": True}
    noted = flow("f", {"start": START, "n": node("note", canvas=marks)}, "start -> n")
    assert lowered(noted).digest == lowered(plain).digest
    assert "look here" not in json.dumps(lowered(noted).to_json())
