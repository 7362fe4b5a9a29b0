"""Branches at once: each waits for itself, all of them are joined, and what fails or ends takes the others along."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime.core.models import RunState, RunStatus
from abstractruntime.scheduler.driver import Driver
from abstractruntime.testing.verify import verify
from drive import Document, Host, Played, end, flow, node, start


def fork(count: int) -> Document:
    outs = [f"then:{number}|execution" for number in range(count)]
    return node("parallel", ins=["exec-in"], outs=[*outs, "completed|execution"])


TWO = flow(
    "two",
    {
        "start": start(),
        "fork": fork(2),
        "tea": node("ask_user", pins={"prompt": "Tea?"}),
        "rain": node("ask_user", pins={"prompt": "Rain?"}),
        "keep": node("set_var", pins={"name": "said"}),
        "said": node("get_var", pins={"name": "said"}),
        "end": end("tea", "rain", "said"),
    },
    """
    start -> fork, fork:then:0 -> tea, fork:then:1 -> rain, tea -> keep, fork:completed -> end
    tea.response -> keep.value, said.value -> end.said, tea.response -> end.tea, rain.response -> end.rain
    """,
)


class Town(Host):
    """A host that drives whatever can move, as the scheduler of a server does."""

    def settle(self) -> None:
        driver = Driver(runtime=self.runtime, registry=self.registry, clock=self.clock)
        for _ in range(200):
            ids = [*driver.orphans(), *driver.due(self.clock())]
            for run_id in ids:
                driver.drive(run_id)
            if not ids:
                return
        raise AssertionError("It never comes to rest")

    def tree(self, root: str) -> list[RunState]:
        return Driver(runtime=self.runtime, registry=self.registry).descendants(root)

    def open_all(self, root: str) -> list[RunState]:
        """Return the runs of a tree that ask something."""
        return [run for run in self.tree(root) if run.waiting and run.waiting.prompt]

    def open(self, root: str) -> dict[str, RunState]:
        """Return them by the words of their questions."""
        return {run.waiting.prompt: run for run in self.open_all(root) if run.waiting and run.waiting.prompt}

    def reply(self, root: str, prompt: str, answer: Any) -> None:
        self.restart()
        self.answer(self.open(root)[prompt], {"response": answer} if isinstance(answer, str) else answer)
        self.restart()
        self.settle()

    def end_of(self, root: str) -> RunState:
        """Return the root, at rest, when nothing of its tree breaks a law of the kernel."""
        assert verify(self.stores, at_rest=True) == []
        return self.runtime.get_state(root)

    def left(self, root: str) -> list[str]:
        """Return the questions of runs that are not over."""
        return sorted(self.open(root))


@pytest.mark.parametrize("order", [("Tea?", "Rain?"), ("Rain?", "Tea?")])
def test_two_questions_are_open_at_once_and_answered_in_any_order(store: str, order: tuple[str, str]) -> None:
    town = Town(TWO, store=store)
    root = town.start()
    town.settle()
    assert set(town.open(root)) == {"Tea?", "Rain?"}
    for place, prompt in enumerate(order):
        town.reply(root, prompt, prompt.lower())
        assert town.end_of(root).status.is_over == (place == 1)
    assert town.end_of(root).output == {"tea": "tea?", "rain": "rain?", "said": "tea?", "success": True}
    visits = Played(town, root).visits
    assert visits[:2] == ["start", "fork"]
    assert (visits.count("tea"), visits.count("rain"), visits[-1]) == (1, 1, "end")


def test_what_plays_flows_answers_them_too() -> None:
    played = Host(TWO).play(answers=["a", "b"])
    assert played.asked == ["Tea?", "Rain?"]
    assert played.output == {"tea": "a", "rain": "b", "said": "a", "success": True}


def test_a_host_that_cannot_start_runs_asks_one_after_the_other() -> None:
    host = Host(TWO)
    host.runtime.set_workflow_registry(None)
    root = host.start()
    for prompt in ("Tea?", "Rain?"):
        run = host.drive(root)
        assert run.run_id == root
        assert run.waiting is not None
        assert run.waiting.prompt == prompt
        host.answer(run, {"response": "yes"})
    assert host.drive(root).output == {"tea": "yes", "rain": "yes", "said": "yes", "success": True}


MIXED = flow(
    "mixed",
    {
        "start": start(),
        "each": node("loop", pins={"items": ["x", "y"]}),
        "outer": fork(3),
        "inner": fork(2),
        "a": node("ask_user"),
        "a_text": node("concat", ins=["a", "b"], pins={"a": "A"}),
        "b": node("ask_user", pins={"prompt": "B"}),
        "late": node("wait_until", pins={"duration": 60}),
        "tell": node("emit_event", pins={"name": "late"}),
        "hear": node("wait_event", pins={"event_key": "late"}, effectConfig={"scope": "run"}),
        "hear2": node("wait_event", pins={"event_key": "late"}, effectConfig={"scope": "session"}),
        "say": node("answer_user"),
        "joined": node("answer_user", pins={"message": "joined"}),
        "end": end("last"),
    },
    """
    start -> each, each:loop -> outer, each:done -> end
    outer:then:0 -> inner, inner:then:0 -> a, inner:then:1 -> b, inner:completed -> say
    outer:then:1 -> late, late -> tell, outer:then:2 -> hear2, outer:completed -> joined
    each.item -> a_text.b, a_text.result -> a.prompt, each.item -> say.message, each.item -> end.last
    """,
)


def test_branches_in_branches_in_a_loop(store: str) -> None:
    town = Town(MIXED, store=store)
    root = town.start()
    town.settle()
    for item in ("x", "y"):
        assert town.left(root) == [f"A {item}", "B"]
        town.reply(root, "B", "yes")
        assert town.left(root) == [f"A {item}"]
        if item == "x":
            town.reply(root, f"A {item}", "yes")
            town.clock.move(seconds=61)
            town.settle()
        else:
            town.clock.move(seconds=61)
            town.settle()
            town.reply(root, f"A {item}", "yes")
    assert town.end_of(root).output == {"last": "y", "success": True}
    assert Played(town, root).messages == ["x", "joined", "y", "joined"]


def _risky(*, guarded: bool, **settings: Any) -> Document:
    nodes = {
        "start": start(),
        "try": node("on_error"),
        "fork": fork(3),
        "ask": node("ask_user", pins={"prompt": "Tea?"}),
        "wait": node("wait_until", pins={"duration": 60}),
        "fail": node("stop_with_error", pins={"message": "no rain"}),
        "call": node("subflow", subflowId="child"),
        "saved": end("why"),
        "end": end(),
    }
    wires = """
    fork:then:0 -> ask, fork:then:1 -> wait, wait -> fail, fork:then:2 -> call, fork:completed -> end
    """
    if not guarded:
        del nodes["try"], nodes["saved"]
        return flow("risky", nodes, wires + "start -> fork")
    guard = "start -> try, try:body -> fork, try:failed -> saved, try.error_message -> saved.why"
    return flow("risky", nodes, wires + guard)


CHILD = flow(
    "child",
    {"start": start(), "ask": node("ask_user", pins={"prompt": "Child?"}), "end": end("said")},
    "start -> ask, ask -> end, ask.response -> end.said",
)


def test_a_failure_in_one_branch_ends_the_others(store: str) -> None:
    town = Town(_risky(guarded=False), CHILD, store=store)
    root = town.start()
    town.settle()
    assert town.left(root) == ["Child?", "Tea?"]
    town.clock.move(seconds=61)
    town.restart()
    town.settle()
    run = town.end_of(root)
    assert (run.status.value, run.error) == ("failed", "no rain")
    assert Played(town, root).failure["node_id"] == "fail"
    assert town.left(root) == []
    assert {each.status.value for each in town.tree(root)[1:]} == {"completed", "cancelled"}


def test_a_failure_that_is_caught_outside_lets_the_other_branches_go(store: str) -> None:
    town = Town(_risky(guarded=True), CHILD, store=store)
    root = town.start()
    town.settle()
    town.clock.move(seconds=61)
    town.settle()
    assert town.end_of(root).output == {"why": "no rain", "success": True}
    assert town.left(root) == []


def test_a_subflow_in_a_branch_gives_back_what_it_has(store: str) -> None:
    nodes = {
        "start": start(),
        "fork": fork(2),
        "one": node("subflow", subflowId="child", outs=["exec-out", "said"]),
        "two": node("subflow", subflowId="child", outs=["exec-out", "said"]),
        "end": end("one", "two"),
    }
    wires = """
    start -> fork, fork:then:0 -> one, fork:then:1 -> two, fork:completed -> end
    one.said -> end.one, two.said -> end.two
    """
    town = Town(flow("both", nodes, wires), CHILD, store=store)
    root = town.start()
    town.settle()
    town.restart()
    asking = {town.runtime.get_state(str(run.parent_run_id)).current_node: run for run in town.open_all(root)}
    assert sorted(asking) == ["one", "two"]
    for number, place in enumerate(("two", "one")):
        town.answer(asking[place], {"response": f"answer {number}"})
        town.settle()
    assert town.end_of(root).output == {"one": "answer 1", "two": "answer 0", "success": True}


def test_a_failed_wait_may_leave_by_its_own_pin(store: str) -> None:
    failing = flow(
        "child",
        {
            "start": start(),
            "ask": node("ask_user"),
            "fail": node("stop_with_error", pins={"message": "gone"}),
        },
        "start -> ask, ask -> fail",
    )
    nodes = {
        "start": start(),
        "fork": fork(2),
        "call": node("subflow", subflowId="child", onError="branch"),
        "sorry": node("answer_user"),
        "ask": node("ask_user", pins={"prompt": "Tea?"}),
        "end": end(),
    }
    wires = """
    start -> fork, fork:then:0 -> call, fork:then:1 -> ask, fork:completed -> end
    call:exec-error -> sorry, call.error_message -> sorry.message
    """
    town = Town(flow("sorry", nodes, wires), failing, store=store)
    root = town.start()
    town.settle()
    town.reply(root, "Please respond:", "x")
    assert town.left(root) == ["Tea?"]
    town.reply(root, "Tea?", "yes")
    assert town.end_of(root).status is RunStatus.COMPLETED
    assert Played(town, root).messages == ["Subworkflow 'child' failed: gone"]


def test_an_end_in_one_branch_ends_all(store: str) -> None:
    nodes = {
        "start": start(),
        "fork": fork(2),
        "ask": node("ask_user", pins={"prompt": "Tea?"}),
        "other": node("ask_user", pins={"prompt": "Rain?"}),
        "end": end(),
    }
    wires = "start -> fork, fork:then:0 -> ask, fork:then:1 -> other, other -> end"
    town = Town(flow("race", nodes, wires), store=store)
    root = town.start()
    town.settle()
    town.reply(root, "Rain?", "yes")
    assert town.end_of(root).status is RunStatus.COMPLETED
    assert town.left(root) == []


def test_what_does_not_wait_is_done_in_order_and_starts_no_runs(store: str) -> None:
    nodes = {
        "start": start(),
        "fork": fork(2),
        "one": node("set_var", pins={"name": "a", "value": 1}),
        "two": node("set_var", pins={"name": "a", "value": 2}),
        "ask": node("ask_user"),
        "last": node("get_var", pins={"name": "a"}),
        "end": end("last"),
    }
    wires = """
    start -> fork, fork:then:0 -> one, fork:then:1 -> two, two -> ask, fork:completed -> end
    last.value -> end.last
    """
    town = Town(flow("order", nodes, wires), store=store)
    root = town.start()
    town.settle()
    assert len(town.tree(root)) == 1, "only one branch waits, so the run waits itself"
    town.reply(root, "Please respond:", "yes")
    assert town.end_of(root).output == {"last": 2, "success": True}


def test_a_run_cannot_be_made_to_carry_what_is_no_wait() -> None:
    cargo = {"type": "web_request", "payload": {"url": "http://example.org"}, "visit": 1}
    run = Host(TWO).play({"_carried": cargo}).state
    assert (run.status.value, "a word of the system" in str(run.error)) == ("failed", True)
