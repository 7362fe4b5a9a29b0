"""Waiting for a moment: the run sleeps in the store and wakes at its time."""

import pytest

from abstractruntime.core.errors import NotWaiting
from abstractruntime.scheduler.driver import Driver
from abstractruntime.testing.verify import verify
from drive import NOBODY, Document, Host, end, flow, node, play, start

PATIENT = flow(
    "patient",
    {
        "start": start("seconds|number"),
        "wait": node("wait_until"),
        "say": node("answer_user", pins={"message": "now"}),
        "end": end(),
    },
    "start -> wait, wait -> say, say -> end, start.seconds -> wait.duration",
)


def test_a_delay_wakes_at_its_moment_and_not_before(store: str) -> None:
    host = Host(PATIENT, store=store)
    root = host.start({"seconds": 60})
    for seconds in (0, 30, 29):
        host.clock.move(seconds=seconds)
        host.restart()
        assert host.drive(root).status.value == "waiting"
    host.clock.move(seconds=1)
    assert host.drive(root).status.value == "completed"


@pytest.mark.parametrize("seconds", [0, -60])
def test_no_time_at_all_and_time_that_is_past_go_on_at_once(seconds: int) -> None:
    played = play(PATIENT, vars={"seconds": seconds})
    assert (played.status, played.waits) == ("completed", [])


def test_the_instant_of_a_visit_is_the_same_before_and_after_its_wait() -> None:
    document = flow(
        "instant",
        {
            "start": start(),
            "now": node("system_datetime", timeZone="UTC"),
            "wait": node("wait_event", pins={"event_key": "go"}),
            "end": end("key"),
        },
        "start -> wait, wait -> end, now.iso -> wait.event_key, wait.event_key -> end.key",
    )
    host = Host(document)
    root = host.start()
    waiting = host.drive(root)
    host.clock.move(seconds=3600)
    host.answer(waiting, {})
    assert host.drive(root).output == {"key": "2030-01-01T00:00:00+00:00", "success": True}


def test_a_run_that_ends_with_a_delay_has_an_empty_result() -> None:
    document = flow(
        "last", {"start": start("x"), "wait": node("wait_until", pins={"duration": 5})}, "start -> wait"
    )
    assert play(document, vars={"x": 1}).output == {"success": True, "result": {}}


WITH_DEADLINE = {
    "start": start(),
    "ask": node(
        "ask_user", pins={"prompt": "Ship it?", "deadline": 3}, effectConfig={"deadlineUnit": "hours"}
    ),
    "late": end("late", late="nobody"),
    "end": end("said", "late"),
}


def _asking(mode: str) -> Document:
    wires = (
        "start -> ask, ask -> end, ask:timeout -> late, ask.response -> end.said, ask.timed_out -> end.late"
    )
    if mode != "branch":
        wires = wires.replace("ask:timeout -> late, ", "")
    nodes = {name: each for name, each in WITH_DEADLINE.items() if mode == "branch" or name != "late"}
    nodes["ask"] = {**nodes["ask"], "data": {**nodes["ask"]["data"], "onTimeout": mode}}
    return flow("deadline", nodes, wires)


@pytest.mark.parametrize("mode", ["branch", "continue", "stop"])
def test_an_answer_in_time_stops_the_deadline(store: str, mode: str) -> None:
    host = Host(_asking(mode), store=store)
    root = host.start()
    asked = host.drive(root)
    assert asked.waiting is not None
    assert asked.waiting.until == "2030-01-01T03:00:00+00:00"
    host.clock.move(seconds=3 * 3600 - 1)
    host.restart()
    assert host.drive(root).status.value == "waiting"
    host.answer(host.drive(root), {"response": "yes"})
    host.clock.move(seconds=100)
    host.restart()
    assert host.drive(root).output == {"said": "yes", "late": False, "success": True}


@pytest.mark.parametrize("mode", ["branch", "continue", "stop"])
def test_when_nobody_answers_in_time_it_goes_on_as_chosen(store: str, mode: str) -> None:
    played = Host(_asking(mode), store=store).play(answers=[NOBODY])
    assert played.waits == [("ask", "user")]
    if mode == "stop":
        assert (played.status, played.failure["code"], played.failure["node_id"]) == (
            "failed",
            "wait.timed_out",
            "ask",
        )
    else:
        assert (
            played.output
            == {
                "branch": {"late": "nobody", "success": True},
                "continue": {"said": "", "late": True, "success": True},
            }[mode]
        )


def test_a_deadline_is_found_by_who_drives_and_an_answer_after_it_is_too_late(store: str) -> None:
    host = Host(_asking("branch"), store=store)
    root = host.start()
    run = host.drive(root)
    driver = Driver(runtime=host.runtime, registry=host.registry, clock=host.clock)
    assert (driver.due(), str(driver.next_due())) == ([], "2030-01-01 03:00:00+00:00")
    host.clock.move(seconds=3 * 3600)
    assert driver.due() == [root]
    assert driver.drive(root).output == {"late": "nobody", "success": True}
    with pytest.raises(NotWaiting):
        host.answer(run, {"response": "yes"})
    assert verify(host.stores, at_rest=True) == []


def test_an_amount_of_time_that_cannot_be_is_told_at_the_pin() -> None:
    document = _asking("branch")
    document["nodes"][1]["data"]["pinDefaults"]["deadline"] = 0
    played = play(document)
    assert (played.failure["code"], played.failure["pin"]) == ("wait.deadline", "deadline")
