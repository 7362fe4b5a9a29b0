"""The event stream on a real server: live, reconnecting, and across a power cut."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from browser.app import App
from flowstudio.app import create_app
from flowstudio.live import routes as live
from flowstudio.settings import Settings
from web.conftest import TOKEN, Client, open_client
from web.documents import asking, calling, counting, flow, hello, listening, node, sleeping, start
from web.streams import Event, events_of, launch, ledger, listen, save, steps, tell


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One server for the tests that do not kill it."""
    installation = App(tmp_path_factory.mktemp("app")).start()
    yield installation
    installation.stop()


def test_a_finished_run_is_told_from_its_beginning_and_the_stream_ends(app: App) -> None:
    save(app, hello())
    run_id = launch(app, "hello")
    events = list(listen(app, run_id))
    assert steps(events) == [record["position"] for record in ledger(app, run_id)]
    assert events[-1].name == "end"
    assert events[-1].data["status"] == "completed"
    assert events[-1].data["output"] == {"text": "Hello world", "success": True}
    assert {event.data["node_id"] for event in events if event.name == "step"} >= {"start", "end"}
    assert all(event.id == event.data["position"] for event in events if event.name == "step")


def test_a_question_that_timed_out_is_closed_as_such_with_when(app: App) -> None:
    document = asking("in-time", deadline=0.5)
    ask = next(node for node in document["nodes"] if node["id"] == "ask")
    ask["data"] |= {"onTimeout": "continue", "effectConfig": {"deadlineUnit": "seconds"}}
    save(app, document)
    prompts = [event.data for event in listen(app, launch(app, "in-time")) if event.name == "prompt"]
    assert [prompt["open"] for prompt in prompts] == [True, False]
    assert prompts[1]["timed_out"] is True
    assert prompts[1]["timed_out_at"]
    assert "answered_by" not in prompts[1]


def test_steps_arrive_live_with_prompt_and_state(app: App) -> None:
    save(app, asking())
    run_id = launch(app, "asking")
    seen: list[Event] = []
    for event in listen(app, run_id):
        seen.append(event)
        if event.name == "prompt" and event.data["open"]:
            assert event.data["prompt"] == "Your name?"
            tell(app, event.data, "Ada")
    names = Counter(event.name for event in seen)
    assert names["prompt"] == 2
    assert names["end"] == 1
    closed = next(event.data for event in seen if event.name == "prompt" and not event.data["open"])
    assert (closed["answer"], closed["answered_by"]) == ("Ada", "the API")
    statuses = [event.data["status"] for event in seen if event.name == "state"]
    assert statuses[-1] == "completed"
    assert "waiting" in statuses
    kinds = [event.data["kind"] for event in seen if event.name == "step"]
    assert {"visit", "effect", "resume", "end", "status"} == set(kinds)
    outputs = [e.data["outputs"] for e in seen if e.name == "step" and e.data["node_id"] == "ask"]
    assert {"response": "Ada"} in outputs
    waits = [(e.data["status"], e.data["waits"]) for e in seen if e.name == "step" and e.data["waits"]]
    assert waits == [("waiting", "user")]


def test_a_run_that_slept_is_over_when_its_stream_says_so(app: App) -> None:
    save(app, sleeping(0.1, "naps"))
    run_id = launch(app, "naps")
    for event in listen(app, run_id):
        if event.name == "end":
            break
    with app.client() as client:
        run = client.get(f"/api/runs/{run_id}").json()
    assert run["status"] == "completed"


def test_a_quiet_stream_tells_that_it_is_still_here(settings: Settings) -> None:
    with open_client(replace(settings, heartbeat_seconds=0.1)) as client:
        client.save(sleeping(0.8, "quiet"))
        told = client.get(f"/api/runs/{client.launch('quiet')}/events").text.split("\n\n")
    beats = [number for number, each in enumerate(told) if each == ": still here"]
    waits = next(number for number, each in enumerate(told) if '"waits":"until"' in each)
    ends = next(number for number, each in enumerate(told) if each.startswith("id:") and "event: end" in each)
    assert len([number for number in beats if waits < number < ends]) >= 2
    assert [event.name for event in events_of(iter("\n\n".join(told).split("\n")))][-1] == "end"


def test_a_stream_that_ends_soon_has_no_heartbeat(client: Client) -> None:
    client.save(hello())
    assert "still here" not in client.get(f"/api/runs/{client.launch('hello')}/events").text


