"""A practice service: a small shop that fails, fills up and keeps books as a flow asks it to.

It lives in the app under the name `practice.invalid`, a name that no network has: a flow that is given to
learn from works offline and harms nobody. It answers by what it has been asked before, so the same
sequence of requests always has the same answers; what it remembers is one file, and survives restarts.

    GET  /status/NAME?up=3&down=2     200 three times, then 503 twice, and so on
    POST /orders/ID?fails=2           503 twice, then the order; counted per idempotency key; half=1: without its total
    POST /books/ITEM/ACTION?seats=1   one entry in the books per idempotency key; 409 when no seat is left
    GET  /books                       all entries, and how many of each item are taken
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import Any

import httpx

from ..staging import write_whole

Json = Any
HOST = "practice.invalid"
_STEPS = {"reserve": 1, "charge": 1, "cancel": -1, "refund": -1}


class _Whole(httpx.SyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self._body


class Practice(httpx.BaseTransport):
    """The service; `path` is its memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of a flow."""
        parts = [part for part in request.url.path.split("/") if part]
        key = request.headers.get("idempotency-key", "")
        with self._lock:
            memory = self._read()
            status, body = self._answer(request.method, parts, dict(request.url.params), key, memory)
            write_whole(self._path, json.dumps(memory).encode())
        return httpx.Response(
            status, headers={"Content-Type": "application/json"}, stream=_Whole(json.dumps(body).encode())
        )

    def book(self, item: str, action: str, *, key: str, seats: int = 1_000_000) -> Json:
        """Write an entry into the books, once per key, and return it; raise ValueError when it is refused."""
        if action not in _STEPS:
            raise ValueError(f"The books know no '{action}', only: {', '.join(_STEPS)}.")
        with self._lock:
            memory = self._read()
            status, body = _book(memory["books"], item, action, seats, key)
            write_whole(self._path, json.dumps(memory).encode())
        if status != 200:
            raise ValueError(body["error"])
        return body

    def _read(self) -> dict[str, Json]:
        try:
            found = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            found = {}
        return {"asked": {}, "books": [], **found}

    def _answer(
        self, method: str, parts: list[str], query: dict[str, str], key: str, memory: dict[str, Json]
    ) -> tuple[int, Json]:
        match method, parts:
            case "GET", ["status", name]:
                return _status(name, _whole(query, "up", 1), _whole(query, "down", 0), _count(memory, name))
            case "POST", ["orders", order]:
                count = _count(memory, f"order:{key}")
                if count <= _whole(query, "fails", 0):
                    return 503, {"error": "The shop is busy.", "received": count}
                total = {} if _whole(query, "half", 0) else {"total": 42.5}
                return 200, {"order": order, **total, "received": count}
            case "POST", ["books", item, action] if action in _STEPS:
                return _book(memory["books"], item, action, _whole(query, "seats", 1_000_000), key)
            case "GET", ["books"]:
                return 200, {"entries": memory["books"], "taken": _taken(memory["books"])}
        return 404, {"error": f"The practice service knows no {method} /{'/'.join(parts)}."}


def _whole(query: dict[str, str], name: str, default: int) -> int:
    text = query.get(name, "")
    return min(1_000_000, int(text)) if text.isdecimal() else default


def _count(memory: dict[str, Json], name: str) -> int:
    memory["asked"][name] = count = int(memory["asked"].get(name, 0)) + 1
    return count


def _status(name: str, up: int, down: int, count: int) -> tuple[int, Json]:
    is_up = (count - 1) % max(1, up + down) < up
    return (200, {"name": name, "up": True}) if is_up else (503, {"name": name, "up": False})


def _taken(books: list[dict[str, Json]]) -> dict[str, int]:
    taken: dict[str, int] = {}
    for entry in books:
        taken[entry["item"]] = taken.get(entry["item"], 0) + _STEPS[entry["action"]]
    return taken


def _book(books: list[dict[str, Json]], item: str, action: str, seats: int, key: str) -> tuple[int, Json]:
    """Write an entry, once per key; what is taken beyond the seats is refused."""
    known = next((entry for entry in books if entry["key"] == key), None)
    if known is not None:
        return 200, known
    if _STEPS[action] > 0 and _taken(books).get(item, 0) >= seats:
        return 409, {"error": f"There is no {item} left."}
    entry = {"number": len(books) + 1, "item": item, "action": action, "key": key}
    books.append(entry)
    return 200, entry
