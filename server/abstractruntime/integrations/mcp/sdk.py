"""The official MCP SDK behind one shim: its two lines differ in names, and we speak its wire's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from importlib import import_module
from importlib.metadata import version
from typing import Any, TextIO

from ..abstractcore.guard import NotInstalled
from .servers import McpServer


def sdk(module: str) -> Any:
    """Return a module of the SDK; raise NotInstalled."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise NotInstalled(
            f"MCP servers need the package '{error.name}', which is not installed: pip install 'flowstudio[mcp]'"
        ) from None


@asynccontextmanager
async def session(server: McpServer, errlog: TextIO) -> AsyncIterator[Any]:
    """Give an open session with a server; it is left in the task that entered it, as the SDK demands."""
    mcp = sdk("mcp")
    async with AsyncExitStack() as stack:
        if server.command:
            how = mcp.StdioServerParameters(
                command=server.command[0],
                args=[*server.command[1:]],
                env=server.environment(),
                cwd=server.cwd,
            )
            stdio = sdk("mcp.client.stdio")
            streams = await stack.enter_async_context(stdio.stdio_client(how, errlog=errlog))
        else:
            streams = await stack.enter_async_context(await _http(server, stack))
        made = await stack.enter_async_context(mcp.ClientSession(streams[0], streams[1]))
        await made.initialize()
        yield made


async def _http(server: McpServer, stack: AsyncExitStack) -> Any:
    """Return what opens an HTTP connection with the server's headers, on either line of the SDK."""
    http = sdk("mcp.client.streamable_http")
    headers = server.filled_headers()
    client_module = "httpx2" if version("mcp").split(".")[0] != "1" else "httpx"
    client = sdk(client_module).AsyncClient(
        headers=headers, timeout=server.timeout_s, follow_redirects=False, trust_env=False
    )
    await stack.enter_async_context(client)
    return http.streamable_http_client(server.url, http_client=client)


def wire(value: Any) -> dict[str, Any]:
    """Return an SDK object under the names that it has on the wire."""
    found: dict[str, Any] = value.model_dump(mode="json", by_alias=True, exclude_none=True)
    return found


def read_timeout(seconds: float) -> Any:
    """Return a limit as the installed SDK takes it."""
    return seconds if version("mcp").split(".")[0] != "1" else timedelta(seconds=seconds)
