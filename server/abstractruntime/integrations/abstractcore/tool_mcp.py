"""Tools of MCP servers as an executor (contract/kernel.md 9.8, contract/integrations.md 5.3).

A model knows such a tool as `server__tool`; `mcp::server::tool` is understood as well.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol
from uuid import uuid4

from ...core.boundary import guarded
from ...storage.artifacts import ArtifactStore, artifact_ref
from ..mcp import McpConnections, McpFailed, McpServer, not_carried_out, tool_hash
from .tool_arguments import BadArguments, read_arguments
from .tool_executors import EXECUTED
from .tool_pins import HASH
from .tool_results import ToolCall, ToolResult, json_safe, tool_result

_MOST_NAME = 64


class McpClient(Protocol):
    """A client of one server that a host brings."""

    def call_tool(self, *, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return `{"content": [...], "structuredContent"?, "isError"}`."""
        ...


def model_name(server_id: str, tool: str) -> str:
    """Return the name under which a model knows a tool: letters, digits, `_` and `-`, at most 64."""
    plain = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "_-") else "_" for sign in tool)
    name = f"{server_id}__{plain}"
    if len(name) <= _MOST_NAME and plain == tool:
        return name
    mark = hashlib.sha256(tool.encode()).hexdigest()[:8]
    return f"{name[: _MOST_NAME - 9]}_{mark}"


def bare_name(server_id: str, name: str) -> str:
    """Return the name that the server itself has for a tool."""
    for prefix in (f"mcp::{server_id}::", f"{server_id}__"):
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name


