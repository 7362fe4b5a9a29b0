"""Keys planted everywhere a person may put one, used in every way, and then looked for in every byte.

The other sides do their worst: the model server repeats its key in answers, tool calls and refusals, the tool
server tells its environment and writes it to its log, the web page echoes its headers.
"""

from __future__ import annotations

import base64
import gzip
import json
import logging
import re
import shutil
import sqlite3
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from abstractruntime.history_bundle import export_run_history_bundle
from drive import end, flow, node, start
from flowstudio.app import create_app
from flowstudio.secrets import Secret
from flowstudio.settings import Settings
from integrations.mcp.listening import Listening as ToolServer
from web.conftest import TOKEN, Client
from web.deep import every, files, spellings
from web.far_side import Listening
from web.leaky import LeakyModel

TOOLS = Path(__file__).parents[1] / "integrations" / "mcp" / "tools_server.py"
KEPT = "sk-planted-kept-8f2a61"
NAMED = "sk-planted-named-77c0de"
TOOL_NAMED = "planted-tool-named-1b9e"
TOOL_KEPT = "planted-tool-kept-5d3f"
WEB = "planted-web-90ab12"
ARGUED = "planted-argued-c41d7a"
HEADER_KEPT = "planted-header-kept-06fe3d"
HEADER_NAMED = "planted-header-named-e2b85c"
ADDRESS = "planted-address-39a7d1"
PLANTED = (KEPT, NAMED, TOOL_NAMED, TOOL_KEPT, WEB, ARGUED, HEADER_KEPT, HEADER_NAMED, ADDRESS)
LOOKED_AT = (
    "runs.sqlite!",
    "tools.json",
    "providers.json",
    "mcp-named.log",
    "mcp-argued.log",
    "recordings",
    "/events",
    "/artifacts as",
    "/api/tools as",
    "/api/config as",
    "/api/providers/{provider}/models as",
    "POST /api/memory/kg/query",
    "/bundle!",
    "/diff/{span} as",
    "/edits/{seq} as",
    "/versions/{number} as",
    "!steps!zlib",
    "!documents!zlib",
    "backup/data/runs.sqlite!",
    "backup/flows/",
    "history of",
    "POST /settings/models: 422",
    "POST /settings/models/kept/test: 200",
    "POST /settings/tools: 422",
    "POST /settings/tools/list: 200",
    "POST /editor/inspector: 200",
    "POST /inbox/",
    "DELETE /api/flows/",
)


class Hearing(Client):
    """A client that keeps all that it is answered when it does not just read."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.heard: list[tuple[str, bytes]] = []

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        answer = super().request(method, path, **options)
        if method != "GET":
            raw = str(dict(answer.headers)).encode() + b"\n" + answer.content
            self.heard.append((f"{method} {path}: {answer.status_code}", raw))
        return answer


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
def far_tools() -> Iterator[ToolServer]:
    """The tests' MCP server over HTTP, a process of its own."""
    listening = ToolServer().start()
    yield listening
    listening.stop()


