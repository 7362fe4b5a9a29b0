"""The budget of a run counts all that it has started: agents and subflows too; it is asked about once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drive import end, flow, node, start
from flowstudio.settings import Settings
from web.conftest import PORT, TOKEN, Client, open_client
from web.moody import MoodyModel
from web.test_bad_models import paid, provide


@pytest.fixture
def moody(client: Client) -> Iterator[MoodyModel]:
    """A model of which each answer takes 42 tokens."""
    made = MoodyModel()
    provide(client, made.url)
    yield made
    made.close()


def allow(client: Client, tokens: int) -> None:
    said = client.post("/settings/models/budget", data={"tokens": str(tokens)}, follow_redirects=False)
    assert said.status_code == 303


AGENTS = {name: node("agent", pins={"prompt": f"Work {name}"}) for name in ("one", "two")}


def in_turn() -> dict[str, Any]:
    wires = "start -> one, one -> two, two -> end, two.response -> end.said"
    return flow("agents", {"start": start(), **AGENTS, "end": end("said")}, wires)


def side_by_side(kind: str) -> dict[str, Any]:
    """A flow that asks a model, and then has two agents, or models, work at once."""
    both = node(
        "parallel", ins=["exec-in"], outs=["then:0|execution", "then:1|execution", "completed|execution"]
    )
    first = node("llm_call", pins={"prompt": "first"})
    wires = "start -> first, first -> both, both:then:0 -> one, both:then:1 -> two, both:completed -> end"
    work = {name: node(kind, pins={"prompt": f"Work {name}"}) for name in ("one", "two")}
    return flow("side", {"start": start(), "first": first, "both": both, **work, "end": end()}, wires)


def answered(client: Client, prompt: dict[str, Any], said: str) -> None:
    body = {"wait_key": prompt["wait_key"], "response": said}
    client.post(f"/api/prompts/{prompt['run_id']}", json=body).raise_for_status()


def test_what_a_child_has_used_counts_and_what_is_granted_counts_for_all(
    client: Client, moody: MoodyModel
) -> None:
    """Each agent needs 42 tokens: the second one may not begin, is let go on, and nobody asks again."""
    allow(client, 40)
    client.save(in_turn())
    run_id = client.launch("agents")
    prompt = client.asked(run_id)
    assert prompt["prompt"] == "This run has used 42 of 40 tokens. Shall it go on?"
    assert prompt["run_id"] != run_id, "the second agent asks"
    assert [each["run_id"] for each in client.get("/api/prompts").json()["prompts"]] == [prompt["run_id"]]
    assert moody.asked == ["Work one"]
    answered(client, prompt, "Go on")
    done = client.until(run_id, "completed", "failed", seconds=30)
    assert done["status"] == "completed", done["error"]
    assert paid(client, run_id) == 2
    assert moody.asked == ["Work one", "Work two"]


def test_a_run_that_was_stopped_may_go_on_after_all(client: Client, moody: MoodyModel) -> None:
    allow(client, 40)
    client.save(in_turn())
    run_id = client.launch("agents")
    answered(client, client.asked(run_id), "Stop")
    page = client.until(run_id, "failed")
    assert "The run has used 42 tokens, and a person stopped it there." in page["error"]
    client.post(f"/api/runs/{run_id}/retry").raise_for_status()
    answered(client, client.asked(run_id), "Go on")
    assert client.until(run_id, "completed", "failed", seconds=30)["status"] == "completed"
    assert moody.asked == ["Work one", "Work two"]


@pytest.mark.parametrize("kind", ["agent", "llm_call"])
@pytest.mark.parametrize(("said", "ends"), [("Go on", "completed"), ("Stop", "failed")])
def test_calls_side_by_side_ask_one_question(
    client: Client, moody: MoodyModel, said: str, ends: str, kind: str
) -> None:
    client.save(side_by_side(kind))
    allow(client, 40)
    run_id = client.launch("side")
    kin = client.studio.reader
    client.wait(
        lambda: [
            each.waiting.prompt for each in kin.tree(run_id).runs if each.waiting and each.waiting.prompt
        ],
        lambda found: found == ["This run has used 42 of 40 tokens. Shall it go on?"] * 2,
        30,
    )
    [prompt] = client.get("/api/prompts").json()["prompts"]
    assert client.run(run_id)["prompts"] == [prompt]
    answered(client, prompt, said)
    done = client.until(run_id, "completed", "failed", seconds=30)
    assert done["status"] == ends
    assert len(moody.asked) == (3 if said == "Go on" else 1)


SHAPE = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def unfit() -> dict[str, Any]:
    """A flow whose model never gives the shape that is asked for: each try takes 42 tokens."""
    asks = node("llm_call", pins={"prompt": "Count", "resp_schema": SHAPE})
    wires = "start -> ask, ask -> end, ask.response -> end.said"
    return flow("unfit", {"start": start(), "ask": asks, "end": end("said")}, wires)


def test_tries_that_came_to_nothing_are_told_and_count(tmp_path: Path) -> None:
    """Three answers that do not fit: in the record, on the page, in the budget, and so after a restart."""
    settings = Settings(
        data=tmp_path / "data", flows=tmp_path / "flows", port=PORT, api_token=TOKEN, threads=2
    )
    moody = MoodyModel()
    try:
        with open_client(settings) as client:
            provide(client, moody.url, price_in="1000", price_out="2000")
            allow(client, 100)
            client.save(unfit())
            run_id = client.launch("unfit")
            client.until(run_id, "failed")
            assert moody.asked[0] == "Count"
            [failed] = [
                each
                for each in client.records(run_id)
                if each["status"] == "failed" and (each["effect"] or {}).get("type") == "llm_call"
            ]
            assert failed["result"]["usage"]["total_tokens"] == 126
            told = failed["result"]["metadata"]["attempts"]
            assert [(each["usage"]["total_tokens"], each["cost"]) for each in told] == [(42, 0.054)] * 3
            error = failed["result"]["error"]
            assert (error["code"], error["kind"], error["retryable"]) == ("effect.failed", "schema", False)
            page = client.get(f"/runs/{run_id}").text
            assert ">3 calls, 126 tokens, cost 0.162<" in page
            assert '<dt>Used</dt><dd class="numeric">126 tokens, cost 0.162<' in page
        with open_client(settings) as client:
            assert ">3 calls, 126 tokens, cost 0.162<" in client.get(f"/runs/{run_id}").text
            client.post(f"/api/runs/{run_id}/retry").raise_for_status()
            prompt = client.asked(run_id)
            assert prompt["prompt"] == "This run has used 126 of 100 tokens. Shall it go on?"
            assert len(moody.asked) == 3
            answered(client, prompt, "Go on")
            client.until(run_id, "failed")
            assert len(moody.asked) == 6
            assert ">6 calls, 252 tokens, cost 0.324<" in client.get(f"/runs/{run_id}").text
    finally:
        moody.close()


def test_answers_that_broke_off_count_each_time_that_they_are_asked_for_again(
    client: Client, moody: MoodyModel
) -> None:
    moody.mood = "breaks off"
    asks = node("llm_call", pins={"prompt": "Count"}, policy={"retries": 2, "pause": 0.01})
    client.save(flow("torn", {"start": start(), "ask": asks, "end": end()}, "start -> ask, ask -> end"))
    run_id = client.launch("torn")
    client.until(run_id, "failed", seconds=60)
    assert len(moody.asked) == 3
    assert ">3 calls, 126 tokens<" in client.get(f"/runs/{run_id}").text
