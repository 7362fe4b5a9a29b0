"""Tools of this installation: those in the box, those of MCP servers, and which of them ask first.

Kept in `tools.json` of the data folder: commands come from here only, never from a flow; a flow names
tools. Looking at a flow, checking it or importing it starts no server.
"""

from __future__ import annotations

import ast
import json
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from abstractruntime.core.boundary import guarded
from abstractruntime.core.errors import NotFound, StoreDamaged
from abstractruntime.integrations.abstractcore.tool_approval import (
    AUTO_APPROVED,
    MUST_ASK,
    ApprovalToolExecutor,
    ToolApprovalPolicy,
)
from abstractruntime.integrations.abstractcore.tool_executors import MappingToolExecutor
from abstractruntime.integrations.abstractcore.tool_mcp import McpToolset
from abstractruntime.integrations.abstractcore.tool_pins import HASH, change_told, without_hash
from abstractruntime.integrations.mcp import McpConnections, McpServer, without_secrets
from abstractruntime.storage.artifacts import ArtifactStore

from ..outside.practice import Practice
from ..outside.practice_tools import ASK_FIRST, SPECS, practice_tools
from ..staging import write_whole
from .arguments import misfits
from .keys import KeyStore

_LARGEST = 10**15


class McpServerNotFound(NotFound):
    """There is no MCP server with this id."""

    code = "mcp.not_found"


def calculate(expression: str) -> float:
    """Work out an arithmetic expression with + - * / // % ** and brackets."""
    return float(_worked_out(ast.parse(expression.strip(), mode="eval").body))


_SIGNS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}


def _worked_out(node: ast.AST) -> Any:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return node.value
    if isinstance(node, ast.UnaryOp) and type(node.op) in _SIGNS:
        return _SIGNS[type(node.op)](_worked_out(node.operand))
    if isinstance(node, ast.BinOp):
        left, right = _worked_out(node.left), _worked_out(node.right)
        if max(abs(left), abs(right)) > _LARGEST:
            raise ValueError("the numbers are too large")
        if isinstance(node.op, ast.Pow):
            if abs(right) > 64:
                raise ValueError("the exponent is too large")
            return left**right
        if type(node.op) in _SIGNS:
            return _SIGNS[type(node.op)](left, right)
    raise ValueError("only numbers, + - * / // % ** and brackets can be worked out")


def current_time(timezone: str = "UTC") -> dict[str, str]:
    """Tell date and time in a time zone such as Europe/Oslo."""
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"there is no time zone {timezone!r}") from None
    now = datetime.now(zone)
    return {"now": now.isoformat(timespec="seconds"), "weekday": now.strftime("%A"), "timezone": timezone}


IN_THE_BOX: dict[str, Callable[..., Any]] = {"calculate": calculate, "current_time": current_time}
_BOX_SPECS: dict[str, dict[str, Any]] = {
    "calculate": {
        "name": "calculate",
        "description": "Work out an arithmetic expression.",
        "parameters": {
            "type": "object",
            "properties": {"expression": {"type": "string", "description": "Such as (2 + 3) * 4."}},
            "required": ["expression"],
        },
        "toolset": "box",
    },
    "current_time": {
        "name": "current_time",
        "description": "Tell date and time in a time zone.",
        "parameters": {
            "type": "object",
            "properties": {
                "timezone": {"type": "string", "description": "Such as Europe/Oslo; UTC if unset."}
            },
        },
        "toolset": "box",
    },
}
_OWN_SPECS = {**_BOX_SPECS, **{name: dict(spec) for name, spec in SPECS.items()}}


@dataclass(frozen=True)
class ToolSettings:
    """What a person has set: MCP servers, and tools that run without asking, with what these were then (hashes)."""

    servers: tuple[McpServer, ...] = ()
    auto_approve: tuple[str, ...] = ()
    allowed_as: Mapping[str, str] = field(default_factory=dict)

    def servers_without(self, server_id: str) -> tuple[McpServer, ...]:
        """Return the servers but the one with an id."""
        return tuple(each for each in self.servers if each.server_id != server_id)

    def to_json(self) -> dict[str, Any]:
        """Return the settings as they are kept."""
        return {
            "servers": [each.to_dict() for each in self.servers],
            "auto_approve": [*self.auto_approve],
            "allowed_as": dict(self.allowed_as),
        }


@dataclass
class Offered:
    """The tools that can be chosen, and why some servers offer none."""

    specs: list[dict[str, Any]]
    failed: dict[str, str] = field(default_factory=dict)


