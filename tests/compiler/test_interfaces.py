"""What a flow promises by its interfaces, and what is told where it does not keep it."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime.nodes.pins import PIN_TYPES
from abstractruntime.visualflow_compiler.interfaces import INTERFACES
from abstractruntime.visualflow_compiler.validate import Problem, check
from flowstudio.library_changes import apply_all

CHAT = INTERFACES[0]


def pins(exec_pin: str, **types: str) -> list[dict[str, str]]:
    return [
        {"id": exec_pin, "type": "execution"},
        *({"id": name, "type": kind} for name, kind in types.items()),
    ]


def chat(start: Any = None, end: Any = None, more: tuple[Any, ...] = (), **flow: Any) -> dict[str, Any]:
    """A flow that promises to be a chat agent."""
    outputs = pins("exec-out", **CHAT.required_start) if start is None else start
    inputs = pins("exec-in", **CHAT.required_end) if end is None else end
    nodes = [
        {"id": "start", "type": "on_flow_start", "data": {"outputs": outputs}},
        {"id": "end", "type": "on_flow_end", "data": {"inputs": inputs}},
        *more,
    ]
    wire = {
        "id": "w",
        "source": "start",
        "sourceHandle": "exec-out",
        "target": "end",
        "targetHandle": "exec-in",
    }
    return {"id": "chat", "interfaces": [CHAT.id], "nodes": nodes, "edges": [wire], **flow}


def told(document: dict[str, Any]) -> list[Problem]:
    return [each for each in check(document) if each.code == "flow.interface"]


def test_a_flow_that_keeps_its_promise_is_told_nothing() -> None:
    assert told(chat()) == []
    assert told(chat(start=pins("exec-out"), interfaces=[])) == []
    assert told(chat(start=pins("exec-out"), interfaces=["of.another.program"])) == []


def test_what_lacks_is_named_with_its_node_and_one_fix_adds_it() -> None:
    document = chat(
        start=pins("exec-out", prompt="string", mine="any"),
        end=pins("exec-in", response="string", success="boolean"),
    )
    found = told(document)
    assert [(each.severity, each.node, each.message) for each in found] == [
        (
            "risk",
            "start",
            "The interface 'Chat agent' needs 'provider' (provider), 'model' (model) of on_flow_start (start).",
        ),
        ("risk", "end", "The interface 'Chat agent' needs 'meta' (object) of on_flow_end (end)."),
    ]
    for each in found:
        assert each.fix is not None
        document = apply_all(document, each.fix["changes"])[0]
    assert told(document) == []
    names = [each["id"] for each in document["nodes"][0]["data"]["outputs"]]
    assert names == ["exec-out", "prompt", "mine", "provider", "model"], "what was there stays"


@pytest.mark.parametrize("data", [{}, {"outputs": None}])
def test_a_start_without_saved_pins_keeps_its_way_on(data: dict[str, Any]) -> None:
    document = chat()
    document["nodes"][0]["data"] = data
    (one,) = told(document)
    assert one.fix is not None
    mended = apply_all(document, one.fix["changes"])[0]
    assert mended["nodes"][0]["data"]["outputs"][0]["id"] == "exec-out"
    assert check(mended) == []


def test_every_end_is_looked_at() -> None:
    other = {"id": "other", "type": "on_flow_end", "data": {"inputs": pins("exec-in", response="string")}}
    assert [each.node for each in told(chat(more=(other,)))] == ["other"]


@pytest.mark.parametrize(
    ("start", "end", "node", "pin"),
    [
        ({"prompt": "number"}, {}, "start", "prompt"),
        ({}, {"success": "array"}, "end", "success"),
        ({"prompt": "any"}, {"response": "any"}, None, None),
        ({}, {"response": "number"}, None, None),
    ],
)
def test_a_value_of_another_type_is_told_where_it_does_not_fit(
    start: dict[str, str], end: dict[str, str], node: str | None, pin: str | None
) -> None:
    document = chat(
        start=pins("exec-out", **{**CHAT.required_start, **start}),
        end=pins("exec-in", **{**CHAT.required_end, **end}),
    )
    found = [(each.node, each.pin) for each in told(document)]
    assert found == ([] if node is None else [(node, pin)])


@pytest.mark.parametrize(
    ("names", "words"), [((), "no start node"), (("on_flow_start",) * 2, "2 start nodes")]
)
def test_one_start_and_an_end_are_needed(names: tuple[str, ...], words: str) -> None:
    nodes = [{"id": f"s{place}", "type": name, "data": {}} for place, name in enumerate(names)]
    messages = [
        each.message for each in told({"id": "x", "interfaces": [CHAT.id], "nodes": nodes, "edges": []})
    ]
    assert any(words in each for each in messages)
    assert any("needs an end node, and the flow has none" in each for each in messages)


def test_the_table_names_types_that_there_are() -> None:
    for each in INTERFACES:
        for wanted in (each.required_start, each.required_end, each.recommended_start, each.recommended_end):
            assert set(wanted.values()) <= set(PIN_TYPES)
