"""Tools of a real MCP server that become others while the product runs."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from drive import end, flow, node, start
from flowstudio.settings import Settings
from integrations.mcp.listening import SERVER
from web.conftest import Client, open_client
from web.test_far_tools import settings_of, using

FREE = ("reword", "changing", "add", "listings")


@pytest.fixture
def ours(client: Client) -> Client:
    """A client of an app that knows the tests' server."""
    settings_of(client, {"id": "ours", "command": f"{sys.executable} {SERVER} stdio"}, *FREE)
    client.post("/settings/tools/list")
    return client


numbers = itertools.count()


def outcome(client: Client, *calls: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """Run a flow that makes calls; return what it ended with."""
    flow_id = f"calls-{next(numbers)}"
    client.save(using(flow_id, *calls))
    done = client.until(client.launch(flow_id), "completed", "failed", seconds=60)
    assert done["status"] == "completed", done["error"]
    return dict(done["output"])


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_settings_page_shows_a_tool_as_its_server_tells_of_it_now(ours: Client) -> None:
    assert "Return a value." in ours.get("/settings/tools").text
    outcome(ours, ("reword", {"description": "Burn a value."}))
    until(lambda: "Burn a value." in ours.get("/settings/tools").text)
    outcome(ours, ("reword", {"description": "Mend a value.", "tells": False}))
    assert "Mend a value." not in ours.get("/settings/tools").text
    assert "Mend a value." in ours.post("/settings/tools/list").text, "whoever asks gets the answer of now"


def test_calls_do_not_ask_for_the_list_each_time(ours: Client) -> None:
    def asked() -> int:
        return int(outcome(ours, ("listings", {}))["use0"]["result"])

    before = asked()
    outcome(ours, *(("add", {"a": number}) for number in range(3)))
    ours.get("/editor/tools")
    assert asked() == before


def waits(client: Client, flow_id: str, *names: str) -> str:
    """Start a flow that uses tools of `ours`, asks a person, and uses the last of them again."""
    used = {name: {"tool_call": {"name": f"ours__{name}", "arguments": {"value": 1}}} for name in names}
    nodes = {"start": start(), "ask": node("ask_user", pins={"prompt": "On?"}), "end": end("well")}
    nodes |= {
        "first": node("call_tool", pins=used[names[0]]),
        "last": node("call_tool", pins=used[names[-1]]),
    }
    way = "start -> first, first -> ask, ask -> last, last -> end, last.success -> end.well"
    client.save(flow(flow_id, nodes, way))
    return client.launch(flow_id)


def reworded(client: Client, description: str) -> None:
    """Have the server say something else of its tool `changing`, and wait until that is known."""
    outcome(client, ("reword", {"description": description}))
    until(lambda: description in client.get("/settings/tools").text)


def answered(client: Client, run_id: str, response: Any, wait_key: str) -> Any:
    return client.post(f"/api/prompts/{run_id}", json={"response": response, "wait_key": wait_key})


def test_a_tool_that_changed_since_the_run_used_it_asks_and_both_are_in_the_ledger(ours: Client) -> None:
    run_id = waits(ours, "waits", "changing")
    [prompt] = ours.until(run_id, "waiting", seconds=60)["prompts"]
    reworded(ours, "Burn a value.")
    ours.post("/settings/tools/approvals/again", data={"name": "ours__changing"})  # this run has not seen it
    assert answered(ours, run_id, "on", prompt["wait_key"]).status_code == 200
    asked = ours.wait(lambda: ours.asked(run_id), lambda found: found["wait_key"] != prompt["wait_key"])
    assert asked["prompt"] == (
        "The tool ours__changing has changed since this run first used it. Its server now says of it: "
        "“Burn a value.”. May the flow use ours__changing as it is now?"
    )
    assert asked["tool_calls"][0]["arguments"] == {"value": 1}
    assert answered(ours, run_id, {"approved": True}, asked["wait_key"]).status_code == 200
    assert ours.until(run_id, "completed", "failed")["output"]["well"] is True
    done = [each["result"]["results"][0] for each in ours.records(run_id) if is_call(each)]
    first, last = (each["meta"]["tool_hash"] for each in done)
    assert len(first) == len(last) == 64
    assert first != last


def is_call(record: dict[str, Any]) -> bool:
    return (record.get("effect") or {}).get("type") == "tool_calls" and record["status"] == "completed"


def test_a_tool_that_changes_while_a_person_is_asked_is_asked_about_again(ours: Client) -> None:
    settings_of(ours, {"id": "ours", "command": f"{sys.executable} {SERVER} stdio"}, "reword")
    ours.post("/settings/tools/list")
    run_id = waits(ours, "asks", "changing")
    seen = ours.asked(run_id, seconds=60)
    assert seen["prompt"] == "May the flow use ours__changing?"
    reworded(ours, "Burn a value.")
    edited = {seen["tool_calls"][0]["id"]: {"value": 5}}
    assert (
        answered(ours, run_id, {"approved": True, "arguments": edited}, seen["wait_key"]).status_code == 200
    )
    again = ours.wait(lambda: ours.asked(run_id), lambda found: found["wait_key"] != seen["wait_key"])
    assert "ours__changing has changed since you were asked" in again["prompt"]
    assert "“Burn a value.”" in again["prompt"]
    late = answered(ours, run_id, {"approved": True}, seen["wait_key"])
    assert (late.status_code, late.json()["code"]) == (409, "prompt.answered"), (
        "the form of before says nothing"
    )
    assert answered(ours, run_id, {"approved": True}, again["wait_key"]).status_code == 200
    on = ours.wait(lambda: ours.asked(run_id), lambda found: found["prompt"] == "On?")
    assert answered(ours, run_id, "on", on["wait_key"]).status_code == 200
    last = ours.wait(lambda: ours.asked(run_id), lambda found: found["wait_key"] != on["wait_key"])
    assert last["prompt"] == "May the flow use ours__changing?", "it is what the person allowed"
    assert answered(ours, run_id, {"approved": False}, last["wait_key"]).status_code == 200
    assert ours.until(run_id, "completed", "failed")["output"]["well"] is False


def test_a_tool_that_runs_by_itself_asks_once_it_has_changed(ours: Client, settings: Settings) -> None:
    assert outcome(ours, ("changing", {"value": 1}))["well"] is True
    reworded(ours, "Burn a value.")
    shown = ours.get("/settings/tools").text
    assert "Let it run as it is now" in shown
    run_id = waits(ours, "later", "changing")
    asked = ours.asked(run_id, seconds=60)
    assert asked["prompt"] == (
        "The tool ours__changing has changed since it was allowed to run by itself. Its server now says of it: "
        "“Burn a value.”. May the flow use ours__changing as it is now?"
    )
    assert answered(ours, run_id, {"approved": False}, asked["wait_key"]).status_code == 200
    ours.post("/settings/tools/approvals", data={"names": "ours__changing\nours__add"})
    assert ours.studio.ai.tools.changed() == {"ours__changing"}, "another list allows nothing anew"
    with open_client(settings) as restarted:
        restarted.post("/settings/tools/list")
        assert restarted.studio.ai.tools.changed() == frozenset(), (
            "this server began with its first words again"
        )
    again = {"data": {"name": "ours__changing"}, "follow_redirects": False}
    assert ours.post("/settings/tools/approvals/again", **again).status_code == 303
    assert "Let it run as it is now" not in ours.get("/settings/tools").text
    assert outcome(ours, ("changing", {"value": 1}))["well"] is True


def test_nothing_is_let_run_that_was_not_chosen(ours: Client) -> None:
    before = ours.studio.ai.tools.settings
    ours.post("/settings/tools/approvals/again", data={"name": "ours__note"})
    ours.post("/settings/tools/approvals/again", data={"name": "no such tool"})
    assert ours.studio.ai.tools.settings == before