class Tools:
    """Tools, their settings and their sessions. Safe to call from several threads."""

    def __init__(
        self,
        folder: Path,
        keys: KeyStore,
        artifacts: ArtifactStore | None = None,
        practice: Practice | None = None,
    ) -> None:
        self._file = folder / "tools.json"
        self._keys = keys
        self._lock = Lock()
        self.settings = self._read()
        self._connections = McpConnections(
            map(self._filled, self.settings.servers), log_folder=folder / "logs"
        )
        box = {**IN_THE_BOX, **(practice_tools(practice) if practice is not None else {})}
        self._box = MappingToolExecutor(box, timeout_s=10)
        self._own = {name: _OWN_SPECS[name] for name in box}
        self._toolset = McpToolset(self._connections, otherwise=self._box, artifact_store=artifacts)
        apart = tuple(map(self._apart, self.settings.servers))
        if apart != self.settings.servers:  # an older version has written keys as they are
            self.change(lambda held: replace(held, servers=apart))

    @property
    def executor(self) -> ApprovalToolExecutor:
        """Who carries tool calls out: by name, and after asking where it has to be asked."""
        return ApprovalToolExecutor(delegate=self._toolset, policy=_Policy(self.free, self._another))

    @property
    def free(self) -> frozenset[str]:
        """The tools that run without asking, as long as they are what they were."""
        own = self._own.keys() - ASK_FIRST
        return frozenset({*AUTO_APPROVED, *own, *self.settings.auto_approve}) - MUST_ASK

    @property
    def connections(self) -> McpConnections:
        """The sessions with MCP servers."""
        return self._connections

    def let_run(self, names: Iterable[str]) -> None:
        """Set which tools run without asking: new ones as they are known now, the others as they were allowed."""
        names, known = tuple(dict.fromkeys(names)), self.known()

        def made(held: ToolSettings) -> ToolSettings:
            hashes = {name: held.allowed_as.get(name) or known.get(name, {}).get(HASH) for name in names}
            kept = {name: found for name, found in hashes.items() if found}
            return replace(held, auto_approve=names, allowed_as=kept)

        self.change(made)

    def let_run_as_it_is(self, name: str) -> None:
        """Let a tool that has become another run without asking again, as it is known now."""
        found = self.known().get(name, {}).get(HASH)
        if found and name in self.settings.auto_approve:
            self.change(lambda held: replace(held, allowed_as={**held.allowed_as, name: found}))

    def changed(self) -> frozenset[str]:
        """Return the tools that ran without asking and have become others since, as far as is known; asks nobody."""
        known, held = self.known(), self.settings.allowed_as
        return frozenset(
            name
            for name in self.settings.auto_approve
            if name in held and known.get(name, {}).get(HASH, held[name]) != held[name]
        )

    def _another(self, name: str) -> dict[str, Any] | None:
        """Return what a tool that runs without asking has become since that was allowed; None where it is the same.

        Allowed by its name alone, it is from its first call on what it is then.
        """
        if name not in self.settings.auto_approve:
            return None
        spec, _ = guarded(self._toolset.described, name)  # one that cannot be told cannot be called either
        if not spec:
            return None
        found = spec[HASH]
        if name not in self.settings.allowed_as:
            self.change(lambda held: replace(held, allowed_as={name: found, **held.allowed_as}))
        return spec if self.settings.allowed_as.get(name, found) != found else None

    def known(self) -> dict[str, dict[str, Any]]:
        """Return the tools that have been listed so far, by name; asks nobody."""
        return {**self._own, **{each["name"]: each for each in self._toolset.known()}}

    def offered(self, *, anew: bool = False) -> Offered:
        """Return all tools that can be chosen now; asks the MCP servers, and `anew` those that were asked before."""
        found, failed = self._toolset.specs(anew=anew)
        known = {**self._own, **{each["name"]: each for each in found}}
        return Offered([known[name] for name in sorted(known)], failed)

    def specs(self, names: Iterable[str]) -> list[dict[str, Any]]:
        """Return the descriptions of tools by name; those of servers are asked for when they are missing."""
        wanted = [str(name).strip() for name in names]
        known = self.known()
        missing = [name for name in wanted if name not in known]
        if missing:
            self._toolset.ask_for(missing)
            known = self.known()
        return [known[name] for name in wanted if name in known]

    def misfits(self, name: str, arguments: Mapping[str, Any]) -> list[str]:
        """Return what is wrong with the arguments of a call; nothing where the tool cannot be asked."""
        told = self.specs([name])
        return misfits(told[0]["parameters"], arguments) if told else []

    def change(self, made: Callable[[ToolSettings], ToolSettings]) -> None:
        """Keep what is made of the settings; sessions with servers that are gone or changed are closed."""
        with self._lock:
            settings = made(self.settings)
            write_whole(self._file, json.dumps(settings.to_json(), indent=1).encode())
            self.settings = settings
        self._connections.replace(map(self._filled, settings.servers))

    def put(self, server: McpServer) -> None:
        """Keep a server, in place of one with its id.

        What stands in its environment and headers as itself, not as `${NAME}`, is kept encrypted; so are the keys
        that are found in its command and its address.
        """
        self._drop_kept(server.server_id)
        server = self._apart(server)
        self.change(
            lambda held: replace(held, servers=(*held.servers_without(server.server_id), server)),
        )

    def remove(self, server_id: str) -> None:
        """Forget a server; raise McpServerNotFound."""
        if self.settings.servers_without(server_id) == self.settings.servers:
            raise McpServerNotFound(f"There is no MCP server {server_id!r}.")
        self.change(lambda held: replace(held, servers=held.servers_without(server_id)))
        self._drop_kept(server_id)

    def _apart(self, server: McpServer) -> McpServer:
        """Return a server whose secrets are kept apart from it."""

        def keep(secret: str) -> str:
            taken = self._keys.names()
            name = next(name for n in count(1) if f"{prefix}{(name := f'argument.{n}')}" not in taken)
            self._keys.put(f"{prefix}{name}", secret)
            return f"${{kept:_{name}}}"

        prefix = _kept_prefix(server.server_id)
        return replace(
            server,
            env=self._kept_apart(server, server.env),
            headers=self._kept_apart(server, server.headers),
            command=(*server.command[:1], *without_secrets(server.command[1:], keep)),
            url=without_secrets((server.url,), keep)[0],
        )

    def _kept_apart(self, server: McpServer, values: Mapping[str, str]) -> dict[str, str]:
        made = {}
        for name, text in values.items():
            made[name] = text
            if text and "${" not in text:
                plain = "".join(sign if sign.isalnum() and sign.isascii() else "_" for sign in name)
                self._keys.put(f"{_kept_prefix(server.server_id)}{plain}", text)
                made[name] = f"${{kept:_{plain}}}"
        return made

    def _filled(self, server: McpServer) -> McpServer:
        """Return a server with its secrets, for as long as this process runs."""
        prefix = _kept_prefix(server.server_id)
        names = [name for name in self._keys.names() if name.startswith(prefix)]
        kept = {f"_{name.removeprefix(prefix)}": self._keys.get(name) or "" for name in names}
        return replace(server, kept=kept)

    def _drop_kept(self, server_id: str) -> None:
        for name in self._keys.names():
            if name.startswith(_kept_prefix(server_id)):
                self._keys.drop(name)

    def close(self) -> None:
        """End the sessions."""
        self._connections.close()

    def _read(self) -> ToolSettings:
        try:
            held = json.loads(self._file.read_bytes())
            servers = tuple(McpServer.from_dict(each) for each in held.get("servers", ()))
            free = tuple(str(each) for each in held.get("auto_approve", ()))
            hashes = {str(name): str(each) for name, each in held.get("allowed_as", {}).items()}
            return ToolSettings(servers, free, hashes)
        except FileNotFoundError:
            return ToolSettings()
        except (ValueError, TypeError, AttributeError) as error:
            raise StoreDamaged(
                f"The file {self._file} holds no tools ({error}): mend it or move it away."
            ) from None


