"""What is known of an MCP server: how to reach it. Secrets are named, never held."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from ...core.errors import KernelError
from ..hiding import worth_hiding

STDIO, HTTP = "stdio", "streamable_http"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_VARIABLE = re.compile(r"\$\{(kept:)?([A-Za-z_][A-Za-z0-9_.-]*)\}")
# What a server's process is given of this one's environment; more only by name.
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TEMP", "SYSTEMROOT", "USERPROFILE", "TZ")


class BadMcpServer(KernelError, ValueError):
    """The description of an MCP server cannot be used; the message names the field."""

    code = "mcp.bad_server"


@dataclass(frozen=True)
class McpServer:
    """One server: a command to start and speak to over its standard streams, or an address.

    In all of these `${NAME}` stands for a variable of this process's environment and `${kept:NAME}` for one of
    the secrets in `kept`; both are read when the server is reached, so that none is written down. What the
    server says of them is covered. Others on this machine can read the command line of a process.
    """

    server_id: str
    command: tuple[str, ...] = ()
    url: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None
    timeout_s: float = 30.0
    kept: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.server_id) or "__" in self.server_id:
            raise BadMcpServer(f"id: {self.server_id!r} must be 1 to 32 letters, digits, '-' or single '_'")
        if bool(self.command) == bool(self.url):
            raise BadMcpServer(f"MCP server {self.server_id!r} needs either a command or an address (url)")
        if self.url:
            self._check_address()
        if not 0 < self.timeout_s < math.inf:
            raise BadMcpServer(f"timeout_s: {self.timeout_s!r} must be a number of seconds, more than 0")

    def _check_address(self) -> None:
        try:
            parts = urlsplit(self.url)
        except ValueError as error:
            raise BadMcpServer(f"url: this is no address ({error})") from None
        if "@" in parts.netloc:  # it would be kept and shown as it is
            raise BadMcpServer("url: leave name and password out of the address; a header can carry them")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadMcpServer("url: this must be an address that begins with http:// or https://")

    @property
    def transport(self) -> str:
        """`stdio` or `streamable_http`."""
        return STDIO if self.command else HTTP

    @property
    def has_secret_arguments(self) -> bool:
        """Whether secrets are on the command line of its process, where others on the machine can read them."""
        names = [match for part in self.command for match in _VARIABLE.finditer(part)]
        return any(match[1] or match[2] not in PASSED_ON for match in names)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> McpServer:
        """Return a server from plain data; raise BadMcpServer naming the field."""
        command = data.get("command") or ()
        if isinstance(command, str):
            command = (command, *_texts(data, "args"))
        elif not isinstance(command, list | tuple):
            raise BadMcpServer(f"command: {command!r} must be a text or a list of texts")
        seconds = data.get("timeout_s", 30.0)
        if not isinstance(seconds, int | float) or isinstance(seconds, bool):
            raise BadMcpServer(f"timeout_s: {seconds!r} must be a number of seconds")
        return cls(
            server_id=str(data.get("id") or data.get("server_id") or ""),
            command=tuple(str(each) for each in command),
            url=str(data.get("url") or "").strip(),
            env=_map(data, "env"),
            headers=_map(data, "headers"),
            cwd=data.get("cwd") or None,
            timeout_s=float(seconds),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the server as plain data."""
        made: dict[str, Any] = {"id": self.server_id, "timeout_s": self.timeout_s}
        if self.command:
            made |= {"command": [*self.command], "env": dict(self.env)}
            made |= {"cwd": self.cwd} if self.cwd else {}
        else:
            made |= {"url": self.url, "headers": dict(self.headers)}
        return made

    def environment(self) -> dict[str, str]:
        """Return the environment that the server's process gets: little, and what it names."""
        passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        return {**passed, **{name: self._filled(name, text) for name, text in self.env.items()}}

    def filled_command(self) -> tuple[str, ...]:
        """Return the command with its secrets in place; raise BadMcpServer for a missing variable."""
        return tuple(self._filled("command", part) for part in self.command)

    def filled_url(self) -> str:
        """Return the address with its secrets in place; raise BadMcpServer for a missing variable."""
        return self._filled("url", self.url)

    def filled_headers(self) -> dict[str, str]:
        """Return the headers with their secrets in place; raise BadMcpServer for a missing variable."""
        return {name: self._filled(name, text) for name, text in self.headers.items()}

    def secrets(self) -> tuple[str, ...]:
        """Return the values that stand for names, those that are to be had, as they may come back."""
        texts = (*self.env.values(), *self.headers.values(), *self.command, self.url)
        names = [match for text in texts for match in _VARIABLE.finditer(text)]
        found = [
            (self.kept if match[1] else os.environ).get(match[2]) or ""
            for match in names
            if match[1] or match[2] not in PASSED_ON
        ]
        without_scheme = [each.partition(" ")[2] for each in found]
        in_addresses = [quote(each, safe="") for each in found] if self.url else []
        return worth_hiding((*found, *without_scheme, *in_addresses))

    def _filled(self, name: str, text: str) -> str:
        def value(match: re.Match[str]) -> str:
            found = (self.kept if match[1] else os.environ).get(match[2])
            if found is None:
                missing = (
                    f"the secret {match[2]!r} is not kept any more: enter it again"
                    if match[1]
                    else f"the environment variable {match[2]} is not set"
                )
                raise BadMcpServer(f"MCP server {self.server_id!r}, {name}: {missing}")
            return found

        return _VARIABLE.sub(value, text)


def _texts(data: Mapping[str, Any], key: str) -> list[str]:
    found = data.get(key) or []
    if not isinstance(found, list | tuple):
        raise BadMcpServer(f"{key}: {found!r} must be a list of texts")
    return [str(each) for each in found]


def _map(data: Mapping[str, Any], key: str) -> dict[str, str]:
    found = data.get(key) or {}
    if not isinstance(found, Mapping):
        raise BadMcpServer(f"{key}: {found!r} must be an object of texts")
    return {str(name): str(text) for name, text in found.items()}
