"""The server is killed with -9 in the middle of a call: what is in doubt is told, or repeated where that is allowed.

A tool that has written its line, and a model that has begun to answer, when the server dies: only the tool that
says that it may be called twice is called twice by itself, and the model, which acts on nothing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from browser.app import App
from drive import end, flow, node, start
from integrations.mcp.listening import SERVER, Listening
from web.moody import MoodyModel
from web.test_far_tools import calling, settings_of, until

pytestmark = pytest.mark.slow
UNKNOWN = "It is not known whether 'ours__send' was carried out"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    made = App(tmp_path / "app")
    made.folder.mkdir()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def model() -> Iterator[MoodyModel]:
    made = MoodyModel()
    yield made
    made.close()


@pytest.fixture
def far() -> Iterator[Listening]:
    listening = Listening().start()
    yield listening
    listening.stop()


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def begin(app: App, document: dict[str, Any]) -> str:
    with app.client() as client:
        assert client.put(f"/api/flows/{document['id']}", json=document).status_code in (200, 201)
        return str(client.post("/api/runs", json={"flow_id": document["id"]}).json()["run_id"])


def killed_in_call(app: App, document: dict[str, Any], *files: Path) -> str:
    """Start a run, kill the server when the tool has written its lines but has not answered, start it again."""
    run_id = begin(app, document)
    wait_for(lambda: all(file.exists() for file in files))
    app.kill()
    app.start()
    return run_id


def keep_server(app: App, transport: str, far: Listening) -> None:
    fields = {"id": "ours", "timeout_s": "60"}
    fields |= {"url": far.url} if transport == "http" else {"command": f"{sys.executable} {SERVER} stdio"}
    with app.client() as client:
        settings_of(client, fields, "send", "put", "note")


def one_call(tool: str, file: Path, *, fails: bool = False) -> dict[str, Any]:
    nodes = {"start": start(), "use": calling(tool, file, fails=fails), "end": end("told", "well")}
    return flow("one", nodes, "start -> use, use -> end, use.result -> end.told, use.success -> end.well")


@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_a_tool_that_does_not_say_that_it_may_be_called_twice_is_not(
    app: App, far: Listening, tmp_path: Path, transport: str
) -> None:
    keep_server(app, transport, far)
    file = tmp_path / "sent.txt"
    run_id = killed_in_call(app, one_call("send", file), file)
    done = until(app, run_id, "completed", "failed")
    assert done["status"] == "completed", done
    assert done["output"]["well"] is False
    assert UNKNOWN in done["output"]["told"]
    assert file.read_text() == "once\n"


@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_a_tool_that_says_that_it_may_be_called_twice_is_and_the_run_goes_on(
    app: App, far: Listening, tmp_path: Path, transport: str
) -> None:
    keep_server(app, transport, far)
    file = tmp_path / "put.txt"
    run_id = killed_in_call(app, one_call("put", file), file)
    done = until(app, run_id, "completed", "failed")
    assert done["output"]["well"] is True, done
    assert file.read_text() == "once\nonce\n"


@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_a_step_that_fails_with_its_tool_waits_for_a_person_to_say_again(
    app: App, far: Listening, tmp_path: Path, transport: str
) -> None:
    keep_server(app, transport, far)
    file = tmp_path / "sent.txt"
    run_id = killed_in_call(app, one_call("send", file, fails=True), file)
    failed = until(app, run_id, "completed", "failed")
    assert failed["status"] == "failed"
    assert UNKNOWN in failed["error"]
    assert file.read_text() == "once\n"
    with app.client() as client:
        assert UNKNOWN.replace("'", "&#39;") in client.get(f"/runs/{run_id}").text
        assert client.post(f"/api/runs/{run_id}/retry").status_code == 200
    done = until(app, run_id, "completed", "failed")
    assert done["output"]["well"] is True, done
    assert file.read_text() == "once\nonce\n", "the person has seen to it"


def test_of_a_batch_only_the_call_in_doubt_is_told(app: App, far: Listening, tmp_path: Path) -> None:
    keep_server(app, "stdio", far)
    files = {tool: tmp_path / f"{number}-{tool}.txt" for number, tool in enumerate(("note", "send", "put"))}
    calls = [
        {"name": f"ours__{tool}", "arguments": {"file": str(file), "text": "once"}}
        for tool, file in files.items()
    ]
    nodes = {"start": start(), "use": node("tool_calls", pins={"tool_calls": calls}), "end": end("told")}
    document = flow("batch", nodes, "start -> use, use -> end, use.results -> end.told")
    run_id = killed_in_call(app, document, files["note"], files["send"])
    told = until(app, run_id, "completed", "failed")["output"]["told"]
    assert [each["success"] for each in told] == [True, False, True]
    assert UNKNOWN in told[1]["error"]
    assert [file.read_text() for file in files.values()] == ["once\n"] * 3


@pytest.mark.parametrize("mood", ["halting", "slow"])
def test_a_model_that_was_being_asked_is_asked_again_and_earlier_answers_are_not(
    app: App, model: MoodyModel, mood: str
) -> None:
    """Killed in the middle of a stream, and before its first word: the call is repeated, what is paid for is not."""
    with app.client() as client:
        given = {"kind": "openai", "name": "mine", "base_url": model.url, "model": "m"}
        assert client.post("/settings/models", data=given, follow_redirects=False).status_code == 303
    first = node("llm_call", pins={"prompt": "first"})
    second = node("llm_call", pins={"prompt": "a much longer second question"})
    nodes = {"start": start(), "one": first, "hold": node("ask_user", pins={"prompt": "On?"})}
    nodes |= {"two": second, "end": end("said")}
    way = "start -> one, one -> hold, hold -> two, two -> end, two.response -> end.said"
    run_id = begin(app, flow("asks", nodes, way))
    [prompt] = until(app, run_id, "waiting")["prompts"]
    model.mood = mood
    with app.client() as client:
        body = {"wait_key": prompt["wait_key"], "response": "on"}
        assert client.post(f"/api/prompts/{run_id}", json=body).status_code == 200
    wait_for(lambda: len(model.asked) == 2)
    time.sleep(0.6)
    app.kill()
    model.mood = "good"
    app.start()
    done = until(app, run_id, "completed", "failed")
    assert done["output"]["said"] == "You said a much longer second question."
    assert model.asked == ["first", *["a much longer second question"] * 2]
    assert len({*model.keys[1:]}) == 1, "a server that knows the key can tell the repetition"
    with app.client() as client:
        records = client.get(f"/api/runs/{run_id}/ledger", params={"limit": 2000}).json()["records"]
    of_two = [each["status"] for each in records if each["node_id"] == "two" and each["effect"]]
    assert of_two == ["started", "started", "completed"], "the ledger shows the call that was cut off"