@pytest.mark.parametrize("cut", [1, 3, 10, 25])
def test_a_reader_who_comes_back_misses_and_doubles_nothing(app: App, cut: int) -> None:
    flow_id = f"count{cut}"
    save(app, counting(40, flow_id))
    run_id = launch(app, flow_id)
    seen: list[int] = []
    last, ended = 0, False
    while not ended:
        got = 0
        headers = {"Last-Event-ID": str(last)} if last else {}
        for event in listen(app, run_id, **headers):
            last = event.id
            if event.name == "step":
                seen.append(event.data["position"])
                got += 1
            ended = event.name == "end"
            if got >= cut and not ended:
                break
    assert seen == [record["position"] for record in ledger(app, run_id)]


def test_after_is_honoured_and_the_header_wins(app: App) -> None:
    save(app, hello("again"))
    run_id = launch(app, "again")
    positions = steps(list(listen(app, run_id)))
    middle = positions[len(positions) // 2]
    rest = [position for position in positions if position > middle]
    assert steps(list(listen(app, run_id, after=middle))) == rest
    assert steps(list(listen(app, run_id, after=0, **{"Last-Event-ID": str(middle)}))) == rest
    over = list(listen(app, run_id, after=positions[-1]))
    assert steps(over) == []
    assert [event.name for event in over] == ["state", "end"]


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "9" * 30, str(2**63)])
def test_a_cursor_is_a_number(app: App, cursor: str) -> None:
    save_once(app, hello("cursor"))
    run_id = launch(app, "cursor")
    with app.client() as client:
        answer = client.get(f"/api/runs/{run_id}/events", headers={"Last-Event-ID": cursor})
        by_query = [
            client.get(f"/api/runs/{run_id}/{view}", params={"after": cursor})
            for view in ("events", "ledger")
        ]
    assert (answer.status_code, answer.json()["code"]) == (400, "stream.bad_cursor")
    assert [(got.status_code, got.json()["code"]) for got in by_query] == [(422, "request.invalid")] * 2


def save_once(app: App, document: dict[str, Any]) -> None:
    with app.client() as client:
        client.put(f"/api/flows/{document['id']}", json=document)


def test_an_unknown_run_has_no_stream(app: App) -> None:
    with app.client() as client:
        answer = client.get("/api/runs/nobody/events")
    assert (answer.status_code, answer.json()["code"]) == (404, "run.not_found")


def test_children_are_told_in_the_stream_of_their_root(app: App) -> None:
    save(app, asking("child"), calling("child", "mother"))
    run_id = launch(app, "mother")
    seen: list[Event] = []
    for event in listen(app, run_id):
        seen.append(event)
        if event.name == "prompt" and event.data["open"]:
            assert event.data["run_id"] != run_id
            tell(app, event.data, "Ada")
    roots = {event.data["root"] for event in seen if event.name == "step"}
    assert roots == {True, False}
    flows = {event.data["flow_id"] for event in seen if event.name == "step"}
    assert flows == {"mother", "child"}
    waits = [event.data["waiting"] for event in seen if event.name == "state" and event.data["waiting"]]
    assert any(wait["reason"] == "user" and wait["run_id"] != run_id for wait in waits)
    assert steps(seen) == [record["position"] for record in ledger(app, run_id)]


def test_a_run_alone_is_told_without_its_children_and_can_be_taken_up_at_every_step(app: App) -> None:
    save(app, asking("lone-child"), calling("lone-child", "lone"))
    run_id = launch(app, "lone")
    asked = next(event.data for event in listen(app, run_id) if event.name == "prompt")
    alone = listen(app, run_id, only=True)
    first = next(event for event in alone if event.name == "state")
    assert first.data["waiting"]["reason"] == "subworkflow", "the question is the child's"
    tell(app, asked, "Ada")
    seen = [*alone]
    assert {event.data["run_id"] for event in seen if event.name == "step"} == {run_id}
    assert "prompt" not in {event.name for event in seen}
    assert (seen[-1].name, seen[-1].data["status"]) == ("end", "completed")
    own = [record["position"] for record in ledger(app, run_id) if record["run_id"] == run_id]
    everything = [event.id for event in listen(app, run_id) if event.name == "step"]
    assert steps(seen) == own
    assert set(own) < set(everything)
    for cut in everything:  # ids of the whole story are cursors here too
        again = [*listen(app, run_id, cut, only=True)]
        assert steps(again) == [position for position in own if position > cut]
        assert again[-1].name == "end"


