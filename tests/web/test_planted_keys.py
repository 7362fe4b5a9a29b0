"""Keys planted everywhere a person may put one, used in every way, and then looked for in every byte.

The other sides do their worst: the model server repeats its key in answers, tool calls and refusals, the tool
server tells its environment and writes it to its log, the web page echoes its headers.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute

from abstractruntime.history_bundle import export_run_history_bundle
from drive import end, flow, node, start
from flowstudio.app import create_app
from flowstudio.secrets import Secret
from flowstudio.settings import Settings
from web.conftest import TOKEN, Client
from web.far_side import Listening
from web.leaky import LeakyModel

TOOLS = Path(__file__).parents[1] / "integrations" / "mcp" / "tools_server.py"
KEPT = "sk-planted-kept-8f2a61"
NAMED = "sk-planted-named-77c0de"
TOOL_NAMED = "planted-tool-named-1b9e"
TOOL_KEPT = "planted-tool-kept-5d3f"
WEB = "planted-web-90ab12"
PLANTED = (KEPT, NAMED, TOOL_NAMED, TOOL_KEPT, WEB)


@pytest.fixture
def leaky() -> Iterator[LeakyModel]:
    made = LeakyModel()
    yield made
    made.close()


@pytest.fixture
def far() -> Iterator[Listening]:
    listening = Listening()
    yield listening
    listening.close()


@pytest.fixture
def planted(
    settings: Settings, far: Listening, leaky: LeakyModel, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Client]:
    """A client of an app whose settings pages have been given the keys."""
    monkeypatch.setenv("PLANTED_MODEL_KEY", NAMED)
    monkeypatch.setenv("PLANTED_TOOL_KEY", TOOL_NAMED)
    secrets = {"SHOP": Secret(WEB, frozenset({"127.0.0.1"}))}
    app = create_app(replace(settings, reachable=frozenset({far.here}), secrets=secrets))
    with Client(
        app, f"http://127.0.0.1:{settings.port}", headers={"Authorization": f"Bearer {TOKEN}"}
    ) as client:
        client.studio, client.description = app.state.studio, app.openapi()
        for name, more in (
            ("kept", {"key": KEPT, "whole": "on"}),
            ("named", {"key_variable": "PLANTED_MODEL_KEY"}),
        ):
            given = {"kind": "openai", "base_url": leaky.url, "model": "m", "name": name, "records": "on"}
            assert post(client, "/settings/models", **given, **more) == 303
        for name, value in (("named", "${PLANTED_TOOL_KEY}"), ("kept", TOOL_KEPT)):
            command = f"{sys.executable} {TOOLS} stdio"
            assert post(client, "/settings/tools", id=name, command=command, env=f"GIVEN={value}") == 303
        assert post(client, "/settings/tools/approvals", names="named__secret\nkept__secret") == 303
        yield client


def post(client: Client, place: str, **fields: str) -> int:
    return int(client.post(place, data=fields, follow_redirects=False).status_code)


def documents(far: Listening) -> Iterator[dict[str, Any]]:
    """Flows that use every key, in every way that a run can."""
    for provider in ("kept", "named"):
        for model in ("m", "refuses"):
            asks = node("llm_call", pins={"prompt": "Hello", "provider": provider, "model": model})
            yield flow(
                f"ask-{provider}-{model}",
                {"start": start(), "ask": asks, "end": end("said")},
                "start -> ask, ask -> end, ask.response -> end.said",
            )
        works = node(
            "agent", pins={"prompt": "Work", "provider": provider, "model": "m", "tools": ["calculate"]}
        )
        yield flow(
            f"agent-{provider}",
            {"start": start(), "work": works, "end": end("said")},
            "start -> work, work -> end, work.response -> end.said",
        )
        call = {"name": f"{provider}__secret", "arguments": {}}
        uses = node("call_tool", pins={"tool_call": call, "allowed_tools": [f"{provider}__secret"]})
        yield flow(
            f"tool-{provider}",
            {"start": start(), "use": uses, "end": end("told")},
            "start -> use, use -> end, use.result -> end.told",
        )
    for path in ("echo", "missing"):
        config = {"secretHeaders": "Authorization: Bearer SHOP"}
        asks = node("web_request", pins={"url": f"http://{far.here}/{path}"}, webConfig=config)
        yield flow(
            f"web-{path}",
            {"start": start(), "ask": asks, "end": end("body")},
            "start -> ask, ask -> end, ask.body -> end.body",
        )


def used(client: Client, far: Listening) -> list[str]:
    """Run every flow to its end; return the runs."""
    runs = []
    for document in documents(far):
        client.save(document)
        runs.append(client.launch(document["id"]))
    for run_id in runs:
        client.until(run_id, "completed", "failed", seconds=60)
    return runs


def answers(client: Client, runs: list[str]) -> Iterator[tuple[str, str]]:
    """Ask every address that can be asked, for every run, flow and node; yield where and what it said."""
    every = [*runs, *(child.run_id for run_id in runs for child in client.studio.reader.children(run_id))]
    fill = {
        "run_id": every,
        "flow_id": [each["id"] for each in client.get("/api/flows").json()["flows"]],
        "name": ["llm_call"],
    }
    routes = [each.path for each in _routes(client) if "GET" in (each.methods or ())]
    assert len(routes) > 25
    for path in routes:
        missing = [key for key in fill if f"{{{key}" in path]
        places = [path]
        for key in missing:
            places = [
                place.replace(f"{{{key}:path}}", value).replace(f"{{{key}}}", value)
                for place in places
                for value in fill[key]
            ]
        for place in places:
            answer = client.get(place, headers={"Accept": "*/*"})
            yield place, f"{dict(answer.headers)}\n{answer.content.decode('utf-8', 'replace')}"


def _routes(client: Client) -> list[APIRoute]:
    found: list[APIRoute] = []

    def walk(routes: Any) -> None:
        for each in routes:
            if isinstance(each, APIRoute):
                found.append(each)
            else:
                walk(
                    getattr(each, "routes", None)
                    or getattr(getattr(each, "original_router", None), "routes", ())
                )

    walk(client._app.routes)  # type: ignore[attr-defined]
    return found


def test_no_planted_key_is_anywhere(
    planted: Client,
    far: Listening,
    leaky: LeakyModel,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    runs = used(planted, far)
    for name in ("kept", "named"):
        planted.post(f"/settings/models/{name}/test")
    planted.post("/settings/tools/list")
    told = dict(answers(planted, runs))

    assert {KEPT, NAMED} <= set(leaky.keys), "the keys were used"
    assert any(WEB in seen[2].get("Authorization", "") for seen in far.seen)
    said = [planted.run(run_id)["output"] for run_id in runs]
    assert sum("[secret]" in json.dumps(each) for each in said) >= 7, "what was repeated was covered"

    stores = planted.studio.reader
    for run_id in runs:
        history = export_run_history_bundle(
            run_id=run_id,
            run_store=planted.studio.stores.runs,
            ledger_store=planted.studio.stores.ledger,
            artifact_store=planted.studio.artifacts,
            include_state=True,
            include_artifacts=True,
        )
        told[f"history of {run_id}"] = json.dumps(history, default=str)
        assert stores.children(run_id) is not None
    told["log"] = caplog.text
    told["standard streams"] = "".join(capfd.readouterr())
    for folder in (settings.data, settings.flows):
        for file in folder.rglob("*"):
            if file.is_file():
                told[str(file)] = file.read_bytes().decode("utf-8", "replace")
    kinds = (
        "runs.sqlite",
        "tools.json",
        "providers.json",
        "mcp-named.log",
        "recordings",
        "/events",
        "/bundle",
    )
    for kind in kinds:
        assert any(kind in place for place in told), f"{kind} was looked at"
    found = [(place, key) for place, text in told.items() for key in PLANTED if key in text]
    assert found == []


def test_a_tool_servers_key_is_kept_encrypted_and_forgotten_with_it(planted: Client) -> None:
    keys = planted.studio.ai.keys
    assert [name for name in keys.names() if name.startswith("mcp:")] == ["mcp:kept:GIVEN"]
    assert keys.get("mcp:kept:GIVEN") == TOOL_KEPT
    post(planted, "/settings/tools/kept/remove")
    assert [name for name in keys.names() if name.startswith("mcp:")] == []
