"""What happens outside, told over HTTP to the runs that wait for it; and runs that are waited for in one request."""

from __future__ import annotations

from typing import Any

import pytest

from web.conftest import Client
from web.documents import asking, calling, end, flow, hello, listening, node, sleeping, start


def waiting_for(name: str, scope: str = "session", flow_id: str = "waiting") -> dict[str, Any]:
    """Wait for an event, then end with what it brought."""
    wait = node("wait", "wait_event", pinDefaults={"event_key": name}, effectConfig={"scope": scope})
    made = flow(flow_id, [start(), wait, end("paid")], [("start", "wait"), ("wait", "end")])
    made["edges"].append(
        {"id": "d", "source": "wait", "sourceHandle": "event_data", "target": "end", "targetHandle": "paid"}
    )
    return made


def parked(client: Client, document: dict[str, Any], **more: Any) -> str:
    client.save(document)
    answer = client.post("/api/runs", json={"flow_id": document["id"], **more})
    run_id = str(answer.json()["run_id"])
    client.until(run_id, "waiting")
    return run_id


def test_an_event_from_outside_wakes_who_waits_for_it(client: Client) -> None:
    run_id = parked(client, waiting_for("paid"), session_id="shop")
    missed = client.post("/api/events", json={"name": "paid", "session_id": "other"})
    assert (missed.status_code, missed.json()) == (200, {"runs": []})
    event = {"name": "paid", "session_id": "shop", "payload": {"amount": 7}}
    assert client.post("/api/events", json=event).json() == {"runs": [run_id]}
    output = client.until(run_id, "completed")["output"]
    assert output["paid"]["payload"] == {"amount": 7}
    assert output["paid"]["emitter"] == {"source": "external"}
    assert client.post("/api/events", json=event).json() == {"runs": []}, "it is told once"


def test_an_event_of_all_wakes_all(client: Client) -> None:
    client.save(waiting_for("bell", "global"))
    runs = [client.launch("waiting") for _ in range(3)]
    for run_id in runs:
        client.until(run_id, "waiting")
    woken = client.post("/api/events", json={"name": "bell", "scope": "global"}).json()["runs"]
    assert sorted(woken) == sorted(runs)
    for run_id in runs:
        client.until(run_id, "completed")


def test_a_listener_hears_an_event_from_outside(client: Client) -> None:
    client.save(listening())
    run_id = client.launch("listening")
    client.asked(run_id)
    before = len(client.records(run_id))
    client.post("/api/events", json={"name": "ping", "session_id": client.run(run_id)["session_id"]})
    client.wait(lambda: len(client.records(run_id)), lambda found: found > before)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": "paid"}, "event.invalid"),
        ({"name": "paid", "scope": "run", "session_id": "s"}, "event.invalid"),
        ({"name": " ", "scope": "global"}, "event.invalid"),
        ({"name": "paid", "scope": "planet"}, "request.invalid"),
        ({"name": "paid", "scope": "global", "payload": [1]}, "request.invalid"),
        ({"scope": "global"}, "request.invalid"),
    ],
)
def test_an_event_for_nobody_is_refused(client: Client, body: dict[str, Any], code: str) -> None:
    answer = client.post("/api/events", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_a_signal_reaches_exactly_the_wait_with_its_key_and_no_question(client: Client) -> None:
    run_id = parked(client, waiting_for("paid"))
    key = client.run(run_id)["waiting"]["wait_key"]
    assert client.post(f"/api/waits/{key}x", json={}).status_code == 404
    told = client.post(f"/api/waits/{key}", json={"payload": {"payload": {"amount": 9}}})
    assert (told.status_code, told.json()) == (200, {"runs": [run_id]})
    assert client.until(run_id, "completed")["output"]["paid"]["payload"] == {"amount": 9}
    late = client.post(f"/api/waits/{key}", json={})
    assert (late.status_code, late.json()["code"]) == (404, "wait.not_found")
    client.save(asking())
    asked = client.asked(client.launch("asking"))
    assert client.post(f"/api/waits/{asked['wait_key']}", json={}).json()["code"] == "wait.not_found"


def test_a_run_is_waited_for_in_the_request_that_starts_it(client: Client) -> None:
    for document in (hello(), asking(), sleeping(30), calling("hello")):
        client.save(document)

    def ask(flow_id: str, **more: Any) -> dict[str, Any]:
        answer = client.post("/api/runs", json={"flow_id": flow_id, "wait_seconds": 20, **more})
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    done = ask("hello", inputs={"who": "Ada"})
    assert (done["run"]["status"], done["run"]["output"]["text"]) == ("completed", "Hello Ada")
    assert ask("parent")["run"]["status"] == "completed", "with the runs that it waits for"
    stopped = ask("asking")["run"]
    assert (stopped["status"], stopped["waiting"]["reason"]) == ("waiting", "user")
    assert ask("sleeping")["run"]["waiting"]["reason"] == "until"
    plain = client.post("/api/runs", json={"flow_id": "hello", "inputs": {"who": "x"}}).json()
    assert set(plain) == {"run_id", "session_id"}
    assert client.post("/api/runs", json={"flow_id": "hello", "wait_seconds": 61}).status_code == 422


def test_input_variables_and_children_of_a_run_can_be_looked_at(client: Client) -> None:
    client.save(hello())
    client.save(calling("hello"))
    run_id = client.launch("hello", who="Ada")
    client.until(run_id, "completed")
    assert client.get(f"/api/runs/{run_id}/input").json() == {"values": {"who": "Ada"}}
    values = client.get(f"/api/runs/{run_id}/vars").json()["values"]
    assert values["who"] == "Ada"
    assert not [name for name in values if name.startswith("_")]
    parent = client.launch("parent")
    client.until(parent, "completed")
    (child,) = client.get(f"/api/runs/{parent}/children").json()["runs"]
    assert (child["parent_run_id"], child["status"]) == (parent, "completed")
    for what in ("input", "vars", "children"):
        assert client.get(f"/api/runs/none/{what}").status_code == 404
