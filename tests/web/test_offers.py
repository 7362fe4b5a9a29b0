"""What nodes may choose from and how the server is set, over HTTP: tools, providers, interfaces, words of facts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from flowstudio.secrets import Secret
from flowstudio.settings import Settings
from web.conftest import TOKEN, Client, open_client
from web.documents import end, flow, node, pin
from web.moody import MoodyModel

TOOLS = Path(__file__).parents[1] / "integrations" / "mcp" / "tools_server.py"


@pytest.fixture
def moody() -> Iterator[MoodyModel]:
    made = MoodyModel()
    yield made
    made.close()


def form(client: Client, place: str, **fields: str) -> None:
    assert client.post(place, data=fields, follow_redirects=False).status_code == 303


def tools(client: Client, ask: str = "") -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    told = client.get(f"/api/tools{ask}").json()
    return {each["name"]: each for each in told["tools"]}, told["failed"]


def test_tools_are_those_known_and_servers_are_asked_only_when_that_is_wanted(client: Client) -> None:
    known, failed = tools(client)
    assert {"calculate", "current_time"} <= set(known)
    assert failed == {}
    assert known["calculate"]["parameters"]["required"] == ["expression"]
    assert (known["calculate"]["toolset"], known["calculate"]["asks"]) == ("box", False)
    form(client, "/settings/tools", id="ours", command=f"{sys.executable} {TOOLS} stdio")
    form(client, "/settings/tools", id="lost", command=f"{sys.executable} -c pass")
    assert set(tools(client)[0]) == set(known), "looking starts no server"
    asked, failed = tools(client, "?ask=true")
    assert asked["ours__add"]["toolset"] == "ours"
    assert asked["ours__add"]["asks"] is True
    assert set(failed) == {"lost"}
    form(client, "/settings/tools/approvals", names="ours__add")
    now, _ = tools(client)
    assert now["ours__add"]["asks"] is False, "what was listed once is known"
    assert set(now["calculate"]) == {"name", "description", "parameters", "toolset", "asks"}


def test_providers_and_their_models(client: Client, moody: MoodyModel) -> None:
    assert client.get("/api/providers").json() == {"providers": []}
    form(client, "/settings/models", name="mine", kind="openai", base_url=moody.url, key="sk-kept-1234567890")
    form(client, "/settings/models", name="box", kind="scripted")
    rows = client.get("/api/providers").json()["providers"]
    assert [(each["name"], each["kind"], each["is_default"]) for each in rows] == [
        ("mine", "openai", True),
        ("box", "scripted", False),
    ]
    moody.offers = ["small", "large"]
    told = client.get("/api/providers/mine/models").json()
    assert (told["provider"], told["reason"]) == ("mine", "")
    assert sorted(told["models"]) == ["large", "small"]
    assert client.get("/api/providers").json()["providers"][0]["models"] == told["models"]
    assert client.get("/api/providers/box/models").json()["models"] == ["scripted"]
    assert client.get("/api/providers/none/models").json()["code"] == "provider.not_found"
    assert "sk-kept" not in client.get("/api/providers").text


def test_a_provider_that_cannot_be_reached_says_why(client: Client) -> None:
    form(
        client,
        "/settings/models",
        name="gone",
        kind="openai",
        base_url="http://127.0.0.1:9/v1",
        timeout_s="1",
    )
    told = client.get("/api/providers/gone/models").json()
    assert told["models"] == []
    assert "127.0.0.1:9" in told["reason"]


def test_interfaces_are_what_the_check_of_a_flow_goes_by(client: Client) -> None:
    (chat,) = client.get("/api/interfaces").json()["interfaces"]
    assert chat["id"] == "abstractcode.agent.v1"
    start = node("start", "on_flow_start", outputs=[pin("exec-out", "execution"), *chat["required_start"]])
    finish = end()
    document = flow("chat", [start, finish], [("start", "end")], interfaces=[chat["id"]])
    (problem,) = client.post("/api/flows/chat/validate", json=document).json()["problems"]
    assert (problem["code"], problem["node"]) == ("flow.interface", "end")
    finish["data"]["inputs"] += chat["required_end"]
    assert client.post("/api/flows/chat/validate", json=document).json() == {"problems": []}


def test_words_of_facts_are_those_that_the_step_takes(client: Client) -> None:
    pytest.importorskip("abstractsemantics", reason="AbstractSemantics is not installed")
    from abstractruntime.integrations.abstractmemory.predicates import known_predicates

    told = client.get("/api/semantics").json()
    assert {each["id"].lower() for each in told["predicates"]} == known_predicates()
    assert set(told["aliases"].values()) <= known_predicates()
    assert {"id": "schema:Thing", "label": "Thing", "parent": None, "description": None} in told[
        "entity_types"
    ]
    assert told["prefixes"]["schema"] == "https://schema.org/"


def test_the_config_tells_what_a_client_needs_and_nothing_of_the_machine(settings: Settings) -> None:
    secret = Secret("planted-secret-value", frozenset({"shop.test"}))
    given = replace(settings, secrets={"SHOP": secret}, json_limit=2000)
    with open_client(given) as client:
        form(client, "/settings/models", name="box", kind="scripted")
        form(client, "/settings/tools", id="ours", command=f"{sys.executable} {TOOLS} stdio")
        answer = client.get("/api/config")
        told = answer.json()
        assert told["version"] == client.get("/healthz").json()["version"]
        assert (told["providers"], told["tool_servers"]) == (["box"], ["ours"])
        assert told["limits"]["json_bytes"] == 2000
        assert {"llm_call", "tool_calls", "web_request", "read_file"} <= set(told["effects"])
        assert ("memory_kg_query" in told["effects"]) is told["features"]["facts"]
        zone = datetime.now().astimezone()
        assert told["time_zone"]["name"] == zone.tzname()
        assert all(path.startswith("/") for path in told["paths"].values())
        for path in told["paths"].values():
            if path not in ("/api", "/login"):
                assert client.get(path).status_code == 200
        for hidden in (TOKEN, "planted-secret-value", str(settings.data), sys.executable, str(Path.home())):
            assert hidden not in json.dumps(told)
        body = {"flow_id": "none", "wait_seconds": told["limits"]["wait_seconds"]}
        assert client.post("/api/runs", json=body).status_code == 404
        body["wait_seconds"] += 1
        assert client.post("/api/runs", json=body).status_code == 422
