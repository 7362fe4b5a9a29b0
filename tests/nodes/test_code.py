"""The code node: two kinds of text, pins as variables, branches, and what is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime.nodes.catalog import catalog
from abstractruntime.nodes.define import NodeError
from abstractruntime.testing.examples import call_of
from abstractruntime.visualflow_compiler.document import load_visualflow_json
from abstractruntime.visualflow_compiler.sandbox import shared_sandbox
from abstractruntime.visualflow_compiler.sandbox_problems import code_problems
from drive import end, flow, node, play, start
from nodes.calls import codes, node_type, run


def pins(*names: str) -> list[dict[str, str]]:
    return [{"id": "exec-in", "type": "execution"}, *({"id": name, "type": "any"} for name in names)]


def test_pins_are_variables_of_a_short_body() -> None:
    data = {"inputs": pins("a", "b"), "codeBody": "return [a, b]"}
    assert run("code", {"a": 1}, data, fed=("a",)) == [1, None]


def test_pins_that_are_no_names_are_read_from_the_input() -> None:
    data = {
        "inputs": pins("two words", "class", "é"),
        "codeBody": 'return [_input["two words"], _input["class"], é]',
    }
    assert run("code", {"two words": 1, "class": 2, "é": 3}, data) == [1, 2, 3]


def test_texts_of_several_lines_keep_their_lines() -> None:
    body = 'text = """one\n  two\n"""\nif True:\n    more = \'\'\'\nx\'\'\'  # """\nreturn text + more'
    assert run("code", {}, {"codeBody": body}) == "one\n  two\n\nx"
    assert run("code", {}, {"codeBody": body.replace("\n", "\r\n")}) == "one\n  two\n\nx"


def test_a_body_without_a_return_gives_nothing() -> None:
    assert run("code", {"input": 1}, {"codeBody": "# only a remark"}) is None


def test_a_whole_source_wins_over_a_stale_body() -> None:
    data = {"code": "def transform(_input):\n    return 'whole'", "codeBody": "return 'body'"}
    assert run("code", {}, data) == "whole"
    assert codes("code", data) == ["code.two_sources"]
    assert codes("code", {"code": "def transform(d):\n    return  1", "codeBody": "return 1"}) == []


@pytest.mark.parametrize(
    "body",
    [
        "def transform(given):\n    return {'twice': given['n'] * 2}",
        "TWO = 2\n\ndef helper(n):\n    return n * TWO\n\ndef transform(\n    given\n):\n    return {'twice': helper(given['n'])}\n",
        "    def transform(given):\r\n        return {'twice': given['n'] * 2}\r\n",
    ],
)
def test_a_body_that_has_the_function_is_a_whole_source(body: str) -> None:
    wanted = {"twice": 6}
    assert run("code", {"n": 3}, {"inputs": pins("n"), "codeBody": body}, fed=("n",)) == wanted
    assert run("code", {"n": 3}, {"inputs": pins("n"), "code": body}, fed=("n",)) == wanted


@pytest.mark.parametrize(
    "body",
    [
        "def transform(n):\n    return n * 2\nreturn {'twice': transform(n)}",
        "def transform(n):\n    return n * 2\nif n:\n    return {'twice': transform(n)}",
        "    twice = n * 2\n    if n:\n        return {'twice': twice}\n",
        "\ttwice = n * 2\n\tif n:\n\t\treturn {'twice': twice}",
        "text = '''\ndef transform(n):\n'''\nif text:\n    return {'twice': n * 2}",
    ],
)
def test_a_body_with_a_function_of_that_name_or_indented_stays_a_body(body: str) -> None:
    data = {"inputs": pins("n"), "codeBody": body}
    assert run("code", {"n": 3}, data, fed=("n",)) == {"twice": 6}


def test_an_error_in_such_a_body_counts_its_own_lines() -> None:
    body = "def transform(given):\n    share = 1\n    return share / given['n']"
    with pytest.raises(NodeError, match="line 3"):
        run("code", {"n": 0}, {"inputs": pins("n"), "codeBody": body}, fed=("n",))


def test_full_access_of_a_later_release_is_told() -> None:
    data = {"codeBody": "return 1", "pinDefaults": {"permissions": "full_access"}}
    assert codes("code", data) == ["code.permissions"]
    assert codes("code", {**data, "pinDefaults": {"permissions": "sandbox"}}) == []


def test_another_function_can_be_called() -> None:
    data = {"code": "def main(x):\n    return len(x)", "functionName": " main "}
    assert run("code", {"a": 1, "b": 2}, data, fed=("a", "b")) == 2


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({}, "code.empty"),
        ({"code": " ", "codeBody": "\n"}, "code.empty"),
        ({"codeBody": "return 1", "functionName": "a b"}, "code.function.name"),
        ({"codeBody": "return 1", "codeConfig": {"seconds": 31}}, "code.time_limit"),
        ({"codeBody": "return 1", "codeConfig": {"seconds": "soon"}}, "code.time_limit"),
        ({"codeBody": "return 1", "codeConfig": {"seconds": True}}, "code.time_limit"),
        ({"codeBody": "return 1", "codeConfig": {"python": "javascript"}}, "code.python"),
    ],
)
def test_what_is_wrong_is_found_and_refused(data: dict[str, Any], code: str) -> None:
    assert codes("code", data) == [code]
    with pytest.raises(NodeError):
        run("code", {}, data)


