"""Secrets for calls: named in flows, kept in the server's environment, sent to the hosts they are for.

`FLOWSTUDIO_SECRET_<NAME>` holds a secret, `FLOWSTUDIO_SECRET_<NAME>_FOR` the hosts it may be sent to. A flow
says `{"$secret": "NAME"}` where a header's value would stand. The value is looked up at the moment
of the call and is in nothing that is kept; where a reply repeats it, it is covered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
_PREFIX = "FLOWSTUDIO_SECRET_"


class NoSecret(Exception):
    """A secret that a flow names is not to be had, or not for this host."""


@dataclass(frozen=True)
class Secret:
    """A secret value and the hosts (`host` or `host:port`, lower case) that may be told it."""

    value: str = field(repr=False)
    hosts: frozenset[str] = frozenset()


def read_secrets(environment: Mapping[str, str]) -> dict[str, Secret]:
    """Return the secrets of an environment by name."""
    names = [
        key.removeprefix(_PREFIX)
        for key, value in environment.items()
        if key.startswith(_PREFIX) and not key.endswith("_FOR") and value
    ]
    return {
        name: Secret(
            environment[_PREFIX + name],
            frozenset(environment.get(f"{_PREFIX}{name}_FOR", "").lower().split()),
        )
        for name in names
        if _NAME.fullmatch(name)
    }


def secret_for(name: str, host: str, port: int, secrets: Mapping[str, Secret]) -> str:
    """Return a secret's value for a host; raise NoSecret with what to set."""
    known = secrets.get(name)
    if known is None:
        raise NoSecret(
            f"The secret '{name}' is not set: give the server {_PREFIX}{name} and {_PREFIX}{name}_FOR."
        )
    if not {host.lower(), f"{host.lower()}:{port}"} & known.hosts:
        raise NoSecret(f"The secret '{name}' is not for {host}: name the host in {_PREFIX}{name}_FOR.")
    return known.value


def covered(text: str, used: Iterable[str]) -> str:
    """Return a text in which no secret that was used can be read."""
    for value in used:
        text = text.replace(value, "[secret]")
    return text
