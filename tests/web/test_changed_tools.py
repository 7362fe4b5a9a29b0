"""Tools of a real MCP server that become others while the product runs."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from integrations.mcp.listening import SERVER
from web.conftest import Client
from web.test_far_tools import settings_of, using

FREE = ("reword", "changing", "add", "listings")


@pytest.fixture
def ours(client: Client) -> Client:
    """A client of an app that knows the tests' server."""
    settings_of(client, {"id": "ours", "command": f"{sys.executable} {SERVER} stdio"}, *FREE)
    client.post("/settings/tools/list")
    return client


numbers = itertools.count()


def outcome(client: Client, *calls: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """Run a flow that makes calls; return what it ended with."""
    flow_id = f"calls-{next(numbers)}"
    client.save(using(flow_id, *calls))
    done = client.until(client.launch(flow_id), "completed", "failed", seconds=60)
    assert done["status"] == "completed", done["error"]
    return dict(done["output"])


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_settings_page_shows_a_tool_as_its_server_tells_of_it_now(ours: Client) -> None:
    assert "Return a value." in ours.get("/settings/tools").text
    outcome(ours, ("reword", {"description": "Burn a value."}))
    until(lambda: "Burn a value." in ours.get("/settings/tools").text)
    outcome(ours, ("reword", {"description": "Mend a value.", "tells": False}))
    assert "Mend a value." not in ours.get("/settings/tools").text
    assert "Mend a value." in ours.post("/settings/tools/list").text, "whoever asks gets the answer of now"


def test_calls_do_not_ask_for_the_list_each_time(ours: Client) -> None:
    def asked() -> int:
        return int(outcome(ours, ("listings", {}))["use0"]["result"])

    before = asked()
    outcome(ours, *(("add", {"a": number}) for number in range(3)))
    ours.get("/editor/tools")
    assert asked() == before
