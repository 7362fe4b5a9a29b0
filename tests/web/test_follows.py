"""What follows what in a person's own flows, as the quick add is told."""

from __future__ import annotations

from flowstudio.follows import count
from web.conftest import Client
from web.documents import asking, calling, flow, hello, node


def test_wires_are_counted_from_both_ends() -> None:
    nodes = [node("a", "start"), node("b", "ask"), node("c", "tell"), node("d", "tell")]
    document = flow("f", nodes, [("a", "b"), ("b", "c"), ("b", "d")])
    found = count([document, document, {"nodes": [{"id": 1}], "edges": [{"source": "x"}, {}]}])
    pins = {key.split(".")[0] for key in found}
    assert pins == {"start", "ask", "<ask", "<tell"}
    assert next(each for key, each in found.items() if key.startswith("ask.")) == {"tell": 4}
    assert next(each for key, each in found.items() if key.startswith("<tell.")) == {"ask": 4}


def test_the_counts_follow_the_library(client: Client) -> None:
    assert client.get("/editor/habits").json()["follows"] == {}
    client.save(asking())
    told = client.get("/editor/habits").json()["follows"]
    assert told["on_flow_start.exec-out"] == {"ask_user": 1}
    assert client.get("/editor/habits").json()["follows"] == told
    client.delete(f"/api/flows/{asking()['id']}").raise_for_status()
    assert client.get("/editor/habits").json()["follows"] == {}


def test_own_flows_are_told_by_how_many_nodes_run_them(client: Client) -> None:
    for document in (hello("plain"), hello("used"), calling("used", "one"), calling("used", "two")):
        client.save(document)
    told = client.get("/editor/habits").json()["mine"]
    assert [told[0][key] for key in ("id", "name", "uses")] == ["used", "used", 2]
    assert {each["id"]: each["uses"] for each in told[1:]} == {"plain": 0, "one": 0, "two": 0}


def test_starter_flows_are_told_with_their_problem(client: Client) -> None:
    told = client.get("/editor/habits").json()["starters"]
    assert len(told) == len({each["id"] for each in told}) > 10
    assert all(each["name"] and each["problem"] and each["about"] for each in told)
