"""What a flow takes, as a JSON Schema and as the form: the same, of what a run begins with."""

from __future__ import annotations

from typing import Any

import pytest

from flowstudio.flow_inputs import json_types
from web.conftest import Client
from web.documents import end, flow, hello, node, pin


def taking(*pins: dict[str, Any], **defaults: Any) -> dict[str, Any]:
    start = node(
        "start", "on_flow_start", outputs=[pin("exec-out", "execution"), *pins], pinDefaults=defaults
    )
    return flow("taking", [start, end()], [("start", "end")], name="Takes things")


@pytest.mark.parametrize(
    ("pin_type", "types"),
    [
        ("string", ["string"]),
        ("number", ["number"]),
        ("boolean", ["boolean"]),
        ("array", ["array"]),
        ("object", ["object"]),
        ("provider", ["string"]),
        ("model_image", ["string"]),
        ("agent", ["string"]),
        ("workspace_file", ["string"]),
        ("memory", ["object"]),
        ("tools", ["array", "object"]),
        ("assertions", ["array", "object"]),
        ("artifact", []),
        ("any", []),
        ("of a newer editor", []),
    ],
)
def test_the_json_types_of_a_pin(pin_type: str, types: list[str]) -> None:
    assert json_types(pin_type) == types


def test_the_schema_names_what_a_run_takes(client: Client) -> None:
    told = {**pin("count", "number"), "label": "How many", "description": "Of them."}
    client.save(taking(told, pin("anything", "any"), pin("list", "array"), count=3, list=[1]))
    assert client.get("/api/flows/taking/input-schema").json() == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Takes things",
        "type": "object",
        "properties": {
            "count": {
                "title": "How many",
                "description": "Of them.",
                "type": ["number", "null"],
                "default": 3,
                "x-pin-type": "number",
            },
            "anything": {"title": "anything", "x-pin-type": "any"},
            "list": {"title": "list", "type": ["array", "null"], "default": [1], "x-pin-type": "array"},
        },
        "additionalProperties": True,
    }
    assert client.get("/api/flows/none/input-schema").json()["code"] == "flow.not_found"


def test_a_flow_without_a_start_node_takes_nothing_by_name(client: Client) -> None:
    client.save(flow("bare", [end()], []))
    assert client.get("/api/flows/bare/input-schema").json()["properties"] == {}


def test_schema_and_form_are_of_the_version_that_runs_begin_with(client: Client) -> None:
    client.save(hello())
    assert client.put("/api/flows/hello/published", json={}).status_code == 200
    changed = {**hello(), "nodes": [*taking(pin("other", "string"))["nodes"][:1], *hello()["nodes"][1:]]}
    changed["edges"] = [each for each in changed["edges"] if each["id"] != "start.who>greet.b"]
    assert client.put("/api/flows/hello", json=changed, headers={"If-Match": "*"}).status_code == 200
    schemas = [client.get(f"/api/flows/hello/input-schema{ask}").json() for ask in ("", "?draft=true")]
    assert [[*each["properties"]] for each in schemas] == [["who"], ["other"]]
    form = client.get("/flows/hello/run").text
    assert 'name="in:who"' in form
    assert 'name="in:other"' not in form


def test_a_field_for_a_provider_of_one_kind_takes_plain_text(client: Client) -> None:
    client.save(taking(pin("painter", "provider_image")))
    assert "as JSON" not in client.get("/flows/taking/run").text
