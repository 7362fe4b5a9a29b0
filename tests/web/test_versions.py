"""Versions: made by themselves and by name, compared, restored, published; a run keeps its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flowstudio import library_versions
from flowstudio.library import FlowLibrary
from flowstudio.library_compare import compare
from flowstudio.library_edits import Edit
from flowstudio.library_log import EditLog
from flowstudio.library_text import revision_of
from flowstudio.library_versions import VersionNotFound, Versions
from web.conftest import Client
from web.documents import calling, end, flow, hello, start
from web.page import Page

FLOW: dict[str, Any] = {"id": "f", "name": "A", "nodes": [{"id": "n", "data": {"x": 1}}], "edges": []}
AS_PERSON = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}


def saying(word: str) -> dict[str, Any]:
    """A flow that ends with a word."""
    last = end("greeting")
    last["data"]["pinDefaults"] = {"greeting": word}
    nodes = [start(), last]
    return flow("say", nodes, [("start", "end")])


def save(client: Client, document: dict[str, Any]) -> str:
    """Save with the editor's route, over whatever is there."""
    answer = client.post(
        f"/api/flows/{document['id']}/edits", json={"document": document}, headers={"If-Match": "*"}
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["revision"])


def versions(client: Client, flow_id: str) -> list[tuple[int, str, str]]:
    rows = client.get(f"/api/flows/{flow_id}/versions").json()["versions"]
    return [(row["number"], row["why"], row["name"]) for row in rows]


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shelf(tmp_path: Path, clock: Clock) -> tuple[FlowLibrary, Versions]:
    log = EditLog(tmp_path / "edits.sqlite", clock)
    library = FlowLibrary(tmp_path / "flows", log)
    return library, Versions(library, log)


def test_work_makes_versions_at_intervals(shelf: tuple[FlowLibrary, Versions], clock: Clock) -> None:
    library, kept = shelf
    library.put("f", FLOW)
    for minute, name in enumerate("BCDEFGHIJKLMNOPQRSTUVWXYZ"):
        clock.now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
        document = {**FLOW, "name": name}
        library.put("f", document, if_match="*", edit=Edit("me"))
        kept.worked("f", document, "me")
    found = [(each.number, each.why, kept.document("f", each.number)["name"]) for each in kept.newest("f")]
    assert found == [(3, "interval", "V"), (2, "interval", "L"), (1, "start", "A")]
    assert kept.newest("f")[0].said == "name of the flow"


def test_only_versions_that_nobody_named_go(
    shelf: tuple[FlowLibrary, Versions], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library_versions, "MOST_OWN", 3)
    library, kept = shelf
    library.put("f", FLOW)
    for number in range(10):
        document = {**FLOW, "name": str(number)}
        if number in (1, 2):
            kept.make("f", document, "named", name="Mine")
        else:
            kept.make("f", document, "run")
        if number == 0:
            kept.publish("f", "me", number=1)
    assert [each.number for each in kept.newest("f")] == [10, 9, 8, 3, 2, 1]
    assert kept.document("f", 2)["name"] == "1"
    with pytest.raises(VersionNotFound):
        kept.document("f", 5)
    (bodies,) = kept._log.db.execute("SELECT count(*) FROM documents").fetchone()
    assert bodies == 6, "what no version holds is gone"


def test_what_is_the_same_is_one_version(shelf: tuple[FlowLibrary, Versions]) -> None:
    library, kept = shelf
    library.put("f", FLOW)
    first = kept.make("f", FLOW, "run")
    assert kept.make("f", FLOW, "publish") == first
    assert kept.make("f", FLOW, "named", name="Good").name == "Good"
    assert kept.make("f", FLOW, "named", name="Better").number == 2, "a name is not taken away"


