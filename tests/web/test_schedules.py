"""The page of what waits for the clock: schedules with their line, their times and what may be done."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from abstractruntime.core.clock import parse_instant
from abstractruntime.nodes.schedule import timetable
from drive import flow, node
from flowstudio.runner_schedules import Firing, firings
from web.conftest import Client
from web.page import Page

AS_PERSON = {"Accept": "text/html"}
LONG = "0 7 * * 1-5"


def clockwork(line: str = LONG, work: str = "answer_user", **config: Any) -> dict[str, Any]:
    """Tell the time at each of the times of a line."""
    nodes = {"when": node("on_schedule", pins={"schedule": line}, eventConfig=config), "work": node(work)}
    return flow("clockwork", nodes, "when -> work")


def see(client: Client) -> Page:
    answer = client.get("/schedules", headers=AS_PERSON)
    assert answer.status_code == 200, answer.text[:400]
    return Page(answer.text)


def started(client: Client, **more: Any) -> str:
    client.save(clockwork(**more))
    run_id = client.launch("clockwork")
    client.until(run_id, "waiting", "failed")
    return run_id


def act(client: Client, address: str, status: int = 303) -> None:
    answer = client.post(address, headers=AS_PERSON, data={"back": "/schedules"})
    assert answer.status_code == status, answer.text[:400]
    assert status != 303 or answer.headers["location"] == "/schedules"


def fired(client: Client, run_id: str) -> list[Firing]:
    found = [each for each in client.studio.schedules.all().schedules if each.run["run_id"] == run_id]
    return [*found[0].last] if found else []


def test_where_nothing_waits_the_page_says_how_to_get_there(client: Client) -> None:
    page = see(client)
    assert "Nothing waits for the clock" in page.text
    assert "On Schedule" in page.text
    assert page.named("a", href="/nodes/on_schedule")


def test_a_schedule_tells_its_line_in_words_its_zone_and_its_next_ten_times(client: Client) -> None:
    run_id = started(client, timeZone="Europe/Paris", missed="all", overlap="queue", catchUpLimit=3)
    page = see(client)
    assert page.values("data-schedule") == [run_id]
    for words in (
        "At 07:00 on Monday through Friday",
        LONG,
        "on the clock of Europe/Paris",
        "The next 10 times",
    ):
        assert words in page.text
    assert "each is run, the newest 3 of them" in page.text
    assert "it waits its turn, 3 at most" in page.text
    assert "It has not fired yet." in page.text
    told = client.studio.schedules.all().schedules[0].next
    assert len(told) == 10
    assert told[0] == parse_instant(client.run(run_id)["waiting"]["until"])
    assert all(here < there for here, there in itertools.pairwise(told))


def test_a_flow_with_a_schedule_that_nobody_runs_is_told(client: Client) -> None:
    client.save(clockwork())
    page = see(client)
    assert page.values("data-idle") == ["clockwork"]
    assert "No run yet" in page.text
    client.launch("clockwork")
    assert see(client).values("data-idle") == []


def test_a_wait_for_one_moment_is_told_apart(client: Client) -> None:
    nodes = {"start": node("on_flow_start"), "nap": node("wait_until", pins={"duration": 86_400})}
    client.save(flow("nap", nodes, "start -> nap"))
    client.until(run_id := client.launch("nap"), "waiting")
    page = see(client)
    assert page.values("data-moment") == [run_id]
    assert page.values("data-schedule") == []


def test_why_it_does_not_fire_is_said_and_it_can_go_on(client: Client) -> None:
    run_id = started(client)
    act(client, f"/runs/{run_id}/pause")
    assert "It does not fire: its run is paused" in see(client).text
    act(client, f"/schedules/{run_id}/fire", 409)
    act(client, f"/runs/{run_id}/resume")
    assert "does not fire" not in see(client).text
    act(client, f"/runs/{run_id}/cancel")
    page = see(client)
    assert page.values("data-schedule") == []
    assert page.values("data-idle") == ["clockwork"]


def test_a_schedule_that_failed_is_told_until_a_newer_run_is_alive(client: Client) -> None:
    run_id = started(client, work="stop_with_error")
    act(client, f"/schedules/{run_id}/fire")
    client.until(run_id, "failed")
    assert "It does not fire: its run has failed." in see(client).text
    assert [each.state for each in fired(client, run_id)] == ["failed"]
    new = client.launch("clockwork")
    assert see(client).values("data-schedule") == [new]


@pytest.mark.parametrize("overlap", ["skip", "queue", "allow"])
def test_run_now_fires_once_beside_the_other_times(client: Client, overlap: str) -> None:
    run_id = started(client, overlap=overlap)
    before = client.run(run_id)["waiting"]["until"]
    act(client, f"/schedules/{run_id}/fire")
    last = client.wait(
        lambda: fired(client, run_id),
        lambda found: bool(found) and found[-1].state == "completed" and found[-1].ended,
    )
    client.wait(
        lambda: client.run(run_id)["waiting"], lambda waiting: bool(waiting) and waiting["until"] == before
    )
    assert len(last) == 1
    assert abs(datetime.now(UTC) - parse_instant(last[0].due)) < timedelta(minutes=1)
    assert bool(last[0].run_id) == (overlap == "allow")
    given = [each for each in client.records(run_id) if (each.get("effect") or {}).get("type") == "resume"]
    assert len(given) == 1, "that somebody fired it stands in the ledger"


def test_two_runs_of_one_schedule_are_told(client: Client) -> None:
    started(client)
    assert "for the same times" not in see(client).text
    client.until(client.launch("clockwork"), "waiting")
    assert see(client).text.count("1 other run of this flow waits for the same times") == 2


def test_a_run_that_waits_for_something_else_cannot_be_fired(client: Client) -> None:
    nodes = {"start": node("on_flow_start"), "nap": node("wait_until", pins={"duration": 86_400})}
    client.save(flow("nap", nodes, "start -> nap"))
    client.until(run_id := client.launch("nap"), "waiting")
    act(client, f"/schedules/{run_id}/fire", 409)
    assert client.run(run_id)["status"] == "waiting"


def test_times_are_told_where_visits_are_told_no_more() -> None:
    """A run with very many visits tells their effects alone."""

    def wait(minute: int) -> list[dict[str, Any]]:
        effect = {"type": "wait_until", "payload": {"until": f"2030-01-01T00:{minute:02}:00+00:00"}}
        began = f"2030-01-01T00:{minute - 1:02}:01+00:00"
        return [
            {"node_id": "when", "status": each, "effect": effect, "started_at": began, "ended_at": began}
            for each in ("started", "waiting")
        ]

    work = {"node_id": "work", "status": "started", "effect": {"type": "tool_calls"}, "started_at": "later"}
    told = firings([*wait(1), *wait(2), work, *wait(3)], "when")
    assert [each.due[14:16] for each in told] == ["01", "02"]
    assert all(each.ended for each in told)


def test_a_line_that_is_computed_or_wrong_is_said_to_be(client: Client) -> None:
    assert timetable({}, ("schedule",)).written == ""
    wrong = timetable({"pinDefaults": {"schedule": "tomorrow"}})
    assert wrong.written == "tomorrow"
    assert "is no schedule" in wrong.wrong
    assert wrong.in_words == ""
    once = timetable(
        {"pinDefaults": {"schedule": "2030-01-31T09:00"}, "eventConfig": {"timeZone": "Europe/Paris"}}
    )
    assert once.in_words == "Once, on 31 Jan 2030 at 09:00:00"
    assert not once.recurrent
    assert len(once.following(datetime(2030, 1, 31, 8, tzinfo=UTC), 10)) == 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("15s", "Every 15 seconds"),
        ("1s", "Every second"),
        ("250ms", "Every 0.25 seconds"),
        ("90m", "Every 90 minutes"),
        ("1h", "Every hour"),
        ("1d", "Every day"),
        ("36h", "Every 36 hours"),
        ("*/5 * * * *", "Every fifth minute of every hour"),
        ("@daily", "At 00:00 every day"),
    ],
)
def test_lines_are_said_in_plain_words(line: str, words: str) -> None:
    assert timetable({"pinDefaults": {"schedule": line}}).in_words == words
