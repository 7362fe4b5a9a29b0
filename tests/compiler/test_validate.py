"""What `check` finds, place by place, and how fast."""

import ast
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from abstractruntime.visualflow_compiler import Problem, check, load_visualflow_json, validate
from compiler.tiny import TINY
from drive import flow, node, start

Document = dict[str, Any]
START, END = node("begin", outs=["exec-out", "x|string", "n|number"]), node("finish", ins=["exec-in", "r"])


def found(document: Document, flows: Any = None) -> list[Problem]:
    return check(document, TINY, flows)


def only(document: Document, code: str, flows: Any = None) -> Problem:
    problems = found(document, flows)
    assert [problem.code for problem in problems if problem.severity != "note"] == [code], problems
    return next(problem for problem in problems if problem.code == code)


def with_edge(document: Document, **edge: Any) -> Document:
    return {**document, "edges": [*document["edges"], {"id": "odd", **edge}]}


PLAIN = flow(
    "plain", {"start": START, "n": node("note"), "end": END}, "start -> n, n -> end, n.said -> end.r"
)


def test_a_good_flow_has_no_problems() -> None:
    assert found(PLAIN) == []


def test_problems_are_json_with_every_key() -> None:
    problem = only(flow("f", {"start": START, "x": node("nott")}, "start -> x"), "node.unknown_type")
    assert json.loads(json.dumps(problem.to_json())) == {
        "severity": "error",
        "code": "node.unknown_type",
        "node": "x",
        "pin": None,
        "message": "nott (x): there is no node type 'nott'. Did you mean 'note'?",
        "fix": {
            "label": "Make it 'note'",
            "changes": [
                {
                    "op": "replace",
                    "node": {
                        "id": "x",
                        "type": "note",
                        "position": {"x": 0, "y": 0},
                        "data": {"nodeType": "note"},
                    },
                }
            ],
        },
        "line": None,
    }


def test_an_unknown_type_nobody_reaches_is_a_risk() -> None:
    document = flow("f", {"start": START, "x": node("Note"), "v": node("what")}, "v.x -> x.text")
    problems = [problem for problem in found(document) if problem.code == "node.unknown_type"]
    assert [(problem.severity, problem.node) for problem in problems] == [("risk", "x"), ("risk", "v")]
    assert "Did you mean 'note'?" in problems[0].message


def test_the_id_of_a_node_is_its_own() -> None:
    document = {**PLAIN, "nodes": [*PLAIN["nodes"], {"id": "n", "type": "note"}]}
    assert only(document, "node.duplicate_id").severity == "error"
    twin = flow("f", {"start": START, "a": node("ask"), "a~": node("note")}, "start -> a, a -> a~")
    assert only(twin, "node.reserved_id").node == "a~"


def test_wires_that_lead_nowhere_are_risks_with_a_fix() -> None:
    document = with_edge(PLAIN, source="n", target="gone", sourceHandle="said", targetHandle="text")
    problem = only(document, "edge.dangling")
    assert (problem.severity, problem.node, problem.pin) == ("risk", "n", "said")
    assert problem.fix == {"label": "Remove the wire", "changes": [{"op": "disconnect", "edge": "odd"}]}
    assert "'gone'" in problem.message


def test_a_step_that_leads_to_no_node_is_an_error_where_a_run_comes_by() -> None:
    nodes = {"start": START, "n": node("note"), "apart": node("note")}
    nowhere = {"targetHandle": "exec-in", "sourceHandle": "exec-out", "target": "gone"}
    document = with_edge(flow("f", nodes, "start -> n"), source="n", **nowhere)
    problem = only(document, "edge.dangling")
    assert (problem.severity, problem.node, problem.pin) == ("error", "n", "exec-out")
    unused = with_edge(flow("f", nodes, "start -> n"), source="apart", **nowhere)
    assert only(unused, "edge.dangling").severity == "risk"


def test_an_exit_leads_to_one_step_only() -> None:
    document = with_edge(PLAIN, source="start", target="end", sourceHandle="exec-out", targetHandle="exec-in")
    problem = only(document, "edge.duplicate_exit")
    assert (problem.severity, problem.node, problem.pin) == ("error", "start", "exec-out")