def test_a_version_is_named_restored_and_compared(client: Client) -> None:
    client.save(FLOW)
    save(client, {**FLOW, "name": "B", "nodes": []})
    made = client.post("/api/flows/f/versions", json={"name": "Empty"})
    assert (made.status_code, made.json()["number"], made.json()["is_published"]) == (201, 2, False)
    assert versions(client, "f") == [(2, "named", "Empty"), (1, "start", "")]
    assert client.get("/api/flows/f/versions/1").json() == FLOW
    assert (
        client.request("PATCH", "/api/flows/f/versions/1", json={"name": "First"}).json()["name"] == "First"
    )

    told = client.get("/api/flows/f/diff/1..2").json()
    assert told["sentence"] == "1 removed, name of the flow"
    assert [(each["state"], each["id"]) for each in told["nodes"]] == [("removed", "n")]
    back = client.get("/api/flows/f/diff/2..draft").json()
    assert (back["nodes"], back["sentence"]) == ([], "nothing")

    assert client.post("/api/flows/f/versions/1/restore").status_code == 200
    assert client.get("/api/flows/f").json() == FLOW
    assert versions(client, "f")[0] == (3, "restore", "Version 1 again")
    rows = client.get("/api/flows/f/edits").json()["edits"]
    assert rows[-1]["label"] == "Restore version 1"
    stale = client.post("/api/flows/f/versions/2/restore", headers={"If-Match": '"old"'})
    assert stale.json()["code"] == "flow.stale"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("versions/7", 404, "version.not_found"),
        ("diff/1..7", 404, "version.not_found"),
        ("diff/1..draught", 404, "version.not_found"),
        ("diff/published..draft", 404, "version.not_found"),
        ("diff/1", 422, "version.bad_span"),
        ("diff/..2", 422, "version.bad_span"),
    ],
)
def test_what_is_no_version_is_named(client: Client, path: str, status: int, code: str) -> None:
    client.save(FLOW)
    save(client, {**FLOW, "name": "B"})
    answer = client.get(f"/api/flows/f/{path}")
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert client.get("/api/flows/none/versions").json()["code"] == "flow.not_found"
    assert client.post("/api/flows/f/versions", json={"name": ""}).status_code == 422


def test_callers_run_what_is_published_and_the_editor_runs_the_draft(client: Client) -> None:
    client.save(saying("old"))
    assert client.get("/api/flows/say/versions").json()["published"] is None
    put = client.put("/api/flows/say/published", json={})
    assert (put.status_code, put.json()["is_published"]) == (200, True)
    save(client, saying("new"))

    def output(**more: Any) -> Any:
        started = client.post("/api/runs", json={"flow_id": "say", **more}).json()["run_id"]
        page = client.until(started, "completed")
        return page["output"]["greeting"], page["version"]

    assert output() == ("old", 1)
    assert output(draft=True)[0] == "new"
    assert output() == ("old", 1), "also the second time"
    number = output(draft=True)[1]
    assert client.put("/api/flows/say/published", json={"version": number}).json()["number"] == number
    assert output()[0] == "new"
    assert client.delete("/api/flows/say/published").status_code == 204
    save(client, saying("newest"))
    assert output()[0] == "newest", "with nothing published the draft is what runs"
    rows = {row["number"]: row["runs"] for row in client.get("/api/flows/say/versions").json()["versions"]}
    assert rows[1] == 2


def test_a_published_flow_calls_published_subflows(client: Client) -> None:
    client.save(hello())
    client.save(calling("hello"))
    outer = calling("hello")["id"]
    for flow_id in ("hello", outer):
        assert client.put(f"/api/flows/{flow_id}/published", json={}).status_code == 200
    programs = client.studio.programs
    before = programs.document(programs.keep(outer, draft=False))
    save(client, {**hello(), "name": "Changed"})
    root = programs.keep(outer, draft=False)
    assert programs.document(root) == before
    assert root == programs.keep(outer, draft=False)
    assert root != programs.keep(outer, draft=True), (
        "the draft of the outer flow calls the draft of the inner"
    )


def test_publishing_what_was_not_looked_at_is_refused(client: Client) -> None:
    client.save(FLOW)
    seen = revision_of(FLOW)
    save(client, {**FLOW, "name": "B"})
    refused = client.put("/api/flows/f/published", json={"revision": seen})
    assert (refused.status_code, refused.json()["code"]) == (412, "flow.stale")
    missing = client.put("/api/flows/f/published", json={"version": 99})
    assert (missing.status_code, missing.json()["code"]) == (404, "version.not_found")
    assert client.get("/api/flows/f/versions").json()["published"] is None


