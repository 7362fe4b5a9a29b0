"""What an author left unsaid is told once for a flow: deadlines, people, names."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from abstractruntime.visualflow_compiler import check
from drive import end, flow, node, start

Document = dict[str, Any]


def asking(label: str = "Ask Ana", **data: Any) -> Document:
    return node("ask_user", pins={"prompt": "Well?"}, label=label, **data)


def told(code: str, *steps: Document, wires: str = "") -> list[Any]:
    nodes = {f"n{number}": each for number, each in enumerate(steps)}
    way = ["start", *nodes, "end"]
    chain = ", ".join(f"{here} -> {there}" for here, there in itertools.pairwise(way))
    document = flow("f", {"start": start(), **nodes, "end": end()}, f"{chain}, {wires}")
    return [each for each in check(document) if each.code == code]


def test_questions_without_a_deadline_are_one_note_that_names_them() -> None:
    (found,) = told("ask.no_deadline", asking(), asking("Ask Ben"), asking("Ask Eve", onTimeout="stop"))
    assert (found.severity, found.node, found.pin) == ("risk", "n0", "onTimeout")
    assert "Ask Ana" in found.message
    assert "Ask Ben" in found.message
    assert "Ask Eve" not in found.message
    assert {change["node"] for change in found.fix["changes"]} == {"n0", "n1"}
    assert "7 days" in found.fix["label"]


@pytest.mark.parametrize("choice", ["wait", "stop", "branch", "continue"])
def test_who_has_chosen_is_not_told_also_that_it_may_wait_for_ever(choice: str) -> None:
    assert told("ask.no_deadline", asking(onTimeout=choice)) == []


def test_many_questions_are_one_note_of_bearable_length() -> None:
    (found,) = told("ask.no_deadline", *(asking(f"Ask {number}") for number in range(30)))
    assert "and 25 more" in found.message
    assert len(found.fix["changes"]) == 90


def test_a_question_that_no_run_comes_to_and_a_flow_without_questions_are_not_told() -> None:
    document = flow("f", {"start": start(), "ask": asking(), "end": end()}, "start -> end")
    assert [each for each in check(document) if each.code == "ask.no_deadline"] == []
    assert told("ask.no_deadline", node("answer_user")) == []


def test_a_question_for_nobody_is_told_where_others_are_for_somebody() -> None:
    named = asking("Ask Ben", effectConfig={"assignee": "Ben"})
    (found,) = told("ask.no_assignee", asking(), named)
    assert (found.severity, found.node, found.pin) == ("risk", "n0", "effectConfig.assignee")
    assert "Ask Ana" in found.message
    assert "Ask Ben" not in found.message
    assert told("ask.no_assignee", asking(effectConfig={"assignee": "everybody"}), named) == []


def test_a_question_for_nobody_that_is_to_be_reminded_is_told() -> None:
    reminded = asking(onTimeout="stop", effectConfig={"remindEvery": 1})
    (found,) = told("ask.no_assignee", reminded)
    assert "reminded or passed on" in found.message


def test_where_no_question_is_for_somebody_none_is_told() -> None:
    assert told("ask.no_assignee", asking(), asking(effectConfig={"assignee": " "})) == []


def test_steps_of_one_type_without_a_name_are_one_note() -> None:
    for plain in ({}, {"label": "Answer User"}, {"label": "answer_user"}, {"label": " "}):
        (found,) = told("node.no_label", *(node("answer_user", **plain) for _ in range(2)))
        assert (found.severity, found.node, found.fix) == ("note", "n0", None)
        assert "2 × Answer User" in found.message
    assert told("node.no_label", node("answer_user"), node("notify")) == []
    assert told("node.no_label", node("answer_user"), node("answer_user", label="Say when")) == []


def test_values_and_ways_need_no_name() -> None:
    values = {f"v{number}": node("concat") for number in range(3)}
    nodes = {"start": start(), "a": node("sequence"), "b": node("sequence"), **values, "end": end("x")}
    document = flow("f", nodes, "start -> a, a:then:0 -> b, b:then:0 -> end, v0.result -> end.x")
    assert [each for each in check(document) if each.code == "node.no_label"] == []
