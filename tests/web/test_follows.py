"""What follows what in a person's own flows, as the quick add is told."""

from __future__ import annotations

from flowstudio.follows import count
from web.conftest import Client
from web.documents import asking, flow, node


def test_wires_are_counted_from_both_ends() -> None:
    nodes = [node("a", "start"), node("b", "ask"), node("c", "tell"), node("d", "tell")]
    document = flow("f", nodes, [("a", "b"), ("b", "c"), ("b", "d")])
    found = count([document, document, {"nodes": [{"id": 1}], "edges": [{"source": "x"}, {}]}])
    pins = {key.split(".")[0] for key in found}
    assert pins == {"start", "ask", "<ask", "<tell"}
    assert next(each for key, each in found.items() if key.startswith("ask.")) == {"tell": 4}
    assert next(each for key, each in found.items() if key.startswith("<tell.")) == {"ask": 4}


def test_the_counts_follow_the_library(client: Client) -> None:
    assert client.get("/editor/follows").json() == {}
    client.save(asking())
    told = client.get("/editor/follows").json()
    assert told["on_flow_start.exec-out"] == {"ask_user": 1}
    assert client.get("/editor/follows").json() == told
    client.delete(f"/api/flows/{asking()['id']}").raise_for_status()
    assert client.get("/editor/follows").json() == {}
