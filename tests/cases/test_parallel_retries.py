"""Branches that try again: the pause before a further attempt holds up its own branch only."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

import pytest

from abstractruntime.core.effects import EffectOutcome
from abstractruntime.core.models import Effect, EffectType, RunState, RunStatus, WaitReason
from abstractruntime.nodes.catalog import Catalog, built_in, declared_in
from abstractruntime.nodes.define import EXEC_IN, EXEC_OUT, Call, Field, Pin, effect
from cases.test_parallel import Town, fork
from cases.test_parallel_calls import three
from drive import Document, Played, end, flow, node, start


class Shop:
    """Somebody to notify who is busy at first; what is asked for is in capitals then."""

    def __init__(self, busy: int) -> None:
        self.busy = busy
        self.calls: list[tuple[str, str]] = []

    def __call__(self, run: RunState, effect: Effect, *, idempotency_key: str) -> EffectOutcome:
        message = str(effect.payload["message"])
        self.calls.append((message, idempotency_key))
        if [each for each, _ in self.calls].count(message) <= self.busy:
            return EffectOutcome.failed("The shop is busy.")
        return EffectOutcome.completed({"id": message.upper(), "sent_at": "now"})

    def told(self, message: str) -> list[str]:
        """Return the keys of the calls with this message."""
        return [key for each, key in self.calls if each == message]


def tells(message: str, retries: int = 2, pause: int = 60, **rest: Any) -> Document:
    policy = {"retries": retries, "pause": pause, "longest": 3_600}
    return node("notify", pins={"to": "shop", "message": message}, policy=policy, **rest)


def document(one: Document, two: Document) -> Document:
    return three(one, two, "id")


def later(town: Town, seconds: float) -> None:
    town.clock.move(to=town.clock() + timedelta(seconds=seconds))
    town.restart()
    town.settle()


def test_the_pause_of_one_branch_lets_the_others_go_on(store: str) -> None:
    shop = Shop(busy=2)
    town = Town(
        document(tells("tea"), tells("rain", pause=10)), store=store, handlers={EffectType.NOTIFY: shop}
    )
    root = town.start()
    town.settle()
    assert [each for each, _ in shop.calls] == ["tea", "rain"]
    assert Played(town, root).messages == ["the third ran on"]
    pauses = [run for run in town.tree(root) if run.waiting and run.waiting.reason is WaitReason.UNTIL]
    assert sorted((run.waiting.details or {})["attempt"] for run in pauses if run.waiting) == [1, 1]
    later(town, 11)
    assert (len(shop.told("tea")), len(shop.told("rain"))) == (1, 2), "the shorter pause is over first"
    later(town, 20)
    assert (len(shop.told("tea")), len(shop.told("rain"))) == (1, 3)
    later(town, 30)
    assert len(shop.told("tea")) == 2
    assert not town.end_of(root).status.is_over
    later(town, 121)
    done = town.end_of(root)
    assert done.output == {"one": "TEA", "two": "RAIN", "free": "yes", "success": True}
    assert len(set(shop.told("tea"))) == 1, "all attempts are one request"
    assert len(set(shop.told("rain"))) == 1
    visits = Played(town, root).visits
    assert (visits.count("one"), visits.count("two")) == (1, 1)
    assert "retry" not in done.vars["_runtime"]


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_server_that_is_killed_every_few_steps_counts_the_attempts(store: str, steps: int) -> None:
    shop = Shop(busy=2)
    town = Town(document(tells("tea"), tells("rain")), store=store, handlers={EffectType.NOTIFY: shop})
    root = town.start()
    for _ in range(400):
        runs = (town.runtime.get_state(root), *town.tree(root))
        run = next((each for each in runs if each.status is RunStatus.RUNNING), None)
        if run is None:
            town.settle()
            if town.runtime.get_state(root).status.is_over:
                break
            later(town, 61)
            continue
        town.runtime.tick(town.spec_of(run), run.run_id, steps, plans_retries=True)
        town.restart()
    assert town.end_of(root).output == {"one": "TEA", "two": "RAIN", "free": "yes", "success": True}
    assert (len(shop.told("tea")), len(shop.told("rain"))) == (3, 3)
    assert (len(set(shop.told("tea"))), len(set(shop.told("rain")))) == (1, 1)


def test_attempts_that_are_used_up_end_their_own_branch_by_its_pin(store: str) -> None:
    shop = Shop(busy=9)
    flow_ = document(tells("tea", onError="continue"), tells("rain", retries=1, onError="continue"))
    town = Town(flow_, store=store, handlers={EffectType.NOTIFY: shop})
    root = town.start()
    town.settle()
    for _ in range(4):
        later(town, 300)
    assert (len(shop.told("tea")), len(shop.told("rain"))) == (3, 2)
    assert town.end_of(root).output == {"one": None, "two": None, "free": "yes", "success": True}


def test_a_failure_after_the_last_attempt_ends_the_run_and_the_other_pauses(store: str) -> None:
    shop = Shop(busy=9)
    town = Town(
        document(tells("tea", pause=3_000), tells("rain", retries=1)),
        store=store,
        handlers={EffectType.NOTIFY: shop},
    )
    root = town.start()
    town.settle()
    later(town, 61)
    done = town.end_of(root)
    assert "The shop is busy." in str(done.error)
    assert [run for run in town.tree(root) if not run.status.is_over] == []
    later(town, 9_000)
    assert len(shop.told("tea")) == 1


def test_what_is_tried_again_is_what_was_asked_whatever_the_others_have_changed(store: str) -> None:
    nodes = {
        "start": start(),
        "fork": fork(2),
        "one": tells("", pause=60),
        "word": node("get_var", pins={"name": "word"}),
        "keep": node("set_var", pins={"name": "word", "value": "changed"}),
        "end": end("one"),
    }
    nodes["one"]["data"]["pinDefaults"].pop("message", None)
    wires = """start -> fork, fork:then:0 -> one, fork:then:1 -> keep, word.value -> one.message
    fork:completed -> end, one.id -> end.one"""
    shop = Shop(busy=1)
    town = Town(flow("same", nodes, wires), store=store, handlers={EffectType.NOTIFY: shop})
    root = town.start({"word": "first"})
    town.settle()
    later(town, 61)
    assert [each for each, _ in shop.calls] == ["first", "first"]
    assert town.end_of(root).output == {"one": "FIRST", "success": True}


def test_the_last_branch_that_waits_does_so_in_the_run_itself(store: str) -> None:
    shop = Shop(busy=2)
    nodes = {
        "start": start(),
        "fork": fork(2),
        "keep": node("set_var", pins={"name": "x", "value": 1}),
        "one": tells("tea"),
        "end": end("one"),
    }
    wires = "start -> fork, fork:then:0 -> keep, fork:then:1 -> one, fork:completed -> end, one.id -> end.one"
    town = Town(flow("alone", nodes, wires), store=store, handlers={EffectType.NOTIFY: shop})
    root = town.start()
    town.settle()
    assert [run.run_id for run in town.tree(root)] in ([], [root])
    later(town, 61)
    later(town, 121)
    assert town.end_of(root).output == {"one": "TEA", "success": True}
    assert len(set(shop.told("tea"))) == 1


@effect(
    "run_at_once",
    family="flow",
    label="Run At Once",
    inputs=(EXEC_IN,),
    outputs=(EXEC_OUT, Pin("output", "object", description="What the flow gave.")),
    fields=(Field("subflowId", "flow", "", "Flow", "The flow to run."),),
    settle=lambda reply, call: {"output": reply.get("output")},
)
def run_at_once(call: Call) -> Effect:
    """Run a flow in this very step, as a package may."""
    payload = {"workflow_id": call.data["subflowId"], "vars": {}}
    return Effect(EffectType.START_SUBWORKFLOW, payload)


@pytest.mark.parametrize("order", [("Tea?", "Rain?"), ("Rain?", "Tea?")])
def test_a_flow_that_is_run_at_once_and_has_to_wait_holds_up_its_own_branch(
    store: str, order: tuple[str, str]
) -> None:
    types = Catalog((*built_in(), *declared_in(sys.modules[__name__])))
    ask = {"start": start(), "ask": node("ask_user", pins={"prompt": "Tea?"}), "end": end("said")}
    child = flow("child", ask, "start -> ask, ask -> end, ask.response -> end.said")
    nodes = {
        "start": start(),
        "fork": fork(3),
        "one": node("run_at_once", subflowId="child"),
        "two": node("ask_user", pins={"prompt": "Rain?"}),
        "told": node("answer_user", pins={"message": "the third ran on"}),
        "end": end("one", "two"),
    }
    wires = """start -> fork, fork:then:0 -> one, fork:then:1 -> two, fork:then:2 -> told
    fork:completed -> end, one.output -> end.one, two.response -> end.two"""
    town = Town(flow("at_once", nodes, wires), child, store=store, types=types)
    root = town.start()
    town.settle()
    assert set(town.open(root)) == {"Tea?", "Rain?"}
    assert Played(town, root).messages == ["the third ran on"]
    for prompt in order:
        town.reply(root, prompt, prompt.lower())
    expected = {"one": {"said": "tea?", "success": True}, "two": "rain?", "success": True}
    assert town.end_of(root).output == expected
