"""A trial run takes what is pinned to a node for what the node would give; every other run knows nothing of it."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime.core.models import EffectType
from abstractruntime.visualflow_compiler import check, lower_tree
from abstractruntime.visualflow_compiler.pinned import MOST_BYTES, pins_of, size_of
from compiler.changes import applied
from drive import Host, Played, end, flow, node, start

Document = dict[str, Any]


def pinned(outputs: Any, exit: str | None = "exec-out") -> Document:
    """Describe the mark that a pinned node has in the document."""
    return {"pinned": {"outputs": outputs, **({"exit": exit} if exit is not None else {})}}


def asking(**mark: Any) -> Document:
    """A flow that asks a person, and ends with the answer."""
    nodes = {
        "start": start(),
        "ask": node("ask_user", pins={"prompt": "Which?"}, **mark),
        "end": end("said"),
    }
    return flow("asking", nodes, "start -> ask, ask -> end, ask.response -> end.said")


def trial(document: Document, *, answers: Any = (), **vars: Any) -> Played:
    """Play a flow as the editor tries it."""
    program = lower_tree(document["id"], {document["id"]: document}, None).programs[document["id"]]
    asked = {"_runtime": {"trial": {"pins": pins_of(document, program)}}}
    return Host(document).play({**vars, **asked}, answers)


def codes(document: Document) -> list[str]:
    return [problem.code for problem in check(document)]


def test_a_pinned_node_is_not_executed_and_gives_what_is_pinned() -> None:
    done = trial(asking(canvas=pinned({"response": "tea"})))
    assert done.output == {"said": "tea", "success": True}
    assert done.waits == []
    (told,) = done.notes("ask")
    assert (told["outputs"], told["exit"], told["pinned"]) == ({"response": "tea"}, "exec-out", ["ask"])


def test_a_run_that_does_not_ask_for_pins_executes_the_node() -> None:
    done = Host(asking(canvas=pinned({"response": "tea"}))).play(answers=["milk"])
    assert done.output == {"said": "milk", "success": True}
    assert "pinned" not in done.notes("ask")[0]


def test_no_program_holds_what_is_pinned() -> None:
    plain, held = asking(), asking(canvas=pinned({"response": "tea"}))
    assert [
        lower_tree("asking", {"asking": each}, None).programs["asking"].digest for each in (plain, held)
    ] == [lower_tree("asking", {"asking": plain}, None).programs["asking"].digest] * 2


def test_a_node_with_several_ways_out_takes_that_of_the_pinned_visit() -> None:
    nodes = {
        "start": start(),
        "if": node("if", pins={"condition": True}, canvas=pinned({"result": False}, "false")),
        "yes": end(way="yes"),
        "no": end(way="no"),
    }
    document = flow("ways", nodes, "start -> if, if:true -> yes, if:false -> no")
    assert Host(document).play().output["way"] == "yes"
    assert trial(document).output["way"] == "no"


def test_a_pinned_loop_does_not_turn() -> None:
    nodes = {
        "start": start(),
        "each": node(
            "loop", pins={"items": [1, 2, 3]}, canvas=pinned({"item": 3, "index": 2, "total": 3}, "done")
        ),
        "tell": node("answer_user", pins={"message": "turn"}),
        "end": end("last"),
    }
    document = flow(
        "turns", nodes, "start -> each, each:loop -> tell, each:done -> end, each.item -> end.last"
    )
    assert len(Host(document).play().messages) == 3
    done = trial(document)
    assert (done.messages, done.output["last"]) == ([], 3)


def test_a_pinned_node_in_a_loop_gives_the_same_in_every_turn() -> None:
    nodes = {
        "start": start(),
        "each": node("loop", pins={"items": [1, 2]}),
        "ask": node("ask_user", pins={"prompt": "?"}, canvas=pinned({"response": "tea"})),
        "tell": node("answer_user"),
        "end": end(),
    }
    wires = "start -> each, each:loop -> ask, ask -> tell, ask.response -> tell.message, each:done -> end"
    done = trial(flow("teas", nodes, wires))
    assert done.messages == ["tea", "tea"]
    assert [note["visit"] for note in done.notes("ask")] == [1, 2]


def test_a_pinned_value_node_is_not_computed() -> None:
    nodes = {
        "start": start(),
        "sum": node("add", pins={"a": 1, "b": 2}, canvas=pinned({"result": 40}, None)),
        "more": node("add", pins={"b": 2}),
        "end": end("n"),
    }
    document = flow("sums", nodes, "start -> end, sum.result -> more.a, more.result -> end.n")
    assert Host(document).play().output["n"] == 5
    done = trial(document)
    assert done.output["n"] == 42
    assert done.notes("end")[0]["pinned"] == ["sum"]


def test_what_is_pinned_is_the_same_after_a_step_has_changed_its_copy() -> None:
    nodes = {
        "start": start(),
        "each": node("loop", pins={"items": [1, 2]}),
        "make": node("ask_user", canvas=pinned({"response": {"list": [1]}})),
        "keep": node("set_var", pins={"name": "kept"}),
        "end": end(),
    }
    wires = "start -> each, each:loop -> make, make -> keep, make.response -> keep.value, each:done -> end"
    done = trial(flow("copies", nodes, wires))
    assert done.status == "completed"
    asked = done.state.vars["_runtime"]["trial"]["pins"]["make"]
    assert asked == {"outputs": {"response": {"list": [1]}}, "exit": "exec-out"}


def test_a_failure_that_was_caught_can_be_pinned_with_its_way_out() -> None:
    failed = {"success": False, "error_message": "busy", "error_code": "x", "failure": {"message": "busy"}}
    nodes = {
        "start": start(),
        "tell": node("notify", pins={"message": "m"}, onError="branch", canvas=pinned(failed, "exec-error")),
        "well": end(way="well"),
        "badly": end(way="badly"),
    }
    document = flow("fails", nodes, "start -> tell, tell -> well, tell:exec-error -> badly")
    assert trial(document).output["way"] == "badly"
    assert "pinned.misfit" not in codes(document)


def test_a_way_out_that_is_gone_ends_the_run_there_and_says_what_to_do() -> None:
    document = asking(canvas=pinned({"response": "tea"}, "maybe"))
    done = trial(document)
    assert (done.status, done.failure["code"], done.failure["node_id"]) == (
        "failed",
        "pinned.unknown_exit",
        "ask",
    )
    assert "unpin" in done.failure["message"]


def test_a_child_run_is_asked_nothing() -> None:
    child = asking(canvas=pinned({"response": "tea"}))
    nodes = {
        "start": start(),
        "call": node("subflow", subflowId="asking", outs=["exec-out", "said"]),
        "end": end("said"),
    }
    parent = flow("parent", nodes, "start -> call, call -> end, call.said -> end.said")
    asked = {"_runtime": {"trial": {"pins": {"ask": {"outputs": {"response": "no"}, "exit": ""}}}}}
    assert Host(parent, child).play(asked, ["milk"]).output["said"] == "milk"


@pytest.mark.parametrize(
    ("outputs", "exit", "said", "label"),
    [
        ({"other": 1}, "exec-out", "nothing is pinned for its output 'response'", "Keep what fits"),
        ({"response": ["a"]}, "exec-out", "'response' takes a text", "Keep what fits"),
        ({"response": "tea"}, "maybe", "execution output 'maybe'", "Keep what fits"),
        ({"response": "x" * (MOST_BYTES + 1)}, "exec-out", "65,536 are the most", "Unpin it"),
    ],
)
def test_what_does_not_fit_any_more_is_told_with_a_fix(
    outputs: Any, exit: str, said: str, label: str
) -> None:
    document = asking(canvas=pinned(outputs, exit))
    (problem,) = [each for each in check(document) if each.code == "pinned.misfit"]
    assert said in problem.message
    assert (problem.severity, problem.node) == ("risk", "ask")
    assert problem.fix is not None
    assert problem.fix["label"] == label
    assert "pinned.misfit" not in codes(applied(document, problem.fix["changes"]))


@pytest.mark.parametrize(
    "mark", [None, 1, {}, {"pinned": 1}, {"pinned": {"outputs": []}}, {"pinned": {"outputs": {}}}]
)
def test_what_is_no_such_mark_is_ignored(mark: Any) -> None:
    document = asking(canvas=mark)
    assert "pinned.misfit" not in codes(document)
    assert trial(document, answers=["milk"]).output["said"] == "milk"


def test_the_size_is_that_of_the_json_text() -> None:
    assert size_of({"a": "é"}) == len('{"a":"é"}'.encode())


def test_nothing_is_asked_of_the_world_for_a_pinned_effect() -> None:
    calls: list[Any] = []
    nodes = {
        "start": start(),
        "tell": node("notify", pins={"message": "m"}, canvas=pinned({"delivered": True})),
        "end": end("sent"),
    }
    document = flow("quiet", nodes, "start -> tell, tell -> end, tell.delivered -> end.sent")
    program = lower_tree("quiet", {"quiet": document}, None).programs["quiet"]
    host = Host(document, handlers={EffectType.NOTIFY: lambda *given: calls.append(given)})
    done = host.play({"_runtime": {"trial": {"pins": pins_of(document, program)}}})
    assert (done.output["sent"], calls) == (True, [])
