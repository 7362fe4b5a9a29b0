"""What the pages of runs say of models: the words as they come, the tokens and the cost of each step and in all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from drive import end, flow, node, start
from web.conftest import Client
from web.moody import MoodyModel
from web.page import Page


@pytest.fixture
def moody() -> Iterator[MoodyModel]:
    made = MoodyModel()
    yield made
    made.close()


MINE = {"kind": "openai", "name": "mine"}


def provide(client: Client, url: str, **more: str) -> None:
    given = {"kind": "openai", "name": "mine", "base_url": url, "model": "m", **more}
    assert client.post("/settings/models", data=given, follow_redirects=False).status_code == 303


def asking() -> dict[str, Any]:
    return flow(
        "asking",
        {
            "start": start(),
            "one": node("llm_call", pins={"prompt": "first"}),
            "work": node("agent", pins={"prompt": "Work", "tools": ["calculate"]}),
            "end": end("said"),
        },
        "start -> one, one -> work, work -> end, one.response -> end.said",
    )


def test_each_step_says_what_it_used_and_the_page_what_all_did(client: Client, moody: MoodyModel) -> None:
    provide(client, moody.url, price_in="100", price_out="1000")
    client.save(asking())
    run_id = client.launch("asking")
    client.until(run_id, "completed", seconds=30)
    text = client.get(f"/runs/{run_id}", headers={"Accept": "text/html"}).text
    assert text.count('numeric">42 tokens · 0.015') == 3, "the flow's own call, and two of the agent's run"
    page = Page(text)
    assert 'data-state="running"' not in text, "each step of the agent's loop is over too"
    assert "3 calls, 126 tokens, cost 0.045" in page.text
    told = {"calls": 3, "tokens": 126, "cost": 0.045}
    assert client.run(run_id)["used"] == told
    assert (
        f'"used":{json.dumps(told, separators=(",", ":"))}' in client.get(f"/api/runs/{run_id}/events").text
    )
    child = client.studio.reader.children(run_id)[0].run_id
    assert client.run(child)["used"] == {"calls": 2, "tokens": 84, "cost": 0.03}
    assert "2 calls, 84 tokens, cost 0.03" in Page(client.get(f"/runs/{child}").text).text


def test_a_run_without_models_says_nothing_of_them(client: Client) -> None:
    client.save(flow("plain", {"start": start(), "end": end()}, "start -> end"))
    run_id = client.launch("plain")
    client.until(run_id, "completed")
    assert "tokens" not in client.get(f"/runs/{run_id}").text


def test_words_come_by_the_stream_while_the_model_speaks(client: Client, moody: MoodyModel) -> None:
    provide(client, moody.url)
    moody.mood = "halting"
    client.save(asking())
    run_id = client.launch("asking")
    heard = client.get(f"/api/runs/{run_id}/events", timeout=60).text
    frames = []
    for block in heard.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "event" in lines:
            frames.append((lines["event"], json.loads(lines["data"])))
    words = [data["text"] for name, data in frames if name == "words" and data["run_id"] == run_id]
    assert len(words) >= 2
    assert all(later.startswith(earlier) for earlier, later in pairwise(words))
    assert "You said first.".startswith(words[0])
    names = [name for name, _ in frames]
    first = names.index("words")
    assert "step" in names[first:], "they come before the call is over"
    assert client.studio.ai.models.words.said(run_id) == ""
    kept = json.dumps(client.records(run_id))
    assert "You said first." in kept


def test_a_server_that_cannot_stream_is_asked_for_whole_answers(client: Client, moody: MoodyModel) -> None:
    provide(client, moody.url, whole="on")
    client.save(asking())
    done = client.until(client.launch("asking"), "completed", seconds=30)
    assert done["output"]["said"] == "You said first."
    assert "come whole" in client.get("/settings/models").text


@pytest.mark.parametrize("kind", ["llm_call", "agent"])
def test_how_tools_are_called_is_a_setting_of_the_provider(
    client: Client, moody: MoodyModel, kind: str
) -> None:
    """For a call of a node and for an agent alike: the server is sent a schema instead of tools."""
    asks = node(kind, pins={"prompt": "Hello", "tools": ["calculate"]})
    client.save(
        flow(
            "tooled",
            {"start": start(), "ask": asks, "end": end("said")},
            "start -> ask, ask -> end, ask.response -> end.said",
        )
    )
    provide(client, moody.url, tool_mode="schema")
    assert "A JSON schema forces each answer" in client.get("/settings/models").text.split("<form")[0]
    done = client.until(client.launch("tooled"), "completed", "failed", seconds=30)
    assert done["output"]["said"] == "You said Hello."
    [body] = moody.bodies
    assert "tools" not in body
    forced = body["response_format"]["json_schema"]["schema"]["anyOf"]
    assert forced[0]["properties"]["name"] == {"const": "calculate"}
    provide(client, moody.url)
    client.until(client.launch("tooled"), "completed", "failed", seconds=30)
    assert moody.bodies[1]["tools"][0]["function"]["name"] == "calculate"
    refused = client.post("/settings/models", data={**MINE, "base_url": moody.url, "tool_mode": "magic"})
    assert refused.status_code == 422
    assert "How tools are called: " in refused.text
