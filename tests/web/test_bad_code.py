"""Code that cannot run is a problem before any run, with its line."""

from __future__ import annotations

from typing import Any

from drive import flow, node
from web.conftest import Client


def coded(body: str) -> dict[str, Any]:
    nodes = {
        "start": node("on_flow_start", outs=["exec-out", "x|number"], pinDefaults={"x": 2}),
        "code": node("code", ins=["exec-in", "x|number"], outs=["exec-out", "output|any"], codeBody=body),
        "end": node("on_flow_end", ins=["exec-in", "r|any"]),
    }
    wires = "start -> code, code -> end, start.x -> code.x, code.output -> end.r"
    return flow("coded", nodes, wires)


def test_bad_code_is_a_problem_with_its_line(client: Client) -> None:
    saved = client.put("/api/flows/coded", json=coded("y = x +\nreturn y"), headers={"If-None-Match": "*"})
    (problem,) = [each for each in saved.json()["problems"] if each["severity"] == "error"]
    assert problem["node"] == "code"
    assert "line 1" in problem["message"].lower()
    refused = client.post("/api/runs", json={"flow_id": "coded", "inputs": {}})
    assert refused.status_code == 422
    assert refused.json()["problems"][0]["code"] == problem["code"]


def test_good_code_is_none(client: Client) -> None:
    saved = client.put("/api/flows/coded", json=coded("return x * 21"), headers={"If-None-Match": "*"})
    assert [each for each in saved.json()["problems"] if each["severity"] == "error"] == []
