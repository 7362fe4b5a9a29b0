"""A schedule fires each of its instants once or not at all, whatever happens in between."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abstractruntime.core.clock import parse_instant
from abstractruntime.core.models import RunStatus, WaitReason
from abstractruntime.nodes.define import NodeError
from abstractruntime.nodes.instants import read_schedule
from drive import Document, Host, Played, flow, node


def scheduled(schedule: str, *, busy: float = 0, recurrent: bool = True, **config: Any) -> Document:
    """A flow that tells each instant (and how many were left out), then is busy for some seconds."""
    wires = "when -> say, when.timestamp -> text.time, when.missed -> text.missed, text.result -> say.message"
    nodes = {
        "when": node("on_schedule", pins={"schedule": schedule, "recurrent": recurrent}, eventConfig=config),
        "text": node("concat", ins=["time", "missed"], concatConfig={"separator": " +"}),
        "say": node("answer_user"),
    }
    if busy:
        nodes["work"] = node("wait_until", pins={"duration": busy})
        wires += ", say -> work"
    return flow("clockwork", nodes, wires)


def live(host: Host, root: str, *, until: str, restarts: bool = True) -> list[str]:
    """Move the clock from wait to wait up to an instant; return what has been told so far."""
    stop = parse_instant(until)
    for _ in range(10_000):
        for run in every_run(host, root):
            if not run.status.is_over:
                host.runtime.tick(host.spec_of(run), run.run_id, 200)
        if any(run.status is RunStatus.RUNNING for run in every_run(host, root)):
            continue  # a firing has just begun a run of its own
        waits = [
            parse_instant(run.waiting.until)
            for run in every_run(host, root)
            if run.status is RunStatus.WAITING and run.waiting and run.waiting.reason is WaitReason.UNTIL
        ]
        if restarts:
            host.restart()
        if not waits or min(waits) > stop:
            host.clock.moment = max(stop, host.clock.moment)
            return told(host, root)
        host.clock.moment = max(min(waits), host.clock.moment)
    raise AssertionError("the schedule never rests")


def every_run(host: Host, root: str) -> list[Any]:
    return [host.runtime.get_state(root), *host.stores.runs.list_children(parent_run_id=root)]


def told(host: Host, root: str) -> list[str]:
    """The messages, shortened to the time of day."""
    return [message[11:16] + message[25:] for message in Played(host, root).messages]


def test_an_interval_keeps_its_grid_however_long_the_branch_takes(store: str) -> None:
    host = Host(scheduled("1h", busy=600), store=store)
    root = host.start()
    assert live(host, root, until="2030-01-01T04:30:00Z") == ["01:00 +0", "02:00 +0", "03:00 +0", "04:00 +0"]
    assert host.runtime.get_state(root).status is RunStatus.WAITING


def test_a_line_of_cron_is_read_in_its_time_zone(store: str) -> None:
    host = Host(scheduled("0 7 * * *", timeZone="Europe/Paris"), store=store)
    assert live(host, host.start(), until="2030-01-03T12:00:00Z") == ["06:00 +0"] * 3


def test_a_wake_that_comes_twice_fires_once(store: str) -> None:
    host = Host(scheduled("1h"), store=store)
    root = host.start()
    host.drive(root)
    host.clock.move(to="2030-01-01T01:00:00Z")
    for _ in range(4):
        host.restart()
        host.drive(root)
    assert told(host, root) == ["01:00 +0"]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("skip", ["06:00 +5"]),
        ("once", ["05:00 +4", "06:00 +0"]),
        ("all", ["03:00 +2", "04:00 +0", "05:00 +0", "06:00 +0"]),
    ],
)
def test_what_was_missed_while_the_server_was_off(store: str, policy: str, expected: list[str]) -> None:
    host = Host(scheduled("0 * * * *", missed=policy, catchUpLimit=3), store=store)
    root = host.start()
    host.drive(root)
    host.clock.move(to="2030-01-01T05:30:00Z")  # nobody was there for five and a half hours
    host.restart()
    assert live(host, root, until="2030-01-01T06:00:00Z") == expected


def test_a_few_seconds_late_is_not_missed(store: str) -> None:
    host = Host(scheduled("1h", missed="skip"), store=store)
    root = host.start()
    host.drive(root)
    host.clock.move(to="2030-01-01T01:00:40Z")
    assert live(host, root, until="2030-01-01T02:00:00Z") == ["01:00 +0", "02:00 +0"]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("skip", ["01:00 +0", "04:00 +2", "07:00 +2"]),
        ("queue", ["01:00 +0", "02:00 +0", "03:00 +0"]),
        ("allow", ["01:00 +0", "02:00 +0", "03:00 +0", "04:00 +0", "05:00 +0", "06:00 +0", "07:00 +0"]),
    ],
)
def test_what_comes_due_while_the_branch_is_busy(store: str, policy: str, expected: list[str]) -> None:
    host = Host(scheduled("1h", busy=2.5 * 3600, overlap=policy), store=store)
    assert live(host, host.start(), until="2030-01-01T07:20:00Z") == expected


def test_a_firing_with_a_run_of_its_own_knows_the_variables_of_its_schedule(store: str) -> None:
    document = scheduled("1h", overlap="allow")
    document["nodes"][1] = {"id": "text", **node("get_var", pins={"name": "who"})}
    document["edges"] = [e for e in document["edges"] if e["target"] != "text"]
    document["edges"][-1]["sourceHandle"] = "value"
    host = Host(document, store=store)
    root = host.start({"who": "Ada"})
    live(host, root, until="2030-01-01T01:30:00Z")
    assert Played(host, root).messages == ["Ada"]
    (child,) = host.stores.runs.list_children(parent_run_id=root)
    assert child.status is RunStatus.COMPLETED


@pytest.mark.parametrize("schedule", ["90m", "30 1 * * *", "2030-01-01T01:30", "2030-01-01T02:30+01:00"])
def test_once_is_once(store: str, schedule: str) -> None:
    host = Host(scheduled(schedule, recurrent=False), store=store)
    root = host.start()
    assert live(host, root, until="2030-01-05T00:00:00Z") == ["01:30 +0"]
    assert host.runtime.get_state(root).status is RunStatus.COMPLETED


def test_a_moment_that_has_passed_fires_at_once() -> None:
    host = Host(scheduled("2029-01-01T10:00"))
    assert live(host, host.start(), until="2030-01-01T00:00:00Z") == ["10:00 +0"]


def test_a_host_may_let_it_go_on_early() -> None:
    host = Host(scheduled("1h"))
    root = host.start()
    host.answer(host.drive(root), {"timestamp": "2030-01-01T00:45:00+00:00"})
    host.drive(root)
    assert told(host, root) == ["00:45 +0"]


def cron(line: str, zone: str, after: str, count: int) -> list[str]:
    schedule = read_schedule(line, ZoneInfo(zone))
    instants = schedule.after(parse_instant(after))
    return [next(instants).astimezone(ZoneInfo(zone)).isoformat() for _ in range(count)]


def test_a_time_that_spring_skips_happens_right_after_the_gap() -> None:
    assert cron("30 2 * * *", "Europe/Berlin", "2030-03-30T12:00:00Z", 2) == [
        "2030-03-31T03:00:00+02:00",
        "2030-04-01T02:30:00+02:00",
    ]


def test_a_time_that_autumn_repeats_happens_once() -> None:
    assert cron("30 2 * * *", "Europe/Berlin", "2030-10-26T12:00:00Z", 2) == [
        "2030-10-27T02:30:00+02:00",
        "2030-10-28T02:30:00+01:00",
    ]


def test_every_half_hour_goes_on_through_the_repeated_hour() -> None:
    found = cron("*/30 * * * *", "Europe/Berlin", "2030-10-26T23:59:00Z", 5)
    assert [text[11:] for text in found] == [
        "02:00:00+02:00",
        "02:30:00+02:00",
        "02:00:00+01:00",
        "02:30:00+01:00",
        "03:00:00+01:00",
    ]


LINES = ["30 2 * * *", "*/20 * * * *", "0 0 * * 1-5", "15 3 1,15 * *", "5 */6 * * *", "90m", "1d", "0.5h"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(LINES),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    st.integers(0, 3 * 365 * 24 * 60),
    st.lists(st.integers(1, 5000), min_size=1, max_size=8),
)
def test_any_sequence_of_looks_sees_each_instant_once(
    line: str, zone: str, start: int, steps: list[int]
) -> None:
    """However time is cut into pieces, the pieces together hold the instants of the whole, once each."""
    schedule = read_schedule(line, ZoneInfo(zone))
    begin = datetime(2029, 1, 1, tzinfo=UTC) + timedelta(minutes=start)
    now, last, seen = begin, begin, []
    for step in steps:
        now += timedelta(minutes=step)
        found, count = schedule.passed(last, now, 10_000)
        assert count == len(found)
        seen += found
        last = found[-1] if found else last
    whole, _ = schedule.passed(begin, now, 10_000)
    assert seen == whole == sorted(set(whole))
    upcoming = schedule.next(last, now)
    assert upcoming is not None
    assert upcoming > now
    newest, count = schedule.passed(begin, now, 2)
    assert (newest, count) == (whole[-2:], len(whole))


@pytest.mark.parametrize(
    "text",
    ["tomorrow", "", "0s", "-5m", "61 * * * *", "* * *", "1e9999d", "99999999999d", "0 0 30 2 *", None, 5],
)
def test_what_is_no_schedule_is_said_before_any_run(text: Any) -> None:
    with pytest.raises(NodeError, match="Write an interval"):
        read_schedule(text, UTC)
