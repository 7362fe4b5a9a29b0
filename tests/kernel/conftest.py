"""Stores of every backend, and runtimes over them, for the kernel's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from abstractruntime import (
    InMemoryLedgerStore,
    InMemoryRunStore,
    LedgerStore,
    RunState,
    RunStore,
    Runtime,
)
from abstractruntime.core.models import StepRecord
from abstractruntime.storage import Stores, open_journal, open_stores
from abstractruntime.storage.base import Record
from abstractruntime.testing.clock import MovableClock

MakeRuntime = Callable[..., Runtime]


class HostRuns(RunStore):
    """A host's own run store: it can be searched, and shares no transaction with any ledger."""

    def __init__(self) -> None:
        inner = InMemoryRunStore()
        self._inner = inner
        self.list_runs = inner.list_runs
        self.list_due_wait_until = inner.list_due_wait_until
        self.list_children = inner.list_children

    def save(self, run: RunState) -> None:
        self._inner.save(run)

    def load(self, run_id: str) -> RunState | None:
        return self._inner.load(run_id)


class HostLedger(LedgerStore):
    """A host's own ledger."""

    def __init__(self) -> None:
        self._inner = InMemoryLedgerStore()

    def append(self, record: StepRecord) -> None:
        self._inner.append(record)

    def list(self, run_id: str) -> list[Record]:
        return self._inner.list(run_id)


def host_stores() -> Stores:
    runs, ledger = HostRuns(), HostLedger()
    return Stores(runs, ledger, open_journal(runs, ledger))


@pytest.fixture(params=["memory", "json", "sqlite", "host"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stores]:
    urls = {
        "json": f"json://{tmp_path}/runs?sync=never",
        "memory": "memory:",
        "sqlite": f"sqlite://{tmp_path}/runs.db",
    }
    opened = host_stores() if request.param == "host" else open_stores(urls[request.param])
    yield opened
    opened.close()


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def make_runtime(stores: Stores) -> MakeRuntime:
    """Return a function that makes runtimes over the same stores: the second is a restart."""

    def make(**options: Any) -> Runtime:
        return Runtime(run_store=stores.runs, ledger_store=stores.ledger, **options)

    return make


@pytest.fixture
def runtime(make_runtime: MakeRuntime) -> Runtime:
    return make_runtime()