def test_a_failure_that_is_caught_wants_a_way() -> None:
    nodes = {"start": START, "n": node("note", onError="branch"), "end": END}
    loose = only(flow("f", nodes, "start -> n, n -> end"), "failure.unwired")
    assert (loose.severity, loose.node, loose.pin) == ("risk", "n", "exec-error")
    assert found(flow("f", nodes, "start -> n, n:exec-error -> end")) == []
    unset = {**nodes, "n": node("note")}
    unknown = only(flow("f", unset, "start -> n, n:exec-error -> end"), "edge.unknown_exit")
    assert unknown.fix == {
        "label": "Catch its failures",
        "changes": [{"op": "set", "node": "n", "path": "onError", "value": "branch"}],
    }


def test_an_exit_must_be_one_of_the_nodes() -> None:
    document = flow("f", {"start": START, "n": node("note"), "end": END}, "start -> n, n:true -> end")
    problem = only(document, "edge.unknown_exit")
    assert (problem.severity, problem.pin) == ("error", "true")
    from_data = with_edge(
        flow("f", {"start": START, "n": node("note"), "end": END}, "start -> n"),
        source="n", target="end", sourceHandle="said", targetHandle="exec-in",
    )  # fmt: skip
    assert only(from_data, "edge.unknown_exit").pin == "said"


@pytest.mark.parametrize(
    ("source", "out", "target", "into"),
    [("start", "exec-out", "n", "text"), ("j", "result", "n", "exec-in"), ("start", "", "n", "text")],
)
def test_wires_between_execution_and_values_are_ignored(
    source: str, out: str, target: str, into: str
) -> None:
    base = flow("f", {"start": START, "n": node("note"), "j": node("join2")}, "start -> n")
    document = with_edge(base, source=source, target=target, sourceHandle=out, targetHandle=into)
    assert only(document, "edge.ignored").severity == "risk"


def test_of_several_wires_to_one_input_the_last_counts() -> None:
    document = flow(
        "f",
        {"start": START, "a": node("join2"), "n": node("note")},
        "start -> n, start.x -> n.text, a.result -> n.text",
    )
    problem = only(document, "edge.duplicate_input")
    assert (problem.severity, problem.node, problem.pin) == ("risk", "n", "text")
    assert problem.fix is not None
    assert problem.fix["changes"] == [{"op": "disconnect", "edge": "e1"}]


def test_values_that_read_themselves_are_an_error() -> None:
    document = flow(
        "f",
        {"start": START, "a": node("join2"), "b": node("join2"), "n": node("note")},
        "start -> n, a.result -> b.a, b.result -> a.a, b.result -> n.text",
    )
    assert only(document, "data.cycle").severity == "error"
    alone = flow("f", {"start": START, "a": node("join2"), "n": node("note")}, "start -> n, a.result -> a.a")
    assert [problem.code for problem in found(alone)] == ["node.unread"]


def test_wrong_types_are_risks_since_nothing_converts_them() -> None:
    document = flow(
        "f",
        {"start": START, "l": node("list2"), "n": node("note")},
        "start -> n, l.result -> n.size, l.result -> n.text",
    )
    problems = [problem for problem in found(document) if problem.code == "pin.type"]
    assert [(problem.severity, problem.pin) for problem in problems] == [("risk", "size"), ("risk", "text")]
    assert "is a number, but list2 (l) gives a array" in problems[0].message
    fine = flow(
        "f", {"start": START, "c": node("number"), "n": node("note")}, "start -> n, c.value -> n.text"
    )
    assert found(fine) == []


def test_pins_that_do_not_exist_are_told() -> None:
    document = flow(
        "f", {"start": START, "n": node("note")}, "start -> n, start.x -> n.colour, start.y -> n.text"
    )
    assert [problem.code for problem in found(document)] == ["pin.unknown_input", "pin.unknown_output"]


