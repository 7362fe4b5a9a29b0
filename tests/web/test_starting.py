"""The form that starts a run: examples kept with the flow, and the same start as an API call."""

from __future__ import annotations

import json
import shlex
from typing import Any

from web.conftest import Client
from web.documents import end, flow, node, pin, start
from web.test_pages import see

KEY = "sk-" + "a1b2c3d4" * 3
HOSTILE = 'it\'s $(rm -rf /) `x` "quoted" \\ <b>\nnext'


def ordering(**more: Any) -> dict[str, Any]:
    begin = start("words", "amount", words="", amount=1)
    begin["data"]["outputs"][-1] = pin("amount", "number")
    say = node("say", "answer_user")
    wires = [("start", "say"), ("start.words", "say.message"), ("say", "end")]
    return flow("ordering", [begin, say, end()], wires, **more)


def body_of(call: str) -> dict[str, Any]:
    words = shlex.split(call)
    assert words[:4] == ["curl", "-X", "POST", words[3]]
    assert words[3].endswith("/api/runs")
    assert "Authorization: Bearer $FLOWSTUDIO_TOKEN" in words
    return dict(json.loads(words[words.index("--data-raw") + 1]))


def test_an_api_call_is_quoted_for_a_shell_and_starts_the_run(client: Client) -> None:
    client.save(ordering())
    told = client.post(
        "/editor/start", json={"flow_id": "ordering", "inputs": {"words": HOSTILE, "amount": 2}}
    ).json()
    body = body_of(told["call"])
    assert body == {"flow_id": "ordering", "inputs": {"words": HOSTILE, "amount": 2}}
    assert (told["inputs"], told["left_out"]) == ({"words": HOSTILE, "amount": 2}, [])
    run = client.post("/api/runs", json=body)
    assert run.status_code == 201, run.text


def test_a_key_is_in_no_example_and_no_call(client: Client) -> None:
    client.save(ordering())
    inputs = {"words": f"use {KEY}", "password": "hunter2!", "amount": 3}
    told = client.post("/editor/start", json={"flow_id": "ordering", "inputs": inputs}).json()
    assert (told["inputs"], told["left_out"]) == ({"amount": 3}, ["words", "password"])
    assert KEY not in json.dumps(told)
    assert "hunter2" not in json.dumps(told)
    assert "[key left out: password]" in body_of(told["call"])["inputs"]["password"]


def test_the_form_is_filled_from_an_example_and_shows_the_call_without_script(client: Client) -> None:
    examples = [{"name": "A large <order>", "inputs": {"words": "many", "amount": 500}}, {"name": 7}, "no"]
    client.save(ordering(examples=examples))
    page = see(client, "/flows/ordering/run")
    assert [each.attributes for each in page.named("option")] == [{}]
    filled = see(client, "/flows/ordering/run?example=A%20large%20%3Corder%3E")
    assert "500" in filled.values("value")
    assert ">many</textarea>" in filled.html
    answer = client.post("/flows/ordering/run/call", data={"in:words": "many", "in:amount": "500"})
    assert answer.status_code == 200
    assert "--data-raw" in answer.text
    assert "flowstudio token" in answer.text
    assert client.get("/api/runs").json()["runs"] == [], "nothing was started"
    wrong = client.post("/flows/ordering/run/call", data={"in:amount": "many"})
    assert (wrong.status_code, "This is not a number." in wrong.text) == (422, True)
    run = client.launch("ordering", words="hello")
    client.until(run, "completed")
