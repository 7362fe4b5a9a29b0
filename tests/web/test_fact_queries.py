"""The memory explorer over HTTP: what the step KG Query of a run would find, and nothing is written for it."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from drive import end, flow, node, start
from flowstudio.settings import Settings
from web.conftest import Client

pytest.importorskip("abstractmemory", reason="AbstractMemory is not installed")
pytest.importorskip("abstractsemantics", reason="AbstractSemantics is not installed")

FACTS = [
    {"subject": "ex:ada", "predicate": "schema:name", "object": "Ada Lovelace"},
    {"subject": "ex:ada", "predicate": "schema:knowsAbout", "object": "ex:engines"},
    {"subject": "ex:ann", "predicate": "schema:name", "object": "Ann"},
]
QUERY = "/api/memory/kg/query"


def told(client: Client, scope: str = "session", session: str = "monday") -> str:
    """Run a flow that keeps the facts in a scope; return the run."""
    tell = node("memory_kg_assert", pins={"assertions": FACTS, "scope": scope})
    document = flow(
        f"tell-{scope}", {"start": start(), "tell": tell, "end": end()}, "start -> tell, tell -> end"
    )
    if client.get(f"/api/flows/{document['id']}").status_code == 404:
        client.save(document)
    body = {"flow_id": document["id"], "session_id": session}
    run_id = str(client.post("/api/runs", json=body).json()["run_id"])
    assert client.until(run_id, "completed", "failed")["error"] is None
    return run_id


def asked(client: Client, run_id: str, **more: Any) -> dict[str, Any]:
    answer = client.post(QUERY, json={"run_id": run_id, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_facts_are_found_by_their_parts_and_by_words(client: Client) -> None:
    run_id = told(client)
    everything = asked(client, run_id)
    assert (everything["ok"], everything["count"], len(everything["items"])) == (True, 3, 3)
    names = asked(client, run_id, subject="ex:ada", predicate="schema:name")
    assert [each["object"] for each in names["items"]] == ["ada lovelace"]
    by_words = asked(client, run_id, query_text="lovelace")
    assert [each["object"] for each in by_words["items"]] == ["ada lovelace"]
    assert "searched by words" in by_words["warnings"][0]
    assert asked(client, run_id, limit=1)["count"] == 1
    assert asked(client, run_id, since="2999-01-01T00:00:00+00:00")["count"] == 0
    packed = asked(client, run_id, max_input_tokens=500)
    assert "ada lovelace" in packed["active_memory_text"].lower()
    assert asked(client, run_id, recall_level="urgent")["effort"]["recall_level"] == "urgent"


def test_what_is_found_is_what_the_step_of_a_run_finds(client: Client) -> None:
    run_id = told(client)
    pins = {"scope": "session", "subject": "ex:ada", "limit": 5, "recall_level": "deep"}
    look = node("memory_kg_query", pins=pins)
    wires = "start -> look, look -> end, look.raw -> end.raw"
    client.save(flow("look", {"start": start(), "look": look, "end": end("raw")}, wires))
    body = {"flow_id": "look", "session_id": "monday", "wait_seconds": 20}
    output = client.post("/api/runs", json=body).json()["run"]["output"]
    assert asked(client, run_id, **pins) == output["raw"]


def test_each_scope_has_its_own_facts(client: Client) -> None:
    own, other = told(client, "run"), told(client, "session", "tuesday")
    assert asked(client, own, scope="run")["count"] == 3
    assert asked(client, own)["count"] == 0, "the session is asked where no scope is named"
    assert asked(client, other, scope="run")["count"] == 0
    assert asked(client, other)["count"] == 3
    assert asked(client, own, scope="run", owner_id=other)["count"] == 0
    assert asked(client, other, scope="all")["count"] == 3


def test_nothing_is_written(client: Client) -> None:
    run_id = told(client)
    before = (client.run(run_id), client.records(run_id), client.get("/api/runs").json())
    asked(client, run_id, query_text="ada", scope="all")
    assert (client.run(run_id), client.records(run_id), client.get("/api/runs").json()) == before
    assert asked(client, run_id)["count"] == 3


@pytest.mark.parametrize(
    ("more", "status", "code", "words"),
    [
        ({"recall_level": "thorough"}, 422, "memory.bad_query", "memory_kg_query: "),
        ({"limit": 0}, 422, "request.invalid", "limit"),
        ({"max_input_tokens": 200_001}, 422, "request.invalid", "max_input_tokens"),
        ({"min_score": "high"}, 422, "request.invalid", "min_score"),
        ({"colour": "red"}, 422, "request.invalid", "colour"),
        ({"run_id": "none"}, 404, "run.not_found", "none"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    client: Client, more: dict[str, Any], status: int, code: str, words: str
) -> None:
    answer = client.post(QUERY, json={"run_id": told(client), **more})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert words in answer.json()["detail"]


def test_an_unknown_scope_is_told_as_the_step_tells_it(client: Client) -> None:
    found = asked(client, told(client), scope="planet")
    assert (found["ok"], found["count"], found["items"]) == (False, 0, [])
    assert "planet" in found["error"]


def test_without_the_packages_it_is_said_what_to_install(
    client: Client, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    run_id = told(client)
    monkeypatch.setitem(sys.modules, "abstractmemory", None)
    answer = client.post(QUERY, json={"run_id": run_id})
    assert (answer.status_code, answer.json()["code"]) == (501, "integration.not_installed")
    assert "pip install 'flowstudio[memory]'" in answer.json()["detail"]
