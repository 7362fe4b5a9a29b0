"""An agent's loop: each call a record, stopped and taken up anywhere, ended by an answer or by its limit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from abstractruntime import RunState, RunStatus, Runtime
from abstractruntime.integrations.abstractcore import (
    ApprovalToolExecutor,
    MappingToolExecutor,
    ToolApprovalPolicy,
    build_effect_handlers,
)
from abstractruntime.integrations.abstractcore.react_agent import LAST_TURN, react_agent_workflow
from abstractruntime.storage import open_stores
from integrations.abstractcore.scripted import Script, said

ADD = {"name": "add", "description": "Adds", "parameters": {"a": {"type": "integer"}}}


def specs(names: Any) -> list[dict[str, Any]]:
    return [ADD for name in names if name == "add"]


def wants(*calls: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    made = [{"name": name, "arguments": given, "call_id": f"c{n}"} for n, (name, given) in enumerate(calls)]
    return said("Let me see.", tool_calls=made, finish_reason="tool_calls")


class Agent:
    """An agent over a scripted model and a tool that keeps what it added."""

    def __init__(
        self, script: Script, url: str = "memory:", policy: ToolApprovalPolicy | None = None
    ) -> None:
        self.script, self.added = script, []
        self.spec = react_agent_workflow("agent", specs)
        self.stores = open_stores(url)
        self.policy = policy
        self.open()

    def open(self) -> None:
        """A process begins."""
        tools: Any = MappingToolExecutor({"add": self.add})
        if self.policy is not None:
            tools = ApprovalToolExecutor(delegate=tools, policy=self.policy)
        self.runtime = Runtime(
            run_store=self.stores.runs,
            ledger_store=self.stores.ledger,
            effect_handlers=build_effect_handlers(llm=self.script, tools=tools),
        )

    def add(self, a: int) -> int:
        self.added.append(a)
        return sum(self.added)

    def start(self, **settings: Any) -> str:
        given = {
            "context": {"task": "Add 1 and 2", "messages": [{"role": "user", "content": "Hello"}]},
            "scratchpad": {"max_iterations": settings.pop("max_iterations", 5)},
            "_runtime": {"allowed_tools": ["add"], "provider": "p", "model": "m", **settings},
        }
        return self.runtime.start(self.spec, given)

    def tick(self, run_id: str, **options: Any) -> RunState:
        return self.runtime.tick(self.spec, run_id, **options)


def test_it_thinks_acts_and_answers() -> None:
    script = Script(wants(("add", {"a": 1})), wants(("add", {"a": 2}), ("nope", {})), said("It is 3."))
    agent = Agent(script)
    run = agent.tick(agent.start(system_prompt_extra="Be brief.", temperature=0.1, seed=3, thinking="low"))
    assert run.status is RunStatus.COMPLETED, run.error
    assert run.output is not None
    assert (run.output["answer"], run.output["iterations"], run.output["stopped"]) == (
        "It is 3.",
        3,
        "answer",
    )
    assert agent.added == [1, 2]
    first, last = script.asked[0], script.asked[2]
    assert first["system_prompt"].endswith("Be brief.")
    assert first["tools"] == [ADD]
    assert [each["content"] for each in first["messages"]] == ["Hello", "Add 1 and 2"]
    assert {
        key: first["params"][key] for key in ("temperature", "seed", "thinking", "_provider", "_model")
    } == {
        "temperature": 0.1,
        "seed": 3,
        "thinking": "low",
        "_provider": "p",
        "_model": "m",
    }
    told = [each["content"] for each in last["messages"] if each["role"] == "tool"]
    assert told == ["1", "3", "Error: Tool 'nope' is not allowed for this node"]
    kinds = [
        each["effect"]["type"] for each in agent.runtime.get_ledger(run.run_id) if each["status"] == "started"
    ]
    assert kinds == ["llm_call", "tool_calls", "llm_call", "tool_calls", "llm_call"]


def test_a_model_that_loops_fails_when_its_turns_are_over_and_is_given_more(tmp_path: Path) -> None:
    """It goes on where it was, in a new process: nothing is asked or added again."""
    script = Script(*[wants(("add", {"a": 1}))] * 5, said("5"))
    agent = Agent(script, f"sqlite://{tmp_path}/runs.db")
    run_id = agent.start(max_iterations=2)
    for turns in (2, 4):
        run = agent.tick(run_id)
        assert (run.status, run.current_node, len(script.asked)) == (RunStatus.FAILED, "spent", turns)
        assert f"used its {turns} turns and has no answer yet; last it used add." in str(run.error)
        assert "give it 2 more" in str(run.error)
        assert agent.added == [1] * turns
        run.status, run.error = RunStatus.RUNNING, None
        agent.stores.runs.save(run)
        agent.open()
        assert agent.tick(run_id).status is RunStatus.FAILED, "unless somebody had it go on"
        run.vars["_runtime"]["retried"] = turns // 2
        agent.stores.runs.save(run)
    done = agent.tick(run_id)
    assert (done.status, done.output and done.output["answer"]) == (RunStatus.COMPLETED, "5")
    assert (agent.added, len(script.asked)) == ([1] * 5, 6)


def test_a_model_that_loops_has_to_answer_when_its_turns_are_over() -> None:
    script = Script(*[wants(("add", {"a": 1}))] * 2, said("I could not find out."))
    agent = Agent(script)
    run = agent.tick(agent.start(max_iterations=2, answer_at_limit=True))
    assert run.output is not None
    assert (run.output["answer"], run.output["stopped"]) == ("I could not find out.", "max_iterations")
    last = script.asked[-1]
    assert last["tools"] is None
    assert last["messages"][-1]["content"] == LAST_TURN
    assert agent.added == [1, 1]


def test_without_tools_it_only_answers() -> None:
    script = Script(said("Hi"))
    agent = Agent(script)
    run = agent.tick(agent.start(allowed_tools=[]))
    assert run.output is not None
    assert run.output["answer"] == "Hi"
    assert script.asked[0]["tools"] is None


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_it_is_taken_up_anywhere(tmp_path: Path, steps: int) -> None:
    """A new process after every few steps: nothing is asked twice, nothing added twice."""
    script = Script(wants(("add", {"a": 1})), wants(("add", {"a": 2})), said("3"))
    agent = Agent(script, f"sqlite://{tmp_path}/runs.db")
    run_id = agent.start()
    for _ in range(30):
        run = agent.tick(run_id, max_steps=steps)
        if run.status is not RunStatus.RUNNING:
            break
        agent.open()
    assert run.status is RunStatus.COMPLETED, run.error
    assert agent.added == [1, 2]
    assert script.answers == []


def test_a_person_is_asked_and_edits(tmp_path: Path) -> None:
    script = Script(wants(("add", {"a": 1})), said("done"))
    agent = Agent(script, f"sqlite://{tmp_path}/runs.db", ToolApprovalPolicy(auto_approve_tools=[]))
    run_id = agent.start()
    waiting = agent.tick(run_id).waiting
    assert waiting is not None
    [call] = (waiting.details or {})["tool_calls"]
    assert call["arguments"] == {"a": 1}
    agent.open()
    edit = {"approved": True, "arguments": {call["runtime_call_id"]: {"a": 7}}}
    run = agent.runtime.resume(agent.spec, run_id, waiting.wait_key, edit)
    assert run.status is RunStatus.COMPLETED, run.error
    assert agent.added == [7]


def test_a_failed_call_fails_the_run_and_leaves_what_was_done() -> None:
    agent = Agent(Script(wants(("add", {"a": 1})), RuntimeError("the server is down")))
    run = agent.tick(agent.start())
    assert run.status is RunStatus.FAILED
    assert "the server is down" in str(run.error)
    assert agent.added == [1]
    assert run.current_node == "think"


def test_a_long_answer_of_a_tool_is_cut_for_the_model() -> None:
    script = Script(wants(("add", {"a": 1})), said("long"))
    agent = Agent(script)
    agent.add = lambda a: "x" * 30_000  # type: ignore[method-assign,assignment,return-value]
    agent.open()
    agent.tick(agent.start())
    told = script.asked[1]["messages"][-1]["content"]
    assert told.endswith("[... 10000 more characters]")
