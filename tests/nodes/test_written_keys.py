"""Keys written into flows: the same rule and cases as those of the island (static/island/test/writtenkeys.test.ts)."""

from __future__ import annotations

import json
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from abstractruntime.nodes.catalog import catalog
from abstractruntime.nodes.written_keys import (
    RULE,
    document_without_keys,
    keys_left_out,
    looked_through,
    without_keys,
)
from abstractruntime.visualflow_compiler.validate import check

SHARED = json.loads(
    (Path(__file__).resolve().parents[2] / "static" / "island" / "test" / "written_keys.json").read_text(
        "utf-8"
    )
)


def test_the_island_has_the_rule_of_the_catalog() -> None:
    assert dict(RULE) == SHARED["rule"]
    assert catalog().cards()["written_keys"] == SHARED["rule"]


@pytest.mark.parametrize("case", SHARED["cases"], ids=lambda case: case["name"])
def test_a_key_is_left_out_and_what_is_none_stays(case: dict[str, Any]) -> None:
    made, found = without_keys(case["data"])
    assert made == case["left"]
    assert bool(found) == (case["data"] != case["left"])
    assert without_keys(made)[1] == [], "a hole is no key"


@pytest.mark.parametrize(
    "key",
    [
        "sk-abcdefgh",
        "pk-abcdefgh",
        "rk-abcdefgh",
        "sk_live_abcdefgh",
        "sk_test_abcdefgh",
        *(f"gh{letter}_0123456789abcdef" for letter in "opsur"),
        "github_pat_0123456789abcdef",
        "glpat-0123456789ab",
        "xoxb-01234567",
        "AKIA0123456789AB",
        "AIza01234567890123456789",
        "hf_0123456789abcdef",
        "npm_0123456789abcdef",
        "eyJabcdefgh.abcdefgh.x",
        "ftp://me:pass@host",
        "-----BEGIN PRIVATE KEY-----\nabc",
        "https://host/x?api_key=abc123",
        "https://host/x?q=1&access_token=abc123",
        *(f"/x?{name}=abc" for name in ("apiKey", "API_KEY", "ACCESS_TOKEN", "auth-token", "client_secret")),
        "/x?password=abc&q",
    ],
)
def test_every_form_is_found_in_any_place(key: str) -> None:
    assert without_keys({"note": f"see {key}"})[1] == [("note",)]
    assert without_keys({"note": MappingProxyType({"é": f"\n{key}"})})[1] == [("note", "é")], "not plain JSON"
    between = {"a": {"note": "sk-, https://me:"}, "b": {"note": f"\n{key}"}, "c": {"note": "@ 12345678"}}
    assert [(node, keys) for node, keys, _ in looked_through(between)] == [("b", [("note",)])]


def test_no_input_of_ours_has_the_name_of_a_key() -> None:
    """Else what stands there would be left out of every copy."""
    for kind in catalog():
        data = {"pinDefaults": {pin.id: "a word" for pin in kind.inputs}}
        assert without_keys(data) == (data, []), kind.type


def flow_with(data: dict[str, Any]) -> dict[str, Any]:
    start = {"id": "start", "type": "on_flow_start", "position": {"x": 0, "y": 0}, "data": {}}
    node = {"id": "t", "type": "string_template", "position": {"x": 0, "y": 200}, "data": data}
    return {"id": "keys", "name": "Keys", "nodes": [start, node], "edges": []}


def test_a_key_is_told_and_a_hole_keeps_the_flow_from_running() -> None:
    flow = flow_with({"label": "Letter", "pinDefaults": {"template": "use sk-abcdefgh"}})
    told = [each for each in check(flow) if each.code == "value.written_secret"]
    assert [(each.severity, each.node, each.pin) for each in told] == [("risk", "t", "template")]
    assert "sk-abcdefgh" not in told[0].message
    covered, is_changed = document_without_keys(flow)
    assert is_changed
    assert "sk-abcdefgh" not in json.dumps(covered)
    assert keys_left_out(covered["nodes"][1]["data"]) == [(("pinDefaults", "template"), "template")]
    holes = [each for each in check(covered) if each.code == "value.key_left_out"]
    assert [(each.severity, each.node, each.pin) for each in holes] == [("error", "t", "template")]
    assert not [each for each in check(covered) if each.code == "value.written_secret"]


@pytest.mark.parametrize(
    ("data", "pin"),
    [
        ({"pinDefaults": {"private_key": "abc"}}, "private_key"),
        ({"pinDefaults": {"privatekey": "abc"}}, "privatekey"),
        ({"effectConfig": {"privateKey": "abc"}}, "effectConfig.privateKey"),
        ({"pinDefaults": {"template": "https://h/x?api_key=abc123"}}, "template"),
        ({"pinDefaults": {"template": "https://h/x?access_token={{token}}", "api_key": "{{x}}"}}, None),
        ({"pinExpressions": {"template": "'https://h/?api_key=' + start.api_key"}}, None),
    ],
)
def test_names_and_addresses_of_keys_are_told_and_templates_are_not(
    data: dict[str, Any], pin: str | None
) -> None:
    told = [each.pin for each in check(flow_with(data)) if each.code == "value.written_secret"]
    assert told == ([pin] if pin else [])


def test_a_header_is_told_once() -> None:
    flow = flow_with({})
    flow["nodes"][1] |= {
        "type": "web_request",
        "data": {"pinDefaults": {"headers": {"Authorization": "Bearer x"}}},
    }
    assert [each.code for each in check(flow) if each.code.endswith("written_secret")] == [
        "web.written_secret"
    ]
