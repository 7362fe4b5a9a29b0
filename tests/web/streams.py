"""A reader of the event streams of a real server, and what one does to its runs meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from browser.app import App


@dataclass(frozen=True)
class Event:
    """One event as a browser would see it."""

    name: str
    id: int
    data: dict[str, Any]


def events_of(lines: Iterator[str]) -> Iterator[Event]:
    """Parse a stream; comments and `retry` are passed over."""
    name, last, data = "", 0, ""
    for line in lines:
        if not line:
            if data:
                yield Event(name, last, json.loads(data))
            name, data = "", ""
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "id":
            last = int(value)
        elif field == "data":
            data += value


def listen(
    app: App, run_id: str, after: int | None = None, only: bool = False, **headers: str
) -> Iterator[Event]:
    """Open the stream of a run and yield its events until it ends."""
    with (
        app.client() as client,
        client.stream(
            "GET", f"/api/runs/{run_id}/events", params=_query(after, only), headers=headers
        ) as answer,
    ):
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert "content-encoding" not in answer.headers  # an event must not wait for more of them
        yield from events_of(answer.iter_lines())


def _query(after: int | None, only: bool) -> dict[str, int | str]:
    alone: dict[str, int | str] = {"run": "only"} if only else {}
    return alone if after is None else {**alone, "after": after}


def save(app: App, *documents: dict[str, Any]) -> None:
    with app.client() as client:
        for document in documents:
            assert client.put(f"/api/flows/{document['id']}", json=document).status_code == 201


def launch(app: App, flow_id: str) -> str:
    with app.client() as client:
        answer = client.post("/api/runs", json={"flow_id": flow_id})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["run_id"])


def ledger(app: App, run_id: str) -> list[dict[str, Any]]:
    with app.client() as client:
        records: list[dict[str, Any]] = client.get(f"/api/runs/{run_id}/ledger?limit=2000").json()["records"]
        return records


def steps(events: list[Event]) -> list[int]:
    return [event.data["position"] for event in events if event.name == "step"]


def tell(app: App, prompt: dict[str, Any], response: str) -> None:
    with app.client() as client:
        body = {"wait_key": prompt["wait_key"], "response": response}
        answer = client.post(f"/api/prompts/{prompt['run_id']}", json=body)
        assert answer.status_code == 200, answer.text
