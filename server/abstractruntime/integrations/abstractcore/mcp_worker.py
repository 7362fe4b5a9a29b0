"""Serves AbstractCore's tools to others by the Model Context Protocol: `abstractruntime-mcp-worker`.

Over the standard streams, or over HTTP on loopback. Elsewhere than on loopback it wants a token, from
`ABSTRACT_WORKER_TOKEN`. On standard output there is nothing but the protocol.
(source: contract/integrations.md 5.3)
"""

from __future__ import annotations

import argparse
import hmac
import os
import sys
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from importlib import import_module
from typing import Any

from .default_tools import COMMS, FILES, SYSTEM, WEB, get_default_toolsets
from .guard import NotInstalled

TOKEN_VARIABLE = "ABSTRACT_WORKER_TOKEN"
_SETS = (FILES, WEB, SYSTEM, COMMS)
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
Scope = MutableMapping[str, Any]
Asgi = Callable[[Scope, Any, Any], Awaitable[None]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until the other side hangs up, or until it is ended; return the exit status."""
    asked = _parser().parse_args(arguments)
    try:
        server = build_server(asked.toolsets)
        if asked.transport == "stdio":
            server.run(transport="stdio")
        else:
            _serve(server, asked)
    except (NotInstalled, ValueError) as error:
        print(f"abstractruntime-mcp-worker: {error}", file=sys.stderr)
        return 2
    return 0


def build_server(toolsets: Sequence[str]) -> Any:
    """Return the SDK's server with the tools of these sets; raise NotInstalled or ValueError."""
    known = get_default_toolsets()
    server = _server_class()("abstractruntime")
    for name in toolsets:
        if name not in known:
            raise ValueError(f"the set of tools {name!r} is not there: choose from {', '.join(known)}")
        for tool in known[name]:
            told = tool._tool_definition  # type: ignore[attr-defined]
            server.add_tool(tool, name=told.name, description=told.description)
    return server


def guarded(app: Asgi, *, token: str, origins: Sequence[str]) -> Asgi:
    """Return the app behind a door: with a token only, where there is one, and from no foreign page."""

    async def door(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        headers = {key.lower(): value for key, value in scope["headers"]}
        told = headers.get(b"authorization", b"").decode("latin-1")
        origin = headers.get(b"origin", b"").decode("latin-1")
        if origin and origin not in origins:
            await _refuse(send, 403, b"this origin may not use the tools")
        elif token and not hmac.compare_digest(told.encode(), f"Bearer {token}".encode()):
            await _refuse(send, 401, b"a token is needed: Authorization: Bearer ...")
        else:
            await app(scope, receive, send)

    return door


async def _refuse(send: Any, status: int, reason: bytes) -> None:
    head = [(b"content-type", b"text/plain"), (b"content-length", str(len(reason)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": reason})


def _serve(server: Any, asked: argparse.Namespace) -> None:
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    wants_token = asked.http_require_auth or asked.host not in _LOOPBACK
    if wants_token and not token:
        raise ValueError(f"set {TOKEN_VARIABLE}: this worker may only be used with a token")
    app = guarded(
        server.streamable_http_app(), token=token if wants_token else "", origins=asked.http_allow_origin
    )
    _module("uvicorn").run(app, host=asked.host, port=asked.port, log_level="warning")


def _server_class() -> Any:
    """Return the SDK's server, by the name that the installed line has for it."""
    try:
        return _module("mcp.server.mcpserver").MCPServer
    except NotInstalled:
        return _module("mcp.server.fastmcp").FastMCP


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise NotInstalled(
            f"the worker needs the package {error.name!r}: pip install 'flowstudio[mcp]'"
        ) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="abstractruntime-mcp-worker", description=__doc__.partition("\n")[0]
    )
    parser.add_argument(
        "--toolsets", required=True, type=_named, help=f"one or more of {', '.join(_SETS)}, with commas"
    )
    parser.add_argument("--transport", choices=("stdio", "http"), default="stdio")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument(
        "--http-require-auth", action="store_true", help=f"want {TOKEN_VARIABLE} on loopback too"
    )
    parser.add_argument("--http-allow-origin", action="append", default=[], metavar="ORIGIN")
    return parser


def _named(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in _SETS]
    if unknown or not names:
        raise argparse.ArgumentTypeError(f"choose from {', '.join(_SETS)}")
    return names


if __name__ == "__main__":
    sys.exit(main())
