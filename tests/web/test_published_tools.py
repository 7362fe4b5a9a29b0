"""Published MCP servers, from packages, over stdio and over HTTP: offered to a model, called from a flow when a
person allows it, after restarts too."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from drive import end, flow, node, start
from flowstudio.settings import Settings
from integrations.mcp.listening import Everything
from web.conftest import Client, open_client
from web.moody import MoodyModel
from web.test_bad_models import provide

TIME = {"id": "time", "command": f"{sys.executable} -m mcp_server_time"}
SOURCES = Path(__file__).parents[2] / "server"
NOW = {"name": "time__get_current_time", "arguments": {"timezone": "Europe/Oslo"}}


@pytest.fixture
def moody() -> Iterator[MoodyModel]:
    made = MoodyModel()
    yield made
    made.close()


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everything]:
    server = Everything(tmp_path_factory.mktemp("everything"))
    yield server
    server.stop()


def calls_of(client: Client, run_id: str) -> list[str]:
    """Return what the ledger says of the run's tool calls, in order."""
    return [
        each["status"]
        for each in client.records(run_id)
        if (each.get("effect") or {}).get("type") == "tool_calls"
    ]


@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_an_approved_call_survives_a_restart_between_the_approval_and_the_call(
    settings: Settings, transport: str, request: pytest.FixtureRequest
) -> None:
    """Three processes: one asks, one takes the answer and ends before anything is called, one makes the call."""
    call, kept, said = NOW, TIME, "Europe/Oslo"
    if transport == "http":
        call = {"name": "all__get-sum", "arguments": {"a": 20, "b": 22}}
        everything = request.getfixturevalue("everything")
        kept, said = {"id": "all", "url": everything.start().url}, "42"
    nodes = {"start": start(), "use": node("call_tool", pins={"tool_call": call}), "end": end("told", "well")}
    way = "start -> use, use -> end, use.result -> end.told, use.success -> end.well"
    with open_client(settings) as client:
        client.post("/settings/tools", data=kept)
        client.save(flow("with-a-tool", nodes, way))
        run_id = client.launch("with-a-tool")
        asked = client.asked(run_id, seconds=60)
        assert asked["tool_calls"][0]["arguments"] == call["arguments"]
    with open_client(settings) as client:
        assert client.worker.stop(), "from here on this process takes answers and drives no run"
        again = client.asked(run_id)
        assert again == asked
        body = {"wait_key": again["wait_key"], "response": {"approved": True}}
        assert client.post(f"/api/prompts/{run_id}", json=body).status_code == 200
        assert client.run(run_id)["status"] == "running", "the answer is kept"
        assert calls_of(client, run_id) == ["started", "waiting"], "and nothing is called"
    if transport == "http":
        everything.start()  # the server, too
    with open_client(settings) as client:
        done = client.until(run_id, "completed", "failed", seconds=60)
        assert done["output"]["well"] is True, done
        assert said in str(done["output"]["told"])
        assert calls_of(client, run_id) == ["started", "waiting", "started", "completed"], "once"


def test_a_model_is_told_of_a_servers_tools_though_nobody_has_listed_them(
    settings: Settings, moody: MoodyModel
) -> None:
    """The server starts when a step needs it, not when the flow is saved, checked or looked at."""
    asks = node("llm_call", pins={"prompt": "When?", "tools": [NOW["name"], "time__no_such_tool"]})
    way = "start -> ask, ask -> end, ask.response -> end.said"
    with open_client(settings) as client:
        client.post("/settings/tools", data=TIME)
        provide(client, moody.url)
        client.save(flow("offered", {"start": start(), "ask": asks, "end": end("said")}, way))
        client.get("/flows/offered")
        client.post("/api/flows/offered/check")
        assert not any(name.startswith("time__") for name in client.studio.ai.tools.known())
    with open_client(settings) as client:
        run_id = client.launch("offered")
        assert client.until(run_id, "completed", "failed", seconds=60)["status"] == "completed"
        [asked] = [
            each["effect"]["payload"]
            for each in client.records(run_id)
            if (each.get("effect") or {}).get("type") == "llm_call" and each["status"] == "completed"
        ]
        [tool] = asked["tools"]
        assert tool["name"] == NOW["name"]
        assert tool["parameters"]["required"] == ["timezone"]
        assert "left out: time__no_such_tool" in str(client.records(run_id))


def test_what_a_servers_command_has_printed_is_kept_as_evidence(client: Client) -> None:
    """The worker of the box, which serves AbstractCore's own tools to others."""
    worker = f"{sys.executable} -m abstractruntime.integrations.abstractcore.mcp_worker --toolsets system"
    given = {"id": "box", "command": worker, "env": f"PYTHONPATH={SOURCES}"}
    client.post("/settings/tools", data=given)
    call = {"name": "box__execute_command", "arguments": {"command": "echo seen"}}
    nodes = {"start": start(), "use": node("call_tool", pins={"tool_call": call}), "end": end("told", "well")}
    client.save(
        flow("runs-it", nodes, "start -> use, use -> end, use.result -> end.told, use.success -> end.well")
    )
    run_id = client.launch("runs-it")
    asked = client.asked(run_id, seconds=60)
    body = {"wait_key": asked["wait_key"], "response": {"approved": True}}
    assert client.post(f"/api/prompts/{run_id}", json=body).status_code == 200
    done = client.until(run_id, "completed", "failed", seconds=60)
    assert done["output"]["well"] is True, done
    [result] = [
        each["result"]["results"][0]
        for each in client.records(run_id)
        if (each.get("effect") or {}).get("type") == "tool_calls" and each["status"] == "completed"
    ]
    kept = client.studio.artifacts.load_json(result["meta"]["evidence_id"])
    assert (kept["tool_name"], kept["command"], kept["return_code"]) == (
        "box__execute_command",
        "echo seen",
        0,
    )
    printed = client.studio.artifacts.load(kept["artifacts"]["stdout"]["$artifact"])
    assert printed.content.strip() == b"seen"