def test_the_time_limit_of_the_node_counts() -> None:
    data = {"codeBody": "while True:\n    pass", "codeConfig": {"seconds": 0.3}}
    with pytest.raises(NodeError, match=r"stopped after 0\.3 s") as caught:
        run("code", {}, data)
    assert caught.value.code == "code.limit.time"


def test_errors_count_the_lines_of_the_short_body() -> None:
    data = {"inputs": pins("a", "b"), "codeBody": "x = 1\nreturn a +"}
    with pytest.raises(NodeError, match="Line 2, `return a \\+`"):
        run("code", {}, data)


def test_prints_go_into_the_visits_note() -> None:
    call = call_of(node_type("code"), {"input": 3}, {"codeBody": "print('got', input)\nreturn input"})
    assert node_type("code").run(call) == 3
    assert call.note == {"printed": "got 3\n"}


def test_a_node_without_wires_gets_the_last_output() -> None:
    data = {"inputs": pins("input"), "code": "def transform(d):\n    return d"}
    assert run("code", {}, data, ambient={"a": 1}) == {"a": 1}
    assert run("code", {}, data, ambient=[1]) == [1]
    assert run("code", {}, {**data, "pinDefaults": {"input": 2}}, ambient={"a": 1}) == {"a": 1, "input": 2}
    assert run("code", {"input": 5}, data, ambient={"a": 1}, fed=("input",)) == {"input": 5}
    assert run("code", {}, data) == {}


BRANCHES = {
    "inputs": pins("n"),
    "outputs": [{"id": name, "type": "execution"} for name in ("true", "false")]
    + [{"id": "output", "type": "any"}],
    "code": "def transform(d):\n    return {'branch': d['n'], 'n': 1}",
}


def test_a_branch_is_taken_by_name() -> None:
    assert run("code", {"n": "true"}, BRANCHES, exits=("true",)) == {"goto": "true", "branch": "true", "n": 1}
    with pytest.raises(NodeError, match="one of true, false, not 'maybe'") as caught:
        run("code", {"n": "maybe"}, BRANCHES, exits=("true", "false"))
    assert caught.value.code == "code.branch"
    assert run("code", {"n": "x"}, BRANCHES, exits=("exec-out", "true")) == {"branch": "x", "n": 1}


def test_a_branch_key_means_nothing_without_branches() -> None:
    assert run("code", {}, {"codeBody": "return {'branch': 'true'}"}) == {"branch": "true"}


def test_the_old_function_node_still_computes() -> None:
    assert run("function", {"input": 3}, {"expression": "x + input"}) == 6
    assert run("function", {"a": 2, "x": 5}, {"expression": "a * x", "inputs": pins("a", "x")}) == 10
    assert (
        run(
            "function",
            {"input": 1},
            {"code": "def transform(d):\n    return d['input'] + 1", "expression": "7"},
        )
        == 2
    )
    assert run("function", {"a": 1, "b": 2}, fed=("a", "b")) == {"a": 1, "b": 2}
    with pytest.raises(NodeError, match="line 1, `x / 0`"):
        run("function", {"input": 3}, {"expression": "x / 0"})


def coded(body: str, **rest: Any) -> dict[str, Any]:
    made = node("code", ins=["exec-in", "x"], outs=["exec-out", "output"], codeBody=body, **rest)
    nodes = {"start": start("x"), "calc": made, "end": end("r")}
    return flow("calculating", nodes, "start -> calc, calc -> end, start.x -> calc.x, calc.output -> end.r")


def test_a_run_computes_and_tells_where_it_failed() -> None:
    played = play(coded("return {'double': x * 2}"), vars={"x": 4})
    assert (played.status, played.output) == ("completed", {"r": {"double": 8}, "success": True})
    failed = play(coded("print('before')\n\nreturn x / 0"), vars={"x": 4})
    assert failed.status == "failed"
    assert failed.failure["node_id"] == "calc"
    assert failed.failure["code"] == "code.failed"
    assert "line 3, `return x / 0`" in (failed.error or "")


def test_the_parser_judges_the_code_that_a_run_can_reach() -> None:
    document = coded("yield x")
    lost = node("code", ins=["exec-in"], outs=["exec-out"], codeBody="return (")
    document["nodes"].append({"id": "lost", "position": {"x": 0, "y": 0}, **lost})
    (problem,) = code_problems(load_visualflow_json(document), catalog(), shared_sandbox())
    assert (problem.severity, problem.code, problem.node) == ("error", "code.unsupported.yield", "calc")
    assert "Line 1, `yield x`" in problem.message
    assert code_problems(load_visualflow_json(coded("return x")), catalog(), shared_sandbox()) == []
