"""What the page of a difference says of behaviour: read from the programs of both versions."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from web.conftest import Client
from web.documents import hello, listening, node
from web.page import Page


def save(client: Client, document: dict[str, Any]) -> None:
    client.put(f"/api/flows/{document['id']}", json=document, headers={"If-Match": "*"}).raise_for_status()


def difference(client: Client, before: dict[str, Any], after: dict[str, Any]) -> str:
    client.save(before)
    flow_id = before["id"]
    number = client.post(f"/api/flows/{flow_id}/versions", json={"name": "before"}).json()["number"]
    save(client, after)
    page = Page(client.get(f"/flows/{flow_id}/diff/{number}..draft").text)
    return " ".join(page.text.split())


def test_looks_and_names_change_no_behaviour(client: Client) -> None:
    after = deepcopy(hello())
    after["name"] = "Another name"
    after["nodes"][1]["data"]["label"] = "Say hello"
    after["nodes"][1]["position"] = {"x": 500, "y": 7}
    after["nodes"].append(node("idle", "concat"))
    assert "Runs of both do the same" in difference(client, hello(), after)


def test_a_value_that_a_run_reads_changes_it(client: Client) -> None:
    after = deepcopy(hello())
    after["nodes"][1]["data"]["label"] = "Say hello"
    after["nodes"][1]["data"]["pinDefaults"]["a"] = "Goodbye"
    told = difference(client, hello(), after)
    assert "1 node does something else in a run." in told
    assert "Say hello changed" in told


def test_nodes_that_come_and_go_are_told(client: Client) -> None:
    after = deepcopy(hello())
    after["edges"] = [
        edge for edge in after["edges"] if edge["source"] == "start" and edge["target"] == "end"
    ]
    told = difference(client, hello(), after)
    assert "2 nodes do something else" in told
    assert "greet gone" in told
    assert "end changed" in told


def test_what_answers_an_event_counts_too(client: Client) -> None:
    after = deepcopy(listening())
    next(each for each in after["nodes"] if each["id"] == "on")["data"]["eventConfig"]["name"] = "pong"
    assert "on changed" in difference(client, listening(), after)


def test_a_version_that_is_no_program_says_so(client: Client) -> None:
    after = deepcopy(hello())
    after["nodes"] = [each for each in after["nodes"] if each["id"] != "start"] + [
        node("odd", "no_such_type")
    ]
    after["edges"] = [{**after["edges"][0], "source": "odd", "target": "end"}]
    assert "It cannot be told what runs would do otherwise: the draft cannot run" in difference(
        client, hello(), after
    )
