"""Every case runs on every backend that needs no server, and through two doors: the kernel, and HTTP with its stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from abstractruntime.storage.backends import BACKENDS
from cases.second_door import Kept, outcome, play_over_http
from drive import Host, Played
from flowstudio.settings import Settings
from web.conftest import PORT, TOKEN, Client, open_client

URLS = {
    "json": "json:///{folder}/runs?sync=never",
    "memory": "memory:",
    "sqlite": "sqlite:///{folder}/runs.db",
}


@pytest.fixture(params=sorted(BACKENDS))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store."""
    return URLS[request.param].format(folder=tmp_path)


@pytest.fixture(scope="session")
def shared_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """One app for the second door of all cases."""
    base = tmp_path_factory.mktemp("second-door")
    settings = Settings(
        data=base / "data", flows=base / "flows", port=PORT, api_token=TOKEN, threads=2, store_url="memory:"
    )
    with open_client(settings) as opened:
        yield opened


@pytest.fixture(autouse=True)
def two_doors(shared_app: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Kept]]:
    """Keep what a case plays in memory, and play it again over HTTP: visits, questions and outcome are the same."""
    kept: list[Kept] = []
    make, play = Host.__init__, Host.play

    def made(host: Host, *flows: Any, **options: Any) -> None:
        make(host, *flows, **options)
        host.made_of = deepcopy(flows), options  # type: ignore[attr-defined]

    def played(
        host: Host, vars: Mapping[str, Any] | None = None, answers: Sequence[Any] = (), **options: Any
    ) -> Played:
        found = play(host, vars, answers, **options)
        flows, given = host.made_of  # type: ignore[attr-defined]
        if host.url == "memory:":
            special = any(
                given.get(name) for name in ("types", "handlers", "policy", "offers", "visit_limit")
            )
            kept.append(
                Kept(flows, dict(vars or {}), [*answers], found, bool(given.get("listeners")), special)
            )
        return found

    monkeypatch.setattr(Host, "__init__", made)
    monkeypatch.setattr(Host, "play", played)
    yield kept
    for each in [each for each in kept if not each.why_not][:3]:
        seen = play_over_http(shared_app, each)
        if seen is None:
            assert each.is_refused, "the app refuses a flow without errors"
            continue
        played, state = each.played, seen.state
        told = outcome(state["status"], state["output"], seen.asked, seen.visits, in_order=each.in_order)
        wanted = outcome(played.status, played.output, played.asked, played.visits, in_order=each.in_order)
        assert told == wanted, "over HTTP the case comes to something else than in the kernel"
