"""Pause, resume and cancel of a tree that holds an agent at work and a listener."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from abstractruntime.core.models import RunState
from drive import end, flow, node, start
from web.conftest import Client
from web.moody import MoodyModel
from web.test_bad_models import provide
from web.test_budget import allow, answered


@pytest.fixture
def working(client: Client) -> Iterator[str]:
    """A run whose agent asks about its budget, with a listener beside it."""
    model = MoodyModel()
    provide(client, model.url)
    allow(client, 40)
    nodes = {
        "start": start(),
        "first": node("llm_call", pins={"prompt": "first"}),
        "work": node("agent", pins={"prompt": "Work"}),
        "end": end("said"),
        "on": node("on_event", eventConfig={"name": "ping", "scope": "session"}),
        "hear": node("answer_user", pins={"message": "heard"}),
    }
    wires = "start -> first, first -> work, work -> end, work.response -> end.said, on -> hear"
    client.save(flow("working", nodes, wires, entryNode="start"))
    run_id = client.launch("working")
    client.asked(run_id)
    yield run_id
    model.close()


def tree(client: Client, run_id: str) -> dict[str, RunState]:
    """Return the three runs by what they are: the root, the agent at work, the listener."""
    runs = client.studio.reader.tree(run_id).runs
    names = {run_id: "root", client.asked(run_id)["run_id"]: "agent"}
    found = {names.get(run.run_id, "listener"): run for run in runs}
    assert len(found) == len(runs) == 3
    return found


def test_a_pause_holds_the_tree_and_what_is_answered_meanwhile_waits(client: Client, working: str) -> None:
    held = client.post(f"/api/runs/{working}/pause", json={"reason": "later"}).json()
    assert held["paused"] is True
    runs = tree(client, working)
    assert client.run(runs["listener"].run_id)["paused"] is True
    prompt = client.asked(working)
    assert prompt["run_id"] == runs["agent"].run_id, "a question to a person stays open"
    answered(client, prompt, "Go on")
    client.until(prompt["run_id"], "completed", seconds=30)
    assert client.run(working)["status"] == "waiting", "its agent is done, but nobody goes on"
    assert client.post(f"/api/runs/{working}/resume").json()["paused"] is False
    assert client.until(working, "completed", "failed", seconds=30)["status"] == "completed"
    client.wait(
        lambda: client.studio.reader.tree(working).runs, lambda runs: all(run.status.is_over for run in runs)
    )


def test_a_cancel_ends_agent_and_listener_too(client: Client, working: str) -> None:
    assert (
        client.post(f"/api/runs/{working}/cancel", json={"reason": "no need"}).json()["status"] == "cancelled"
    )
    found = client.studio.reader.tree(working).runs
    assert [run.status.value for run in found] == ["cancelled"] * 3
    assert client.get("/api/prompts").json()["prompts"] == []
