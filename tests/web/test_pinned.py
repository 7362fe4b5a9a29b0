"""Pinned outputs: taken from a run, kept with the node, taken for it in trial runs, told as what they are."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime.visualflow_compiler.pinned import MOST_BYTES
from web.conftest import Client
from web.documents import asking, end, flow, node, pin, start

Document = dict[str, Any]
TRIAL = {"draft": True, "trial": {"pins": True}}


def pinned(document: Document, node_id: str, outputs: Document, exit: str = "exec-out") -> Document:
    """Return the document with outputs pinned to a node."""
    nodes = [
        {**each, "data": {**each["data"], "canvas": {"pinned": {"outputs": outputs, "exit": exit}}}}
        if each["id"] == node_id
        else each
        for each in document["nodes"]
    ]
    return {**document, "nodes": nodes}


def tried(client: Client, flow_id: str, **asked: Any) -> str:
    """Start a run as the editor does; return its id."""
    answer = client.post("/api/runs", json={"flow_id": flow_id, **TRIAL, **asked})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["run_id"])


def outputs(client: Client, run_id: str, node_id: str, **more: int) -> Any:
    return client.get(f"/api/runs/{run_id}/outputs", params={"node_id": node_id, **more})


def sizes(text: str) -> Document:
    """A flow whose value node gives a long text, which the end hands over."""
    value = node("make", "concat", inputs=[pin("a"), pin("b")], pinDefaults={"a": text, "b": "!"})
    keep = node("keep", "set_var", pinDefaults={"name": "kept"})
    wires = [("start", "keep"), ("keep", "end"), ("make.result", "keep.value"), ("keep.value", "end.text")]
    return flow("sizes", [start(), value, keep, end("text")], wires)


def test_what_a_node_gave_is_had_whole_with_its_way_out(client: Client) -> None:
    client.save(sizes("x" * 5_000))
    run_id = client.launch("sizes")
    client.until(run_id, "completed")
    found = outputs(client, run_id, "keep").json()
    assert found["exit"] == "exec-out"
    assert found["outputs"]["value"] == "x" * 5_000 + " !"


def test_what_cannot_be_pinned_says_why(client: Client) -> None:
    client.save(sizes("x" * (MOST_BYTES + 1)))
    run_id = client.launch("sizes")
    client.until(run_id, "completed")
    large = outputs(client, run_id, "keep")
    assert (large.status_code, large.json()["code"]) == (422, "outputs.not_pinnable")
    assert "65,536 are the most" in large.json()["detail"]
    cut = outputs(client, run_id, "make")
    assert "only the beginning" in cut.json()["detail"]
    for gone in ("end", "nobody"):
        answer = outputs(client, run_id, gone)
        assert (answer.status_code, answer.json()["code"]) == (404, "run.no_outputs")


def test_a_node_that_waits_has_given_nothing_yet(client: Client) -> None:
    client.save(asking())
    run_id = client.launch("asking")
    client.asked(run_id)
    answer = outputs(client, run_id, "ask")
    assert (answer.status_code, answer.json()["code"]) == (404, "run.no_outputs")
    assert "not over" in answer.json()["detail"]


def test_a_file_of_a_run_is_not_pinned(client: Client) -> None:
    made = node("made", "literal_json", literalValue={"file": {"$artifact": "a1"}})
    keep = node("keep", "set_var", pinDefaults={"name": "kept"})
    wires = [("start", "keep"), ("keep", "end"), ("made.value", "keep.value")]
    client.save(flow("files", [start(), made, keep, end()], wires))
    run_id = client.launch("files")
    client.until(run_id, "completed")
    answer = outputs(client, run_id, "keep")
    assert (answer.status_code, answer.json()["code"]) == (422, "outputs.not_pinnable")
    assert "holds a file" in answer.json()["detail"]


def test_of_an_earlier_visit_it_has_what_that_gave(client: Client) -> None:
    turns = node("turns", "for", pinDefaults={"start": 0, "end": 3})
    keep = node("keep", "set_var", pinDefaults={"name": "kept"})
    wires = [("start", "turns"), ("turns:loop", "keep"), ("turns:done", "end"), ("turns.i", "keep.value")]
    document = flow("turning", [start(), turns, keep, end()], [])
    document["edges"] = flow("turning", [], [])["edges"]
    client.save({**document, "edges": _edges(wires)})
    run_id = client.launch("turning")
    client.until(run_id, "completed")
    assert [outputs(client, run_id, "keep", at=at).json()["outputs"]["value"] for at in (1, 2, 3, 0)] == [
        0,
        1,
        2,
        2,
    ]


def _edges(wires: list[tuple[str, str]]) -> list[Document]:
    """Wires as `documents.wire` writes them, where a step leaves by an output of its own too."""
    found = []
    for number, (source, target) in enumerate(wires):
        origin, _, out = source.partition(":" if ":" in source else ".")
        goal, _, into = target.partition(".")
        ends = {
            "source": origin,
            "sourceHandle": out or "exec-out",
            "target": goal,
            "targetHandle": into or "exec-in",
        }
        found.append({"id": f"w{number}", **ends})
    return found


def test_a_trial_run_does_not_ask_a_person_whose_answer_is_pinned(client: Client) -> None:
    client.save(pinned(asking(), "ask", {"response": "Ada"}))
    run_id = tried(client, "asking")
    assert client.until(run_id, "completed")["output"]["name"] == "Ada"
    told = [
        record["result"]["visit"] for record in client.records(run_id) if "visit" in (record["result"] or {})
    ]
    assert [visit.get("pinned") for visit in told] == [None, ["ask"], None]


@pytest.mark.parametrize("asked", [{}, {"draft": True}, {"draft": True, "trial": {"pins": False}}])
def test_a_run_that_does_not_ask_for_pins_asks_the_person(client: Client, asked: Any) -> None:
    client.save(pinned(asking(), "ask", {"response": "Ada"}))
    answer = client.post("/api/runs", json={"flow_id": "asking", **asked})
    assert client.asked(answer.json()["run_id"])["prompt"] == "Your name?"


def test_only_the_draft_is_tried(client: Client) -> None:
    client.save(pinned(asking(), "ask", {"response": "Ada"}))
    answer = client.post("/api/runs", json={"flow_id": "asking", "trial": {"pins": True}})
    assert (answer.status_code, answer.json()["code"]) == (422, "run.bad_input")
    assert "draft" in answer.json()["detail"]


def test_a_trial_run_again_is_a_trial_run(client: Client) -> None:
    client.save(pinned(asking(), "ask", {"response": "Ada"}))
    run_id = tried(client, "asking")
    client.until(run_id, "completed")
    answer = client.post(f"/runs/{run_id}/again")
    new = answer.headers["location"].rpartition("/")[2]
    assert new != run_id
    assert client.until(new, "completed")["output"]["name"] == "Ada"


def test_pages_say_pinned_and_not_done_only(client: Client) -> None:
    client.save(pinned(asking(), "ask", {"response": "Ada"}))
    run_id = tried(client, "asking")
    client.until(run_id, "completed")
    page = client.get(f"/runs/{run_id}", headers={"accept": "text/html"}).text
    assert "Pinned" in page


def test_a_bundle_carries_what_is_pinned(client: Client) -> None:
    client.save(pinned(asking(), "ask", {"response": "Ada"}))
    packed = client.get("/api/flows/asking/bundle")
    assert packed.status_code == 200, packed.text
    assert client.delete("/api/flows/asking", headers={"If-Match": "*"}).status_code in (200, 204)
    files = {"file": ("asking.flow", packed.content, "application/octet-stream")}
    assert client.post("/api/bundles", files=files).status_code in (200, 201)
    assert client.until(tried(client, "asking"), "completed")["output"]["name"] == "Ada"
