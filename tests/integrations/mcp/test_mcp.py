"""Tools of real MCP servers: a published one, and one of ours that also misbehaves."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from abstractruntime import RunStatus, Runtime, StepPlan, WorkflowSpec
from abstractruntime.core.models import EffectType
from abstractruntime.integrations.abstractcore import ApprovalToolExecutor
from abstractruntime.integrations.abstractcore.effect_handlers import make_tool_calls_handler
from abstractruntime.integrations.abstractcore.tool_mcp import (
    DelegatingMcpToolExecutor,
    McpToolExecutor,
    McpToolset,
    model_name,
)
from abstractruntime.integrations.mcp import BadMcpServer, McpConnections, McpFailed, McpServer
from abstractruntime.integrations.mcp.connections import failure
from abstractruntime.storage import open_stores
from integrations.abstractcore.scripted import call, tool_effect
from integrations.mcp.listening import Listening

SERVER = str(Path(__file__).with_name("tools_server.py"))
OURS = McpServer("ours", command=(sys.executable, SERVER, "stdio"), env={"GIVEN": "${TEST_GIVEN}"})


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[McpConnections]:
    monkeypatch.setenv("TEST_GIVEN", "a-key")
    monkeypatch.setenv("FLOWSTUDIO_TOKEN", "not-for-you")
    made = McpConnections([OURS], log_folder=tmp_path / "logs")
    yield made
    made.close()


def one(connections: McpConnections, tool: str, **arguments: Any) -> dict[str, Any]:
    done = McpToolset(connections).execute(tool_calls=[call(f"ours__{tool}", **arguments)])
    [result] = done["results"]
    return dict(result)


def test_a_published_server_answers() -> None:
    server = McpServer("time", command=(sys.executable, "-m", "mcp_server_time"))
    connections = McpConnections([server])
    tools = McpToolset(connections)
    specs, failed = tools.specs()
    assert [each["name"] for each in specs] == ["time__convert_time", "time__get_current_time"]
    assert specs[1]["parameters"]["required"] == ["timezone"]
    assert failed == {}
    good, bad = tools.execute(
        tool_calls=[
            call("time__get_current_time", timezone="Europe/Oslo"),
            call("mcp::time::get_current_time", timezone="Nowhere/At_All"),
        ]
    )["results"]
    assert good["output"]["timezone"] == "Europe/Oslo"
    assert bad["success"] is False
    assert "Nowhere/At_All" in bad["error"]
    connections.close()


def test_what_a_tool_says_and_how_it_fails(connections: McpConnections) -> None:
    assert one(connections, "add", a=1)["output"] == {"result": 3}
    assert "broken" in one(connections, "broken")["error"]
    assert "a" in one(connections, "add")["error"]
    assert "nope" in one(connections, "nope")["error"]


def test_a_server_is_given_what_it_is_to_have_and_no_more(connections: McpConnections) -> None:
    assert one(connections, "secret")["output"] == {"result": "a-key None"}


def test_a_tool_that_hangs_runs_out_of_time_and_the_session_goes_on(connections: McpConnections) -> None:
    one(connections, "add", a=1)
    executor = McpToolExecutor(server_id="ours", timeout_s=0.3, connections=connections)
    [result] = executor.execute(tool_calls=[call("ours__slow", seconds=5)])["results"]
    assert "timed out" in result["error"].lower()
    assert one(connections, "add", a=2)["output"] == {"result": 4}


def test_a_server_that_dies_in_a_call_is_started_again_for_the_next(connections: McpConnections) -> None:
    died = one(connections, "die")
    assert died["success"] is False
    assert "connection lost" in died["error"]
    assert "may or may not have been carried out" in died["error"]
    assert one(connections, "add", a=1)["success"] is True


@pytest.fixture
def http_server() -> Iterator[str]:
    listening = Listening().start()
    yield listening.url
    listening.stop()


def test_a_server_behind_http_that_died_or_was_started_anew_is_told_and_reached_again() -> None:
    listening = Listening().start()
    connections = McpConnections([McpServer("ours", url=listening.url, timeout_s=20)])
    try:
        assert one(connections, "add", a=1)["success"] is True
        died = one(connections, "die")["error"]
        assert "connection lost" in died
        assert "may or may not have been carried out" in died
        listening.start()
        assert one(connections, "add", a=1)["success"] is True
        listening.start()
        try:
            connections.call("ours", "add", {"a": 1})  # goes well where the end was noticed before the call
        except McpFailed as told:
            assert re.search(r"started anew .*the call was not carried out", str(told))  # noqa: PT017
        assert one(connections, "add", a=1)["success"] is True
    finally:
        connections.close()
        listening.stop()


@pytest.mark.parametrize("said", ["Session not found", "Session terminated"])
def test_a_session_that_the_server_does_not_know_is_told_as_begun_anew(said: str) -> None:
    told = str(failure(McpServer("ours", url="http://127.0.0.1:9/mcp"), RuntimeError(said), "failed at add"))
    assert re.search(r"'ours' failed at add: it was started anew .*the call was not carried out", told)


def test_a_server_behind_http_answers(http_server: str) -> None:
    executor = McpToolExecutor(server_id="web", mcp_url=http_server)
    results = executor.execute(tool_calls=[call("web__add", a=n) for n in range(3)])["results"]
    assert [each["output"] for each in results] == [{"result": n + 2} for n in range(3)]
    assert "web__note" in [each["name"] for each in executor.specs()]
    executor._connections.close()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        (McpServer("x", command=("no-such-command-here",)), "No such file"),
        (McpServer("x", url="http://127.0.0.1:9/mcp", timeout_s=5), "could not be reached"),
        (
            McpServer("x", command=(sys.executable, "-c", "import time; time.sleep(9)"), timeout_s=0.5),
            "within 0.5s",
        ),
        (
            McpServer("x", command=(sys.executable,), env={"K": "${NO_SUCH_VARIABLE}"}),
            "NO_SUCH_VARIABLE is not set",
        ),
    ],
)
def test_a_server_that_cannot_be_reached_is_told(server: McpServer, reason: str) -> None:
    connections = McpConnections([server])
    with pytest.raises(McpFailed, match="MCP server 'x'") as caught:
        connections.list_tools("x")
    assert reason in str(caught.value)
    specs, failed = McpToolset(connections).specs()
    assert specs == []
    assert set(failed) == {"x"}
    connections.close()


PYTHON = (sys.executable, "-c")


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (McpServer("x", command=("no-such-command-here",)), "could not be started: .*No such file"),
        (
            McpServer(
                "x", command=(*PYTHON, "raise SystemExit('no licence a-secret-value')"), env={"K": "${K}"}
            ),
            r"could not be started: .* It said: no licence \[secret\]",
        ),
        (
            McpServer("x", command=(*PYTHON, "import no_such_module")),
            "could not be started: .* It said: ModuleNotFoundError: No module named 'no_such_module'",
        ),
        (
            McpServer("x", command=(*PYTHON, "import time; time.sleep(9)"), timeout_s=0.5),
            "could not be started within 0.5s",
        ),
        (
            McpServer("x", command=PYTHON, env={"K": "${NO_SUCH_VARIABLE}"}),
            "could not be started: .*NO_SUCH_VARIABLE",
        ),
        (McpServer("x", url="http://127.0.0.1:9/mcp", timeout_s=5), "could not be reached"),
    ],
)
def test_a_call_that_no_server_could_take_is_told_as_not_carried_out(
    server: McpServer, words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("K", "a-secret-value")
    connections = McpConnections([server], log_folder=tmp_path)
    [result] = McpToolset(connections).execute(tool_calls=[call("x__note", text="hi")])["results"]
    connections.close()
    assert re.search(words, result["error"]), result["error"]
    assert "The call of note was not carried out: it can be made again" in result["error"]
    assert "may" not in result["error"]
    assert "in the settings of tools" in result["error"], "what to do"
    assert result["meta"]["carried_out"] == "no"


@pytest.mark.parametrize(("tool", "arguments"), [("die", {}), ("slow", {"seconds": 5})])
def test_a_call_whose_end_nobody_knows_is_told_as_such(
    connections: McpConnections, tool: str, arguments: dict[str, Any]
) -> None:
    one(connections, "add", a=1)
    executor = McpToolExecutor(server_id="ours", timeout_s=0.5, connections=connections)
    [result] = executor.execute(tool_calls=[call(f"ours__{tool}", **arguments)])["results"]
    assert result["meta"]["carried_out"] == "unknown"
    assert "see whether it was before you try again" in result["error"]


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "id"),
        ({"id": "a b", "url": "http://x"}, "id"),
        ({"id": "a"}, "either a command or an address"),
        ({"id": "a", "url": "ftp://x"}, "url"),
        ({"id": "a", "url": "http://"}, "url"),
        ({"id": "a", "url": "http://[x"}, "url: this is no address"),
        ({"id": "a", "url": "https://me:sk-1234@x/mcp"}, "url: leave name and password out"),
        ({"id": "a", "command": 5}, "command"),
        ({"id": "a", "command": "x", "env": []}, None),
        ({"id": "a", "command": "x", "env": [1]}, "env"),
        ({"id": "a", "command": "x", "timeout_s": -1}, "timeout_s"),
    ],
)
def test_a_description_is_checked(data: dict[str, Any], field: str | None) -> None:
    if field is None:
        assert McpServer.from_dict(data).env == {}
        return
    with pytest.raises(BadMcpServer, match=field):
        McpServer.from_dict(data)


def test_a_description_comes_back_as_it_was() -> None:
    data = {"id": "a", "command": ["x", "y"], "env": {"K": "${K}"}, "timeout_s": 3.0}
    assert McpServer.from_dict(data).to_dict() == data


def test_names_fit_what_models_may_be_told() -> None:
    assert model_name("s", "tool") == "s__tool"
    long = model_name("s", "t" * 100)
    assert len(long) == 64
    assert model_name("s", "a.b") not in (model_name("s", "a_b"), "s__a.b")


def test_a_delegating_executor_hands_the_calls_on() -> None:
    asked = DelegatingMcpToolExecutor(server_id="s", mcp_url="http://x").execute(tool_calls=[call("t")])
    assert (asked["mode"], asked["wait_reason"]) == ("delegated", "job")
    assert asked["wait_key"].startswith("mcp_job:")
    assert asked["details"]["tool_name_prefix"] == "mcp::s::"


class Client:
    """A host's own client."""

    def call_tool(self, *, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if name == "bad":
            return {"content": [{"type": "text", "text": "no"}], "isError": True}
        return {
            "content": [
                {"type": "text", "text": '{"x": 1}'},
                {"type": "image", "data": "aGk=", "mimeType": "image/png"},
            ]
        }


def test_a_host_may_bring_its_client() -> None:
    executor = McpToolExecutor(server_id="s", mcp_client=Client())
    bad, good = executor.execute(tool_calls=[call("s__bad"), call("mcp::s::good")])["results"]
    assert bad["error"] == "no"
    assert good["output"]["text"] == '{"x": 1}'


def flow(url: str, connections: McpConnections, file: Path) -> tuple[Runtime, WorkflowSpec]:
    executor = ApprovalToolExecutor(delegate=McpToolset(connections))
    stores = open_stores(url)
    handlers = {EffectType.TOOL_CALLS: make_tool_calls_handler(tools=executor)}
    runtime = Runtime(run_store=stores.runs, ledger_store=stores.ledger, effect_handlers=handlers)
    effect = tool_effect(call("ours__note", file=str(file), text="hi"))
    nodes: dict[str, Any] = {
        "ask": lambda run, ctx: StepPlan("ask", effect=effect, next_node="end"),
        "end": lambda run, ctx: StepPlan("end", complete_output=run.vars["results"]),
    }
    return runtime, WorkflowSpec(workflow_id="w", entry_node="ask", nodes=nodes)


@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_an_approved_call_survives_a_restart(
    transport: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    server = OURS
    if transport == "http":
        server = McpServer("ours", url=request.getfixturevalue("http_server"))
    connections = McpConnections([replace(server, env={})])
    url, file = f"sqlite://{tmp_path}/runs.db", tmp_path / "notes.txt"
    runtime, spec = flow(url, connections, file)
    run_id = runtime.start(spec)
    waiting = runtime.tick(spec, run_id).waiting
    assert waiting is not None
    assert (waiting.details or {})["tool_calls"][0]["arguments"] == {"file": str(file), "text": "hi"}
    answered = runtime.resume(spec, run_id, waiting.wait_key, {"approved": True}, max_steps=0)
    assert answered.status is RunStatus.RUNNING
    assert not file.exists()
    connections.close()  # the process ends here, between the answer and the call

    again = McpConnections([replace(server, env={})])
    runtime, spec = flow(url, again, file)
    done = runtime.tick(spec, run_id)
    again.close()
    assert done.status is RunStatus.COMPLETED, done.error
    assert file.read_text(encoding="utf-8") == "hi\n"
    assert done.output is not None
    assert done.output["results"][0]["output"] == {"result": "noted hi"}
