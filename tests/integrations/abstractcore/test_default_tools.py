"""AbstractCore's tools in sets, and the worker that serves them to others by the Model Context Protocol."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from abstractruntime.integrations.abstractcore import MappingToolExecutor, default_tools, mcp_worker
from abstractruntime.integrations.mcp import McpConnections, McpServer
from integrations.abstractcore.optional import core

WORKER = [sys.executable, "-m", "abstractruntime.integrations.abstractcore.mcp_worker"]
PATH = {"PYTHONPATH": str(Path(__file__).resolve().parents[3] / "server")}
TOKEN = "worker-token-for-tests"


@pytest.fixture(autouse=True)
def installed() -> None:
    core("tools.common_tools")


def test_the_sets_have_their_tools() -> None:
    sets = default_tools.get_default_toolsets()
    assert list(sets) == ["files", "web", "system"]
    specs = default_tools.list_default_tool_specs()
    assert [(each["toolset"], each["name"]) for each in specs] == sorted(
        (each["toolset"], each["name"]) for each in specs
    )
    assert len(specs) == 12
    by_name = {each["name"]: each for each in specs}
    assert by_name["open_attachment"]["toolset"] == "files"
    for name in ("skim_files", "skim_folders"):
        assert by_name[name]["parameters"]["paths"] == {"type": "array", "items": {"type": "string"}}
    assert set(default_tools.build_default_tool_map()) == set(by_name) - {"open_attachment"}
    assert [each["name"] for each in default_tools.filter_tool_specs(["web_search", "read_file"])] == [
        "web_search",
        "read_file",
    ]
    with pytest.raises(ValueError, match="no default tool 'sing'"):
        default_tools.filter_tool_specs(["sing"])


def test_tools_that_write_to_people_are_there_only_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABSTRACT_ENABLE_EMAIL_TOOLS", "1")
    names = {each["name"] for each in default_tools.list_default_tool_specs() if each["toolset"] == "comms"}
    assert "send_email" in names
    assert "send_whatsapp_message" not in names


def test_they_work(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\n", encoding="utf-8")
    executor = MappingToolExecutor(default_tools.build_default_tool_map())
    call = {"name": "read_file", "arguments": {"file_path": str(tmp_path / "a.txt")}, "call_id": "c"}
    [result] = executor.execute(tool_calls=[call])["results"]
    assert result["success"], result
    assert "two" in str(result["output"])


def test_a_worker_serves_them_over_its_streams(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\n", encoding="utf-8")
    server = McpServer("worker", command=(*WORKER, "--toolsets", "files"), env=PATH)
    with closing(McpConnections([server])) as connections:
        names = {each["name"] for each in connections.list_tools("worker")}
        assert {"read_file", "write_file"} <= names
        assert "execute_command" not in names
        told = connections.call("worker", "read_file", {"file_path": str(tmp_path / "a.txt")})
        assert "two" in str(told)


@pytest.fixture
def http_worker() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        *WORKER,
        "--toolsets",
        "files",
        "--transport",
        "http",
        "--port",
        str(port),
        "--http-require-auth",
    ]
    environment = {**os.environ, **PATH, mcp_worker.TOKEN_VARIABLE: TOKEN}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
    url = f"http://127.0.0.1:{port}/mcp"
    deadline = time.monotonic() + 30
    while True:
        try:
            httpx.get(url, trust_env=False)
            break
        except httpx.TransportError:
            assert process.poll() is None, process.stderr and process.stderr.read().decode()[-2000:]
            assert time.monotonic() < deadline
            time.sleep(0.1)
    yield url
    process.terminate()
    process.communicate(timeout=10)


def test_a_worker_over_http_wants_its_token_and_no_foreign_page(
    http_worker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKER", TOKEN)
    server = McpServer("worker", url=http_worker, headers={"Authorization": "Bearer ${WORKER}"})
    with closing(McpConnections([server])) as connections:
        assert "read_file" in {each["name"] for each in connections.list_tools("worker")}
    assert httpx.post(http_worker, json={}, trust_env=False).status_code == 401
    headers = {"Authorization": f"Bearer {TOKEN}", "Origin": "https://elsewhere.example"}
    assert httpx.post(http_worker, json={}, headers=headers, trust_env=False).status_code == 403


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--toolsets", "files", "--transport", "http", "--host", "0.0.0.0"], "set ABSTRACT_WORKER_TOKEN"),
        (["--toolsets", "comms"], "'comms' is not there"),
    ],
)
def test_a_worker_refuses(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(mcp_worker.TOKEN_VARIABLE, raising=False)
    assert mcp_worker.main(arguments) == 2
    told = capsys.readouterr()
    assert reason in told.err
    assert told.out == ""


def test_a_worker_needs_to_be_told_its_sets(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        mcp_worker.main(["--toolsets", "singing"])
    assert "choose from files, web, system, comms" in capsys.readouterr().err