def test_the_pages_do_all_of_it_without_script(client: Client) -> None:
    def see(path: str) -> Page:
        answer = client.get(path, headers=AS_PERSON)
        assert answer.status_code == 200, answer.text[:500]
        return Page(answer.text)

    def press(path: str, **form: str) -> str:
        answer = client.post(path, data=form, headers=AS_PERSON)
        assert answer.status_code == 303, answer.text[:500]
        return str(answer.headers["location"])

    client.save(saying("old"))
    page = see("/flows/say/versions")
    assert "No version yet" in page.text
    assert press("/flows/say/versions", name="<b>First</b>") == "/flows/say/versions"
    assert "<b>First</b>" in see("/flows/say/versions").text, "shown as text"
    first = see("/flows/say/publish")
    assert "Nothing of this flow is published yet" in first.text
    revision = client.get("/api/flows/say/versions").json()["versions"][0]["revision"]
    press("/flows/say/publish", revision=revision)
    save(client, saying("new"))
    again = see("/flows/say/publish")
    assert "greeting" in again.text
    assert "old" in again.text
    assert press("/flows/say/publish", revision="stale") == "/flows/say/publish", "looked at again first"
    assert client.get("/api/flows/say/versions").json()["published"] == 1
    assert client.get("/flows/say/diff?a=1&b=draft", headers=AS_PERSON).headers["location"] == (
        "/flows/say/diff/1..draft"
    )
    assert "greeting" in see("/flows/say/diff/1..draft").text
    press("/flows/say/versions/1/restore")
    assert client.get("/api/flows/say").json() == saying("old")
    rows = client.get("/api/flows/say/edits").json()["edits"]
    press(f"/flows/say/edits/{rows[0]['seq']}/restore")
    assert client.get("/api/flows/say").json() == saying("new")
    press("/flows/say/withdraw")
    assert client.get("/api/flows/say/versions").json()["published"] is None
    run = client.launch("say")
    client.until(run, "completed")
    assert "/flows/say/versions#v" in see(f"/runs/{run}").html


def test_a_difference_is_told_by_node_and_field() -> None:
    before = {
        "id": "f",
        "name": "A",
        "nodes": [
            {"id": "a", "type": "t", "position": {"x": 1, "y": 1}, "data": {"label": "Ask", "rate": 0.24}},
            {"id": "b", "position": {"x": 1, "y": 1}, "data": {"inputs": [{"id": "p", "type": "string"}]}},
            {"id": "c", "data": {"label": "Gone"}},
        ],
        "edges": [{"id": "e", "source": "a", "sourceHandle": "x", "target": "b", "targetHandle": "p"}],
    }
    after = {
        "id": "f",
        "name": "A",
        "nodes": [
            {"id": "a", "type": "t", "position": {"x": 9, "y": 1}, "data": {"label": "Ask", "rate": 0.255}},
            {"id": "b", "position": {"x": 5, "y": 1}, "data": {"inputs": [{"id": "p", "type": "string"}]}},
            {"id": "d", "type": "new", "data": {}},
        ],
        "edges": [],
    }
    told = compare(before, after)
    assert [(each.state, each.id) for each in told.nodes] == [
        ("changed", "a"),
        ("moved", "b"),
        ("added", "d"),
        ("removed", "c"),
    ]
    assert [each.path for each in told.nodes[0].fields] == ["data.rate"], "where it stands is not its meaning"
    assert told.sentence == "1 added, 1 removed, 1 changed, 1 wire: Ask: rate 0.24 → 0.255"
    renamed = {"id": "a", "type": "t", "data": {"label": "Ask again", "rate": 0.24}}
    assert compare(before, {**before, "nodes": [renamed, *before["nodes"][1:]]}).sentence == (
        "1 changed: “Ask” is now “Ask again”"
    )
    assert [(each.state, each.source_title, each.target_pin) for each in told.wires] == [
        ("removed", "Ask", "p")
    ]
    assert compare(after, after).is_empty


@pytest.mark.parametrize(
    ("mark", "state"), [("bookmark", "moved"), ("breakpoint", "moved"), ("remark", "changed")]
)
def test_the_first_mark_of_a_node_is_told_as_any_other(mark: str, state: str) -> None:
    bare = {"id": "f", "nodes": [{"id": "a", "data": {"label": "Ask"}}], "edges": []}
    marked = {
        "id": "f",
        "nodes": [{"id": "a", "data": {"label": "Ask", "canvas": {mark: True}}}],
        "edges": [],
    }
    for before, after in ((bare, marked), (marked, bare)):
        (told,) = compare(before, after).nodes
        assert (told.state, [each.path for each in told.fields]) == (state, [f"data.canvas.{mark}"])
