"""A failure inside a watched part goes where its author says, after what was done has been undone."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime.core.effects import EffectOutcome
from abstractruntime.core.models import Effect, EffectType, RunState
from drive import Document, Host, Played, end, flow, node, start

TRIP = """
start -> watch, watch:body -> train, train -> undo_train, undo_train -> hotel, hotel -> undo_hotel, undo_hotel -> pay,
undo_train:undo -> no_train, undo_hotel:undo -> no_hotel, pay -> good,
watch:failed -> sorry, sorry -> bad, watch.error_message -> sorry.message
"""


class World:
    """Books what it is told; says no to one thing, as often as it is asked."""

    def __init__(self, refuses: str = "") -> None:
        self.refuses = refuses
        self.done: list[str] = []

    def __call__(self, run: RunState, effect: Effect) -> EffectOutcome:
        name = effect.payload["subject"]
        if name == self.refuses:
            return EffectOutcome.failed(f"no {name}")
        self.done.append(name)
        return EffectOutcome.completed({"id": name})


def act(name: str, **more: Any) -> Document:
    return node("notify", pins={"subject": name}, **more)


def trip() -> Document:
    nodes = {
        "start": start(),
        "watch": node("on_error"),
        "undo_train": node("compensate"),
        "undo_hotel": node("compensate"),
        "sorry": node("answer_user"),
        "good": end(),
        "bad": end(),
    }
    for name in ("train", "hotel", "pay", "no_train", "no_hotel"):
        nodes[name] = act(name)
    return flow("trip", nodes, TRIP)


def play(document: Document, world: World, store: str = "memory:", **more: Any) -> Played:
    return Host(document, store=store, handlers={EffectType.NOTIFY: world}).play(**more)


@pytest.mark.parametrize(
    ("refuses", "done"),
    [
        ("", ["train", "hotel", "pay"]),
        ("train", []),
        ("hotel", ["train", "no_train"]),
        ("pay", ["train", "hotel", "no_hotel", "no_train"]),
    ],
)
def test_what_was_done_is_undone_in_reverse(store: str, refuses: str, done: list[str]) -> None:
    world = World(refuses)
    played = play(trip(), world, store)
    assert played.status == "completed"
    assert world.done == done
    if refuses:
        (message,) = played.messages
        assert f"no {refuses}" in message


def test_without_anybody_outside_the_run_fails_after_undoing(store: str) -> None:
    world = World("hotel")
    nodes = {
        "start": start(),
        "train": act("train"),
        "keep": node("compensate"),
        "hotel": act("hotel"),
        "back": act("back"),
    }
    played = play(
        flow("trip", nodes, "start -> train, train -> keep, keep -> hotel, keep:undo -> back"), world, store
    )
    assert (played.status, world.done) == ("failed", ["train", "back"])
    assert "no hotel" in str(played.error)
    assert played.failure["node_id"] == "hotel", "it is the first failure that is told"


def test_an_undo_that_fails_does_not_stop_the_others() -> None:
    world = World("no_hotel")
    document = trip()
    next(each for each in document["nodes"] if each["id"] == "pay")["type"] = "stop_with_error"
    document["edges"] = [wire for wire in document["edges"] if wire["source"] != "pay"]
    played = play(document, world)
    assert world.done == ["train", "hotel", "no_train"]
    assert "no no_hotel" in played.messages[0]


def test_a_question_inside_a_watched_part_survives_restarts(store: str) -> None:
    nodes = {
        "start": start(),
        "watch": node("on_error"),
        "ask": node("ask_user", pins={"prompt": "Go?"}),
        "break": node("stop_with_error", pins={"message": "broken"}),
        "sorry": node("answer_user"),
    }
    wires = "start -> watch, watch:body -> ask, ask -> break, watch:failed -> sorry, watch.error_code -> sorry.message"
    played = play(flow("asking", nodes, wires), World(), store, answers=["yes"])
    assert (played.status, played.messages) == ("completed", ["flow.failed"])


def test_each_turn_of_a_loop_is_watched_anew() -> None:
    nodes = {
        "start": start(),
        "each": node("loop", pins={"items": ["1", "x", "3"]}),
        "watch": node("on_error"),
        "add": node("add", pins={"b": 1}),
        "say": node("answer_user"),
        "bad": node("answer_user", pins={"message": "bad"}),
        "end": end(),
    }
    wires = """start -> each, each:loop -> watch, watch:body -> say, each.item -> add.a, add.result -> say.message,
    watch:failed -> bad, each:done -> end"""
    played = play(flow("numbers", nodes, wires), World())
    assert (played.status, played.messages) == ("completed", ["2", "bad", "4"])


def test_a_failure_in_a_loop_inside_ends_the_loop() -> None:
    nodes = {
        "start": start(),
        "watch": node("on_error"),
        "each": node("loop", pins={"items": ["a", "b", "c"]}),
        "tell": act("b"),
        "after": node("answer_user", pins={"message": "after"}),
        "say": node("answer_user", pins={"message": "caught"}),
    }
    wires = "start -> watch, watch:body -> each, each:loop -> tell, watch:failed -> say, watch:done -> after"
    played = play(flow("loops", nodes, wires), World("b"))
    assert (played.status, played.messages) == ("completed", ["caught"])


def test_an_error_output_of_the_step_itself_comes_first() -> None:
    nodes = {
        "start": start(),
        "watch": node("on_error"),
        "tell": act("b", onError="branch"),
        "own": node("answer_user", pins={"message": "own"}),
        "say": node("answer_user", pins={"message": "caught"}),
        "done": node("answer_user", pins={"message": "done"}),
    }
    wires = (
        "start -> watch, watch:body -> tell, tell:exec-error -> own, watch:failed -> say, watch:done -> done"
    )
    assert play(flow("own", nodes, wires), World("b")).messages == ["own", "done"]


def test_a_failure_while_handling_a_failure_goes_outside() -> None:
    nodes = {
        "start": start(),
        "outer": node("on_error"),
        "inner": node("on_error"),
        "one": node("stop_with_error", pins={"message": "one"}),
        "two": node("stop_with_error", pins={"message": "two"}),
        "say": node("answer_user"),
    }
    wires = """start -> outer, outer:body -> inner, inner:body -> one, inner:failed -> two,
    outer:failed -> say, outer.error_message -> say.message"""
    assert play(flow("twice", nodes, wires), World()).messages == ["two"]
