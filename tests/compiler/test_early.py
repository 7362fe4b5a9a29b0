"""An event that a flow tells before it waits for it is told, and only where the order is certain."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime.visualflow_compiler import check
from drive import end, flow, node, start

Document = dict[str, Any]
TELL = {"name": "paid", "scope": "run"}


def tell(**pins: Any) -> Document:
    return node("emit_event", pins={**TELL, **pins})


def wait(scope: str = "run", key: str = "paid", **data: Any) -> Document:
    return node(
        "wait_event", pins={"event_key": key}, effectConfig={"scope": scope}, onTimeout="stop", **data
    )


def told(nodes: dict[str, Document], wires: str) -> list[tuple[str, str | None]]:
    document = flow("f", {"start": start("who"), **nodes, "end": end()}, wires)
    return [(each.severity, each.node) for each in check(document) if each.code == "event.told_before"]


WAY = "start -> tell, tell -> wait, wait -> end"


@pytest.mark.parametrize(
    ("scope", "severity"), [("run", "risk"), ("workflow", "note"), ("session", "note"), ("global", "note")]
)
def test_a_wait_after_the_telling_is_told(scope: str, severity: str) -> None:
    assert told({"tell": tell(scope=scope), "wait": wait(scope)}, WAY) == [(severity, "wait")]


def test_it_names_both_steps_and_says_what_to_do() -> None:
    document = flow("f", {"start": start(), "tell": tell(), "wait": wait(), "end": end()}, WAY)
    (found,) = [each for each in check(document) if each.code == "event.told_before"]
    assert found.pin == "event_key"
    assert "(wait)" in found.message
    assert "(tell)" in found.message
    assert "'paid'" in found.message
    assert "Parallel" in found.message
    assert found.fix is None, "where it should wait is the author's to say"


def test_names_may_come_by_a_wire_from_a_constant_and_from_older_settings() -> None:
    word = node("literal_string", literalValue="paid")
    nodes = {"word": word, "tell": node("emit_event", pins={"scope": "run"}), "wait": wait()}
    assert told(nodes, f"{WAY}, word.value -> tell.name") == [("risk", "wait")]
    old = node("emit_event", effectConfig={"name": "paid", "scope": "run"})
    assert told({"tell": old, "wait": wait()}, WAY) == [("risk", "wait")]


@pytest.mark.parametrize(
    ("telling", "waiting"),
    [
        (tell(name="other"), wait()),
        (tell(), wait(key="other")),
        (tell(), wait("session")),
        (tell(), wait("external")),
        (tell(), wait("external", "evt:run:r1:paid")),
        (tell(session_id="s9"), wait()),
        (node("emit_event", pins={"scope": "run"}, pinExpressions={"name": "vars['which']"}), wait()),
        (tell(), wait(pinExpressions={"event_key": "vars['which']"})),
    ],
)
def test_another_event_or_one_that_only_a_run_knows_is_not_told(telling: Document, waiting: Document) -> None:
    assert told({"tell": telling, "wait": waiting}, WAY) == []
    assert told({"tell": tell(), "wait": wait()}, f"{WAY}, start.who -> tell.name") == []


def test_the_other_order_is_not_told() -> None:
    assert told({"tell": tell(), "wait": wait()}, "start -> wait, wait -> tell, tell -> end") == []


def test_a_branch_that_may_tell_it_meanwhile_is_not_told() -> None:
    fork = node("parallel")
    wires = "start -> fork, fork:then:0 -> wait, fork:then:1 -> tell, fork:completed -> end"
    assert told({"fork": fork, "tell": tell(), "wait": wait()}, wires) == []
    both = "start -> tell, tell -> fork, fork:then:0 -> wait, fork:then:1 -> again, fork:completed -> end"
    assert told({"fork": fork, "tell": tell(), "again": tell(), "wait": wait()}, both) == []
    before = "start -> tell, tell -> fork, fork:then:0 -> wait, fork:completed -> end"
    assert told({"fork": fork, "tell": tell(), "wait": wait()}, before) == [("risk", "wait")]


def test_another_step_that_tells_it_later_in_the_strand_of_a_listener_is_not_told() -> None:
    nodes = {
        "tell": tell(scope="session"),
        "wait": wait("session"),
        "hear": node("on_event", eventConfig={"name": "order", "scope": "session"}),
        "answer": tell(scope="session"),
    }
    assert told(nodes, f"{WAY}, hear -> answer") == []
    assert told(nodes, f"{WAY}, hear -> tell") == []


def test_a_circle_in_which_each_turn_tells_and_then_waits_is_told() -> None:
    loop = node("for", pins={"start": 0, "end": 3})
    wires = "start -> loop, loop:loop -> tell, tell -> wait, loop:done -> end"
    assert told({"loop": loop, "tell": tell(), "wait": wait()}, wires) == [("risk", "wait")]
