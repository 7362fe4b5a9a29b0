"""Inputs that are computed: what they see, when they fail, what they leave in program and ledger."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime.nodes.catalog import catalog
from abstractruntime.visualflow_compiler import Program, check, load_visualflow_json, lower_tree
from abstractruntime.visualflow_compiler.expressions import argument, kind_of, mismatch, names_in
from abstractruntime.visualflow_compiler.sandbox import shared_sandbox
from abstractruntime.visualflow_compiler.sandbox_problems import code_problems, holds_code
from drive import Host, end, flow, node, start

Document = dict[str, Any]


def computing(expressions: Any, wires: str = "", **pins: Any) -> Document:
    """A flow that ends with an addition of `a` and `b`; `n` and `words` are variables of the run."""
    nodes = {
        "start": start("n|number", "words|array"),
        "sum": node("add", pins=pins, pinExpressions=expressions),
        "end": end("r"),
    }
    return flow("computing", nodes, f"start -> end, sum.result -> end.r {wires}")


def played(document: Document, **vars: Any) -> Any:
    return Host(document).play(vars)


def codes(document: Document) -> list[str]:
    return [problem.code for problem in check(document)]


def test_an_input_is_computed_from_other_inputs_and_variables() -> None:
    done = played(computing({"b": "a * 2 + n + len(words)"}, a=10), n=5, words=["x", "y"])
    assert done.output["r"] == 37


def test_pins_and_vars_hold_what_a_name_hides() -> None:
    done = played(computing({"b": "pins['a'] + vars['len'] + len('abc')"}, a=1), len=10)
    assert done.output["r"] == 15


def test_expressions_do_not_see_each_other() -> None:
    done = played(computing({"a": "1", "b": "a + 1"}))
    assert done.status == "failed"
    assert "there is no 'a' here" in str(done.error)


def test_a_wire_wins_and_the_check_says_so() -> None:
    document = computing({"a": "1000"}, ", start.n -> sum.a", b=1)
    assert played(document, n=5).output["r"] == 6
    assert "expression.wired" in codes(document)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("missing + 1", "It may name: a, n, words"),
        ("n + words", "`n` is a number, `words` is a list"),
        ("1 / 0", "division by zero"),
        ("[each for each in n]", "is a number"),
        ("__import__('os').getcwd()", "The expression of 'b' has no value"),
    ],
)
def test_a_failure_names_the_input_and_what_it_saw(text: str, says: str) -> None:
    done = played(computing({"b": text}, a=1), n=5, words=[])
    assert done.status == "failed"
    assert "The expression of 'b' has no value" in str(done.error)
    assert says in str(done.error)


def test_a_failure_is_caught_as_any_other_of_its_step() -> None:
    nodes = {
        "start": start("n|number"),
        "say": node("set_var", pins={"name": "x"}, pinExpressions={"value": "1 / n"}, onError="continue"),
        "end": end("why"),
    }
    done = played(flow("caught", nodes, "start -> say, say -> end, say.error_code -> end.why"), n=0)
    assert done.output["why"] == "expression.failed"


def test_the_record_of_the_visit_tells_what_was_computed() -> None:
    nodes = {
        "start": start("n|number"),
        "say": node("set_var", pins={"name": "x"}, pinExpressions={"value": "n * 2"}),
        "end": end("r"),
    }
    host = Host(flow("told", nodes, "start -> say, say -> end, say.value -> end.r"))
    done = host.play({"n": 21})
    records = [record for record in host.stores.ledger.list(done.root) if record.get("node_id") == "say"]
    assert records[-1]["result"]["visit"]["computed"] == {"value": 42}


def test_a_program_with_expressions_has_a_format_of_its_own() -> None:
    plain, computed = (
        lower_tree("computing", {"computing": document}, None).programs["computing"]
        for document in (computing({}, a=1, b=2), computing({"b": "a"}, a=1))
    )
    assert plain.to_json()["format"] == 1
    assert computed.to_json()["format"] == 2
    assert Program.from_json(computed.to_json()) == computed
    assert computed.ops["sum"].fed == ("b",)


def test_each_turn_of_a_loop_computes_anew_and_a_restart_gives_the_same() -> None:
    nodes = {
        "start": start(),
        "for": node("for", pins={"start": 0, "end": 3, "step": 1}),
        "keep": node(
            "set_var",
            pins={"name": "seen"},
            pinExpressions={"value": "(vars['seen'] if 'seen' in vars else []) + [1]"},
        ),
        "end": end("r"),
        "got": node("get_var", pins={"name": "seen"}),
    }
    document = flow("turns", nodes, "start -> for, for:loop -> keep, for:done -> end, got.value -> end.r")
    assert played(document).output["r"] == [1, 1, 1]


@pytest.mark.parametrize(
    ("expressions", "code"),
    [
        ({"nothing": "1"}, "expression.unknown_pin"),
        ({"b": "  "}, "expression.value"),
        ({"b": 4}, "expression.value"),
        ([1], "expression.value"),
        ({"b": "1" * 5000}, "expression.too_long"),
    ],
)
def test_what_cannot_be_used_is_said(expressions: Any, code: str) -> None:
    assert code in codes(computing(expressions, a=1))


def test_what_cannot_be_read_is_an_error_at_its_line() -> None:
    document = load_visualflow_json(computing({"b": "(1 +\n 2) *"}, a=1))
    assert holds_code(document, catalog())
    (problem,) = code_problems(document, catalog(), shared_sandbox())
    assert (problem.code, problem.node, problem.pin) == ("expression.syntax", "sum", "b")
    assert problem.line in (2, 3)


def test_a_computed_input_is_given() -> None:
    nodes = {"start": start(), "say": node("set_var", pinExpressions={"name": "'x'"}), "end": end("r")}
    assert "pin.required" not in codes(flow("given", nodes, "start -> say, say -> end"))


def test_names_and_kinds() -> None:
    assert names_in("a.b + c['d'] if e else f'{g}'") == {"a", "c", "d", "e", "f", "g"}
    assert argument("a + _b + len", {"a": 1}, {"_b": 2, "len": 3, "c": 4}) == {"a": 1}
    assert mismatch("number", "4").startswith("It gives a text")
    assert mismatch("number", 4) == mismatch("any", "4") == mismatch("string", None) == ""
    assert kind_of(True) == "true or false"
