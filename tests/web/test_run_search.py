"""Words and values in the data of runs: found in their ledgers, a bounded part at a time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from drive import flow, node
from flowstudio import runner_search
from flowstudio.runner_search import leaves, wanted
from web.conftest import Client
from web.page import Page


def orders(flow_id: str = "orders") -> dict[str, Any]:
    body = (
        "print('looked at', number)\nreturn {'order': {'number': number, 'lines': [{'name': 'Quay lamp'}]}}"
    )
    nodes = {
        "start": node("on_flow_start", outs=["exec-out", "number|number"], pinDefaults={"number": 7}),
        "work": node(
            "code", label="Look up", ins=["exec-in", "number|number"], outs=["exec-out"], codeBody=body
        ),
        "end": node("on_flow_end", ins=["exec-in"]),
    }
    return flow(flow_id, nodes, "start -> work, work -> end, start.number -> work.number")


@pytest.fixture
def ran(client: Client) -> list[str]:
    """Three runs, the oldest first, with the numbers 17, 18 and 19."""
    client.save(orders())
    found = []
    for number in (17, 18, 19):
        found.append(client.launch("orders", number=number))
        client.until(found[-1], "completed")
    return found


def found_in(client: Client, **asked: Any) -> list[str]:
    answer = client.get("/api/run-data", params=asked)
    assert answer.status_code == 200, answer.text
    return [each["run"]["run_id"] for each in answer.json()["found"]]


def test_words_are_found_where_they_stand_in_one_value(client: Client, ran: list[str]) -> None:
    body = client.get("/api/run-data", params={"q": "LAMP quay"}).json()
    assert [each["run"]["run_id"] for each in body["found"]] == ran[::-1], "the newest first"
    hit = body["found"][0]["hits"][0]
    assert hit["node_id"] == "work"
    assert (hit["part"], hit["path"]) == ("gave", "order.lines[0].name")
    assert hit["excerpt"] == "Quay lamp"
    assert (body["looked_at"], body["next"]) == (3, None)
    assert found_in(client, q="looked 18") == [ran[1]], "what code printed"
    assert found_in(client, q="lamp", flow_id="other") == []


def test_an_exact_value_is_that_value_and_no_text_that_holds_it(client: Client, ran: list[str]) -> None:
    assert found_in(client, q="17", exact=True) == [ran[0]]
    assert found_in(client, q='"17"', exact=True) == []
    assert found_in(client, q="1", exact=True) == []
    assert found_in(client, q="1") == ran[::-1]
    assert found_in(client, q='"Quay lamp"', exact=True) == ran[::-1]
    assert found_in(client, q="Quay lamp", exact=True) == ran[::-1], "a text without quotes is a text"


def test_a_search_stops_after_so_many_records_and_goes_on_from_there(
    client: Client, ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_search, "MOST_RECORDS", 3)
    first = client.get("/api/run-data", params={"q": "17", "exact": True}).json()
    assert first["found"] == []
    assert (first["looked_at"], first["next"]) == (1, ran[2])
    page = Page(client.get("/runs/search", params={"q": "17", "exact": 1}).text)
    assert "Not found yet" in page.text
    address = next(each for each in page.values("href") if "after=" in each)
    assert ran[2] in address
    second = Page(client.get(address).text)
    assert ran[1] in next(each for each in second.values("href") if "after=" in each)


def test_the_page_leads_to_the_step_and_shows_text_as_text(client: Client, ran: list[str]) -> None:
    document = orders("hostile")
    document["nodes"][0]["data"]["pinDefaults"] = {"number": "<script>lamp</script>"}
    client.save(document)
    client.until(client.launch("hostile"), "completed")
    answer = client.get("/runs/search", params={"q": "lamp"})
    page = Page(answer.text)
    assert "<script>lamp" not in answer.text
    assert "Look up gave order.lines[0].name : Quay lamp" in page.text
    links = [each for each in page.values("href") if "#step-" in each]
    assert len(links) >= 4
    for link in links:
        assert link.partition("#")[2] in Page(client.get(link).text).values("id")
    assert "Not found" in Page(client.get("/runs/search", params={"q": "zebra"}).text).text
    assert "looked at" not in Page(client.get("/runs/search").text).text


def test_a_covered_secret_is_found_by_nobody(client: Client) -> None:
    assert not wanted("hush", False).fits("[secret]")
    assert [*leaves({"a": [1, {"b": "x"}], "c": None})] == [("a[0]", 1), ("a[1].b", "x"), ("c", None)]


def test_the_data_tab_leads_to_all_runs_with_the_same_value(client: Client, ran: list[str]) -> None:
    work = next(each for each in orders()["nodes"] if each["id"] == "work")
    asked = {"flow_id": "orders", "node": work, "wired": ["number"], "tab": "data"}
    page = Page(client.post("/editor/inspector", json=asked).text)
    links = [each for each in page.values("href") if each.startswith("/runs/search")]
    told = {
        json.loads(Page(client.get(each).text).named("input", name_="q")[0].attributes["value"])
        for each in links
    }
    assert told == {19, "Quay lamp"}
    watched = [tag.attributes for tag in page.named("button") if tag.attributes.get("data-do") == "watch"]
    told_of = {(each["data-side"], each["data-pin"], each["data-path-words"]) for each in watched}
    assert ("in", "number", "number") in told_of
    assert ("out", "order", 'order["lines"][0]["name"]') in told_of
