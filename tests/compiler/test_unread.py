"""Steps that are there for what they give are told when nobody reads it, and only then."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime.nodes.catalog import catalog
from abstractruntime.visualflow_compiler import check
from compiler.changes import applied
from drive import end, flow, node, start

Document = dict[str, Any]


def unread(nodes: dict[str, Document], wires: str) -> list[str | None]:
    document = flow("f", {"start": start("p"), **nodes}, wires)
    told = [each for each in check(document, flows={"other"}) if each.code == "step.unread"]
    assert all(each.severity == "note" for each in told)
    return [each.node for each in told]


ASK: Document = {"x": node("llm_call", pins={"prompt": "Hi"}), "end": end("r")}
LINE = "start -> x, x -> end, start.p -> end.r"


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("llm_call", {}),
        ("code", {"codeBody": "return 1"}),
        ("function", {"expression": "1"}),
        ("read_file", {}),
        ("list_folder_files", {}),
        ("read_pdf", {}),
        ("read_artifact", {}),
        ("memory_query", {}),
        ("memory_kg_query", {}),
        ("memory_kg_resolve", {}),
        ("transcribe_audio", {}),
        ("web_request", {}),
        ("web_request", {"pins": {"method": "HEAD"}}),
    ],
)
def test_a_step_that_is_there_for_what_it_gives_is_told(kind: str, data: Document) -> None:
    nodes = {"x": node(kind, **data), "end": end("r")}
    assert unread(nodes, LINE) == ["x"]
    pin = next(pin.id for pin in catalog().get(kind).outputs if not (pin.is_exec or pin.hidden))  # type: ignore[union-attr]
    assert unread(nodes, f"{LINE}, x.{pin} -> end.r") == []


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("subflow", {"subflowId": "other"}),
        ("agent", {}),
        ("ask_user", {}),
        ("tool_calls", {}),
        ("wait_event", {}),
        ("write_file", {}),
        ("generate_image", {}),
        ("code", {"codeBody": "print(input)"}),
        ("code", {"code": "def transform(i):\n    raise ValueError('no')"}),
        ("code", {"codeBody": "assert input"}),
        ("web_request", {"pins": {"method": "POST"}}),
        ("web_request", {"pinExpressions": {"method": "p"}}),
    ],
)
def test_a_step_that_does_something_is_not_told(kind: str, data: Document) -> None:
    assert unread({"x": node(kind, **data), "end": end("r")}, LINE) == []


def test_what_a_request_does_may_come_by_a_wire() -> None:
    assert unread({"x": node("web_request"), "end": end("r")}, f"{LINE}, start.p -> x.method") == []


def test_whatever_reads_a_value_counts() -> None:
    kept = {**ASK, "x": node("llm_call", pins={"prompt": "Hi"}, outputKey="answer")}
    assert unread(kept, LINE) == []
    assert unread({**ASK, "x": node("llm_call", outputKey=" ")}, LINE) == ["x"]
    routed = {"v": {"start::exec-out": {"sourceNodeId": "x", "sourceHandle": "response"}}}
    assert (
        unread({**ASK, "s": node("set_var", inputRouteOverrides=routed)}, "start -> x, x -> s, s -> end")
        == []
    )
    caught = node("llm_call", onError="branch")
    assert unread({"x": caught, "end": end("r"), "no": end("r")}, f"{LINE}, x:exec-error -> no") == []
    ways = node("code", codeBody="return {'branch': 'a'}", outs=["exec-out", "a", "b"])
    ways["data"]["outputs"] = [{"id": pin, "type": "execution"} for pin in ("exec-out", "a", "b")]
    assert unread({"x": ways, "end": end("r")}, "start -> x, x:a -> end, start.p -> end.r") == []


def test_a_reader_that_never_runs_does_not_count() -> None:
    aside = {**ASK, "v": node("concat"), "s": node("set_var")}
    assert unread(aside, f"{LINE}, x.response -> v.a, x.response -> s.value") == ["x"]
    assert unread(aside, f"{LINE}, x.response -> v.a, v.result -> end.r") == []


def test_a_run_that_may_end_at_a_step_has_its_result() -> None:
    read = node("read_file", pins={"file_path": "a"})
    assert unread({"x": node("llm_call")}, "start -> x") == []
    # Where a variable is set last, what was given before it is the result.
    assert unread({"x": read, "s": node("set_var")}, "start -> x, x -> s") == []
    assert unread({"x": node("llm_call"), "s": node("set_var")}, "start -> x, x -> s") == ["x"]
    fed = {"x": read, "c": node("code", codeBody="return 1")}
    assert unread(fed, "start -> x, x -> c, start.p -> c.input") == [
        "x"
    ]  # what the code returns is the result


def test_in_a_loop_a_run_does_not_end() -> None:
    each = {"each": node("loop", pins={"items": [1]}), "x": node("llm_call")}
    assert unread(each, "start -> each, each:loop -> x") == ["x"]
    after = {**each, "s": node("set_var"), "end": end("r")}
    assert unread(after, "start -> each, each:loop -> s, s -> x, each:done -> end, start.p -> end.r") == ["x"]


def test_what_takes_the_value_before_without_a_wire_reads_it() -> None:
    read = node("read_file", pins={"file_path": "a"})
    bare = {"x": read, "end": end()}
    assert unread(bare, "start -> x, x -> end") == []
    code = {"x": read, "c": node("code", codeBody="return input"), "end": end("r")}
    assert unread(code, "start -> x, x -> c, c -> end, c.output -> end.r") == []
    assert unread(code, "start -> x, x -> c, c -> end, c.output -> end.r, start.p -> c.input") == ["x"]
    turns = {"x": read, "w": node("while"), "s": node("set_var")}
    assert unread(turns, "start -> x, x -> w, w:loop -> s") == []


def test_the_fix_keeps_the_order_of_the_others() -> None:
    nodes = {"start": start("p"), **ASK, "a": node("set_var"), "i": node("if")}
    document = flow("f", nodes, "start -> i, i:true -> a, a -> x, i:false -> x, x -> end, start.p -> end.r")
    (problem,) = (each for each in check(document) if each.code == "step.unread")
    assert problem.fix is not None
    mended = applied(document, problem.fix["changes"])
    assert [each["id"] for each in mended["nodes"]] == ["start", "end", "a", "i"]
    ways = {(edge["source"], edge["sourceHandle"], edge["target"]) for edge in mended["edges"]}
    assert {("a", "exec-out", "end"), ("i", "false", "end"), ("i", "true", "a")} < ways
    assert len({edge["id"] for edge in mended["edges"]}) == len(mended["edges"]) == 5