def test_required_inputs_need_a_wire_or_a_value() -> None:
    document = flow("f", {"start": START, "p": node("picky")}, "start -> p")
    problem = only(document, "pin.required")
    assert (problem.severity, problem.node, problem.pin) == ("error", "p", "need")
    assert found(flow("f", {"start": START, "p": node("picky", pins={"need": None})}, "start -> p")) == []
    assert found(flow("f", {"start": START, "p": node("picky")}, "start -> p, start.x -> p.need")) == []


def test_values_and_choices_are_looked_at() -> None:
    document = flow("f", {"start": START, "n": node("note", pins={"size": "big"})}, "start -> n")
    assert only(document, "pin.value").pin == "size"
    harsh = flow("f", {"start": START, "n": node("note", noteConfig={"tone": "harsh"})}, "start -> n")
    assert only(harsh, "field.choice").pin == "noteConfig.tone"


def test_flows_that_are_named_must_exist() -> None:
    def document(name: str) -> Document:
        return flow("f", {"start": START, "c": node("calls", call={"flow": name})}, "start -> c")

    problem = only(document("helpers"), "flow.missing", {"helper": 1})
    assert problem.severity == "error"
    assert "Did you mean 'helper'?" in problem.message
    assert found(document("helpers"), {"helpers": 1}) == []
    assert found(document("helpers")) == []
    assert only(document(" "), "flow.unset", {}).severity == "error"


PLAIN_NOTE = [("node.unreachable", "note", "lost")]


def test_what_a_listener_reaches_is_used() -> None:
    nodes = {
        "start": node("on_flow_start"),
        "end": node("on_flow_end"),
        "heard": node("on_event", eventConfig={"name": "news", "scope": "session"}),
        "say": node("answer_user", pinDefaults={"message": "news"}),
        "odd": node("anwser_user", ins=["exec-in"]),
    }
    problems = check(flow("news", nodes, "start -> end, heard -> say, say -> odd"))
    assert [problem.code for problem in problems if problem.node in ("heard", "say")] == []
    assert [problem.severity for problem in problems if problem.node == "odd"] == ["error"]


def test_unreachable_steps_are_notes() -> None:
    document = {
        **PLAIN,
        "entryNode": "start",
        "nodes": [*PLAIN["nodes"], {"id": "lost", "type": "picky", "data": {}}],
    }
    assert [(each.code, each.severity, each.node) for each in found(document)] == PLAIN_NOTE


def test_a_step_that_reads_one_never_reached_is_warned() -> None:
    nodes = {"start": START, "lost": node("note"), "n": node("note")}
    document = flow("f", nodes, "start -> n, lost.said -> n.text", entryNode="start")
    assert only(document, "pin.never_set").node == "n"


def test_the_entry_is_found_replaced_or_missed() -> None:
    replaced = only({**PLAIN, "entryNode": "nobody"}, "flow.entry_replaced")
    assert replaced.fix == {
        "label": "Make it the entry",
        "changes": [{"op": "flow", "path": "entryNode", "value": "start"}],
    }
    assert only({"id": "f", "nodes": [], "edges": []}, "flow.no_entry").severity == "error"


def test_a_start_that_is_passed_over_is_told_and_its_steps_are_not_to_be_removed() -> None:
    nodes = {
        "end": node("finish", ins=["exec-in", "r"]),
        "start": START,
        "n": node("note"),
        "lost": node("note"),
    }
    nodes |= {"v": node("number"), "unread": node("number")}
    document = flow("f", nodes, "start -> n, v.value -> n.text", entryNode="end")
    passed = only(document, "flow.start_passed")
    assert (passed.severity, passed.node) == ("risk", "end")
    assert "(start)" in passed.message
    assert "(2 steps)" in passed.message
    assert passed.fix == {
        "label": "Make 'start' the entry",
        "changes": [{"op": "flow", "path": "entryNode", "value": "start"}],
    }
    offered = {each.node: each.fix is not None for each in check(document, TINY) if each.severity == "note"}
    assert offered == {"start": False, "n": False, "lost": True, "v": False, "unread": True}


