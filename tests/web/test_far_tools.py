"""Tools of a real MCP server over HTTP that misbehave, and approvals across kills of the whole server."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from browser.app import App
from drive import end, flow, node, start
from integrations.mcp.listening import SERVER, Listening
from web.conftest import Client


@pytest.fixture
def far() -> Iterator[Listening]:
    """The tests' MCP server, listening on loopback."""
    listening = Listening().start()
    yield listening
    listening.stop()


def using(flow_id: str, *calls: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """A flow that uses tools of `ours`, one after the other, and ends with what each has said."""
    names = [f"use{number}" for number in range(len(calls))]
    nodes = {"start": start()}
    for name, (tool, arguments) in zip(names, calls, strict=True):
        call = {"name": f"ours__{tool}", "arguments": arguments}
        nodes[name] = node("call_tool", pins={"tool_call": call, "allowed_tools": [f"ours__{tool}"]})
    nodes["end"] = end(*names, "well")
    way = ["start", *names, "end"]
    wires = [f"{here} -> {there}" for here, there in itertools.pairwise(way)]
    wires += [f"{name}.result -> end.{name}" for name in names]
    return flow(flow_id, nodes, ", ".join([*wires, f"{names[-1]}.success -> end.well"]))


def settings_of(client: Any, fields: dict[str, str], *free: str) -> None:
    """Keep the server; its tools `free` run without asking."""
    assert client.post("/settings/tools", data=fields, follow_redirects=False).status_code == 303
    names = "\n".join(f"ours__{name}" for name in free)
    client.post("/settings/tools/approvals", data={"names": names}, follow_redirects=False)


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        (
            "slow",
            {"seconds": 30},
            "slow timed out after 4s: give its calls more time (timeout_s), or ask for less",
        ),
        ("die", {}, "may or may not have been carried out: see whether it was before you try again"),
        ("add", {"a": "many"}, "valid integer"),
        ("add", {}, "Field required"),
        ("nothing", {}, "nothing"),
        ("broken", {}, "Error executing tool broken"),
        ("flood", {"megabytes": 100}, "ask"),
    ],
)
def test_a_far_tool_that_fails_is_told_and_what_was_done_is_done_once(
    client: Client, far: Listening, tmp_path: Path, tool: str, arguments: dict[str, Any], words: str
) -> None:
    settings_of(client, {"id": "ours", "url": far.url, "timeout_s": "4"}, "note", tool, "add")
    notes = tmp_path / "notes.txt"
    client.save(using("misused", ("note", {"file": str(notes), "text": "paid"}), (tool, arguments)))
    done = client.until(client.launch("misused"), "failed", "completed", seconds=60)
    assert done["status"] == "completed", done["error"]
    assert done["output"]["well"] is False
    assert words in str(done["output"]["use1"])
    assert "ExceptionGroup" not in str(done["output"])
    assert len(client.get(f"/api/runs/{done['run_id']}/ledger").content) < 100_000
    if tool == "die":
        far.start()  # as whoever keeps it running would
    client.save(using("again", ("add", {"a": 2})))
    for _ in range(3):  # what hangs is given up first
        good = client.until(client.launch("again"), "failed", "completed", seconds=60)
        if good["output"]["well"]:
            break
    assert good["output"]["well"] is True, good
    assert notes.read_text() == "paid\n"


def calling(tool: str, file: Path, *, fails: bool = False) -> dict[str, Any]:
    """A step that has a tool of `ours` write a line into a file."""
    call = {"name": f"ours__{tool}", "arguments": {"file": str(file), "text": "once"}}
    pins = {"tool_call": call, "allowed_tools": [call["name"]]}
    return node("call_tool", pins=pins, effectConfig={"failOnError": fails})


@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_a_server_that_cannot_be_reached_stops_the_run_where_it_can_be_taken_up(
    client: Client, far: Listening, tmp_path: Path, transport: str
) -> None:
    """The step fails before anything was sent, says why and what to do, and is taken again when that is mended."""
    right, wrong = {"url": far.url}, {"url": "http://127.0.0.1:9/mcp"}
    if transport == "stdio":
        right, wrong = (
            {"command": f"{sys.executable} {words}"} for words in (f"{SERVER} stdio", "-m nothing")
        )
    settings_of(client, {"id": "ours", **right}, "note")
    paid, then = tmp_path / "paid.txt", tmp_path / "then.txt"
    nodes = {"start": start(), "pay": calling("note", paid), "ask": node("ask_user", pins={"prompt": "On?"})}
    nodes |= {"use": calling("note", then, fails=True), "end": end("well")}
    way = "start -> pay, pay -> ask, ask -> use, use -> end, use.success -> end.well"
    client.save(flow("taken-up", nodes, way))
    run_id = client.launch("taken-up")
    prompt = client.asked(run_id, seconds=60)
    settings_of(client, {"id": "ours", **wrong}, "note")
    client.post(f"/api/prompts/{run_id}", json={"response": "on", "wait_key": prompt["wait_key"]})
    failed = client.until(run_id, "failed", "completed", seconds=60)
    assert failed["status"] == "failed", failed
    for words in (
        "Tool 'ours__note' failed: MCP server 'ours' could not be",
        "in the settings of tools",
        "The call of note was not carried out: it can be made again",
    ):
        assert words in failed["error"]
    assert (transport == "stdio") == ("No module named nothing" in failed["error"])
    shown = client.get(f"/runs/{run_id}").text
    assert "was not carried out" in shown
    assert "Try again" in shown
    settings_of(client, {"id": "ours", **right}, "note")
    assert client.post(f"/api/runs/{run_id}/retry").status_code == 200
    done = client.until(run_id, "completed", "failed", seconds=60)
    assert done["output"]["well"] is True, done
    assert (paid.read_text(), then.read_text()) == ("once\n", "once\n")


