"""What past runs would do on another version: they are played with what came to them, and nothing is sent again."""

from __future__ import annotations

from typing import Any

import pytest

from drive import end, flow, node, start
from flowstudio.flow_tests import past
from web.conftest import Client
from web.page import Page
from web.test_flow_tests import change, ended, greeting

Json = Any


def deciding() -> dict[str, Json]:
    """Tell the boss when an amount is over the limit; say which it was."""
    nodes = {
        "start": start(amount=50),
        "over": node("compare", pins={"op": ">", "b": 100}, label="Over the limit"),
        "if": node("if", label="Is it much?"),
        "tell": node("notify", pins={"to": "boss", "subject": "Much"}, label="Tell the boss"),
        "end": end("amount"),
        "fine": end("amount"),
    }
    wires = """start -> if, if:true -> tell, tell -> end, if:false -> fine
    start.amount -> over.a, over.result -> if.condition, start.amount -> end.amount, start.amount -> fine.amount"""
    return flow("deciding", nodes, wires)


def three_runs(client: Client) -> list[str]:
    client.save(deciding())
    return [ended(client, client.launch("deciding", amount=amount)) for amount in (50, 80, 500)]


def set_limit(client: Client, limit: int) -> None:
    change(client, "deciding", lambda nodes: nodes["over"]["pinDefaults"].update(b=limit))


def told(client: Client, **query: Json) -> dict[str, Json]:
    answer = client.get("/api/flows/deciding/past-runs", params=query)
    answer.raise_for_status()
    return dict(answer.json())


def test_runs_that_would_take_another_branch_are_told_with_their_place(client: Client) -> None:
    small, middle, large = three_runs(client)
    assert {each["state"] for each in told(client)["runs"]} == {"same"}
    set_limit(client, 60)
    found = {each["run_id"]: each for each in told(client)["runs"]}
    assert {key: each["state"] for key, each in found.items()} == {
        small: "same",
        middle: "open",
        large: "same",
    }
    assert found[middle]["node_id"] == "tell", "it would tell the boss, and what comes of that nobody knows"
    set_limit(client, 1000)
    one = next(each for each in told(client)["runs"] if each["run_id"] == large)
    assert (one["state"], one["label"]) == ("differs", "Is it much?")
    assert "leaves by “false” instead of “true”" in one["words"]


def test_nothing_is_sent_kept_or_started_for_it(client: Client) -> None:
    three_runs(client)
    before = client.get("/api/runs").json()["runs"]
    set_limit(client, 10)
    assert len(told(client)["runs"]) == 3
    assert len(client.studio.outbox.notices()) == 1
    assert client.get("/api/runs").json()["runs"] == before
    assert client.studio.tests.shelf.tests("deciding") == []


def test_a_version_is_compared_as_well_as_the_draft(client: Client) -> None:
    three_runs(client)
    set_limit(client, 1000)
    number = client.post("/api/flows/deciding/versions", json={"name": "strict"}).json()["number"]
    set_limit(client, 100)
    assert {each["state"] for each in told(client)["runs"]} == {"same"}
    assert "differs" in {each["state"] for each in told(client, of=str(number))["runs"]}
    assert client.get("/api/flows/deciding/past-runs", params={"of": "999"}).status_code == 404
    assert client.get("/api/flows/nothing/past-runs").status_code == 404


def test_what_cannot_be_played_says_why(client: Client) -> None:
    run_id = three_runs(client)[2]
    forked = client.post(f"/api/runs/{run_id}/fork", json={"seq": 3, "effects": "live"})
    forked.raise_for_status()
    ended(client, forked.json()["run_id"])
    found = {each["run_id"]: each for each in told(client)["runs"]}
    assert found[forked.json()["run_id"]]["state"] == "left_out"
    assert "fork" in found[forked.json()["run_id"]]["words"]


def test_only_the_last_are_played_and_time_ends_it(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    last = three_runs(client)[-1]
    assert [each["run_id"] for each in told(client, limit=1)["runs"]] == [last]
    monkeypatch.setattr(past, "LONGEST_S", -1.0)
    assert told(client) == {"of": "draft", "runs": [], "is_cut": True}


def test_questions_get_the_answers_that_were_given(client: Client) -> None:
    client.save(greeting())
    ended(client, client.launch("greeting", word="Hi"), ["Ana"])
    change(client, "greeting", lambda nodes: nodes["say"].update(label="Say it"))
    found = past.past_runs(client.studio.tests, "greeting", "draft")
    assert [each.state for each in found.runs] == ["same"]


def test_the_page_plays_them_on_demand_and_groups_what_they_share(client: Client) -> None:
    three_runs(client)
    ended(client, client.launch("deciding", amount=900))
    number = client.post("/api/flows/deciding/versions", json={"name": "before"}).json()["number"]
    set_limit(client, 1000)
    address = f"/flows/deciding/diff/{number}..draft"
    assert "Play the last runs on the draft" in Page(client.get(address).text).text
    text = " ".join(Page(client.get(f"{address}?runs=1").text).text.split())
    assert "2 of 4 runs would go otherwise, 2 would do what they did." in text
    assert "2 runs at Is it much?" in text
    client.put("/api/flows/deciding/published", json={"version": number}).raise_for_status()
    assert "2 of 4 runs" in " ".join(Page(client.get("/flows/deciding/publish?runs=1").text).text.split())


def test_runs_that_give_something_else_in_one_place_are_one_group(client: Client) -> None:
    client.save(greeting())
    for name in ("Ana", "Bo"):
        ended(client, client.launch("greeting", word="Hi"), [name])
    change(client, "greeting", lambda nodes: nodes["tell"]["pinDefaults"].update(subject="Visitor"))
    found = past.past_runs(client.studio.tests, "greeting", "draft")
    assert [(len(each.runs), each.first.state, each.first.label) for each in found.turns] == [
        (2, "open", "Tell the boss")
    ]


def test_where_both_do_the_same_no_run_is_played(client: Client) -> None:
    three_runs(client)
    number = client.post("/api/flows/deciding/versions", json={"name": "before"}).json()["number"]
    change(client, "deciding", lambda nodes: nodes["tell"].update(label="Tell her"))
    text = Page(client.get(f"/flows/deciding/diff/{number}..draft?runs=1").text).text
    assert "Runs of both do the same" in text
    assert "The last runs on" not in text
