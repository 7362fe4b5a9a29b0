"""A while whose condition no turn can change is told, and only where that is certain."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime.visualflow_compiler import check
from drive import end, flow, node, start

Document = dict[str, Any]
GET = node("get_var", pins={"name": "more"})


def told(nodes: dict[str, Document], wires: str, body: Document | None = None, **more: Document) -> list[Any]:
    """Return what is said of a while with a step in its turn."""
    given = {
        "start": start("go"),
        "while": node("while"),
        "n": body or node("set_var", pins={"name": "a", "value": 1}),
    }
    document = flow("f", {**given, **nodes, **more}, f"start -> while, while:loop -> n, {wires}")
    return [each for each in check(document) if each.code == "while.endless"]


def test_a_condition_that_the_start_gives_never_changes() -> None:
    (found,) = told({}, "start.go -> while.condition")
    assert (found.severity, found.node, found.pin, found.fix) == ("risk", "while", "condition", None)
    assert "'go' of" in found.message


def test_a_variable_that_no_step_sets_never_changes() -> None:
    (found,) = told({"v": GET}, "v.value -> while.condition")
    assert "the variable 'more'" in found.message
    flag = node("bool_var", literalValue={"name": "more", "default": True})
    assert len(told({"v": flag}, "v.value -> while.condition")) == 1


def test_what_is_computed_from_such_values_alone_never_changes() -> None:
    nodes = {"v": GET, "c": node("compare", pins={"op": "<"})}
    (found,) = told(nodes, "v.value -> c.a, start.go -> c.b, c.result -> while.condition")
    assert "'more'" in found.message
    assert "'go'" in found.message


@pytest.mark.parametrize(
    "body",
    [
        node("set_var", pins={"name": "more", "value": False}),
        node("set_var", pins={"name": "more.deep", "value": False}),
        node("set_vars", pins={"updates": {"more": False}}),
        node("set_vars", pins={"updates": '{"more": false}'}),
        node("set_var_property", pins={"name": "more", "key": "k", "value": 1}),
        node("ask_user", outputKey="more"),
        node("set_var", pins={"value": 1}, pinExpressions={"name": "'mo' + vars['x']"}),
    ],
)
def test_a_variable_that_a_step_may_set_is_not_told(body: Document) -> None:
    assert told({"v": GET}, "v.value -> while.condition", body) == []


def test_a_variable_of_a_name_that_only_a_run_knows_may_be_any() -> None:
    assert told({"v": GET}, "v.value -> while.condition, start.go -> n.name") == []
    assert told({"v": node("get_var")}, "start.go -> v.name, v.value -> while.condition") == []


@pytest.mark.parametrize(
    ("source", "wire"),
    [
        (node("system_datetime"), "v.iso -> while.condition"),
        (node("random_float"), "v.result -> while.condition"),
        (node("get_context"), "v.messages -> while.condition"),
        (node("get_var", pins={"name": "_limits.current_iteration"}), "v.value -> while.condition"),
        (node("not", pinExpressions={"value": "vars['more']"}), "v.result -> while.condition"),
        (
            node("code", outs=["exec-out", "more"], codeBody="return {'more': 1}"),
            "n -> v, v.more -> while.condition",
        ),
    ],
)
def test_what_a_turn_may_change_is_not_told(source: Document, wire: str) -> None:
    assert told({"v": source}, wire) == []


def test_a_loop_that_may_end_the_run_inside_is_not_told() -> None:
    assert told({}, "start.go -> while.condition, n -> end", end=end()) == []
