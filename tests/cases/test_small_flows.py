"""The small flows that come beside the gallery end as docs/samples.md says, with a restart at every wait."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from drive import Host, Played
from house import ROOT

FLOWS = ROOT / "flows"


def played(*flow_ids: str, given: Mapping[str, Any] | None = None, answers: tuple[str, ...] = ()) -> Played:
    documents = [json.loads((FLOWS / f"{flow_id}.json").read_bytes()) for flow_id in flow_ids]
    return Host(*documents).play(given, answers)


@pytest.mark.parametrize(
    ("given", "answers", "decision", "messages"),
    [
        ({}, ("Approve",), "approved", ["Approved. The money is on its way."]),
        ({}, ("Reject",), "rejected", ["Rejected."]),
        ({"amount": 100}, (), "approved without asking", []),
    ],
)
def test_a_small_expense_passes_and_a_person_decides_about_the_others(
    given: dict[str, Any], answers: tuple[str, ...], decision: str, messages: list[str]
) -> None:
    ended = played("approve-expense", given=given, answers=answers)
    assert ended.output == {"decision": decision, "success": True}
    assert ended.messages == messages
    assert ended.asked == (["Ana spent 240 €. Approve?"] if answers else [])


def test_a_name_is_asked_for_and_greeted() -> None:
    ended = played("ask-and-greet", answers=("  Zoë 🌱 ",))
    assert (ended.status, ended.asked) == ("completed", ["What is your name?"])
    assert ended.messages == ["Hello, Zoë 🌱!"]


def test_a_checklist_asks_about_each_task_and_collects_the_answers() -> None:
    ended = played("checklist", "one-task", answers=("Done", "Not needed", "Not yet"))
    tasks = ["Back up the database", "Warn the team", "Update the server"]
    assert ended.asked == [f"Ana: is “{task}” done?" for task in tasks]
    given = ("Done", "Not needed", "Not yet")
    rows = [{"task": task, "answer": answer} for task, answer in zip(tasks, given, strict=True)]
    assert ended.output == {"answers": rows, "success": True}


def test_one_task_stands_by_itself() -> None:
    ended = played("one-task", answers=("Done",))
    assert ended.asked == ["You: is “Water the plants” done?"]
    assert ended.output == {"result": {"task": "Water the plants", "answer": "Done"}, "success": True}


def test_a_reminder_comes_when_its_time_is_over() -> None:
    ended = played("remind-me", given={"seconds": 3_600})
    assert (ended.waits, ended.messages) == ([("wait", "until")], ["Stretch your legs"])
    assert ended.host.clock().isoformat() == "2030-01-01T01:00:00+00:00"
