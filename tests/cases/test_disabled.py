"""A disabled node: the run goes past it, and what reads it has its own values."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime.core.models import RunStatus
from abstractruntime.visualflow_compiler import check, compile_program
from abstractruntime.visualflow_compiler.document import load_visualflow_json
from drive import Document, Host, end, flow, node, start


def off(made: Document) -> Document:
    """Disable a node."""
    return {**made, "data": {**made["data"], "disabled": True}}


def codes(document: Document) -> list[tuple[str, str | None]]:
    return [(each.code, each.node) for each in check(document) if each.code != "node.unread"]


def named(name: str, value: Any, **more: Any) -> Document:
    return node("set_var", pins={"name": name, "value": value}, **more)


def line(middle: Document, **more: Any) -> Document:
    nodes = {"start": start(), "a": named("a", 1), "m": middle, "b": named("b", 2), "end": end("r", r="own")}
    return flow("line", nodes, "start -> a, a -> m, m -> b, b -> end, m.value -> end.r", **more)


def test_control_goes_past_a_disabled_step_and_what_reads_it_has_its_own_value() -> None:
    played = Host(line(off(named("m", "made")))).play()
    assert (played.status, played.visits) == ("completed", ["start", "a", "b", "end"])
    assert played.output["r"] == "own"
    assert Host(line(named("m", "made"))).play().output["r"] == "made"


def test_the_program_is_that_of_the_flow_without_it() -> None:
    without = line(named("m", 1))
    without["nodes"] = [each for each in without["nodes"] if each["id"] != "m"]
    without["edges"] = [each for each in without["edges"] if "m" not in (each["source"], each["target"])]
    joined = {"id": "j", "source": "a", "target": "b", "sourceHandle": "exec-out", "targetHandle": "exec-in"}
    without["edges"].append(joined)
    assert compile_program(line(off(named("m", 1)))).digest == compile_program(without).digest
    assert compile_program(line(named("m", 1))).digest != compile_program(without).digest


def test_it_is_told_as_a_note_and_its_own_faults_are_not() -> None:
    asking = node("ask_user", pins={"prompt": " "})
    document = line(off(asking))
    (told,) = [each for each in check(document) if each.code == "node.disabled"]
    assert (told.severity, told.node) == ("note", "m")
    assert told.fix == {
        "label": "Enable it",
        "changes": [{"op": "set", "node": "m", "path": "disabled"}],
    }
    assert ("ask.no_prompt", "m") not in codes(document)
    assert ("ask.no_prompt", "m") in codes(line(asking))
    assert codes(line(off(node("nothing_like_it")))) == [("node.disabled", "m")]


@pytest.mark.parametrize(
    ("kind", "way", "more"),
    [
        ("if", "true", {}),
        ("for", "done", {"pins": {"start": 0, "end": 2}}),
        ("parallel", "completed", {"outs": ["then:0|execution", "then:1|execution", "completed|execution"]}),
        ("on_error", "done", {}),
    ],
)
def test_it_leaves_by_the_way_past_its_branches_else_by_the_first(kind: str, way: str, more: Any) -> None:
    nodes = {"start": start(), "m": off(node(kind, **more)), "in": named("x", 1), "past": named("y", 1)}
    other = {"if": "false", "for": "loop", "parallel": "then:0", "on_error": "body"}[kind]
    played = Host(flow("ways", nodes, f"start -> m, m:{other} -> in, m:{way} -> past")).play()
    assert played.visits == ["start", "past"]


def test_several_in_a_row_are_passed_and_one_with_nothing_behind_it_ends_there() -> None:
    nodes = {"start": start(), "a": off(named("a", 1)), "b": off(named("b", 1)), "c": named("c", 1)}
    assert Host(flow("row", nodes, "start -> a, a -> b, b -> c")).play().visits == ["start", "c"]
    assert Host(flow("row", nodes, "start -> a, a -> b")).play().visits == ["start"]


def test_disabled_steps_that_lead_in_a_circle_end_there() -> None:
    nodes = {"start": start(), "a": off(named("a", 1)), "b": off(named("b", 1))}
    assert Host(flow("circle", nodes, "start -> a, a -> b, b -> a")).play().visits == ["start"]


def test_a_disabled_value_node_gives_nothing() -> None:
    nodes = {
        "start": start(),
        "sum": off(node("add", pins={"a": 1, "b": 2})),
        "set": node("set_var", pins={"name": "s", "value": 7}),
        "end": end("s"),
    }
    document = flow("value", nodes, "start -> set, set -> end, sum.result -> set.value, set.value -> end.s")
    assert Host(document).play().output["s"] == 7


def test_a_start_counts_and_an_event_is_not_listened_for() -> None:
    nodes = {"start": off(start("x")), "end": end("x")}
    played = Host(flow("begins", nodes, "start -> end, start.x -> end.x")).play({"x": 3})
    assert played.output["x"] == 3
    assert codes(flow("begins", nodes, "start -> end, start.x -> end.x")) == [("node.disabled", "start")]
    heard = {"start": start(), "end": end(), "ear": off(node("on_event", pins={"name": "n"}))}
    host = Host(flow("deaf", heard, "start -> end"), listeners=True)
    assert host.listeners == []
    assert host.play().state.status is RunStatus.COMPLETED


def test_it_survives_reading_and_writing() -> None:
    document = line(off(named("m", 1)))
    again = load_visualflow_json(document).to_json()
    assert next(each for each in again["nodes"] if each["id"] == "m")["data"]["disabled"] is True