def test_a_stream_is_of_the_tree_or_of_the_run_only(client: Client) -> None:
    client.save(hello())
    run_id = client.launch("hello")
    client.until(run_id, "completed")
    whole, alone = (client.get(f"/api/runs/{run_id}/events?run={word}").text for word in ("tree", "only"))
    assert whole == alone
    assert client.get(f"/api/runs/{run_id}/events?run=all").status_code == 422


def test_a_child_has_a_live_stream_of_its_own(app: App) -> None:
    save(app, asking("alone"), calling("alone", "above"))
    run_id = launch(app, "above")
    for event in listen(app, run_id):
        if event.name == "prompt":
            break
    child = event.data
    assert child["run_id"] != run_id
    seen: list[Event] = []
    begun = 0.0
    for event in listen(app, child["run_id"]):
        seen.append(event)
        if event.name == "prompt" and event.data["open"]:
            begun = time.monotonic()
            tell(app, child, "Ada")
    assert time.monotonic() - begun < 2, "the bell rang for the child, nobody had to wait for a look"
    assert all(event.data["root"] for event in seen if event.name == "step")
    assert seen[-1].name == "end"


def test_a_session_ends_after_its_listeners_are_let_go(app: App) -> None:
    save(app, listening("session"))
    run_id = launch(app, "session")
    runs: dict[str, set[str]] = {}
    for event in listen(app, run_id):
        if event.name == "prompt" and event.data["open"]:
            tell(app, event.data, "yes")
        if event.name == "step":
            runs.setdefault(event.data["node_id"], set()).add(event.data["run_id"])
    assert event.name == "end"
    assert event.data["status"] == "completed"
    assert runs["emit"] == runs["ask"] == {run_id}
    assert len(runs["say"]) == 1
    assert run_id not in runs["say"], "what the listener did bears the listener's own run"


def test_a_cancelled_question_is_taken_back(app: App) -> None:
    save_once(app, asking("taken"))
    run_id = launch(app, "taken")
    seen: list[Event] = []
    for event in listen(app, run_id):
        seen.append(event)
        if event.name == "prompt" and event.data["open"]:
            with app.client() as client:
                client.post(f"/api/runs/{run_id}/cancel")
    prompts = [event.data for event in seen if event.name == "prompt"]
    assert [prompt["open"] for prompt in prompts] == [True, False]
    assert prompts[1]["wait_key"] == prompts[0]["wait_key"]
    assert "answer" not in prompts[1]
    assert seen[-1].data["status"] == "cancelled"


def test_a_failed_run_names_its_node(app: App) -> None:
    bad = flow(
        "bad",
        [start(), node("say", "emit_event", pinDefaults={"name": ""})],
        [("start", "say")],
    )
    with app.client() as client:
        client.put("/api/flows/bad", json=bad)
        answer = client.post("/api/runs", json={"flow_id": "bad"})
    if answer.status_code == 422:
        assert answer.json()["problems"][0]["node"] == "say"
        return
    last = list(listen(app, answer.json()["run_id"]))[-1]
    assert (last.name, last.data["status"], last.data["failed_node"]) == ("end", "failed", "say")


def test_signing_out_closes_the_streams(app: App) -> None:
    save_once(app, asking("closing"))
    run_id = launch(app, "closing")
    page = {"Sec-Fetch-Site": "same-origin"}
    with httpx.Client(base_url=app.url, headers=page, timeout=10) as browser:
        token = "test-token-" + "x" * 32
        assert browser.post("/login", json={"token": token}).status_code == 204
        ended = threading.Event()
        opened = threading.Event()

        def read() -> None:
            with browser.stream("GET", f"/api/runs/{run_id}/events") as answer:
                for _ in answer.iter_lines():
                    opened.set()
            ended.set()

        reader = threading.Thread(target=read)
        reader.start()
        assert opened.wait(5)
        assert browser.post("/logout").status_code == 204
        assert ended.wait(2), "streams of a session end with it"
        reader.join(5)
        assert browser.get("/api/runs").status_code == 401


