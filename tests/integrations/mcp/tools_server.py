"""An MCP server of ours, by the official SDK, with tools that behave and tools that do not.

python tools_server.py stdio | python tools_server.py http PORT
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from mcp.server.mcpserver import MCPServer

server = MCPServer("tests")


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


@server.tool()
def secret() -> str:
    """Tell what this server was given, and write it to its log."""
    print(f"given {os.environ.get('GIVEN')}", file=sys.stderr, flush=True)
    return f"{os.environ.get('GIVEN')} {os.environ.get('FLOWSTUDIO_TOKEN')}"


@server.tool()
def slow(seconds: float) -> str:
    """Take some time."""
    time.sleep(seconds)
    return "done"


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


if __name__ == "__main__":
    if sys.argv[1] == "stdio":
        server.run(transport="stdio")
    else:
        server.run(transport="streamable-http", host="127.0.0.1", port=int(sys.argv[2]))
