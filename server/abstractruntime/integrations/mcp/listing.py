"""What tools a server offers, asked for once in a session.

Asked again where the server says that they have changed, and after some minutes: not every server says so,
and what it says over HTTP may be lost.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from .sdk import listed_page

KEPT_S = 300.0
_MOST_IN_A_ROW = 3
_CHANGED = "notifications/tools/list_changed"
# What a model and a person are told of a tool, and what it may be called with; not how it is pictured.
_TELLING = ("name", "title", "description", "inputSchema", "outputSchema", "annotations")


class Listing:
    """The tools of one open session as they are on the wire, by name. For the session's own loop only."""

    def __init__(self, kept_s: float = KEPT_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._kept_s, self._clock = kept_s, clock
        self._lock = asyncio.Lock()
        self._changes = 0  # that the server has told of
        self._read: tuple[int, float, list[dict[str, Any]]] = (
            -1,
            -kept_s,
            [],
        )  # after which change, when, what

    def heard(self, message: Any) -> bool:
        """Take in what a server says by itself; say whether its tools have to be asked for because of it."""
        if getattr(getattr(message, "root", message), "method", None) != _CHANGED:
            return False
        is_first = self._read[0] == self._changes
        self._changes += 1
        return is_first

    async def tools(self, opened: Any, *, anew: bool = False) -> list[dict[str, Any]]:
        """Return the tools; ask the server where that is due, or with `anew`."""
        async with self._lock:
            if not anew and self._is_fresh():
                return self._read[2]
            for _ in range(_MOST_IN_A_ROW):  # a change may come while the server answers
                changes = self._changes
                found = sorted(await _all_pages(opened), key=lambda each: str(each["name"]))
                self._read = (changes, self._clock(), found)
                if changes == self._changes:
                    break
            return found

    def _is_fresh(self) -> bool:
        changes, read_at, _ = self._read
        return changes == self._changes and self._clock() - read_at < self._kept_s


async def _all_pages(opened: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    seen: set[str] = set()
    cursor: str | None = None
    while True:
        page = await listed_page(opened, cursor)
        found += page.get("tools") or []
        cursor = page.get("nextCursor")
        if not cursor or cursor in seen:  # a server that repeats itself would never end
            return found
        seen.add(cursor)


def tool_hash(tool: Mapping[str, Any]) -> str:
    """Return a digest of what a server says of a tool, so that a changed one can be told."""
    told = {key: tool[key] for key in _TELLING if tool.get(key) is not None}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
