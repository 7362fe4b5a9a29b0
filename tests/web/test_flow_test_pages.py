"""Tests of flows on pages and over HTTP: saved in two steps, listed, played, mended, shown before publishing."""

from __future__ import annotations

from typing import Any

import httpx

from web.conftest import Client
from web.page import Page
from web.test_flow_tests import change, ended, greeting

Json = Any


def page(client: Client, address: str, status: int = 200) -> Page:
    answer = client.get(address)
    assert answer.status_code == status, answer.text
    return Page(answer.text)


def send(client: Client, address: str, **fields: str) -> httpx.Response:
    return client.post(address, data=fields, follow_redirects=False)


def words(client: Client, address: str) -> str:
    return " ".join(page(client, address).text.split())


def run_of(client: Client) -> str:
    client.save(greeting())
    return ended(client, client.launch("greeting"), ["Ana"])


ALL = dict.fromkeys(("way", "outputs", "files", "effects"), "on")


def test_a_run_is_a_test_after_one_form_with_a_name_already_in_it(client: Client) -> None:
    run = run_of(client)
    assert f"/runs/{run}/test" in page(client, f"/runs/{run}").values("href")
    form = page(client, f"/runs/{run}/test")
    assert "Word Hello" in form.values("value")
    answer = send(client, f"/runs/{run}/test", name="Greets Ana", **ALL)
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/flows/greeting/tests?new=greets-ana#t-greets-ana",
    )
    told = words(client, "/flows/greeting/tests?new=greets-ana")
    assert "1 of 1 test passed when last played" in told
    assert "Greets Ana Passed" in told


def test_the_empty_list_offers_runs_and_says_what_to_do_without_one(client: Client) -> None:
    client.save(greeting())
    told = words(client, "/flows/greeting/tests")
    assert "Turn a real run into a test" in told
    assert "Run the flow first" in told
    run = run_of_saved(client)
    told = words(client, "/flows/greeting/tests")
    assert "Runs to make a test of" in told
    assert "1 × notify" in told
    assert f"/runs/{run}/test" in page(client, "/flows/greeting/tests").values("href")


def run_of_saved(client: Client) -> str:
    return ended(client, client.launch("greeting"), ["Ana"])


def test_a_run_that_has_not_ended_is_not_offered_the_form(client: Client) -> None:
    client.save(greeting())
    run = client.launch("greeting")
    client.asked(run)
    assert f"/runs/{run}/test" not in page(client, f"/runs/{run}").values("href")
    assert "a test is made of a run that has ended" in words(client, f"/runs/{run}/test")
    answer = send(client, f"/runs/{run}/test", name="x", **ALL)
    assert answer.status_code == 422
    assert "this one is waiting" in answer.text


def test_what_differs_is_shown_before_the_expectation_is_updated(client: Client) -> None:
    run = run_of(client)
    send(client, f"/runs/{run}/test", name="Greets", **ALL)
    change(client, "greeting", lambda nodes: nodes["nap"]["pinDefaults"].update(duration=0.3))
    here = "/flows/greeting/tests/greets"
    assert "before the flow was changed" in words(client, "/flows/greeting/tests")
    assert send(client, f"{here}/run").headers["location"] == here
    assert "The flow does what it did" in words(client, here)

    change(client, "greeting", lambda nodes: nodes["tell"]["pinDefaults"].update(subject="Visitor"))
    assert send(client, f"{here}/run", back="list").headers["location"] == "/flows/greeting/tests#t-greets"
    told = words(client, "/flows/greeting/tests")
    assert "0 of 1 test passed" in told
    assert "Tell the boss : notify asks for something that was not recorded" in told.replace(
        "boss:", "boss :"
    )
    told = words(client, here)
    assert "What the flow would do now is not known" in told
    assert send(client, f"{here}/expectation").status_code == 422

    assert send(client, f"{here}/ignore", path="notify.subject").status_code == 303
    assert "The flow does what it did" in words(client, here)
    assert "notify.subject" in client.get(here).text


def test_a_changed_result_can_be_the_new_expectation(client: Client) -> None:
    document = greeting()
    client.save(document)
    run = run_of_saved(client)
    send(client, f"/runs/{run}/test", name="Greets", **ALL)
    more = client.get("/api/flows/greeting").json()
    more["edges"] = [each for each in more["edges"] if each["targetHandle"] != "said"]
    client.put("/api/flows/greeting", json=more, headers={"If-Match": "*"}).raise_for_status()
    here = "/flows/greeting/tests/greets"
    send(client, f"{here}/run")
    told = words(client, here)
    assert "This is right: update the expectation" in told
    assert 'instead of "Hello Ana!"' in told
    assert send(client, f"{here}/expectation").status_code == 303
    assert "The flow does what it did" in words(client, here)


