"""Publishing says what goes on as it is; the list of versions says how the tests went on each."""

from __future__ import annotations

from flowstudio.pages.under_way import Staying, results_by_version, staying
from web.conftest import Client
from web.documents import asking, hello
from web.test_pages import see
from web.test_schedules import started


def publish(client: Client, flow_id: str) -> None:
    assert client.put(f"/api/flows/{flow_id}/published", json={}).status_code == 200


def test_runs_that_wait_are_counted_by_their_version(client: Client) -> None:
    client.save(asking("asks"))
    page = see(client, "/flows/asks/publish")
    assert page.named("details", class_="card padded publish-risks")
    assert "risk in the draft" in page.text
    assert "No run of this flow is under way or waits" in page.text
    publish(client, "asks")
    runs = [client.launch("asks") for _ in range(2)]
    changed = client.put("/api/flows/asks", json=asking("asks", name="Other"), headers={"If-Match": "*"})
    assert changed.status_code == 200, changed.text
    publish(client, "asks")
    runs.append(client.launch("asks"))
    for each in runs:
        client.until(each, "waiting")
    assert staying(client.studio, "asks") == [Staying(2, waiting=1), Staying(1, waiting=2)]
    client.put("/api/flows/asks", json=asking("asks", name="Third"), headers={"If-Match": "*"})
    page = see(client, "/flows/asks/publish")
    assert "Version 2 : 1 run that waits Version 1 : 2 runs that wait" in page.text.replace(": ", " : ")
    assert "/runs?status=open&flow=asks" in page.values("href")


def test_a_schedule_is_told_as_one(client: Client) -> None:
    flow_id = "clockwork"
    started(client)
    (found,) = staying(client.studio, flow_id)
    assert (found.schedules, found.waiting, found.words) == (1, 0, "1 schedule")
    assert "cancel its run and run the flow" in see(client, f"/flows/{flow_id}/publish").text


def test_a_version_says_how_its_tests_went(client: Client) -> None:
    client.save(hello())
    run = client.launch("hello")
    client.until(run, "completed")
    client.studio.tests.save(run)
    client.studio.tests.run_all("hello")
    number = client.studio.versions.of_run(run)
    assert number is not None
    assert results_by_version(client.studio, "hello", number) == {number: (1, 1)}
    assert "1 test passes" in see(client, "/flows/hello/versions").text
    other = {**hello(), "name": "Other"}
    assert client.put("/api/flows/hello", json=other, headers={"If-Match": "*"}).status_code == 200
    assert results_by_version(client.studio, "hello", None) == {}, (
        "the result was of what the draft said before"
    )
    client.studio.tests.run_all("hello", str(number))
    assert results_by_version(client.studio, "hello", None) == {number: (1, 1)}
