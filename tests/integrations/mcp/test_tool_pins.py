"""What a run knows of its tools, where nobody can be asked and where a server cannot be reached."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from abstractruntime.core.models import RunState
from abstractruntime.integrations.abstractcore import ApprovalToolExecutor, MappingToolExecutor
from abstractruntime.integrations.abstractcore.effect_handlers import make_tool_calls_handler
from abstractruntime.integrations.abstractcore.react_agent import react_agent_workflow
from abstractruntime.integrations.abstractcore.tool_mcp import McpToolset
from abstractruntime.integrations.mcp import McpConnections, McpServer
from integrations.abstractcore.scripted import call, result_of, tool_effect
from integrations.mcp.listening import SERVER

NOWHERE = McpServer("nowhere", command=(sys.executable, "-c", "raise SystemExit(1)"))


@pytest.fixture
def tools() -> Iterator[McpToolset]:
    connections = McpConnections([McpServer("ours", command=(sys.executable, str(SERVER), "stdio")), NOWHERE])
    yield McpToolset(connections, otherwise=MappingToolExecutor({"double": lambda n: 2 * n}))
    connections.close()


def a_run() -> RunState:
    return RunState.new(workflow_id="w", entry_node="use")


def reword(tools: McpToolset, description: str) -> None:
    [result] = tools.execute(tool_calls=[call("ours__reword", description=description)])["results"]
    assert result["success"], result


def test_where_nobody_can_be_asked_the_call_of_a_changed_tool_fails_and_the_others_go_on(
    tools: McpToolset,
) -> None:
    use, run = make_tool_calls_handler(tools=tools), a_run()
    batch = tool_effect(
        call("ours__changing", "c1", value=1), call("double", "c2", n=4), call("ours__add", "c3", a=1)
    )
    assert [each["success"] for each in result_of(use(run, batch))["results"]] == [True] * 3
    assert set(run.vars["_runtime"]["tool_hashes"]) == {"ours__changing", "ours__add"}
    reword(tools, "Burn a value.")
    changed, double, add = result_of(use(run, batch))["results"]
    assert changed["error"] == (
        "Tool 'ours__changing' has changed since this run first used it; start a new run to use it as it is now"
    )
    assert changed["meta"]["carried_out"] == "no"
    assert (double["output"], add["output"]) == (8, {"result": 3})
    assert result_of(use(a_run(), batch))["results"][0]["success"], "a new run takes it as it is"


def test_a_call_that_was_begun_before_a_crash_is_told_of_before_its_tool(tools: McpToolset) -> None:
    use, run = make_tool_calls_handler(tools=ApprovalToolExecutor(delegate=tools)), a_run()
    run.vars["_runtime"] = {"tool_hashes": {"ours__changing": "another"}}
    effect = tool_effect(call("ours__changing", value=1))
    asks = use(run, effect)
    assert asks.status == "waiting"
    assert "has changed since this run first used it" in asks.wait.prompt
    run.vars["_runtime"]["tool_approval_asked"] = asks.wait.details["with_answer"][
        "_runtime.tool_approval_asked"
    ]
    run.vars["_runtime"]["tool_approval"] = {"approved": True}
    run.current_node = "use"
    [result] = result_of(use(run, effect, was_begun=lambda: True))["results"]
    assert "It is not known whether 'ours__changing' was carried out" in result["error"]


def test_a_server_that_cannot_be_reached_is_told_without_asking_anybody(tools: McpToolset) -> None:
    use = make_tool_calls_handler(tools=ApprovalToolExecutor(delegate=tools))
    [result] = result_of(use(a_run(), tool_effect(call("nowhere__note", text="x"))))["results"]
    assert "could not be started" in result["error"]
    assert "The call of note was not carried out: it can be made again" in result["error"]
    failed = use(a_run(), tool_effect(call("nowhere__note", text="x"), fail_on_error=True))
    assert failed.status == "failed"
    assert failed.retryable
    mixed = use(a_run(), tool_effect(call("nowhere__note", "c1", text="x"), call("ours__add", "c2", a=1)))
    assert mixed.status == "waiting", "the other call is to be allowed"


def test_an_agents_tools_are_held_to_what_its_model_was_told_of(tools: McpToolset) -> None:
    def specs(names: Any) -> list[dict[str, Any]]:
        return [found for name in names if (found := tools.described(name))]

    run = a_run()
    run.vars = {"context": {"task": "Work"}, "_runtime": {"allowed_tools": ["ours__changing"]}}
    think = react_agent_workflow("visual_react_agent_1", specs).nodes["think"]
    [told] = think(run, None).effect.payload["tools"]  # type: ignore[arg-type,union-attr]
    assert told["description"] == "Return a value."
    assert "hash" not in told, "models are not told of hashes"
    reword(tools, "Burn a value.")
    think(run, None)  # type: ignore[arg-type]
    asks = make_tool_calls_handler(tools=ApprovalToolExecutor(delegate=tools))(
        run, tool_effect(call("ours__changing", value=1))
    )
    assert "ours__changing has changed since this run first used it" in asks.wait.prompt
    assert "“Burn a value.”" in asks.wait.prompt