@pytest.mark.parametrize(
    ("mood", "size", "words"),
    [
        ("hang", 3, "moody timed out after 4s: give its calls more time (timeout_s), or ask for less"),
        ("flood", 3, "ask"),
        ("die", 3, "may or may not have been carried out: see whether it was before you try again"),
        ("good", "many", "size: 'many' is not of type 'integer'. Mend them where the call is made"),
    ],
)
def test_a_step_that_fails_with_its_tool_is_taken_up_there_and_pays_for_nothing_twice(
    client: Client, far: Listening, tmp_path: Path, mood: str, size: Any, words: str
) -> None:
    """The model before it has been asked once, whatever became of the tool, and once the tool is well the run ends."""
    (tmp_path / "mood").write_text(mood)
    settings_of(client, {"id": "ours", "url": far.url, "timeout_s": "4"}, "moody")
    given = {"name": "scripted", "kind": "scripted"}
    assert client.post("/settings/models", data=given, follow_redirects=False).status_code == 303
    call = {"name": "ours__moody", "arguments": {"folder": str(tmp_path), "size": size}}
    uses = node("call_tool", pins={"tool_call": call}, effectConfig={"failOnError": True})
    asks = node("llm_call", pins={"prompt": "first"})
    nodes = {"start": start(), "ask": asks, "use": uses, "end": end("told")}
    client.save(flow("moody", nodes, "start -> ask, ask -> use, use -> end, use.result -> end.told"))
    run_id = client.launch("moody")
    failed = client.until(run_id, "failed", "completed", seconds=90)
    assert (failed["status"], failed["failed_node"]) == ("failed", "use"), failed
    assert words in failed["error"]
    assert "Tool 'ours__moody' failed: " in failed["error"]
    shown = client.get(f"/runs/{run_id}").text
    assert "Try again from here" in shown
    assert len(client.get(f"/api/runs/{run_id}/ledger").content) < 100_000
    (tmp_path / "mood").write_text("good")
    if mood == "die":
        far.start()  # as whoever keeps it running would
    for _ in range(3):  # what hangs is given up first
        client.post(f"/api/runs/{run_id}/retry").raise_for_status()
        done = client.until(run_id, "failed", "completed", seconds=90)
        if done["status"] == "completed" or size == "many":
            break
    if size == "many":
        assert words in done["error"], "the flow has to be mended"
    else:
        assert done["output"]["told"] == {"result": "xxx"}, done
    assert [each["status"] for each in client.records(run_id) if _asks_model(each)] == [
        "started",
        "completed",
    ]


def _asks_model(record: dict[str, Any]) -> bool:
    return bool((record.get("effect") or {}).get("type") == "llm_call")


# ---- kills ---------------------------------------------------------------------------------------


def calls_in(client: Any, run_id: str, status: str) -> int:
    records = client.get(f"/api/runs/{run_id}/ledger", params={"limit": 2000}).json()["records"]
    return sum(
        (each.get("effect") or {}).get("type") == "tool_calls" and each["status"] == status
        for each in records
    )


def until(app: App, run_id: str, *statuses: str) -> dict[str, Any]:
    with app.client() as client:
        for _ in range(600):
            page: dict[str, Any] = client.get(f"/api/runs/{run_id}").json()
            if page["status"] in statuses:
                return page
            time.sleep(0.1)
    raise AssertionError(page)


@pytest.mark.slow
@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_an_approval_outlives_kills_of_the_server(tmp_path: Path, far: Listening, transport: str) -> None:
    """Killed between question and answer, and between answer and call: one question, one answer, one call.

    The tool may be called twice: the second kill may come when the call was claimed and not sent yet.
    """
    fields = {"id": "ours", "timeout_s": "60"}
    fields |= {"url": far.url} if transport == "http" else {"command": f"{sys.executable} {SERVER} stdio"}
    notes = tmp_path / "notes.txt"
    app = App(tmp_path / "app")
    app.folder.mkdir()
    app.start()
    try:
        with app.client() as client:
            settings_of(client, fields)
            document = using("noting", ("keep", {"file": str(notes), "text": "once"}))
            assert client.put("/api/flows/noting", json=document).status_code == 201
            run_id = client.post("/api/runs", json={"flow_id": "noting"}).json()["run_id"]
        [asked] = until(app, run_id, "waiting")["prompts"]
        app.kill()
        app.start()
        [prompt] = until(app, run_id, "waiting")["prompts"]
        assert prompt == asked, "the same question, with the same arguments"
        assert prompt["tool_calls"][0]["arguments"] == {"file": str(notes), "text": "once"}
        with app.client() as client:
            body = {"wait_key": prompt["wait_key"], "response": {"approved": True}}
            assert client.post(f"/api/prompts/{run_id}", json=body).status_code == 200
        app.kill()  # the session with the tool's server is not open yet
        assert not notes.exists()
        app.start()
        done = until(app, run_id, "completed", "failed")
        assert done["output"]["well"] is True, done
        assert notes.read_text() == "once\n"
        with app.client() as client:
            assert calls_in(client, run_id, "completed") == 1
            late = client.post(f"/api/prompts/{run_id}", json=body)
            assert (late.status_code, late.json()["code"]) == (409, "prompt.answered")
    finally:
        app.stop()
