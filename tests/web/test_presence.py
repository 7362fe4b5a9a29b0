"""When the server was away, what a run says of it, and the restart that a page can ask for."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from abstractruntime.storage.base import PlacedRecord
from flowstudio.presence import LIST, MARK, Absence, Presence, repeated
from flowstudio.settings import Settings
from web.conftest import Client, open_client
from web.documents import asking

BASE = 1_800_000_000.0


def at(seconds: float) -> str:
    return datetime.fromtimestamp(BASE + seconds, UTC).isoformat()


class Hours:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = BASE

    def __call__(self) -> float:
        return self.now


def test_an_absence_is_from_the_last_sign_of_life_to_the_next_start(tmp_path: Path) -> None:
    hours = Hours()
    first = Presence(tmp_path, hours)
    first.begin()
    hours.now += 4
    first.touch()
    hours.now += 9
    second = Presence(tmp_path, hours)
    second.begin()
    assert second.between(at(0), None) == [Absence(at(4), at(13))]
    assert second.between(at(0), None)[0].seconds == 9
    assert Presence(tmp_path, hours).between(at(0), None) == [Absence(at(4), at(13))], "it is kept"


@pytest.mark.parametrize(
    ("begin", "end", "is_in"),
    [(0, 3, False), (0, 5, True), (5, 6, True), (12, None, True), (13, None, False)],
)
def test_an_absence_counts_for_the_runs_that_lived_meanwhile(
    tmp_path: Path, begin: float, end: float | None, is_in: bool
) -> None:
    (tmp_path / LIST).write_text(json.dumps([[at(4), at(13)]]))
    found = Presence(tmp_path).between(at(begin), None if end is None else at(end))
    assert bool(found) is is_in


def test_who_comes_back_at_once_was_not_away(tmp_path: Path) -> None:
    hours = Hours()
    Presence(tmp_path, hours).begin()
    hours.now += 0.4
    again = Presence(tmp_path, hours)
    again.begin()
    assert again.between(at(-1), None) == []


def test_a_list_that_cannot_be_read_is_told_and_costs_no_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / LIST).write_text("{")
    assert Presence(tmp_path).between(at(0), None) == []
    assert "earlier absences are not shown" in caplog.text


def record(step: str, status: str, moment: float, key: str = "k") -> PlacedRecord:
    told: dict[str, Any] = {
        "step_id": step,
        "status": status,
        "started_at": at(moment),
        "idempotency_key": key,
        "effect": {"type": "tool_calls"},
    }
    return PlacedRecord(int(moment), int(moment), "run", told)


GONE = [Absence(at(10), at(20))]


@pytest.mark.parametrize(
    ("records", "count"),
    [
        ([record("a", "started", 9), record("b", "started", 21)], 1),
        ([record("a", "started", 9), record("a", "completed", 9), record("b", "started", 21)], 0),
        ([record("a", "started", 9), record("a", "failed", 9), record("b", "started", 21)], 0),
        ([record("a", "started", 1), record("b", "started", 9)], 0),
        ([record("a", "started", 9), record("b", "started", 21, "another")], 0),
    ],
)
def test_only_what_had_no_end_and_was_begun_anew_after_an_absence_is_repeated(
    records: list[PlacedRecord], count: int
) -> None:
    assert repeated(records, GONE) == count


def test_a_run_that_outlived_the_server_says_so_in_its_page_and_its_stream(settings: Settings) -> None:
    with open_client(settings) as client:
        client.save(asking())
        run_id = client.launch("asking")
        client.asked(run_id)
        assert client.run(run_id)["away"] is None
    age(settings.data / MARK, 9)
    with open_client(settings) as client:
        away = client.run(run_id)["away"]
        assert (away["times"], away["repeated"]) == (1, 0)
        assert 9 <= away["seconds"] < 60
        assert "nothing repeated" in client.get(f"/runs/{run_id}").text
        client.post(f"/runs/{run_id}/cancel")
        client.until(run_id, "cancelled")
        told = client.get(f"/api/runs/{run_id}/events").text
        assert '"away":{"times":1,' in told
        new = client.launch("asking")
        client.asked(new)
        assert client.run(new)["away"] is None, "it began after the absence"


def test_the_first_steps_know_that_a_run_outlived_the_server(settings: Settings) -> None:
    ticked = 'start it again<span class="unseen">: done'
    with open_client(settings) as client:
        client.save(asking())
    age(settings.data / MARK, 9)
    with open_client(settings) as client:
        client.asked(run_id := client.launch("asking"))
        shown = client.get("/").text
        assert "start it again" in shown
        assert ticked not in shown, "it began after that absence"
    age(settings.data / MARK, 9)
    with open_client(settings) as client:
        assert ticked in client.get("/").text
        client.post(f"/runs/{run_id}/cancel")
        client.until(run_id, "cancelled")
        assert ticked in client.get("/").text, "it stays done"


def age(mark: Path, seconds: float) -> None:
    stood = mark.stat().st_mtime - seconds
    os.utime(mark, (stood, stood))


def test_a_page_can_restart_only_a_server_that_knows_how(client: Client) -> None:
    answer = client.post("/server/restart")
    assert (answer.status_code, answer.json()["code"]) == (409, "server.not_own")
    page = client.get("/", headers={"Accept": "text/html"}).text
    assert "/server/restart" not in page


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 204), ("0.0.0.0", 409)])
def test_a_restart_is_for_ones_own_machine(settings: Settings, host: str, status: int) -> None:
    asked: list[str] = []
    with open_client(replace(settings, host=host)) as client:
        app: Any = client._app
        app.state.restart = lambda: asked.append("restart")
        assert client.post("/server/restart").status_code == status
    assert asked == ["restart"] * (status == 204)
