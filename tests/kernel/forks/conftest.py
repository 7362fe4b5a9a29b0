"""Stores that keep history, and runtimes over them with a bank outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from abstractruntime import Runtime, WorkflowRegistry, WorkflowSpec, open_stores
from abstractruntime.core import RuntimeConfig
from abstractruntime.storage import Stores

from .story import ACT, Bank


@pytest.fixture(params=["memory", "json", "sqlite"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stores]:
    urls = {
        "memory": "memory:",
        "json": f"json://{tmp_path}/x?sync=never",
        "sqlite": f"sqlite://{tmp_path}/x.db",
    }
    opened = open_stores(urls[request.param])
    yield opened
    opened.close()


@pytest.fixture
def bank() -> Bank:
    return Bank()


@pytest.fixture
def make(stores: Stores, bank: Bank) -> Callable[..., Runtime]:
    def runtime(*specs: WorkflowSpec, **options: Any) -> Runtime:
        registry = WorkflowRegistry()
        for spec in specs:
            registry.register(spec)
        given = {"ledger_store": stores.ledger, "config": RuntimeConfig(node_errors="fail"), **options}
        return Runtime(
            run_store=stores.runs,
            effect_handlers={ACT: bank},
            workflow_registry=registry,
            artifact_store=stores.artifacts,
            **given,
        )

    return runtime
