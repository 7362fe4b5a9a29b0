"""The fields of the settings' forms: what the page calls them, what is wrong with one, what is shown again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

MODEL_LABELS = {
    "name": "Name",
    "kind": "Kind",
    "base_url": "Address",
    "model": "Model",
    "embedding_model": "Model for embeddings",
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

    A user or password in an address, what is no name of a variable, and the values of an environment and of
    headers that are not references such as `${NAME}` have to be entered again.
    """
    made = dict(given)
    for key in ("base_url", "url"):
        if "@" in _authority(made.get(key, "")):
            made[key] = ""
    if not _VARIABLE.fullmatch(made.get("key_variable", "")):
        made.pop("key_variable", None)
    for key in ("env", "headers"):
        if key in made:
            made[key] = "\n".join(_line(line) for line in made[key].splitlines())
    return made


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
