"""An MCP server of ours, by the official SDK (either of its lines), with tools that behave and tools that do not.

python tools_server.py stdio | python tools_server.py http PORT
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import anyio
from mcp.types import ToolAnnotations

try:
    from mcp.server.mcpserver import Context, MCPServer
except ModuleNotFoundError:  # the line 1.x of the SDK
    from mcp.server.fastmcp import Context
    from mcp.server.fastmcp import FastMCP as MCPServer


class Counting(MCPServer):  # type: ignore[misc,valid-type]
    """Counts how often it was asked for its tools."""

    listings = 0

    async def list_tools(self, *given: Any) -> Any:
        Counting.listings += 1
        return await super().list_tools(*given)


server = Counting("tests")


@server.tool()
def add(a: int, b: int = 2) -> int:
    """Add two numbers."""
    return a + b


@server.tool()
def note(file: str, text: str) -> str:
    """Append a line to a file."""
    with Path(file).open("a", encoding="utf-8") as notes:
        notes.write(text + "\n")
    return f"noted {text}"


@server.tool(annotations=ToolAnnotations(idempotentHint=True))
def keep(file: str, text: str) -> str:
    """Do as `note` does, and say that it may be called twice."""
    return note(file, text)


@server.tool()
def send(file: str, text: str) -> str:
    """Append a line to a file, and answer much later; says nothing of whether it may be called twice."""
    note(file, text)
    time.sleep(4)
    return f"sent {text}"


@server.tool(annotations=ToolAnnotations(idempotentHint=True))
def put(file: str, text: str) -> str:
    """Do as `send` does, and say that it may be called twice."""
    return send(file, text)


@server.tool()
def secret() -> str:
    """Tell what this server was given, and write it to its log."""
    print(f"given {os.environ.get('GIVEN')}", file=sys.stderr, flush=True)
    return f"{os.environ.get('GIVEN')} {os.environ.get('FLOWSTUDIO_TOKEN')}"


@server.tool()
def surroundings(ctx: Context) -> dict[str, Any]:
    """Tell the command line, the address and the headers that this server was reached with, and log them."""
    request = getattr(ctx.request_context, "request", None)
    headers = dict(request.headers) if request is not None else {}
    told = {
        "arguments": sys.argv[2:],
        "headers": headers,
        "words": [word for value in headers.values() for word in value.split()],
        "address": str(request.url) if request is not None else "",
    }
    print(json.dumps(told), file=sys.stderr, flush=True)
    return told


@server.tool()
async def slow(seconds: float) -> str:
    """Take some time, beside the loop of the server: its first line runs functions in it."""
    await anyio.to_thread.run_sync(time.sleep, seconds)
    return "done"


@server.tool()
async def moody(folder: str, size: int) -> str:
    """Count the call, and do what the file `mood` in the folder says: hang, die, flood, or else answer."""
    note(f"{folder}/calls", "called")
    mood = Path(folder, "mood").read_text()
    if mood == "hang":
        await anyio.to_thread.run_sync(time.sleep, 60)
    if mood == "die":
        os._exit(3)
    return "x" * (100_000_000 if mood == "flood" else size)


@server.tool()
def die() -> str:
    """End this process in the middle of a call."""
    os._exit(3)


@server.tool()
def flood(megabytes: int) -> str:
    """Answer with a great deal."""
    return "x" * (megabytes * 1_000_000)


@server.tool()
def broken() -> str:
    """Fail."""
    raise RuntimeError("out of paper")


@server.tool()
def listings() -> int:
    """Tell how often this server was asked for its tools."""
    return Counting.listings


def changing(value: int) -> int:
    """Return what was given; `reword` changes what is told of it."""
    return value


server.add_tool(changing, description="Return a value.")


@server.tool()
async def reword(description: str, ctx: Context, tells: bool = True) -> str:
    """Describe the tool `changing` in other words, and tell the client so unless it is not to be told."""
    server.remove_tool("changing")
    server.add_tool(changing, description=description)
    if tells:
        await ctx.session.send_tool_list_changed()
    return "done"


if __name__ == "__main__":
    if sys.argv[1] == "stdio":
        server.run(transport="stdio")
    elif Counting.__base__.__name__ == "FastMCP":
        server.settings.port = int(sys.argv[2])
        server.run(transport="streamable-http")
    else:
        server.run(transport="streamable-http", host="127.0.0.1", port=int(sys.argv[2]))
