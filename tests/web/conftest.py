"""A fresh app in this process, and one in a process of its own that can be killed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest

from flowstudio.app import create_app
from flowstudio.settings import Settings
from flowstudio.studio import Studio
from flowstudio.worker import Worker
from web.client import AppClient

TOKEN = "test-token-" + "x" * 32
PORT = 8420
PROBLEM = "application/problem+json"
Json = Any
DESCRIBED: dict[str, Json] = {}


@cache
def pattern_of(template: str) -> re.Pattern[str]:
    """The addresses that a template of the description stands for."""
    any_name = re.sub(
        r"\\{[^}]*\\}", lambda name: ".+" if "flow_id" in name[0] else "[^/]+", re.escape(template)
    )
    return re.compile(any_name)


class Client(AppClient):
    """An API client of a running app."""

    studio: Studio
    worker: Worker

    @cached_property
    def description(self) -> dict[str, Json]:
        """The app's OpenAPI document: 0.4 s to make and the same for every app, so made once a process."""
        app: Any = self._app
        if not DESCRIBED:
            DESCRIBED.update(app.openapi())
        return DESCRIBED

    def request(self, method: str, path: str, **options: Json) -> httpx.Response:
        """Send one request; what comes back must be what the OpenAPI description says may come."""
        answer = super().request(method, path, **options)
        assert answer.status_code != 204 or "content-type" not in answer.headers, f"{method} {path}: no body"
        operation = self._operation(method, path.partition("?")[0])
        if operation is not None:
            told = operation["responses"].get(str(answer.status_code))
            assert told is not None, f"{method} {path}: {answer.status_code} is not described: {answer.text}"
            if answer.status_code >= 400 and answer.headers.get("content-type") == PROBLEM:
                members = told["content"][PROBLEM]["schema"]["properties"]
                assert answer.json()["code"] in members["code"]["enum"], f"{method} {path}: {answer.text}"
                every = {*members, "type", "title", "status", "detail"}
                assert set(answer.json()) <= every, f"{method} {path}: {answer.text}"
        return answer

    def _operation(self, method: str, path: str) -> dict[str, Json] | None:
        if path.startswith("/api/") or path == "/healthz":
            for template, operations in self.description["paths"].items():
                if method.lower() in operations and pattern_of(template).fullmatch(path):
                    found: dict[str, Json] = operations[method.lower()]
                    return found
        return None

    def save(self, document: dict[str, Json]) -> None:
        """Create a flow."""
        answer = self.put(f"/api/flows/{document['id']}", json=document)
        assert answer.status_code == 201, answer.text

    def launch(self, flow_id: str, **inputs: Json) -> str:
        """Start a run and return its id."""
        answer = self.post("/api/runs", json={"flow_id": flow_id, "inputs": inputs})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["run_id"])

    def run(self, run_id: str) -> dict[str, Json]:
        """Return a run's page."""
        found: dict[str, Json] = self.get(f"/api/runs/{run_id}").json()
        return found

    def until(self, run_id: str, *statuses: str, seconds: float = 10.0) -> dict[str, Json]:
        """Wait until a run has one of these states; return its page."""
        return self.wait(lambda: self.run(run_id), lambda page: page["status"] in statuses, seconds)

    def asked(self, run_id: str, seconds: float = 10.0) -> dict[str, Json]:
        """Wait until a run or one of its children asks something; return the prompt."""
        page = self.wait(lambda: self.run(run_id), lambda found: bool(found["prompts"]), seconds)
        prompt: dict[str, Json] = page["prompts"][0]
        return prompt

    def records(self, run_id: str) -> list[dict[str, Json]]:
        """Return all records of a run and its children."""
        found: list[dict[str, Json]] = self.get(f"/api/runs/{run_id}/ledger?limit=2000").json()["records"]
        return found

    def wait(self, look: Callable[[], Json], is_right: Callable[[Json], bool], seconds: float = 10.0) -> Json:
        """Look until it is right; fail with what was seen last."""
        deadline = time.monotonic() + seconds
        while True:
            seen = look()
            if is_right(seen):
                return seen
            assert time.monotonic() < deadline, f"after {seconds} s: {seen}"
            time.sleep(0.01)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", flows=tmp_path / "flows", port=PORT, api_token=TOKEN, threads=2)


def open_client(settings: Settings) -> Client:
    app = create_app(settings)
    client = Client(app, f"http://127.0.0.1:{PORT}", {"Authorization": f"Bearer {TOKEN}"})
    client.studio = app.state.studio
    client.worker = app.state.worker
    return client


@pytest.fixture
def client(settings: Settings) -> Iterator[Client]:
    """A client of an app that runs; its worker too."""
    with open_client(settings) as opened:
        yield opened
