"""Documents with anything anywhere, through every door of the server: kept whole or refused, and never a fault."""

from __future__ import annotations

import random
from typing import Any

import pytest

from compiler.test_hostile import damaged, everything
from web.conftest import Client

Json = Any
HTML = {"accept": "text/html"}
LOOKS = ("", "/run", "/versions", "/publish", "/diff/1..draft")


def at_every_door(client: Client, document: dict[str, Json]) -> None:
    """Save a document, or be refused; look at it wherever it can be seen, and start it."""
    flow_id = document["id"]
    told = client.post(f"/api/flows/{flow_id}/validate", json=document)
    assert told.status_code == 200, told.text
    saved = client.put(f"/api/flows/{flow_id}", json=document)
    if saved.status_code != 201:
        assert (saved.status_code, saved.json()["code"]) == (422, "flow.malformed")
        return
    assert saved.json()["problems"] == told.json()["problems"]
    assert client.get(f"/api/flows/{flow_id}").json() == document
    assert client.post(f"/api/flows/{flow_id}/upgrade").status_code == 200
    assert client.post(f"/api/flows/{flow_id}/versions", json={"name": "first"}).status_code == 201
    for look in LOOKS:
        page = client.get(f"/flows/{flow_id}{look}", headers=HTML)
        assert page.status_code == 200, f"{look}: {page.text[:400]}"
    assert client.get("/?q=n", headers=HTML).status_code == 200
    started = client.post("/api/runs", json={"flow_id": flow_id, "inputs": {}})
    has_errors = any(each["severity"] == "error" for each in told.json()["problems"])
    assert started.status_code == (422 if has_errors else 201), started.text
    assert client.get(f"/api/flows/{flow_id}").json() == document


@pytest.mark.parametrize("seed", range(10))
def test_a_damaged_document_is_kept_whole_or_refused(client: Client, seed: int) -> None:
    draw = random.Random(1_000 + seed)
    whole = everything()
    for number in range(3):
        few = {**whole, "nodes": draw.sample(whole["nodes"], 25)}
        at_every_door(client, {**damaged(few, draw), "id": f"odd-{number}"})


FOREIGN: dict[str, dict[str, Json]] = {
    "no parts": {},
    "numbers as ids": {
        "nodes": [{"id": 1, "type": "on_flow_start"}, {"id": 2, "type": "on_flow_end"}],
        "edges": [{"id": 1, "source": 1, "sourceHandle": "exec-out", "target": 2, "targetHandle": "exec-in"}],
    },
    "null in place of settings": {
        "nodes": [{"id": "a", "type": "on_flow_start", "data": None, "position": None, "label": None}],
        "edges": [{"source": "a", "sourceHandle": None, "target": "a", "targetHandle": None, "data": None}],
        "description": None,
        "interfaces": None,
    },
    "odd casing": {"nodes": [{"id": "a", "type": "On_Flow_Start"}, {"id": "b", "type": "NodeType.LLM_CALL"}]},
    "types as objects": {
        "nodes": [{"id": "a", "type": {"value": "on_flow_start"}}, {"id": "b", "type": {"value": 1}}]
    },
    "pins of all kinds": {
        "nodes": [
            {
                "id": "a",
                "type": "on_flow_start",
                "data": {"outputs": [None, {"id": None}, {"id": "q", "type": None, "label": 7}]},
            },
            {
                "id": "b",
                "type": "code",
                "data": {"inputs": {"q": "string"}, "outputs": "none", "pinDefaults": [1]},
            },
        ]
    },
    "settings of the wrong kind": {
        "nodes": [
            {
                "id": "a",
                "type": "switch",
                "data": {"switchConfig": {"cases": [{"id": 1}, {"value": "b"}, "c", None]}},
            },
            {"id": "b", "type": "break_object", "data": {"breakConfig": {"selectedPaths": "a.b"}}},
            {"id": "c", "type": "on_schedule", "data": {"eventConfig": {"schedule": 30, "recurrent": "no"}}},
            {
                "id": "d",
                "type": "on_event",
                "data": {"eventConfig": {"event_name": 5, "scope": "everywhere"}},
            },
            {"id": "e", "type": "subflow", "data": {"workflow_id": 9, "effectConfig": "inherit"}},
            {
                "id": "f",
                "type": "code",
                "data": {"code": None, "codeBody": ["return 1"], "functionName": None},
            },
            {"id": "g", "type": "var_decl", "data": {"literalValue": None}},
            {"id": "h", "type": "wait_until", "data": {"effectConfig": "seconds"}},
            {"id": "i", "type": "agent", "data": {"agentConfig": {"tools": None, "outputSchema": "x"}}},
        ]
    },
    "what other canvases write": {
        "viewport": {"x": 1, "zoom": 0.5},
        "version": 2,
        "nodes": [
            {
                "id": "a",
                "type": "on_flow_start",
                "selected": True,
                "width": 100.5,
                "data": {"x-ours": [{"a": None}]},
            }
        ],
        "edges": [
            {
                "id": "e",
                "source": "a",
                "target": "gone",
                "markerEnd": {"type": "arrow"},
                "style": {"stroke": "#fff"},
            }
        ],
    },
    "odd versions": {
        "formatVersion": "1",
        "nodes": [{"id": "s", "type": "on_flow_start"}],
        "interfaces": [None, " a ", 7],
    },
    "odd ids": {
        "nodes": [
            {"id": "n.1", "type": "on_flow_start"},
            {"id": "n~", "type": "on_flow_end"},
            {"id": "n", "type": "llm_call"},
        ],
        "edges": [
            {
                "id": "e",
                "source": "n.1",
                "sourceHandle": "exec-out",
                "target": "n",
                "targetHandle": "exec-in",
            },
            {"id": "e", "source": "n", "sourceHandle": "exec-out", "target": "n~", "targetHandle": "exec-in"},
        ],
    },
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_document_is_kept_whole(client: Client, kind: str) -> None:
    at_every_door(client, {"id": "foreign", **FOREIGN[kind]})


def test_a_number_as_an_id_is_told_with_what_it_should_be(client: Client) -> None:
    told = client.post("/api/flows/f/validate", json=FOREIGN["numbers as ids"]).json()["problems"]
    said = [each["message"] for each in told]
    assert "Node number 1 has 1 as its id, which must be text; it is ignored." in said
    assert "Wire number 1 has 1 as its source, which must be text; it is ignored." in said
