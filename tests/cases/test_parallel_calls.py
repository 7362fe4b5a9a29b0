"""Branches that call models and tools: a call that has to wait for a person holds up its own branch only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from abstractruntime.core.effects import EffectOutcome
from abstractruntime.core.models import Effect, EffectType, RunState
from abstractruntime.integrations.abstractcore import ApprovalToolExecutor, MappingToolExecutor
from abstractruntime.integrations.abstractcore.tool_calls import make_tool_calls_handler
from cases.test_parallel import Town, fork
from drive import Document, Played, end, flow, node, start
from flowstudio.ai.budget import within_budget
from flowstudio.ai.used import UsedByRuns


@dataclass
class World:
    """A tool that a person has to allow, and a model of which each call takes 42 tokens."""

    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def say(self, text: str) -> str:
        """Say something aloud."""
        self.said.append(text)
        return text.upper()

    def model(self, run: RunState, effect: Effect, next_node: str | None = None, **_: Any) -> EffectOutcome:
        """Answer with the prompt."""
        prompt = str(effect.payload["messages"][-1]["content"] if "messages" in effect.payload else "")
        prompt = prompt or str(effect.payload.get("prompt"))
        self.asked.append(prompt)
        return EffectOutcome.completed({"content": f"on {prompt}", "usage": {"total_tokens": 42}})


class Stored:
    """A store of a town, also after a restart."""

    def __init__(self, town: list[Town], store: str) -> None:
        self._town = town
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(getattr(self._town[0].stores, self._store), name)


def town_with(world: World, document: Document, store: str, tokens: int = 0) -> Town:
    towns: list[Town] = []
    executor = ApprovalToolExecutor(delegate=MappingToolExecutor({"say": world.say}))
    handlers: dict[EffectType, Callable[..., Any]] = {
        EffectType.TOOL_CALLS: make_tool_calls_handler(tools=executor),
        EffectType.LLM_CALL: within_budget(
            world.model,
            lambda: tokens,
            Stored(towns, "runs"),  # type: ignore[arg-type]
            UsedByRuns(Stored(towns, "ledger")),  # type: ignore[arg-type]
        ),
    }
    towns.append(Town(document, store=store, handlers=handlers))
    return towns[0]


def says(text: str, **rest: Any) -> Document:
    return node("call_tool", pins={"tool_call": {"name": "say", "arguments": {"text": text}}}, **rest)


def three(one: Document, two: Document, out: str) -> Document:
    """Two branches that call, and a third that runs on."""
    nodes = {
        "start": start(),
        "fork": fork(3),
        "one": one,
        "two": two,
        "keep": node("set_var", pins={"name": "free", "value": "yes"}),
        "told": node("answer_user", pins={"message": "the third ran on"}),
        "free": node("get_var", pins={"name": "free"}),
        "end": end("one", "two", "free"),
    }
    wires = f"""
    start -> fork, fork:then:0 -> one, fork:then:1 -> two, fork:then:2 -> keep, keep -> told
    fork:completed -> end, one.{out} -> end.one, two.{out} -> end.two, free.value -> end.free
    """
    return flow("three", nodes, wires)


def asking(town: Town, root: str) -> dict[str, RunState]:
    """Return the runs that ask something, by the node that asks."""
    return {run.current_node.removesuffix("~"): run for run in town.open_all(root)}


def calls_of(run: RunState) -> Iterator[dict[str, Any]]:
    yield from (run.waiting.details or {})["tool_calls"] if run.waiting else ()


@pytest.mark.parametrize("order", [("one", "two"), ("two", "one")])
def test_two_calls_are_to_be_allowed_at_once_and_answered_in_either_order(
    store: str, order: tuple[str, str]
) -> None:
    world = World()
    town = town_with(world, three(says("tea"), says("rain"), "result"), store)
    root = town.start()
    town.settle()
    town.restart()
    assert sorted(asking(town, root)) == ["one", "two"]
    assert Played(town, root).messages == ["the third ran on"]
    for place, name in enumerate(order):
        run = asking(town, root)[name]
        [call] = calls_of(run)
        changed = {"text": f"{name} changed"}
        town.answer(run, {"approved": True, "arguments": {call["runtime_call_id"]: changed}})
        town.restart()
        town.settle()
        assert world.said == [f"{each} changed" for each in order[: place + 1]]
        assert town.end_of(root).status.is_over == (place == 1)
    done = town.end_of(root)
    assert done.output == {"one": "ONE CHANGED", "two": "TWO CHANGED", "free": "yes", "success": True}
    assert not {"tool_approval", "tool_approval_asked"} & set(done.vars["_runtime"])
    visits = Played(town, root).visits
    assert (visits.count("one"), visits.count("two")) == (1, 1)


def test_what_is_denied_in_one_branch_is_denied_there_only(store: str) -> None:
    world = World()
    town = town_with(world, three(says("tea"), says("rain"), "success"), store)
    root = town.start()
    town.settle()
    for name, approved in (("two", False), ("one", True)):
        town.answer(asking(town, root)[name], {"approved": approved})
        town.settle()
    assert town.end_of(root).output == {"one": True, "two": False, "free": "yes", "success": True}
    assert world.said == ["tea"]


def test_one_node_that_two_branches_come_to_asks_for_each(store: str) -> None:
    nodes = {
        "start": start(),
        "fork": fork(2),
        "a": node("set_var", pins={"name": "a", "value": 1}),
        "b": node("set_var", pins={"name": "b", "value": 1}),
        "call": says("tea"),
        "end": end(),
    }
    wires = "start -> fork, fork:then:0 -> a, fork:then:1 -> b, a -> call, b -> call, fork:completed -> end"
    world = World()
    town = town_with(world, flow("shared", nodes, wires), store)
    root = town.start()
    town.settle()
    first, second = town.open_all(root)
    for run, word in ((second, "second"), (first, "first")):
        [call] = calls_of(run)
        town.answer(run, {"approved": True, "arguments": {call["runtime_call_id"]: {"text": word}}})
        town.settle()
    assert world.said == ["second", "first"]
    assert town.end_of(root).output == {"success": True}


def test_a_branch_that_is_over_takes_its_question_along(store: str) -> None:
    document = three(says("tea"), node("stop_with_error", pins={"message": "no rain"}), "result")
    town = town_with(World(), document, store)
    root = town.start()
    town.settle()
    assert town.end_of(root).error == "no rain"
    assert asking(town, root) == {}


def asks_model(prompt: str, **rest: Any) -> Document:
    return node("llm_call", pins={"prompt": prompt, "provider": "p", "model": "m"}, **rest)


def spent(document: Document) -> Document:
    """The same flow, after a call that uses up the budget."""
    first = {"id": "first", "position": {"x": 0, "y": 0}, **asks_model("first")}
    wires = [{**edge, "source": "first"} if edge["source"] == "start" else edge for edge in document["edges"]]
    leads = {"id": "e", "source": "start", "target": "first"}
    edges = [*wires, {**leads, "sourceHandle": "exec-out", "targetHandle": "exec-in"}]
    return {**document, "nodes": [*document["nodes"], first], "edges": edges}


@pytest.mark.parametrize("order", [("one", "two"), ("two", "one")])
def test_two_branches_ask_about_the_budget_at_once_and_the_third_runs_on(
    store: str, order: tuple[str, str]
) -> None:
    world = World()
    document = spent(three(asks_model("tea"), asks_model("rain"), "response"))
    town = town_with(world, document, store, tokens=40)
    root = town.start()
    town.settle()
    town.restart()
    found = asking(town, root)
    assert sorted(found) == ["one", "two"]
    assert len({run.waiting.wait_key for run in found.values() if run.waiting}) == 1, "one question for all"
    assert Played(town, root).messages == ["the third ran on"]
    for name in order:
        town.answer(found[name], {"response": "Go on"})
        town.restart()
        town.settle()
    done = town.end_of(root)
    assert done.output == {"one": "on tea", "two": "on rain", "free": "yes", "success": True}
    assert world.asked == ["first", *({"one": "tea", "two": "rain"}[name] for name in order)]


def test_a_budget_that_is_not_extended_fails_its_branch_only_where_that_is_caught(store: str) -> None:
    world = World()
    one = asks_model("tea", onError="continue")
    document = spent(three(one, asks_model("rain"), "response"))
    town = town_with(world, document, store, tokens=40)
    root = town.start()
    town.settle()
    found = asking(town, root)
    town.answer(found["one"], {"response": "Stop"})
    town.settle()
    assert Played(town, root).notes("one")[-1]["failure"]["message"].endswith("a person stopped it there.")
    town.answer(found["two"], {"response": "Go on"})
    town.settle()
    assert town.end_of(root).output["two"] == "on rain"
    assert world.asked == ["first", "rain"]


def remembering(prompt: str, **rest: Any) -> Document:
    """A call of a model that looks into memory first, so that the model is asked in the second half of the visit."""
    pins = {"prompt": prompt, "provider": "p", "model": "m", "memory": {"use_span_memory": True}}
    return node("llm_call", pins=pins, **rest)


def test_a_call_that_looked_into_memory_first_is_made_after_its_budget_is_extended(store: str) -> None:
    nodes = {"start": start(), "one": remembering("tea"), "end": end("said")}
    document = spent(flow("alone", nodes, "start -> one, one -> end, one.response -> end.said"))
    world = World()
    town = town_with(world, document, store, tokens=40)
    root = town.start()
    town.settle()
    [run] = town.open_all(root)
    assert (run.run_id, world.asked) == (root, ["first"])
    town.restart()
    town.answer(run, {"response": "Go on"})
    town.restart()
    town.settle()
    assert town.end_of(root).output == {"said": "on tea", "success": True}
    assert world.asked == ["first", "tea"]


@pytest.mark.parametrize("order", [("one", "two"), ("two", "one")])
def test_two_such_calls_in_branches_are_made_each_after_its_answer(
    store: str, order: tuple[str, str]
) -> None:
    world = World()
    document = spent(three(remembering("tea"), remembering("rain"), "response"))
    town = town_with(world, document, store, tokens=40)
    root = town.start()
    town.settle()
    found = asking(town, root)
    for name in order:
        town.answer(found[name], {"response": "Go on"})
        town.restart()
        town.settle()
    assert town.end_of(root).output == {"one": "on tea", "two": "on rain", "free": "yes", "success": True}
    assert world.asked == ["first", *({"one": "tea", "two": "rain"}[name] for name in order)]
    memory = [
        record["node_id"]
        for record in Played(town, root).records()
        if (record["effect"] or {}).get("type") == "memory_query" and record["status"] == "completed"
    ]
    assert sorted(memory) == ["one", "two"], "memory is asked once for each"
