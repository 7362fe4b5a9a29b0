"""Before its deadline a question reminds its person, or goes to somebody else; it stays one question."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime.core.effects import EffectOutcome
from abstractruntime.core.models import EffectType, RunState, RunStatus
from abstractruntime.visualflow_compiler import check
from cases.test_parallel import Town, fork
from drive import Document, Played, end, flow, node, start

HOUR = 3600.0


def asks(**config: Any) -> Document:
    settings = {"assignee": "Ana", "deadlineUnit": "hours", **config}
    return node(
        "ask_user", pins={"prompt": "Ship it?", "deadline": 10}, onTimeout="branch", effectConfig=settings
    )


def asking(**config: Any) -> Document:
    nodes = {"start": start(), "ask": asks(**config), "late": end("late", late="nobody"), "end": end("said")}
    wires = "start -> ask, ask -> end, ask:timeout -> late, ask.response -> end.said"
    return flow("asking", nodes, wires)


STAGED = {"remindEvery": 3, "passOnAfter": 7, "passOnTo": "deputy"}


class Post:
    """Carries notices; a key is carried once."""

    def __init__(self) -> None:
        self.sent: dict[str, tuple[str, str]] = {}

    def __call__(self, run: RunState, effect: Any, *, idempotency_key: str) -> EffectOutcome:
        self.sent[idempotency_key] = (effect.payload["to"], effect.payload["subject"])
        return EffectOutcome.completed({"id": idempotency_key, "sent_at": "2030"})

    @property
    def told(self) -> list[tuple[str, str]]:
        return [*self.sent.values()]


def town_of(document: Document, store: str, post: Post | None = None) -> tuple[Town, str]:
    town = Town(document, store=store, handlers={EffectType.NOTIFY: post} if post else None)
    root = town.start()
    town.settle()
    return town, root


def hours(town: Town, count: float) -> None:
    """Let time pass, with a restart before anybody looks."""
    town.clock.move(seconds=count * HOUR)
    town.restart()
    town.settle()


def question(town: Town, root: str) -> tuple[str, list[dict[str, Any]]]:
    """Return for whom the open question is, and what has happened to it."""
    [run] = town.open_all(root)
    details = (run.waiting.details if run.waiting else None) or {}
    return details["assignee"], details.get("history", [])


def test_a_person_is_reminded_then_somebody_else_is_asked_and_then_it_is_late(store: str) -> None:
    post = Post()
    town, root = town_of(asking(**STAGED), store, post)
    asked_at = town.runtime.get_state(root).updated_at
    assert question(town, root) == ("Ana", [])
    hours(town, 3)
    assert [each.get("reminded") for each in question(town, root)[1]] == ["Ana"]
    hours(town, 3)
    assert [each.get("reminded") for each in question(town, root)[1]] == ["Ana", "Ana"]
    hours(town, 1)
    whom, history = question(town, root)
    assert (whom, history[-1]["from"], history[-1]["to"]) == ("deputy", "Ana", "deputy")
    hours(town, 2)
    assert question(town, root)[1][-1]["reminded"] == "deputy"
    assert town.runtime.get_state(root).updated_at == asked_at, "who has the form open can still send it"
    reminder, now_yours = ("Reminder: Ship it?", "For you now: Ship it?")
    assert post.told == [("Ana", reminder), ("Ana", reminder), ("deputy", now_yours), ("deputy", reminder)]
    hours(town, 0.9)
    assert question(town, root)[0] == "deputy"
    hours(town, 0.1)
    assert town.end_of(root).output == {"late": "nobody", "success": True}
    assert len(post.told) == 4


def test_an_answer_stops_what_was_to_come_and_is_taken_from_whoever_saw_the_question(store: str) -> None:
    post = Post()
    town, root = town_of(asking(**STAGED), store, post)
    seen = town.runtime.get_state(root)
    hours(town, 8)
    assert question(town, root)[0] == "deputy"
    key = seen.waiting.wait_key if seen.waiting else None
    spec = town.spec_of(seen)
    town.runtime.resume(spec, root, key, {"response": "yes"}, 0, asked_at=seen.updated_at)
    town.settle()
    hours(town, 50)
    assert town.end_of(root).output == {"said": "yes", "success": True}
    assert post.told == [("deputy", "For you now: Ship it?")], "of what was missed, the last is made up for"


def test_whoever_was_away_until_after_the_deadline_finds_it_late_and_tells_nobody(store: str) -> None:
    post = Post()
    town, root = town_of(asking(**STAGED), store, post)
    hours(town, 11)
    assert town.end_of(root).output == {"late": "nobody", "success": True}
    assert post.told == []


def test_several_reminders_that_were_missed_are_one(store: str) -> None:
    post = Post()
    town, root = town_of(asking(remindEvery=1), store, post)
    hours(town, 5.5)
    assert len(question(town, root)[1]) == 1
    hours(town, 0.5)
    assert [name for name, _ in post.told] == ["Ana", "Ana"]


def test_the_ledger_tells_each_stage_and_the_question_stays_open() -> None:
    town, root = town_of(asking(**STAGED), "memory:")
    hours(town, 3)
    hours(town, 4)
    told = [
        (record["status"], record["effect"]["payload"].get("reminded"), record["effect"]["payload"].get("to"))
        for record in Played(town, root).records()
        if (record["effect"] or {}).get("type") == "remind"
    ]
    assert told == [("waiting", "Ana", None), ("waiting", None, "deputy")]
    assert town.runtime.get_state(root).status is RunStatus.WAITING


def test_a_failing_post_does_not_keep_the_question_from_going_on() -> None:
    class Broken(Post):
        def __call__(self, run: RunState, effect: Any, *, idempotency_key: str) -> EffectOutcome:
            raise OSError("no paper")

    town, root = town_of(asking(**STAGED), "memory:", Broken())
    hours(town, 7)
    assert question(town, root)[0] == "deputy"


def test_a_question_in_a_branch_is_passed_on_too(store: str) -> None:
    nodes = {"start": start(), "fork": fork(2), "a": asks(**STAGED), "b": asks(), "end": end("a", "b")}
    wires = """
    start -> fork, fork:then:0 -> a, fork:then:1 -> b, fork:completed -> end
    a.response -> end.a, b.response -> end.b
    """
    town, root = town_of(flow("both", nodes, wires), store)
    hours(town, 7)
    found = sorted((run.waiting.details or {})["assignee"] for run in town.open_all(root) if run.waiting)
    assert found == ["Ana", "deputy"]
    for run in town.open_all(root):
        town.answer(run, {"response": "ok"})
        town.settle()
    assert town.end_of(root).output == {"a": "ok", "b": "ok", "success": True}


@pytest.mark.parametrize(
    ("config", "mode", "words"),
    [
        ({"remindEvery": 3}, "wait", ["there is none"]),
        ({"remindEvery": 0}, "branch", ["above zero"]),
        ({"remindEvery": "soon"}, "branch", ["above zero"]),
        ({"remindEvery": 10}, "branch", ["after the deadline"]),
        ({"passOnAfter": 12, "passOnTo": "deputy"}, "stop", ["after the deadline"]),
        ({"passOnAfter": 2}, "branch", ["say to whom"]),
        (STAGED, "branch", []),
        ({"remindEvery": "", "passOnTo": "deputy"}, "wait", []),
    ],
)
def test_what_never_happens_is_told_before(config: dict[str, Any], mode: str, words: list[str]) -> None:
    document = asking(**config)
    document["nodes"][1]["data"]["onTimeout"] = mode
    found = [problem.message for problem in check(document) if problem.code == "wait.stage"]
    assert [word in message for word, message in zip(words, found, strict=True)] == [True] * len(words)


def test_an_amount_that_cannot_be_fails_the_step() -> None:
    town, root = town_of(asking(remindEvery=-1), "memory:")
    assert "'Remind every' needs an amount above zero" in str(town.runtime.get_state(root).error)
