"""Pinned outputs: taken from a run, kept with the node, taken for it in trial runs, told as what they are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from abstractruntime.nodes.catalog import catalog, new_data
from abstractruntime.visualflow_compiler import check
from abstractruntime.visualflow_compiler.pinned import MOST_BYTES
from flowstudio.pages.pinned import pinned_words
from web.conftest import Client
from web.documents import asking, end, flow, node, pin, start
from web.page import Page

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


def tab(client: Client, document: Document, node_id: str, **more: Any) -> Page:
    given = next(each for each in document["nodes"] if each["id"] == node_id)
    asked = {"flow_id": document["id"], "node": given, "wired": [], "tab": "data", **more}
    answer = client.post("/editor/inspector", json=asked)
    assert answer.status_code == 200, answer.text
    return Page(answer.text)


def test_the_data_tab_has_what_is_pinned_as_json_and_its_way_out(client: Client) -> None:
    document = pinned(asking(), "ask", {"response": "Ä <b>"})
    client.save(document)
    page = tab(client, document, "ask")
    assert "Pinned outputs" in page.text
    assert '"response": "Ä <b>"' in page.text
    assert not [each for each in page.tags if each.attributes.get("data-do") == "pinned-exit"]
    ways = flow("ways", [start(), node("if", "if", pinDefaults={"condition": True})], [("start", "if")])
    ways = pinned(ways, "if", {"result": False}, "gone")
    client.save(ways)
    told = tab(client, ways, "if").text
    assert "Leaves by" in told
    assert "gone (gone)" in told


def test_without_a_run_the_data_tab_offers_sample_values_that_fit(client: Client) -> None:
    document = asking()
    client.save(document)
    (offer,) = [
        each for each in tab(client, document, "ask").tags if each.attributes.get("data-do") == "pin-sample"
    ]
    sample = json.loads(offer.attributes["data-sample"])
    assert sample["exit"] == "exec-out"
    mended = pinned(document, "ask", sample["outputs"])
    answer = client.post("/api/flows/asking/validate", json=mended)
    assert "pinned.misfit" not in answer.text
    ends = tab(client, document, "end")
    assert not [each for each in ends.tags if each.attributes.get("data-do") == "pin-sample"]


def test_every_node_type_that_can_be_pinned_has_a_sample_that_fits() -> None:
    for kind in catalog():
        data = new_data(kind)
        words = pinned_words(kind, data)
        if not words["can_pin"]:
            continue
        sample = json.loads(words["sample"])
        assert sample["outputs"], kind.name
        held = {"nodeType": kind.name, **data, "canvas": {"pinned": sample}}
        document = flow(
            "f", [start(), {"id": "n", "type": kind.name, "position": {"x": 0, "y": 0}, "data": held}], []
        )
        assert "pinned.misfit" not in [each.code for each in check(document)], (kind.name, sample)


def test_a_value_is_compared_with_the_visit_before_and_with_other_runs(client: Client) -> None:
    client.save(asking())
    runs = []
    for name in ("Ada", "Bob"):
        run_id = client.launch("asking")
        wait_key = client.asked(run_id)["wait_key"]
        client.post(f"/api/prompts/{run_id}", json={"wait_key": wait_key, "response": name})
        client.until(run_id, "completed")
        runs.append(run_id)
    waiting = client.launch("asking")
    client.asked(waiting)

    def compared(run_id: str, **more: Any) -> str:
        asked = {"flow": "asking", "run": run_id, "node": "ask", "pin": "response", **more}
        answer = client.get("/editor/compare", params=asked)
        assert answer.status_code == 200, answer.text
        return " ".join(Page(answer.text).text.split())

    assert "response Ada Bob" in compared(runs[1], other=runs[0])
    assert "response Bob Ada" in compared(runs[0], other=runs[1])
    assert "response Ada Bob" in compared(runs[1])  # with the newest of the others that ended well
    assert "nothing Bob" in compared(runs[1], other=waiting)
    assert "the visit before" not in compared(runs[1])
    client.save({**asking(), "id": "alone"})
    alone = client.launch("alone")
    client.asked(alone)
    asked = {"flow": "alone", "run": alone, "node": "ask", "pin": "response"}
    assert "nothing to compare with" in client.get("/editor/compare", params=asked).text
    gone = client.get("/editor/compare", params={**asked, "node": "nobody"})
    assert gone.status_code == 404


def test_a_loop_is_compared_with_its_visit_before(client: Client) -> None:
    turns = node("turns", "for", pinDefaults={"start": 0, "end": 3})
    keep = node("keep", "set_var", pinDefaults={"name": "kept"})
    wires = [("start", "turns"), ("turns:loop", "keep"), ("turns:done", "end"), ("turns.i", "keep.value")]
    client.save({**flow("turning", [start(), turns, keep, end()], []), "edges": _edges(wires)})
    run_id = client.launch("turning")
    client.until(run_id, "completed")
    asked = {"flow": "turning", "run": run_id, "node": "keep", "pin": "value"}
    told = [
        " ".join(Page(client.get("/editor/compare", params={**asked, "at": at}).text).text.split())
        for at in (0, 2, 1)
    ]
    assert "value 1 2" in told[0]
    assert "value 0 1" in told[1]
    assert "nothing to compare with" in told[2]


def test_a_bundle_carries_what_is_pinned(client: Client) -> None:
    client.save(pinned(asking(), "ask", {"response": "Ada"}))
    packed = client.get("/api/flows/asking/bundle")
    assert packed.status_code == 200, packed.text
    assert client.delete("/api/flows/asking", headers={"If-Match": "*"}).status_code in (200, 204)
    files = {"file": ("asking.flow", packed.content, "application/octet-stream")}
    assert client.post("/api/imports", files=files).status_code in (200, 201)
    assert client.until(tried(client, "asking"), "completed")["output"]["name"] == "Ada"
