"""A server's tools are asked for once in a session, and again when it tells that they have changed."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from mcp.types import ListToolsResult, Tool, ToolListChangedNotification

from abstractruntime.integrations.abstractcore.tool_mcp import McpToolset
from abstractruntime.integrations.mcp import McpConnections, McpServer
from abstractruntime.integrations.mcp.listing import Listing, tool_hash
from integrations.abstractcore.scripted import call
from integrations.mcp.listening import SERVER, Listening


@pytest.fixture(params=["stdio", "http"])
def connections(request: pytest.FixtureRequest) -> Iterator[McpConnections]:
    listening = Listening()
    server = McpServer("ours", command=(sys.executable, str(SERVER), "stdio"))
    if request.param == "http":
        server = McpServer("ours", url=listening.start().url)
    made = McpConnections([server])
    yield made
    made.close()
    listening.stop()


def said(connections: McpConnections, tool: str, **arguments: Any) -> Any:
    [result] = McpToolset(connections).execute(tool_calls=[call(f"ours__{tool}", **arguments)])["results"]
    assert result["success"], result["error"]
    return result["output"]["result"]


def told(connections: McpConnections, name: str = "changing") -> str:
    """What is known of a tool without asking."""
    return next((str(each["description"]) for each in connections.listed("ours") if each["name"] == name), "")


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_tools_are_listed_once_in_a_session(connections: McpConnections) -> None:
    assert connections.listed("ours") == [], "nobody was asked"
    before = said(connections, "listings")
    for number in range(4):
        said(connections, "add", a=number)
        McpToolset(connections).specs()
        McpToolset(connections).may_repeat("ours__add")
    assert said(connections, "listings") == before
    connections.list_tools("ours", anew=True)
    assert said(connections, "listings") == before + 1


def test_a_server_that_tells_of_a_change_is_asked_again(connections: McpConnections) -> None:
    connections.list_tools("ours")
    first = told(connections)
    said(connections, "reword", description="Burn a value.")
    until(lambda: told(connections) == "Burn a value.")
    assert first == "Return a value."
    assert told(connections, "add") == "Add two numbers."


def test_a_server_that_does_not_tell_is_asked_again_in_time(connections: McpConnections) -> None:
    connections.list_tools("ours")
    said(connections, "reword", description="Burn a value.", tells=False)
    connections.list_tools("ours")
    assert told(connections) == "Return a value."
    connections.list_tools("ours", anew=True)
    assert told(connections) == "Burn a value."


class Paged:
    """The SDK's side of a server that tells of its tools in pages, for the rules of time and order."""

    def __init__(self, *pages: tuple[str, str | None]) -> None:
        self.pages, self.asked = pages, 0
        self.meanwhile: Callable[[], object] = lambda: None

    async def list_tools(self, *, params: Any = None) -> ListToolsResult:
        self.asked += 1
        self.meanwhile()
        name, following = self.pages[int(params.cursor) if params else 0]
        tool = Tool.model_validate({"name": name, "inputSchema": {}})
        return ListToolsResult.model_validate({"tools": [tool], "nextCursor": following})


CHANGED = ToolListChangedNotification.model_validate({"method": "notifications/tools/list_changed"})


def names(listing: Listing, server: Paged) -> list[str]:
    return [each["name"] for each in asyncio.run(listing.tools(server))]


def test_all_pages_are_read_and_a_server_that_goes_round_is_left() -> None:
    assert names(Listing(), Paged(("b", "1"), ("a", None))) == ["a", "b"]
    assert names(Listing(), Paged(("b", "1"), ("a", "1"))) == ["a", "b"]


def test_a_listing_is_as_old_as_it_may_be() -> None:
    clock = iter(
        (0, 299, 301, 301, 302)
    )  # read once to tell the age, and once more where the server is asked
    listing, server = Listing(kept_s=300, clock=lambda: next(clock)), Paged(("a", None))
    asked = [names(listing, server) and server.asked for _ in range(4)]
    assert asked == [1, 1, 2, 2]


def test_changes_that_come_while_the_server_answers_are_not_lost_and_do_not_go_on_for_ever() -> None:
    listing, server = Listing(), Paged(("a", None))
    assert not listing.heard(CHANGED), "nothing was listed yet"
    names(listing, server)
    assert listing.heard(CHANGED)
    assert not listing.heard(CHANGED), "it is to be asked already"
    assert not listing.heard(RuntimeError("of the transport"))
    server.asked, server.meanwhile = 0, lambda: listing.heard(CHANGED)
    names(listing, server)
    assert server.asked == 3
    server.meanwhile = lambda: None
    names(listing, server)
    assert server.asked == 4, "what came last is asked for"


def test_a_tools_hash_is_of_what_is_told_of_it() -> None:
    tool = {"name": "a", "description": "Add.", "inputSchema": {"type": "object"}, "icons": ["x"]}
    assert tool_hash(tool) == tool_hash({**tool, "icons": ["y"], "_meta": {"at": 5}})
    for other in ({"description": "Add"}, {"inputSchema": {}}, {"annotations": {"readOnlyHint": True}}):
        assert tool_hash({**tool, **other}) != tool_hash(tool)