def _kept_prefix(server_id: str) -> str:
    return f"mcp:{server_id}:"


class _Policy(ToolApprovalPolicy):
    """Lets tools pass as long as they are what they were when that was allowed; `another` tells what one is since."""

    def __init__(self, free: Iterable[str], another: Callable[[str], Mapping[str, Any] | None]) -> None:
        super().__init__(auto_approve_tools=free)
        self._another = another

    def asks(self, name: str) -> bool:
        """Say whether a tool has to be allowed."""
        return super().asks(name) or self._another(name) is not None

    def reason(self, calls: Iterable[Mapping[str, Any]]) -> str:
        """Return which tools have become others."""
        names = dict.fromkeys(str(call.get("name")) for call in calls)
        changed = {name: spec for name in names if (spec := self._another(name)) is not None}
        since = "it was allowed to run by itself"
        return " ".join(change_told(name, since, str(spec["description"])) for name, spec in changed.items())


class LiveTools(Mapping[str, Mapping[str, Any]]):
    """The tools that are known by now, for steps that describe them; one of a server that was not asked yet is asked for."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        found = self._tools.specs([name])
        if not found:
            raise KeyError(name)
        return without_hash(found[0])

    def __iter__(self) -> Any:
        return iter(self._tools.known())

    def __len__(self) -> int:
        return len(self._tools.known())