@pytest.fixture
def planted(
    settings: Settings,
    far: Listening,
    far_tools: ToolServer,
    leaky: LeakyModel,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Hearing]:
    """A client of an app whose settings pages have been given the keys."""
    monkeypatch.setenv("PLANTED_MODEL_KEY", NAMED)
    monkeypatch.setenv("PLANTED_TOOL_KEY", TOOL_NAMED)
    monkeypatch.setenv("PLANTED_HEADER_KEY", HEADER_NAMED)
    secrets = {"SHOP": Secret(WEB, frozenset({"127.0.0.1"}))}
    app = create_app(replace(settings, reachable=frozenset({far.here}), secrets=secrets))
    with Hearing(
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
        for fields in tool_servers(far_tools):
            assert post(client, "/settings/tools", **fields) == 303
        assert post(client, "/settings/tools/approvals", names="\n".join(TELLING)) == 303
        yield client


TELLING = ("named__secret", "kept__secret", "argued__surroundings", "web__surroundings", "lost__surroundings")


def tool_servers(far_tools: ToolServer) -> Iterator[dict[str, str]]:
    """Servers with keys in their command, their headers and their address; the last is not where it should be."""
    yield {"id": "argued", "command": f"{sys.executable} {TOOLS} stdio --api-key {ARGUED}"}
    headers = f"Authorization=Bearer {HEADER_KEPT}\nX-Named=Bearer ${{PLANTED_HEADER_KEY}}"
    yield {"id": "web", "url": f"{far_tools.url}?api_key={ADDRESS}", "headers": headers}
    yield {
        "id": "lost",
        "url": f"{far_tools.url}/lost?api_key={ADDRESS}",
        "headers": headers,
        "timeout_s": "10",
    }


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
    for name in TELLING[2:]:
        uses = node("call_tool", pins={"tool_call": {"name": name, "arguments": {}}, "allowed_tools": [name]})
        yield flow(
            name,
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


def kept_as_tests(client: Client, runs: list[str]) -> int:
    """Make a test of each run that can be one; return how many there are."""
    made = [
        client.post(f"/api/flows/{client.run(run_id)['flow_id']}/tests", json={"run_id": run_id})
        for run_id in runs
    ]
    assert {each.status_code for each in made} <= {201, 422}, [each.text for each in made]
    return sum(each.status_code == 201 for each in made)


def worked_on(client: Client) -> None:
    """Do to the flows what an editor can: change, undo, name, publish, restore, merge, pack and bring back."""
    for row in client.get("/api/flows").json()["flows"]:
        place = f"/api/flows/{row['id']}"
        assert client.post(f"{place}/versions", json={"name": "By name"}).status_code == 201
        first = client.get(place).json()
        second = edited(client, place, first, "Second")
        assert edited(client, place, second, "Third")["name"] == "Third"
        assert client.post(f"{place}/edits/1/restore", headers=matching(client, place)).status_code == 200
        assert client.put(f"{place}/published", json={"version": 1}).status_code == 200
        assert client.post(f"{place}/versions/1/restore", headers=matching(client, place)).status_code == 200
        base = client.get(place).headers["ETag"].strip('"')
        merged = client.post(f"{place}/merge", json={"base": base, "document": first})
        assert merged.status_code == 200, merged.text
        packed = client.get(f"{place}/bundle").content
        answer = client.post("/api/imports?on_conflict=copy", files={"file": ("a.flow", packed)})
        assert answer.status_code == 201, answer.text
        assert client.post(f"{place}/bundle", json={"bundle_id": f"b-{row['id']}"}).status_code in (201, 422)
    assert client.get("/api/bundles").json()["bundles"]


def edited(client: Client, place: str, document: dict[str, Any], name: str) -> dict[str, Any]:
    """Rename a flow with a command, as the editor does; return the document."""
    made = {**document, "name": name}
    command = {"how": "do", "label": name, "changes": [{"op": "flow", "path": "name", "value": name}]}
    answer = client.post(
        f"{place}/edits", json={"document": made, "commands": [command]}, headers=matching(client, place)
    )
    assert answer.status_code == 200, answer.text
    return made


def matching(client: Client, place: str) -> dict[str, str]:
    return {"If-Match": client.get(place).headers["ETag"]}


def answers(client: Client, runs: list[str]) -> Iterator[tuple[str, bytes]]:
    """Ask every address that can be asked, for every run, flow, version, edit and node."""
    every_run = [*runs, *(child.run_id for run_id in runs for child in client.studio.reader.children(run_id))]
    fill = {
        "run_id": every_run,
        "other": every_run[:2],
        "flow_id": [each["id"] for each in client.get("/api/flows").json()["flows"]],
        "name": ["llm_call"],
        "provider": ["kept", "named"],
        "ref": [each["bundle_id"] for each in client.get("/api/bundles").json()["bundles"]],
        "number": ["1", "2", "3"],
        "seq": ["0", "1", "2"],
        "span": ["1..draft", "1..2"],
    }
    tests = [client.get(f"/api/flows/{flow_id}/tests").json()["tests"] for flow_id in fill["flow_id"]]
    fill["test_id"] = sorted({each["id"] for listed in tests for each in listed})
    kept = [client.get(f"/api/runs/{run_id}/artifacts").json()["artifacts"] for run_id in every_run]
    fill["artifact_id"] = sorted({each["artifact_id"] for listed in kept for each in listed}) or ["none"]
    routes = [each.path for each in _routes(client) if "GET" in (each.methods or ())]
    assert len(routes) > 25
    for path in routes:
        places = [path]
        for key in fill:
            for word in (f"{{{key}:path}}", f"{{{key}}}"):
                if word in path:
                    places = [place.replace(word, value) for place in places for value in fill[key]]
        assert "{" not in places[0], f"{path} was asked with every name filled in"
        for place in places:
            answer = client.get(place, headers={"Accept": "*/*"})
            assert answer.status_code < 500
            yield f"{path} as {place}", str(dict(answer.headers)).encode() + b"\n" + answer.content
            yield from every(place, answer.content)
    for run_id in every_run:
        flow = client.get(f"/api/runs/{run_id}/flow").json()
        for each in flow.get("nodes", ()):
            ask = {"run": run_id, "node": each["id"], "pin": "response"}
            yield f"/editor/value of {each['id']}", client.get("/editor/value", params=ask).content


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


def written(client: Hearing, runs: list[str]) -> Iterator[tuple[str, bytes]]:
    """Return what every address answered that was written to; those that nobody has written to are, now, once."""
    fill = {"run_id": runs[0], "flow_id": "ask-kept-m", "name": "kept", "server_id": "kept"}
    (one,) = client.get(f"/api/flows/{fill['flow_id']}/tests").json()["tests"]
    fill |= {"number": "1", "seq": "1", "test_id": one["id"], "wait_key": "none", "ref": "b-ask-kept-m"}
    for row in client.get("/api/flows").json()["flows"]:
        for each in client.get(f"/api/flows/{row['id']}").json()["nodes"]:
            for tab in ("setup", "policy", "data"):
                looks = {"flow_id": row["id"], "node": each, "wired": [], "tab": tab}
                assert client.post("/editor/inspector", json=looks).status_code == 200
    left = []
    for route in _routes(client):
        form = re.sub(r"\\{\w+(:path)?\\}", "[^/ ]+", re.escape(route.path))
        asked = {place for place, _ in client.heard if re.match(rf"\w+ {form}(\?|:)", place)}
        methods = {*(route.methods or ())} - {"GET", "HEAD", *(place.split()[0] for place in asked)}
        left += [(method, route.path) for method in sorted(methods)]
    for method, path in sorted(left, key=lambda each: (each[0] == "DELETE", each[1] == "/logout")):
        place = re.sub(r"\{(\w+)(:path)?\}", lambda name: fill[name[1]], path)
        answer = client.request(method, place, json={}, follow_redirects=False)
        assert answer.status_code < 500, answer.text
    yield from client.heard
    for place, raw in client.heard:
        yield from every(place, raw.partition(b"\n")[2])


def histories(client: Client, runs: list[str]) -> Iterator[tuple[str, bytes]]:
    """Export every run with all that can go along."""
    for run_id in runs:
        history = export_run_history_bundle(
            run_id=run_id,
            run_store=client.studio.stores.runs,
            ledger_store=client.studio.stores.ledger,
            artifact_store=client.studio.artifacts,
            include_state=True,
            include_artifacts=True,
        )
        yield f"history of {run_id}", json.dumps(history, default=str).encode()


def backup(settings: Settings, folder: Path) -> None:
    """Copy what a person backs up while the server runs: files as they are, databases whole."""
    for source in (settings.data, settings.flows):
        shutil.copytree(source, folder / source.name)
        for file in source.rglob("*.sqlite"):
            with (
                closing(sqlite3.connect(file)) as db,
                closing(sqlite3.connect(folder / "whole.sqlite")) as copy,
            ):
                db.backup(copy)
            (folder / "whole.sqlite").replace(folder / source.name / file.relative_to(source))


def found(told: Iterable[tuple[str, bytes]]) -> tuple[list[tuple[str, str]], set[str]]:
    """Return where a planted key was found, and all places that were looked at."""
    sought = [(secret, spelling) for secret in PLANTED for spelling in spellings(secret)]
    hits, places = [], set()
    for place, raw in told:
        places.add(place)
        hits += [(place, secret) for secret, spelling in sought if spelling in raw]
    return hits, places


def test_no_planted_key_is_anywhere(
    planted: Hearing,
    far: Listening,
    leaky: LeakyModel,
    settings: Settings,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    runs = used(planted, far)
    assert kept_as_tests(planted, runs) >= 9
    worked_on(planted)
    for name in ("kept", "named"):
        page = planted.post(f"/settings/models/{name}/test").text
        assert "[secret] may not look here" in page, "what the server says is shown, its key is not"
    page = planted.post("/settings/tools/list").text
    assert "could not be reached" in page, "the lost one says so"
    refused = {"name": "kept", "kind": "openai", "base_url": "no address", "key": KEPT}
    assert post(planted, "/settings/models", **refused) == 422
    refused = {
        "id": "kept",
        "command": f"x --api-key {ARGUED}",
        "env": f"GIVEN={TOOL_KEPT}",
        "timeout_s": "x",
    }
    assert post(planted, "/settings/tools", **refused) == 422
    assert {KEPT, NAMED} <= set(leaky.keys), "the keys were used"
    assert any(WEB in seen[2].get("Authorization", "") for seen in far.seen)
    said = [planted.run(run_id)["output"] for run_id in runs]
    assert sum("[secret]" in json.dumps(each) for each in said) >= 9, "what was repeated was covered"
    told = dict(zip((each["id"] for each in documents(far)), map(json.dumps, said), strict=True))
    argued, web, lost = (told[name] for name in TELLING[2:])
    assert "--api-key" in argued
    for words in ("?api_key=[secret]", '"x-named": "Bearer [secret]"', '"authorization": "[secret]"'):
        assert words in web, "the server was given its keys"
    assert "was not carried out" in lost

    backup(settings, tmp_path / "backup")
    streams = "".join(capfd.readouterr()) + caplog.text
    hits, places = found(
        chain(
            answers(planted, runs),
            histories(planted, runs),
            files(settings.data),
            files(settings.flows),
            files(tmp_path / "backup"),
            [("standard streams and log", streams.encode())],
            written(planted, runs),
        )
    )
    assert hits == []
    for kind in LOOKED_AT:
        assert any(kind in place for place in places), f"{kind} was looked at"


def test_the_scanner_finds_what_is_packed(tmp_path: Path) -> None:
    """A scanner that finds nothing is believed only if it finds what is there."""
    with zipfile.ZipFile(tmp_path / "a.flow", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.json", f"{KEPT} {KEPT}")
    with closing(sqlite3.connect(tmp_path / "b.sqlite")) as db:
        db.execute("CREATE TABLE held (body BLOB)")
        db.execute("INSERT INTO held VALUES (?)", (zlib.compress(NAMED.encode() * 3),))
        db.commit()
    (tmp_path / "c.txt").write_bytes(
        base64.b64encode(b"user:" + WEB.encode()) + TOOL_KEPT.encode().hex().encode()
    )
    (tmp_path / "d.gz").write_bytes(gzip.compress(TOOL_NAMED.encode() * 3))
    hits, _ = found(files(tmp_path))
    assert {secret for _, secret in hits} == {KEPT, NAMED, WEB, TOOL_KEPT, TOOL_NAMED}


def test_a_tool_servers_key_is_kept_encrypted_and_forgotten_with_it(planted: Client) -> None:
    keys = planted.studio.ai.keys
    held = {name: keys.get(name) for name in keys.names() if name.startswith("mcp:")}
    assert held == {
        "mcp:argued:argument.1": ARGUED,
        "mcp:kept:GIVEN": TOOL_KEPT,
        "mcp:lost:Authorization": f"Bearer {HEADER_KEPT}",
        "mcp:lost:argument.1": ADDRESS,
        "mcp:web:Authorization": f"Bearer {HEADER_KEPT}",
        "mcp:web:argument.1": ADDRESS,
    }
    for server in ("argued", "kept", "lost", "web"):
        post(planted, f"/settings/tools/{server}/remove")
    assert [name for name in keys.names() if name.startswith("mcp:")] == []