@pytest.mark.parametrize(
    ("wires", "more"),
    [
        ("start -> n", {}),  # no entry named: the start is chosen
        ("start -> n", {"entryNode": "start"}),
        ("n -> end", {"entryNode": "n"}),  # the start leads nowhere: nothing is left out by surprise
        ("start -> n", {"entryNode": "nobody"}),  # told as flow.entry_replaced
    ],
)
def test_a_start_is_not_told_as_passed_over(wires: str, more: Document) -> None:
    nodes = {"start": START, "n": node("note"), "end": node("finish", ins=["exec-in", "r"])}
    assert "flow.start_passed" not in [each.code for each in found(flow("f", nodes, wires, **more))]


@pytest.mark.parametrize("version", [2, "1", 0, None, True, [1]])
def test_a_document_of_an_unknown_version_is_an_error(version: Any) -> None:
    assert only({**PLAIN, "formatVersion": version}, "flow.unknown_version").severity == "error"


def test_a_types_own_check_is_asked_and_may_fail() -> None:
    def ways(**data: Any) -> Document:
        return flow("f", {"start": START, "w": node("ways", **data)}, "start -> w")

    assert only(ways(ways=list("abcd")), "ways.many").severity == "error"
    assert only(ways(ways=[]), "ways.none").severity == "risk"
    broken = {problem.code: problem.severity for problem in found(ways(ways=7))}
    assert broken == {"node.settings": "error"}
    assert {problem.code for problem in found(ways())} == {"node.settings"}


def test_execution_pins_on_values_have_no_effect() -> None:
    document = flow(
        "f",
        {"start": START, "j": node("join2", ins=["exec-in"]), "n": node("note")},
        "start -> n, j.result -> n.text",
    )
    assert only(document, "node.stray_execution_pin").node == "j"


def circle(kind: str, *, wires: str) -> Document:
    return flow("f", {"start": START, "a": node(kind), "b": node("note")}, wires)


def test_circles_without_a_loop_node_are_told() -> None:
    problem = only(circle("note", wires="start -> a, a -> b, b -> a"), "exec.endless")
    assert problem.severity == "error"
    assert "note (a), note (b)" in problem.message
    assert only(circle("ask", wires="start -> a, a -> b, b -> a"), "exec.circle").severity == "risk"
    assert only(circle("pick", wires="start -> a, a:left -> b, b -> a"), "exec.circle").severity == "risk"
    assert found(circle("repeat", wires="start -> a, a:body -> b, b -> a")) == []
    assert only(circle("note", wires="start -> b, b -> b"), "exec.endless").node == "b"


def test_routes_must_be_wires_of_the_node() -> None:
    def document(**data: Any) -> Document:
        return flow("f", {"start": START, "n": node("note", **data)}, "start -> n")

    key, source = "start::exec-out", {"sourceNodeId": "start", "sourceHandle": "x"}
    assert found(document(inputRouteOverrides={"text": {key: source}})) == []
    assert only(document(inputRouteOverrides={"text": {"else::x": source}}), "route.invalid").pin == "text"
    assert only(document(inputRouteOverrides={"text": {key: {}}}), "route.invalid").severity == "error"
    assert only(document(entryRoutes=[{"key": "no"}]), "route.invalid").node == "n"
    assert len(found(document(entryRoutes=[{"key": key}, {"key": key}]))) == 1


def endless(
    expression: str | None = None, source: Document | None = None, handle: str = "value"
) -> list[Any]:
    """Return what is said of the condition of a while of the real catalog."""
    data = {"pinExpressions": {"condition": expression}} if expression is not None else {}
    nodes = {"start": start("x"), "while": node("while", **data), "n": node("set_var", pins={"name": "a"})}
    wires = "start -> while, while:loop -> n"
    if source is not None:
        nodes["v"], wires = source, f"{wires}, v.{handle} -> while.condition"
    problems = check(flow("f", nodes, wires))
    assert {each.pin for each in problems} <= {"condition"}, problems
    return [(each.severity, each.code, each.fix) for each in problems]


