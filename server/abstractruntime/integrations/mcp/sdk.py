"""The official MCP SDK behind one shim: its two lines differ in names, and we speak its wire's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from importlib import import_module
from importlib.metadata import version
from typing import Any, TextIO

from ..abstractcore.guard import NotInstalled
from .logs import covered_speakers
from .servers import McpServer


def sdk(module: str) -> Any:
    """Return a module of the SDK; raise NotInstalled."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise NotInstalled(
            f"MCP servers need the package '{error.name}', which is not installed: pip install 'flowstudio[mcp]'"
        ) from None


_TIMED_OUT = "Timeout"  # ends the names of what the HTTP client raises when nothing comes for a while


@asynccontextmanager
async def session(
    server: McpServer, errlog: TextIO, lost: Callable[[], None], heard: Callable[[Any], None]
) -> AsyncIterator[Any]:
    """Give an open session with a server; it is left in the task that entered it, as the SDK demands.

    `lost` is called where an answer breaks off and the SDK does not tell who waits for it, `heard` with each
    message that the server sends by itself.
    """

    async def take(message: Any) -> None:
        heard(message)

    mcp = sdk("mcp")
    async with AsyncExitStack() as stack:
        if server.command:
            program, *arguments = server.filled_command()
            how = mcp.StdioServerParameters(
                command=program,
                args=arguments,
                env=server.environment(),
                cwd=server.cwd,
            )
            stdio = sdk("mcp.client.stdio")
            streams = await stack.enter_async_context(stdio.stdio_client(how, errlog=errlog))
        else:
            streams = await stack.enter_async_context(await _http(server, stack, lost))
        made = await stack.enter_async_context(
            mcp.ClientSession(streams[0], streams[1], message_handler=take)
        )
        await made.initialize()
        yield made


async def _http(server: McpServer, stack: AsyncExitStack, lost: Callable[[], None]) -> Any:
    """Return what opens an HTTP connection with the server's headers, on either line of the SDK."""
    http = sdk("mcp.client.streamable_http")
    headers, url = server.filled_headers(), server.filled_url()
    stack.enter_context(covered_speakers(server.secrets()))
    is_first_line = version("mcp").split(".")[0] == "1"
    module = sdk("httpx" if is_first_line else "httpx2")
    client = module.AsyncClient(
        headers=headers, timeout=server.timeout_s, follow_redirects=False, trust_env=False
    )
    if is_first_line:  # the other tells by itself
        client.event_hooks = {"response": [_watcher(module, lost)]}
    await stack.enter_async_context(client)
    return http.streamable_http_client(url, http_client=client)


def _watcher(module: Any, lost: Callable[[], None]) -> Callable[[Any], Any]:
    """Return what has the answer to each request watched: the SDK's first line only logs one that breaks off."""

    async def chunks(self: Any) -> AsyncIterator[bytes]:
        try:
            async for chunk in self.watched:
                yield chunk
        except module.TransportError as error:
            if not type(error).__name__.endswith(_TIMED_OUT):
                lost()
            raise

    async def aclose(self: Any) -> None:
        await self.watched.aclose()

    watched = type("Watched", (module.AsyncByteStream,), {"__aiter__": chunks, "aclose": aclose})

    async def watch(response: Any) -> None:
        if response.request.method == "POST":
            stream = watched()
            stream.watched = response.stream
            response.stream = stream

    return watch


def wire(value: Any) -> dict[str, Any]:
    """Return an SDK object under the names that it has on the wire."""
    found: dict[str, Any] = value.model_dump(mode="json", by_alias=True, exclude_none=True)
    return found


async def listed_page(opened: Any, cursor: str | None) -> dict[str, Any]:
    """Ask for a page of a server's tools: the first, or the one at a cursor."""
    params = sdk("mcp.types").PaginatedRequestParams(cursor=cursor) if cursor else None
    return wire(await opened.list_tools(params=params))


def read_timeout(seconds: float) -> Any:
    """Return a limit as the installed SDK takes it."""
    return seconds if version("mcp").split(".")[0] != "1" else timedelta(seconds=seconds)
