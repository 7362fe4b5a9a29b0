"""A run on a fast clock: what it waits for comes so many times sooner, and its ledger says so."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from abstractruntime.core.clock import parse_instant
from drive import end, flow, node, start
from flowstudio.flow_inputs import waits_for_time
from flowstudio.flow_tests.suite import NoTest
from web.conftest import Client
from web.page import Page

DAY = 86_400
CHILD = flow(
    "child",
    {
        "start": start(),
        "ask": node(
            "ask_user",
            pins={"prompt": "Well?", "deadline": 7},
            onTimeout="continue",
            effectConfig={"deadlineUnit": "days", "remindEvery": 2},
        ),
        "end": end("late"),
    },
    "start -> ask, ask -> end, ask.timed_out -> end.late",
)


def waiting() -> dict[str, object]:
    """Wait a day, then until a date, then for an answer of a subflow that does not come."""
    date = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    nodes = {
        "start": start(),
        "nap": node("wait_until", pins={"duration": 1}, effectConfig={"durationType": "days"}),
        "date": node("wait_until", pins={"duration": date}, effectConfig={"durationType": "timestamp"}),
        "child": node("subflow", subflowId="child", outs=["exec-out", "late"]),
        "end": end("late"),
    }
    return flow(
        "slow", nodes, "start -> nap, nap -> date, date -> child, child -> end, child.late -> end.late"
    )


@pytest.fixture
def slow(client: Client) -> Client:
    client.save(CHILD)
    client.save(waiting())
    return client


def test_days_take_seconds_in_subflows_too_and_the_ledger_says_so(slow: Client) -> None:
    factor = 4 * DAY
    body = {"flow_id": "slow", "clock_factor": factor}
    run_id = slow.post("/api/runs", json=body).raise_for_status().json()["run_id"]
    assert slow.until(run_id, "completed", seconds=30)["output"]["late"] is True
    asked = [each["effect"]["payload"] for each in slow.records(run_id) if each["effect"]]
    timed = [each for each in asked if "until" in each]
    assert len(timed) >= 3
    assert {each["clock_factor"] for each in timed} == {factor}
    question = next(each for each in timed if each.get("stages"))
    first, last = parse_instant(question["stages"][0]["at"]), parse_instant(question["until"])
    assert last - first == timedelta(days=5) / factor
    assert "Fast clock × 345,600" in Page(slow.get(f"/runs/{run_id}").text).text
    with pytest.raises(NoTest, match="fast clock"):
        slow.studio.tests.save(run_id)


def test_the_form_has_the_switch_where_something_waits(slow: Client) -> None:
    form = Page(slow.get("/flows/slow/run").text)
    assert form.named("input", name="fast_clock")
    sent = {"form": "full", "fast_clock": "on"}
    began = time.time()
    run_id = slow.post("/flows/slow/run", data=sent, follow_redirects=False).headers["location"][6:]
    slow.wait(lambda: slow.run(run_id)["waiting"], bool)
    until = slow.studio.reader.state(run_id).waiting
    assert until is not None
    assert parse_instant(until.until).timestamp() - began < DAY / 2
    plain = flow("plain", {"start": start(), "end": end()}, "start -> end")
    slow.save(plain)
    assert not Page(slow.get("/flows/plain/run").text).named("input", name="fast_clock")
    assert not waits_for_time(plain)


def test_by_the_usual_clock_nothing_is_told(slow: Client) -> None:
    run_id = slow.launch("slow")
    slow.wait(lambda: slow.run(run_id)["waiting"], bool)
    records = [each["effect"]["payload"] for each in slow.records(run_id) if each["effect"]]
    assert not any("clock_factor" in each for each in records)
    assert "Fast clock" not in Page(slow.get(f"/runs/{run_id}").text).text


@pytest.mark.parametrize("factor", [0, 0.5, -1, 1_000_001, "fast", None])
def test_a_clock_that_cannot_be_is_refused(slow: Client, factor: object) -> None:
    answer = slow.post("/api/runs", json={"flow_id": "slow", "clock_factor": factor})
    assert answer.status_code == 422
    assert "clock_factor" in answer.text
