"""Secrets that the other side repeats: covered before anything that it said is kept or shown.

A model server that names the key in its refusal, or a tool that tells its environment, must not be how a key
gets into a ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

COVER = "[secret]"
_SHORTEST = 6  # a shorter value is in too many words to be covered
_SECRET_WORDS = ("auth", "key", "token", "secret", "password", "cookie")


def worth_hiding(values: Iterable[str]) -> tuple[str, ...]:
    """Return the values that are long enough to be covered, the longest first."""
    return tuple(sorted({each for each in values if len(each) >= _SHORTEST}, key=len, reverse=True))


def secrets_of_headers(headers: Mapping[str, str]) -> tuple[str, ...]:
    """Return what the headers that carry secrets hold: the whole value, and what follows its scheme."""
    found: list[str] = []
    for name, value in headers.items():
        if any(word in name.lower() for word in _SECRET_WORDS):
            found += [value, value.partition(" ")[2]]
    return worth_hiding(found)


def hidden(value: Any, secrets: tuple[str, ...]) -> Any:
    """Return a value of JSON in whose texts, keys too, no secret can be read."""
    if not secrets:
        return value
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, COVER)
        return value
    if isinstance(value, Mapping):
        return {hidden(key, secrets): hidden(item, secrets) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [hidden(item, secrets) for item in value]
    return value


class HidingStream:
    """Covers secrets in a text that comes in pieces; holds back what may be the beginning of one."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        self._secrets = secrets
        self._held = ""

    def feed(self, piece: str) -> str:
        """Return what may be told by now."""
        text = str(hidden(self._held + piece, self._secrets))
        kept = max((_overlap(text, secret) for secret in self._secrets), default=0)
        self._held = text[len(text) - kept :]
        return text[: len(text) - kept]

    def rest(self) -> str:
        """Return what was held back, when nothing follows."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, secret: str) -> int:
    """Return how many signs at the end of a text are the beginning of a secret."""
    most = min(len(text), len(secret) - 1)
    return next((n for n in range(most, 0, -1) if text.endswith(secret[:n])), 0)