def test_a_test_is_changed_and_removed_on_its_page(client: Client) -> None:
    run = run_of(client)
    send(client, f"/runs/{run}/test", name="Greets", **ALL)
    here = "/flows/greeting/tests/greets"
    send(client, f"{here}/change", name="Says hello", way="on", ignore="output.said\n\nmessages")
    row = client.get("/api/flows/greeting/tests").json()["tests"][0]
    assert (row["name"], row["checks"], row["ignore"]) == ("Says hello", ["way"], ["output.said", "messages"])
    assert send(client, f"{here}/change", name=" ", way="on").status_code == 422
    assert send(client, f"{here}/remove").headers["location"] == "/flows/greeting/tests"
    assert client.get(here).status_code == 404
    assert client.get("/api/flows/greeting/tests").json() == {"tests": [], "broken": {}}


def test_publishing_plays_the_tests_first_and_says_which_fail(client: Client) -> None:
    run = run_of(client)
    assert "No test yet" in words(client, "/flows/greeting/publish")
    send(client, f"/runs/{run}/test", name="Greets", **ALL)
    told = words(client, "/flows/greeting/publish")
    assert "The test passes on the draft" in told
    assert "Publish the draft" in told
    change(client, "greeting", lambda nodes: nodes["tell"]["pinDefaults"].update(subject="Visitor"))
    told = words(client, "/flows/greeting/publish")
    assert "1 of 1 test does not pass on the draft" in told
    assert "Publish all the same" in told
    assert "Tell the boss" in told
    before = client.studio.tests.shelf.results("greeting")["greets"]
    words(client, "/flows/greeting/publish")
    assert client.studio.tests.shelf.results("greeting")["greets"] == before, (
        "what is known is not played again"
    )


def test_programs_make_play_change_and_remove_tests(client: Client) -> None:
    run = run_of(client)
    made = client.post("/api/flows/greeting/tests", json={"run_id": run, "name": "Greets"})
    assert made.status_code == 201, made.text
    row = made.json()
    assert (row["id"], row["run_id"], row["result"]["state"]) == ("greets", run, "passed")
    assert client.get("/api/flows/greeting/tests/greets").json()["format"] == 1
    assert client.post("/api/flows/greeting/tests/greets/run", json={}).json()["state"] == "passed"
    changed = client.request(
        "PATCH", "/api/flows/greeting/tests/greets", json={"checks": ["way"], "name": "G"}
    )
    assert (changed.json()["checks"], changed.json()["name"]) == (["way"], "G")
    assert client.post("/api/flows/greeting/tests/greets/expectation").status_code == 200
    every = client.post("/api/flows/greeting/tests/run", json={"of": "draft"}).json()
    assert [each["result"]["state"] for each in every["tests"]] == ["passed"]
    assert client.delete("/api/flows/greeting/tests/greets").status_code == 204


def test_programs_are_told_what_is_wrong(client: Client) -> None:
    run = run_of(client)
    client.save({**greeting(), "id": "other"})
    other = client.post("/api/flows/other/tests", json={"run_id": run})
    assert (other.status_code, other.json()["code"]) == (409, "test.not_possible")
    assert client.post("/api/flows/greeting/tests", json={"run_id": "nothing"}).status_code == 404
    for method, address in (
        ("GET", "/api/flows/greeting/tests/none"),
        ("DELETE", "/api/flows/greeting/tests/none"),
        ("POST", "/api/flows/greeting/tests/none/expectation"),
    ):
        answer = client.request(method, address)
        assert (answer.status_code, answer.json()["code"]) == (404, "test.not_found")
    client.post("/api/flows/greeting/tests", json={"run_id": run, "name": "Greets"})
    wrong = client.post("/api/flows/greeting/tests/greets/run", json={"of": "77"})
    assert (wrong.status_code, wrong.json()["code"]) == (404, "version.not_found")
    assert (
        client.request("PATCH", "/api/flows/greeting/tests/greets", json={"checks": ["all"]}).status_code
        == 422
    )
    text = client.studio.settings.flows / "tests" / "greeting" / "greets.json"
    text.write_text("{}")
    answer = client.get("/api/flows/greeting/tests/greets")
    assert (answer.status_code, answer.json()["code"]) == (422, "test.malformed")
    assert "greets.json" in words(client, "/flows/greeting/tests")