@pytest.mark.parametrize(
    "text", ["True", " True ", "1", "'yes'", "1 == 1", "not False", "2 > 1", "not 1 == 2"]
)
def test_a_while_whose_condition_is_computed_and_always_true_is_endless(text: str) -> None:
    assert endless(text) == [("risk", "while.endless", None)]


@pytest.mark.parametrize(
    "text",
    [
        *("False", "0", "1 == 2", "vars['x']", "x", "'x' == x", "len('a') == 1", "None", "1 <", "1 < 'a'"),
        *("(" * 199, "-" * 199, "(" * 90 + "1" + ")" * 90 + " == 2", "True or " * 30 + "True"),
    ],
)
def test_a_condition_that_is_no_constant_or_not_true_is_not_endless(text: str) -> None:
    assert "while.endless" not in [code for _, code, _ in endless(text)]


def test_a_while_wired_to_a_fixed_value_is_judged_by_that_value() -> None:
    told = [("risk", "while.endless", None)]
    assert endless(source=node("literal_boolean", literalValue=True)) == told
    assert (
        endless(source=node("literal_json", literalValue=3, outputs=[{"id": "value", "type": "any"}])) == told
    )
    assert endless(source=node("literal_boolean", literalValue=False)) == []
    assert endless(source=node("literal_boolean")) == []
    assert endless(source=node("get_var", pins={"name": "a"})) == []
    assert endless(source=node("get_var", pins={"name": "x"})) == told  # no step sets it: see test_steady
    assert endless(source=node("not", pins={"value": False}), handle="result") == []  # computed, not fixed


def test_what_a_check_says_of_a_typed_value_holds_for_a_wired_fixed_one() -> None:
    nodes = {
        "start": start(),
        "zero": node("literal_number", literalValue=0),
        "for": node("for", pins={"start": 0, "end": 3}),
        "n": node("set_var", pins={"name": "a"}),
    }
    wired = flow("f", nodes, "start -> for, for:loop -> n, zero.value -> for.step")
    assert [(each.code, each.pin, each.fix) for each in check(wired)] == [("for.no_step", "step", None)]


def test_every_code_is_explained() -> None:
    folder = Path(validate.__file__).parent
    page = (Path(__file__).resolve().parents[2] / "docs" / "problems.md").read_text("utf-8")
    codes = set()
    for path in folder.glob("*.py"):
        words = [
            node.value
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Constant)
        ]
        codes |= {
            word
            for word in words
            if isinstance(word, str)
            and re.fullmatch(r"(flow|node|pin|field|edge|data|exec|route|effect|failure)\.[a-z_]+", word)
        }
    codes -= {
        "flow.not_an_object",
        "node.failed",
        "node.unknown_exit",
        "effect.failed",
    }  # of errors, not of problems
    assert {"flow.no_entry", "exec.endless", "pin.type"} <= codes
    assert sorted(code for code in codes if f"`{code}`" not in page) == []


def big(count: int) -> Document:
    nodes: dict[str, Document] = {"start": START}
    wires = []
    before = "start"
    for number in range(count // 2):
        nodes[f"v{number}"] = node("join2", pins={"b": "x"})
        nodes[f"s{number}"] = node("note")
        wires += [f"{before} -> s{number}", f"v{number}.result -> s{number}.text"]
        if number:
            wires.append(f"v{number - 1}.result -> v{number}.a")
        before = f"s{number}"
    return flow("big", nodes, "\n".join(wires))


def test_the_work_of_a_check_grows_with_the_number_of_nodes_and_no_faster() -> None:
    """Counted, not timed: what a thousand nodes cost in seconds is in tests/bench/bench_compiler.py."""

    def calls(count: int) -> int:
        document, made = load_visualflow_json(big(count)), 0

        def count_call(frame: Any, event: str, argument: Any) -> None:
            nonlocal made
            made += event in ("call", "c_call")

        before = sys.getprofile()
        sys.setprofile(count_call)
        try:
            problems = check(document, TINY)
        finally:
            sys.setprofile(before)
        assert problems == []
        return made

    small, large = calls(1_000), calls(10_000)
    assert large < small * 10.5
    assert small < 1_000 * 200  # 159 a node when this was written
