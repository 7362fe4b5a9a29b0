"""The fields of the settings' forms: what the page calls them, what is wrong with one, what is shown again."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from abstractruntime.integrations.mcp import McpServer, without_secrets

MODEL_LABELS = {
    "name": "Name",
    "kind": "Kind",
    "base_url": "Address",
    "model": "Model",
    "embedding_model": "Model for embeddings",
    "tool_mode": "How tools are called",
    "key_variable": "Key: environment variable",
    "timeout_s": "Seconds a call may take",
    "price_in": "Price of a million tokens in",
    "price_out": "Price of a million tokens out",
    "budget": "Tokens after which a run asks whether to go on",
}
TOOL_LABELS = {
    "id": "Id",
    "command": "Command to start it",
    "url": "Address, if it is reached over HTTP",
    "env": "Environment",
    "headers": "Headers",
    "timeout_s": "Seconds a call may take",
}
COVER = "••••••"
_KEPT = re.compile(r"\$\{kept:[^}]*\}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Wrong:
    """What is wrong with a form: the field's id, "" for the form as a whole, its name on the page, and why."""

    field: str = ""
    label: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Refused:
    """A form that was not kept: what is wrong, and what it shows again."""

    wrong: Wrong = field(default_factory=Wrong)
    given: Mapping[str, str] = field(default_factory=dict)


def wrong(error: Exception | str, labels: Mapping[str, str]) -> Wrong:
    """Return an error that begins with a field's id in the words of the page."""
    said = str(error)
    name, sign, rest = said.partition(": ")
    return Wrong(name, labels[name], rest) if sign and name in labels else Wrong(reason=said)


def shown_again(given: Mapping[str, str]) -> dict[str, str]:
    """Return what a form may show again after an error: all but what may be a secret.

    A user, password or key in an address, keys on a command line, what is no name of a variable, and the values of an environment and of
    headers that are not references such as `${NAME}` have to be entered again.
    """
    made = dict(given)
    for key in ("base_url", "url"):
        if "@" in _authority(made.get(key, "")):
            made[key] = ""
    if not _VARIABLE.fullmatch(made.get("key_variable", "")):
        made.pop("key_variable", None)
    made |= {key: shown_address(made[key]) for key in ("base_url", "url") if key in made}
    if "command" in made:
        made["command"] = _without_keys(made["command"])
    for key in ("env", "headers"):
        if key in made:
            made[key] = "\n".join(_line(line) for line in made[key].splitlines())
    return made


def shown_command(server: McpServer) -> str:
    """Return the command that starts a server as a page may show it."""
    return _KEPT.sub(COVER, " ".join(without_secrets(server.command, lambda _: COVER)))


def shown_address(address: str) -> str:
    """Return an address as a page may show it."""
    return _KEPT.sub(COVER, without_secrets((address,), lambda _: COVER)[0])


def _without_keys(command: str) -> str:
    try:
        return shlex.join(without_secrets(shlex.split(command), lambda _: ""))
    except ValueError:  # a quotation that is not closed
        return ""


def _authority(address: str) -> str:
    """Return the part of an address that names its server; the whole where it cannot be told."""
    try:
        return urlsplit(address).netloc or address
    except ValueError:
        return address


def _line(line: str) -> str:
    name, sign, _ = line.partition("=")
    if not line.strip() or "${" in line:
        return line
    return f"{name}{sign}" if sign else ""
