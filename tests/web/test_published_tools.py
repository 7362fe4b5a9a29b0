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


def test_an_approved_call_survives_a_restart_before_and_after_the_answer(settings: Settings) -> None:
    nodes = {"start": start(), "use": node("call_tool", pins={"tool_call": NOW}), "end": end("told", "well")}
    way = "start -> use, use -> end, use.result -> end.told, use.success -> end.well"
    with open_client(settings) as client:
        client.post("/settings/tools", data=TIME)
        client.save(flow("what-time", nodes, way))
        run_id = client.launch("what-time")
        asked = client.asked(run_id, seconds=60)
    with open_client(settings) as client:
        again = client.asked(run_id, seconds=60)
        assert again == asked
        assert again["tool_calls"][0]["arguments"] == NOW["arguments"]
        body = {"wait_key": again["wait_key"], "response": {"approved": True}}
        assert client.post(f"/api/prompts/{run_id}", json=body).status_code == 200
    with open_client(settings) as client:
        done = client.until(run_id, "completed", "failed", seconds=60)
        assert done["output"]["well"] is True, done
        assert "Europe/Oslo" in str(done["output"]["told"])
        calls = [
            each for each in client.records(run_id) if (each.get("effect") or {}).get("type") == "tool_calls"
        ]
        assert sum(each["status"] == "completed" for each in calls) == 1


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everything]:
    server = Everything(tmp_path_factory.mktemp("everything"))
    yield server
    server.stop()


def test_an_approved_call_over_http_survives_restarts_of_both_sides(
    settings: Settings, everything: Everything
) -> None:
    call = {"name": "all__get-sum", "arguments": {"a": 20, "b": 22}}
    nodes = {"start": start(), "use": node("call_tool", pins={"tool_call": call}), "end": end("told", "well")}
    way = "start -> use, use -> end, use.result -> end.told, use.success -> end.well"
    everything.start()
    with open_client(settings) as client:
        client.post("/settings/tools", data={"id": "all", "url": everything.url})
        client.save(flow("what-sum", nodes, way))
        run_id = client.launch("what-sum")
        asked = client.asked(run_id, seconds=60)
        assert asked["tool_calls"][0]["arguments"] == call["arguments"]
    everything.start()
    with open_client(settings) as client:
        body = {"wait_key": asked["wait_key"], "response": {"approved": True}}
        assert client.post(f"/api/prompts/{run_id}", json=body).status_code == 200
        done = client.until(run_id, "completed", "failed", seconds=60)
        assert done["output"]["well"] is True, done
        assert "42" in str(done["output"]["told"])


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
