"""Runtimes with an artifact store, over every kind of store."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime import EffectType, InMemoryArtifactStore, RunState, Runtime
from abstractruntime.storage import Stores
from abstractruntime.storage.artifacts import ArtifactStore
from abstractruntime.testing.clock import MovableClock
from abstractruntime.testing.flows import ask_for, end, flow


@pytest.fixture
def artifacts() -> ArtifactStore:
    return InMemoryArtifactStore()


@pytest.fixture
def runtime(stores: Stores, artifacts: ArtifactStore, clock: MovableClock) -> Runtime:
    return Runtime(run_store=stores.runs, ledger_store=stores.ledger, artifact_store=artifacts, clock=clock)


def said(role: str, content: str, name: str | None = None, **more: Any) -> dict[str, Any]:
    """Return a chat message, with an id if it is given one."""
    return {"role": role, "content": content, **({"metadata": {"message_id": name}} if name else {}), **more}


def asks(*effects: tuple[EffectType, dict[str, Any]]) -> Any:
    """Return a workflow that asks for these effects one after the other; results are r0, r1..."""
    names = [f"n{number}" for number in range(len(effects))]
    nodes = {
        name: ask_for(name, kind, payload, following, f"r{number}")
        for number, (name, (kind, payload), following) in enumerate(
            zip(names, effects, [*names[1:], "end"][: len(names)], strict=True)
        )
    }
    return flow(names[0] if names else "end", **nodes, end=end("end"))


def perform(
    runtime: Runtime,
    *effects: tuple[EffectType, dict[str, Any]],
    vars: dict[str, Any] | None = None,
    **start: Any,
) -> RunState:
    """Run these effects in one run and return its state."""
    spec = asks(*effects)
    return runtime.tick(spec, runtime.start(spec, vars, **start))


def output(run: RunState, number: int = 0) -> str:
    """Return the text that an effect has answered."""
    found: str = run.vars[f"r{number}"]["results"][0]["output"]
    return found


def meta(run: RunState, number: int = 0) -> dict[str, Any]:
    """Return the data that an effect has answered."""
    found: dict[str, Any] = run.vars[f"r{number}"]["results"][0]["meta"]
    return found


def spans(run: RunState) -> list[dict[str, Any]]:
    """Return the index of a run."""
    found: list[dict[str, Any]] = run.vars["_runtime"]["memory_spans"]
    return found