def mcp_specs(server_id: str, tools: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return tools of a server as a model is told of them."""
    return [
        {
            "name": model_name(server_id, each["name"]),
            "description": each.get("description") or each.get("title") or "",
            "parameters": each.get("inputSchema") or {"type": "object", "properties": {}},
            "annotations": each.get("annotations") or {},
            "toolset": server_id,
            HASH: tool_hash(each),
        }
        for each in tools
    ]


class McpToolExecutor:
    """Calls the tools of one server; `timeout_s` seconds each. Failures are failed results."""

    delegates = False

    def __init__(
        self,
        *,
        server_id: str,
        mcp_url: str = "",
        timeout_s: float = 30.0,
        mcp_client: McpClient | None = None,
        connections: McpConnections | None = None,
        artifact_store: ArtifactStore | None = None,
    ) -> None:
        self._server_id = server_id
        self._timeout_s = timeout_s
        self._client = mcp_client
        self._artifacts = artifact_store
        if mcp_client is None and connections is None:
            connections = McpConnections([McpServer(server_id, url=mcp_url, timeout_s=timeout_s)])
        self._connections = connections

    def set_timeout_s(self, timeout_s: float | None) -> None:
        """Let each call take so many seconds."""
        if timeout_s and timeout_s > 0:
            self._timeout_s = float(timeout_s)

    def specs(self, *, anew: bool = False) -> list[dict[str, Any]]:
        """Return the server's tools as a model is told of them; raise McpFailed. `anew` asks the server itself."""
        if self._connections is None:
            return []
        return mcp_specs(self._server_id, self._connections.list_tools(self._server_id, anew=anew))

    def execute(self, *, tool_calls: list[ToolCall]) -> dict[str, Any]:
        """Call the tools, one after the other."""
        return {"mode": EXECUTED, "results": [self._one(call) for call in tool_calls]}

    def _one(self, call: ToolCall) -> ToolResult:
        try:
            arguments = read_arguments(call.get("arguments"))
        except BadArguments as bad:
            return tool_result(call, error=f"Invalid arguments for tool '{call.get('name')}': {bad}")
        begun = time.monotonic()
        meta: dict[str, Any] = {"executor": "mcp", "server": self._server_id}
        answer, error = guarded(self._call, str(call.get("name") or ""), arguments, meta)
        meta["duration_ms"] = round((time.monotonic() - begun) * 1000, 1)
        if error is not None or not isinstance(answer, dict):
            reason = str(error) if error is not None else f"no result: {answer!r:.200}"
            if isinstance(error, McpFailed) and error.carried_out:
                meta["carried_out"] = error.carried_out
            return tool_result(call, error=reason or type(error).__name__, meta=meta)
        return self._result(call, answer, meta)

    def described(self, name: str) -> dict[str, Any] | None:
        """Return what the server says of a tool now; raise McpFailed: then no call was carried out."""
        found, error = guarded(self._tool, name)
        if isinstance(error, McpFailed):
            raise not_carried_out(error, bare_name(self._server_id, name))
        return mcp_specs(self._server_id, [found])[0] if found else None

    def _tool(self, name: str) -> dict[str, Any] | None:
        """Return a tool as it is on the wire, by the name that a model has for it; raise McpFailed."""
        held = self._connections.list_tools(self._server_id) if self._connections is not None else ()
        prefix = f"mcp::{self._server_id}::"
        return next(
            (
                each
                for each in held
                if name in (model_name(self._server_id, each["name"]), prefix + each["name"])
            ),
            None,
        )

    def _call(self, name: str, arguments: dict[str, Any], meta: dict[str, Any]) -> dict[str, Any]:
        found, error = guarded(self._tool, name)
        bare = str(found["name"]) if found else bare_name(self._server_id, name)
        if isinstance(error, McpFailed) and error.carried_out == "no":
            raise not_carried_out(error, bare)
        if found:
            meta["tool_hash"] = tool_hash(found)
        if self._client is not None:
            return self._client.call_tool(name=bare, arguments=arguments)
        assert self._connections is not None
        return self._connections.call(self._server_id, bare, arguments, timeout_s=self._timeout_s)

    def _result(self, call: ToolCall, answer: dict[str, Any], meta: dict[str, Any]) -> ToolResult:
        content = answer.get("content")
        parts = [each for each in content if isinstance(each, dict)] if isinstance(content, list) else []
        texts = [str(each.get("text") or "") for each in parts if each.get("type") == "text"]
        text = "\n".join(texts)
        if answer.get("isError") or answer.get("is_error"):
            return tool_result(call, error=text or "The tool reported a failure", meta=meta)
        structured = answer.get("structuredContent")
        if structured is not None:
            return tool_result(call, output=json_safe(structured), meta=meta)
        others = [self._part(call, each) for each in parts if each.get("type") != "text"]
        if others:
            return tool_result(call, output={"text": text, "content": others}, meta=meta)
        return tool_result(call, output=_parsed(text) if len(texts) == 1 else text, meta=meta)

    def _part(self, call: ToolCall, part: dict[str, Any]) -> dict[str, Any]:
        """Return a part that is no text; what it carries becomes an artifact where there is a store."""
        resource = part.get("resource")
        inner = resource if isinstance(resource, dict) else part
        data = inner.get("data") or inner.get("blob")
        if not isinstance(data, str) or self._artifacts is None:
            made: dict[str, Any] = json_safe(part)
            return made
        kind = str(inner.get("mimeType") or "application/octet-stream")
        tags = {"kind": "tool_result", "tool": str(call.get("name"))}
        held = self._artifacts.store(base64.b64decode(data), content_type=kind, tags=tags)
        return {"type": part.get("type"), "mimeType": kind, **artifact_ref(held.artifact_id)}


def _parsed(text: str) -> Any:
    """Return the JSON in a text that is an object or a list, else the text."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            return json_safe(json.loads(text))
        except ValueError:
            pass
    return text


class McpToolset:
    """The tools of several servers as one executor; each call goes to the server in its name."""

    delegates = False

    def __init__(
        self,
        connections: McpConnections,
        *,
        otherwise: Any = None,
        artifact_store: ArtifactStore | None = None,
    ) -> None:
        self._connections = connections
        self._otherwise = otherwise
        self._artifacts = artifact_store

    def known(self) -> list[dict[str, Any]]:
        """Return the tools that servers have told of so far; asks nobody."""
        servers = [each.server_id for each in self._connections.servers]
        return [spec for each in servers for spec in mcp_specs(each, self._connections.listed(each))]

    def specs(self, *, anew: bool = False) -> tuple[list[dict[str, Any]], dict[str, str]]:
        """Return all tools, and by server id why one's cannot be had; `anew` asks the servers themselves."""
        made: list[dict[str, Any]] = []
        failed: dict[str, str] = {}
        for server in self._connections.servers:
            found, error = guarded(self._of(server.server_id).specs, anew=anew)
            if error is not None:
                failed[server.server_id] = str(error)
            made += found or []
        return made, failed

    def ask_for(self, names: Iterable[str]) -> None:
        """Ask the servers of these tools for what they offer; one that cannot be reached tells nothing."""
        for server_id in {each for name in names if (each := self._server_of(name))}:
            guarded(self._connections.list_tools, server_id)

    def may_repeat(self, name: str) -> bool:
        """Say whether a call may be made again of which nobody knows how it ended.

        Only where the server says that its tool only reads, or is the same when called twice: a server that
        says nothing may have sent the letter already.
        """
        executor = self._for(name)
        if not isinstance(executor, McpToolExecutor):
            ask = getattr(executor, "may_repeat", None)
            return ask is None or bool(ask(name))
        found, _ = guarded(executor.described, name)
        hints: dict[str, Any] = (found or {}).get("annotations") or {}
        return hints.get("readOnlyHint") is True or hints.get("idempotentHint") is True

    def described(self, name: str) -> dict[str, Any] | None:
        """Return what a server says of its tool now; None for others' tools; raise McpFailed."""
        executor = self._for(name)
        return executor.described(name) if isinstance(executor, McpToolExecutor) else None

    def execute(self, *, tool_calls: list[ToolCall]) -> dict[str, Any]:
        """Carry the calls out in their order."""
        results: list[ToolResult] = []
        for call in tool_calls:
            executor = self._for(str(call.get("name") or ""))
            if executor is None:
                results.append(tool_result(call, error=f"Tool '{call.get('name')}' not found"))
                continue
            results += executor.execute(tool_calls=[call])["results"]
        return {"mode": EXECUTED, "results": results}

    def _for(self, name: str) -> Any:
        server_id = self._server_of(name)
        return self._of(server_id) if server_id else self._otherwise

    def _server_of(self, name: str) -> str:
        """Return the server in a tool's name; "" for other tools."""
        ids = [each.server_id for each in self._connections.servers]
        return next((each for each in ids if name.startswith((f"mcp::{each}::", f"{each}__"))), "")

    def _of(self, server_id: str) -> McpToolExecutor:
        timeout = next(each.timeout_s for each in self._connections.servers if each.server_id == server_id)
        return McpToolExecutor(
            server_id=server_id,
            timeout_s=timeout,
            connections=self._connections,
            artifact_store=self._artifacts,
        )


class DelegatingMcpToolExecutor:
    """Hands the calls to another worker that speaks to the server; the run waits for its results."""

    delegates = True

    def __init__(
        self,
        *,
        server_id: str,
        mcp_url: str,
        transport: str = "streamable_http",
        wait_key_factory: Callable[[], str] | None = None,
    ) -> None:
        self._details = {
            "protocol": "mcp",
            "transport": transport,
            "url": mcp_url,
            "server_id": server_id,
            "tool_name_prefix": f"mcp::{server_id}::",
        }
        self._wait_key = wait_key_factory

    def execute(self, *, tool_calls: Iterable[ToolCall]) -> dict[str, Any]:
        """Return the calls as a job for somebody else."""
        key = self._wait_key() if self._wait_key else f"mcp_job:{uuid4().hex}"
        return {
            "mode": "delegated",
            "wait_reason": "job",
            "wait_key": key,
            "tool_calls": [dict(call) for call in tool_calls],
            "details": dict(self._details),
        }