@pytest.mark.slow
def test_a_power_cut_in_the_middle_loses_and_doubles_nothing(tmp_path: Path) -> None:
    app = App(tmp_path).start()
    try:
        save(app, counting(400, "long"), asking("waits"))
        run_id, waiting = launch(app, "long"), launch(app, "waits")
        seen: list[int] = []
        last, ended, kills = 0, False, 0
        while not ended:
            try:
                for event in listen(app, run_id, **({"Last-Event-ID": str(last)} if last else {})):
                    last = event.id
                    if event.name == "step":
                        seen.append(event.data["position"])
                    ended = event.name == "end"
                    if len(seen) > 150 * (kills + 1) and kills < 3 and not ended:
                        kills += 1
                        app.kill()
                        app.start()
                        break
            except httpx.TransportError:
                continue
        assert kills == 3
        records = ledger(app, run_id)
        assert seen == [record["position"] for record in records]
        visits = [r for r in records if r["node_id"] == "set" and (r["result"] or {}).get("visit")]
        assert len(visits) == 400, "each turn of the loop was taken once"
        with app.client() as client:
            (prompt,) = client.get("/api/prompts").json()["prompts"]
            assert prompt["run_id"] == waiting
            tell(app, prompt, "Ada")
            deadline = time.monotonic() + 5
            while client.get(f"/api/runs/{waiting}").json()["status"] != "completed":
                assert time.monotonic() < deadline
                time.sleep(0.02)
    finally:
        app.stop()


def test_the_server_stops_at_once_with_open_streams(tmp_path: Path) -> None:
    app = App(tmp_path).start()
    save(app, asking())
    run_id = launch(app, "asking")
    opened = [threading.Event() for _ in range(5)]

    def read(mine: threading.Event) -> None:
        for _ in listen(app, run_id):
            mine.set()

    readers = [threading.Thread(target=read, args=(mine,)) for mine in opened]
    for reader in readers:
        reader.start()
    assert all(mine.wait(5) for mine in opened)
    begun = time.monotonic()
    app.stop()
    assert time.monotonic() - begun < 3
    assert app.process is not None
    assert app.process.returncode in (0, -15, 143)
    for reader in readers:
        reader.join(5)
        assert not reader.is_alive()


@pytest.mark.slow
def test_a_reader_who_stops_reading_is_let_go(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "SEND_SECONDS", 0.5)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    app = create_app(replace(settings, port=port))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False, ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    token = {"Authorization": f"Bearer {TOKEN}"}
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=token, timeout=20) as client:
            assert client.put("/api/flows/counting", json=counting(3000)).status_code == 201
            run_id = client.post("/api/runs", json={"flow_id": "counting"}).json()["run_id"]
            with socket.socket() as frozen:
                frozen.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
                frozen.connect(("127.0.0.1", port))
                head = f"GET /api/runs/{run_id}/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
                frozen.sendall(f"{head}Authorization: Bearer {TOKEN}\r\n\r\n".encode())
                deadline = time.monotonic() + 30
                while client.get(f"/api/runs/{run_id}").json()["status"] != "completed":
                    assert time.monotonic() < deadline, "a frozen reader holds nobody up"
                    time.sleep(0.05)
                while app.state.readers.count:
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()


@pytest.mark.parametrize("spec_version", ["2.3", "2.4"])
@pytest.mark.parametrize("reader", ["gone", "frozen"])
def test_the_events_of_a_reader_who_is_away_end_at_once(
    reader: str, spec_version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while it is being sent to: what the events hold (a place among the readers) is free then."""
    monkeypatch.setattr(live, "SEND_SECONDS", 0.05)
    told: list[str] = []

    async def events() -> AsyncGenerator[bytes]:
        try:
            yield b"retry: 500\n\n"
            yield b"data: 1\n\n"
        finally:
            told.append("ended")

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"} if reader == "gone" else await asyncio.Event().wait()  # type: ignore[return-value]

    async def send(message: Any) -> None:
        if message.get("body"):
            if reader == "gone" and spec_version == "2.4":
                raise OSError("the reader has gone")
            await asyncio.Event().wait()

    async def served() -> None:
        scope = {"type": "http", "method": "GET", "path": "/", "asgi": {"spec_version": spec_version}}
        await live.EventStream(events())(scope, receive, send)
        told.append("returned")

    asyncio.run(asyncio.wait_for(served(), 5))
    assert told == ["ended", "returned"]
