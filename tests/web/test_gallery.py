"""The gallery: every starter flow can be looked at, run as it is and taken, into an empty library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from abstractruntime.core.models import RunStatus, WaitReason
from abstractruntime.nodes.catalog import new_data
from abstractruntime.testing.verify import verify
from flowstudio.app import build
from flowstudio.gallery import StarterNotFound
from flowstudio.pages.picture import ROW, picture
from flowstudio.pages.rows import last_runs
from flowstudio.settings import Settings, packaged
from web.conftest import Client
from web.page import Page

STARTERS = sorted(
    file.stem
    for file in packaged("flows").glob("samples/*.json")
    if json.loads(file.read_bytes())["order"] is not None
)


def page(client: Client, address: str) -> Page:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    return Page(answer.text)


def press(client: Client, address: str) -> str:
    answer = client.post(address, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def test_the_page_shows_all_of_them_and_those_with_a_badge(client: Client) -> None:
    shown = page(client, "/gallery").values("data-starter")
    assert sorted(shown) == STARTERS
    assert len(shown) == 14
    assert shown[0] == "hello-durable-world"
    with_model = page(client, "/gallery?only=uses+a+model").values("data-starter")
    assert set(with_model) == {"which-prompt-is-better", "support-triage"}
    assert "No starter flow is like that" in page(client, "/gallery?only=zebra").text


@pytest.mark.parametrize("flow_id", STARTERS)
def test_a_starter_runs_as_it_is_in_an_empty_library(client: Client, flow_id: str) -> None:
    address = press(client, f"/gallery/{flow_id}/run")
    assert address.startswith(f"/flows/{flow_id}?run=")
    run = client.until(address.split("run=")[1], "waiting", "completed", "failed", seconds=90)
    assert (run["status"] == "failed") == (flow_id == "fork-playground"), run
    assert client.get(f"/api/flows/{flow_id}").status_code == 200


@pytest.mark.parametrize("flow_id", STARTERS)
def test_a_starter_comes_with_tests_of_real_runs_that_pass(client: Client, flow_id: str) -> None:
    copied = [press(client, f"/gallery/{flow_id}/copy").removeprefix("/flows/") for _ in range(2)]
    assert copied[0] == flow_id != copied[1]
    for each in copied:
        assert client.studio.tests.shelf.broken(each) == {}
        results = client.studio.tests.run_all(each)
        assert len(results) >= 2
        assert {result.first for result in results.values()} == {""}
        assert {result.state for result in results.values()} == {"passed"}


def test_the_tests_of_a_starter_are_those_that_its_sample_names() -> None:
    for flow_id in STARTERS:
        sample = json.loads((packaged("flows") / "samples" / f"{flow_id}.json").read_bytes())
        wanted = {case["name"].lower() for case in sample["cases"] if case.get("test")}
        files = (packaged("flows") / "tests" / flow_id).glob("*.json")
        assert {json.loads(file.read_bytes())["name"].lower() for file in files} == wanted


def test_a_flow_that_is_there_keeps_the_tests_that_it_has(client: Client) -> None:
    press(client, "/gallery/hello-durable-world/copy")
    shelf = client.studio.tests.shelf
    first, second = shelf.tests("hello-durable-world")
    shelf.remove("hello-durable-world", first.id)
    press(client, "/gallery/hello-durable-world/run")
    assert [each.id for each in shelf.tests("hello-durable-world")] == [second.id]


@pytest.mark.parametrize("flow_id", STARTERS)
def test_a_recording_can_be_watched_and_does_nothing(client: Client, flow_id: str) -> None:
    address = press(client, f"/gallery/{flow_id}/watch")
    run_id = address.split("run=")[1].split("&")[0]
    assert address == f"/flows/{flow_id}?run={run_id}&entry=1"
    run = client.run(run_id)
    assert run["status"] in ("completed", "failed", "cancelled")
    stores = client.studio.stores
    records = client.records(run_id)
    assert len(records) > 3
    tree = client.studio.reader.tree(run_id)
    assert all(each.status.is_over for each in tree.runs)
    for each in tree.runs:
        last = len(stores.ledger.list(each.run_id))
        assert stores.journal.state_at(each.run_id, 1) is not None
        assert stores.journal.state_at(each.run_id, last) == stores.runs.load(each.run_id)
    assert verify(stores) == []
    assert client.studio.outbox.notices() == []
    assert not (client.studio.settings.data / "practice.json").exists()
    assert client.get(f"/flows/{flow_id}?run={run_id}").status_code == 200
    assert "Recording" in page(client, f"/runs/{run_id}").text
    assert press(client, f"/gallery/{flow_id}/watch") == address, "it is there"
    assert client.records(run_id) == records
    again = client.post(f"/api/runs/{run_id}/fork", json={"seq": 1, "reason": "to try"})
    assert again.status_code in (200, 201), again.text


@pytest.mark.parametrize("store", ["memory:", "json:///{}/runs", "sqlite:///{}/runs.db"])
def test_a_recording_is_whole_in_every_store(tmp_path: Path, store: str) -> None:
    where = Settings(
        data=tmp_path / "data", flows=tmp_path / "flows", store_url=store.format(str(tmp_path).lstrip("/"))
    )
    studio, _ = build(where)
    try:
        tree = studio.reader.tree(studio.recorded.bring("new-colleague"))
        assert len(tree.runs) == 7
        assert verify(studio.stores) == []
        for run in tree.runs:
            last = len(studio.stores.ledger.list(run.run_id))
            assert studio.stores.journal.state_at(run.run_id, last) == studio.stores.runs.load(run.run_id)
    finally:
        studio.ai.close()
        studio.stores.close()
        studio.history.close()


def test_a_recording_fits_the_flow_that_it_was_made_of_whatever_became_of_it(client: Client) -> None:
    press(client, "/gallery/hello-durable-world/copy")
    mine = client.get("/api/flows/hello-durable-world")
    changed = {**mine.json(), "name": "Mine", "nodes": [], "edges": []}
    client.put(
        "/api/flows/hello-durable-world", json=changed, headers={"If-Match": mine.headers["ETag"]}
    ).raise_for_status()
    run_id = press(client, "/gallery/hello-durable-world/watch").split("run=")[1].split("&")[0]
    assert "Hello Ana!" in client.run(run_id)["output"]["greeting"]
    assert client.get("/api/flows/hello-durable-world").json()["name"] == "Mine"


def test_an_empty_list_of_runs_offers_a_recorded_one(client: Client) -> None:
    assert "Watch a recorded run" in page(client, "/runs").text
    press(client, "/gallery/hello-durable-world/watch")
    assert "Watch a recorded run" not in page(client, "/runs").text


def test_its_subflows_come_with_it(client: Client) -> None:
    press(client, "/gallery/new-colleague/copy")
    assert {flow["id"] for flow in client.get("/api/flows").json()["flows"]} == {
        "new-colleague",
        "prepare-one-thing",
    }


def test_what_is_used_beside_it_comes_with_it(client: Client) -> None:
    press(client, "/gallery/invoice-reminder/copy")
    assert {flow["id"] for flow in client.get("/api/flows").json()["flows"]} == {
        "invoice-reminder",
        "mark-as-paid",
    }


def test_its_files_come_into_the_workspace_and_none_is_written_over(client: Client) -> None:
    press(client, "/gallery/hello-durable-world/copy")
    samples = client.studio.settings.files / "samples"
    assert not samples.exists()
    (samples / "notes").mkdir(parents=True)
    (samples / "notes" / "trip.md").write_text("mine", encoding="utf-8")
    press(client, "/gallery/daily-digest/copy")
    assert sorted(file.name for file in samples.rglob("*.*")) == [
        "bank.csv",
        "customers.csv",
        "invoices.csv",
        "kitchen.md",
        "measurements.csv",
        "meeting.md",
        "trip.md",
    ]
    assert (samples / "notes" / "trip.md").read_text(encoding="utf-8") == "mine"


def test_the_model_in_the_box_knows_what_to_say(client: Client) -> None:
    run_id = press(client, "/gallery/which-prompt-is-better/run").split("run=")[1]
    assert "2: Short answer." in client.asked(run_id, seconds=20)["prompt"]


def test_a_person_allows_the_refund_and_sees_what_the_draft_rests_on(client: Client) -> None:
    run_id = press(client, "/gallery/support-triage/run").split("run=")[1]
    asked = client.asked(run_id, seconds=20)
    [call] = asked["tool_calls"]
    assert (call["name"], call["arguments"]) == ("practice_refund", {"order": "R-17", "amount": 42.5})
    address = f"/api/prompts/{asked['run_id']}"
    wrong = {"approved": True, "arguments": {call["id"]: {"order": "R-17", "amount": -1}}}
    assert client.post(address, json={"response": wrong}).status_code == 422
    less = {"approved": True, "arguments": {call["id"]: {"order": "R-17", "amount": 20}}}
    client.post(address, json={"response": less}).raise_for_status()
    released = client.wait(lambda: client.asked(run_id), lambda prompt: not prompt["tool_calls"], seconds=20)
    assert "practice_handbook(broken goods) [SUCCESS] : Handbook, Broken goods: " in released["prompt"]
    assert "practice_refund(R-17) [SUCCESS] : 20 is paid back for R-17." in released["prompt"]
    assert "Your money is on its way back to you." in released["prompt"]
    books = json.loads((client.studio.settings.data / "practice.json").read_bytes())["books"]
    assert [entry["key"] for entry in books] == ["refund:R-17:20"]
    report = (client.studio.settings.files / "triage.md").read_text(encoding="utf-8")
    assert "## Timeline" in report
    assert "practice_order" in report


def test_telling_that_an_invoice_is_paid_ends_the_reminder_and_its_waits(client: Client) -> None:
    run_id = press(client, "/gallery/invoice-reminder/run").split("run=")[1]
    runs = client.studio.stores.runs
    client.wait(lambda: runs.list_runs(wait_reason=WaitReason.EVENT, status=RunStatus.WAITING), bool)
    told = client.launch("mark-as-paid", invoice="R-17")
    assert client.until(told, "completed")["output"]["reached"] == 1
    assert client.until(run_id, "completed")["output"]["result"] == "paid"


def test_a_second_copy_is_a_flow_of_its_own(client: Client) -> None:
    first = press(client, "/gallery/expense-approval/copy").removeprefix("/flows/")
    second = press(client, "/gallery/expense-approval/copy").removeprefix("/flows/")
    assert first == "expense-approval"
    assert second != first
    taken = [client.get(f"/api/flows/{flow_id}").json() for flow_id in (first, second)]
    assert [each["name"] for each in taken] == [
        "Expense approval with a deadline",
        "Expense approval with a deadline (copy)",
    ]
    assert taken[0]["nodes"] == taken[1]["nodes"]


def test_a_run_never_writes_over_what_a_person_has_made_of_it(client: Client) -> None:
    press(client, "/gallery/daily-digest/copy")
    mine = client.get("/api/flows/daily-digest")
    changed = {**mine.json(), "name": "My digest", "nodes": [], "edges": []}
    client.put(
        "/api/flows/daily-digest", json=changed, headers={"If-Match": mine.headers["ETag"]}
    ).raise_for_status()
    assert press(client, "/gallery/daily-digest/run") == "/flows/daily-digest"
    assert client.get("/api/flows/daily-digest").json()["name"] == "My digest"


@pytest.mark.parametrize("how", ["copy", "watch"])
@pytest.mark.parametrize("flow_id", ["which-prompt-is-better", "support-triage"])
def test_a_starter_that_was_taken_or_watched_runs_as_it_is_too(
    client: Client, flow_id: str, how: str
) -> None:
    press(client, f"/gallery/{flow_id}/{how}")
    inputs = dict(client.studio.gallery.starter(flow_id).inputs)
    run_id = client.studio.runner.launch(flow_id, inputs, actor="ada")
    client.until(run_id, "waiting", "completed", seconds=90)


def test_an_unknown_starter_is_refused(client: Client) -> None:
    assert client.post("/gallery/../run").status_code == 404
    assert client.post("/gallery/one-task/run").status_code == 404
    with pytest.raises(StarterNotFound, match="no flow 'zebra'"):
        client.studio.gallery.copy("zebra")


def test_the_first_steps_follow_what_was_done_and_can_be_hidden(client: Client) -> None:
    assert "First steps" not in page(client, "/").text
    run_id = press(client, "/gallery/fork-playground/run").split("run=")[1]
    client.until(run_id, "failed")
    assert page(client, "/").text.count(": done") == 1
    press(client, "/flows")
    assert page(client, "/").text.count(": done") == 2
    hidden = client.post("/first-steps/hide", follow_redirects=False).headers["set-cookie"]
    assert "HttpOnly" in hidden
    assert "First steps" not in client.get("/", headers={"Cookie": hidden.split(";")[0]}).text


def test_a_recording_that_was_watched_is_no_first_step(client: Client) -> None:
    press(client, "/gallery/hello-durable-world/watch")
    shown = page(client, "/").text
    assert "First steps" in shown
    assert ": done" not in shown


def test_a_recording_is_told_and_counted_nowhere(client: Client) -> None:
    flow_id = "hello-durable-world"
    recorded = press(client, f"/gallery/{flow_id}/watch").split("run=")[1].split("&")[0]
    studio = client.studio
    (row,) = client.get(f"/api/runs?flow_id={flow_id}").json()["runs"]
    assert (row["run_id"], row["recording"]) == (recorded, True)
    assert "Recording" in page(client, "/runs").text
    node_id = client.records(recorded)[0]["node_id"]
    assert studio.stories.runs_of(flow_id, node_id).looked_at == 0
    assert studio.tests.candidates(flow_id) == []
    assert last_runs(studio) == {}
    run_id = client.launch(flow_id)
    client.until(run_id, "completed", "failed", "waiting")
    rows = client.get(f"/api/runs?flow_id={flow_id}").json()["runs"]
    assert {each["run_id"]: each["recording"] for each in rows} == {run_id: False, recorded: True}
    assert last_runs(studio)[flow_id]["run_id"] == run_id
    assert [each.run["run_id"] for each in studio.stories.runs_of(flow_id, node_id).rows] == [run_id]
    forked = client.post(f"/api/runs/{recorded}/fork", json={"seq": 1, "reason": "to try"}).json()["run_id"]
    assert client.run(forked)["recording"] is False, "a fork of a recording is a run"


def test_a_picture_has_a_block_for_each_node_and_a_line_for_each_wire(client: Client) -> None:
    document = json.loads((packaged("flows") / "checklist.json").read_bytes())
    drawn = picture(document, client.studio.catalog)
    assert len(drawn.blocks) == len(document["nodes"])
    assert len(drawn.steps) + len(drawn.values) == len(document["edges"])
    assert all(block.family for block in drawn.blocks)
    assert picture({"nodes": []}, client.studio.catalog).box == "0 0 100 100"


def test_a_picture_leaves_out_the_pins_that_the_canvas_folds_away(client: Client) -> None:
    catalog = client.studio.catalog
    kind = catalog.get("agent")
    assert kind is not None

    def height(wires: tuple[str, ...] = (), **more: Any) -> float:
        node = {"id": "a", "type": "agent", "data": {**new_data(kind), **more}}
        edges = [
            {"source": "b", "sourceHandle": "out", "target": "a", "targetHandle": pin, "id": pin}
            for pin in wires
        ]
        return picture({"nodes": [node], "edges": edges}, catalog).blocks[0].h

    folded = height()
    assert height(canvas={"opened": True}) > folded
    assert height(("seed",)) - folded == height(pinExpressions={"seed": "1"}) - folded == ROW
