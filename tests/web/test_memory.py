"""What one run of the app remembers, the next one finds."""

from __future__ import annotations

from web.conftest import Client
from web.documents import end, flow, node, start

NOTING = flow(
    "noting",
    [start("text"), node("note", "memory_note", pinDefaults={"scope": "global"}), end("id")],
    [("start", "note"), ("note", "end"), ("start.text", "note.content"), ("note.note_id", "end.id")],
)
LOOKING = flow(
    "looking",
    [start(), node("look", "memory_query", pinDefaults={"scope": "all", "query": "tea"}), end("found")],
    [("start", "look"), ("look", "end"), ("look.rendered", "end.found")],
)


def test_a_note_of_one_run_is_found_by_another(client: Client) -> None:
    for document in (NOTING, LOOKING):
        client.save(document)
    noted = client.until(client.launch("noting", text="Ann likes tea"), "completed", "failed")
    assert noted["status"] == "completed", noted
    found = client.until(client.launch("looking"), "completed", "failed")
    assert found["status"] == "completed", found
    assert "Ann likes tea" in found["output"]["found"]
    assert noted["output"]["id"] in found["output"]["found"]
    runs = [row["run_id"] for row in client.get("/api/runs").json()["runs"]]
    assert len(runs) == 2, "a run that only keeps memory is nobody's run"
