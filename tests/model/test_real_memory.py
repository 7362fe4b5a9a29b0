"""The knowledge graph from the nodes, with a real model for embeddings: told, found by meaning, and after a restart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from drive import end, flow, node, start
from flowstudio.settings import Settings
from model.conftest import ModelServer
from web.conftest import PORT, TOKEN, Client, open_client

pytestmark = pytest.mark.model
FACTS = [
    {"subject": "ex:person-alice", "predicate": "rdf:type", "object": "schema:Person"},
    {"subject": "ex:person-alice", "predicate": "schema:name", "object": "Alice Martin"},
    {"subject": "ex:person-alice", "predicate": "schema:knowsAbout", "object": "ex:graph-databases"},
    {"subject": "ex:person-bob", "predicate": "schema:name", "object": "Bob Stone"},
    {"subject": "ex:person-bob", "predicate": "schema:location", "object": "ex:place-oslo"},
    {"subject": "ex:project-atlas", "predicate": "dcterms:title", "object": "Atlas Search Engine"},
]


def telling() -> dict[str, Any]:
    tell = node("memory_kg_assert", pins={"assertions": FACTS, "scope": "global"})
    return flow(
        "telling",
        {"start": start(), "tell": tell, "end": end("count")},
        "start -> tell, tell -> end, tell.count -> end.count",
    )


def asking(question: str) -> dict[str, Any]:
    find = node("memory_kg_query", pins={"query_text": question, "scope": "global", "limit": 2})
    means = node("memory_kg_resolve", pins={"label": "alice martin", "scope": "global"})
    return flow(
        "asking",
        {"start": start(), "find": find, "means": means, "end": end("items", "warnings", "candidates")},
        "start -> find, find -> means, means -> end, find.items -> end.items,"
        "find.warnings -> end.warnings, means.candidates -> end.candidates",
    )


def done(client: Client, flow_id: str) -> dict[str, Any]:
    page = client.until(client.launch(flow_id), "completed", "failed", seconds=60)
    assert page["status"] == "completed", page["error"]
    output: dict[str, Any] = page["output"]
    return output


def test_what_was_told_is_found_by_its_meaning_and_after_a_restart(
    embedding_server: ModelServer, tmp_path: Path
) -> None:
    settings = Settings(
        data=tmp_path / "data", flows=tmp_path / "flows", port=PORT, api_token=TOKEN, threads=2
    )
    with open_client(settings) as client:
        given = {
            "kind": "openai",
            "name": "local",
            "base_url": f"{embedding_server.url}/v1",
            "embedding_model": "all-MiniLM-L6-v2",
        }
        assert client.post("/settings/models", data=given, follow_redirects=False).status_code == 303
        assert "all-MiniLM-L6-v2" in client.get("/settings/models").text
        client.save(telling())
        client.save(asking("who is an expert in storing networks of relations?"))
        assert done(client, "telling")["count"] == len(FACTS)
        first = done(client, "asking")
        best = first["items"][0]
        assert (best["subject"], best["object"]) == ("ex:person-alice", "ex:graph-databases")
        assert best["attributes"]["_retrieval"]["score"] > 0.2
        assert first["candidates"][0]["id"] == "ex:person-alice"
        assert not first["warnings"]

    with open_client(settings) as client:  # the server was started again
        assert done(client, "asking") == first

    given["embedding_model"] = "another-model"
    with open_client(settings) as client:
        assert client.post("/settings/models", data=given, follow_redirects=False).status_code == 303
        page = client.until(client.launch("asking"), "completed", "failed", seconds=60)
        assert page["output"]["items"] == []
        told = str(client.records(page["run_id"]))
        assert "another-model" in told, "vectors of two models are not mixed, and it is told"
