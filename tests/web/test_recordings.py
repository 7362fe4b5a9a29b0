"""What a model server has answered once is answered again without it; an agent's answer in the shape that was asked for; no file by its path."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from drive import end, flow, node, start
from flowstudio.ai.recordings import RecordedModel, RecordingModel
from integrations.abstractcore.scripted import Script, said
from web.conftest import Client
from web.leaky import LeakyModel


def provide(client: Client, **fields: str) -> None:
    given = {"name": "mine", "model": "m", **fields}
    assert client.post("/settings/models", data=given, follow_redirects=False).status_code == 303


def asking(flow_id: str, prompt: str) -> dict[str, Any]:
    """A flow that asks a model, and has an agent work with a tool."""
    asks = node("llm_call", pins={"prompt": prompt})
    works = node("agent", pins={"prompt": "Work", "tools": ["calculate"]})
    nodes = {"start": start(), "ask": asks, "work": works, "end": end("said", "done")}
    way = "start -> ask, ask -> work, work -> end, ask.response -> end.said, work.response -> end.done"
    return flow(flow_id, nodes, way)


def outcome(client: Client, document: dict[str, Any]) -> dict[str, Any]:
    client.save(document)
    return dict(client.until(client.launch(document["id"]), "completed", "failed", seconds=30))


@pytest.mark.parametrize(("whole", "questions"), [("on", 3), ("", 2)])
def test_a_flow_that_was_recorded_runs_without_its_server(client: Client, whole: str, questions: int) -> None:
    """Answers that came whole, and answers that came word by word."""
    server = LeakyModel()
    provide(client, kind="openai", base_url=server.url, key="a-key-1234", records="on", whole=whole)
    live = outcome(client, asking("live", "Hello"))
    server.close()
    assert live["status"] == "completed", live["error"]
    assert live["output"]["said"].startswith("Your key is")
    assert len(server.keys) == questions, "word by word it calls no tool"

    provide(client, kind="recorded")
    again = outcome(client, asking("again", "Hello"))
    assert (again["status"], again["output"]) == ("completed", live["output"]), again["error"]
    assert len(server.keys) == questions
    other = outcome(client, asking("other", "Something else"))
    assert (other["status"], other["failed_node"]) == ("failed", "ask")
    assert "There is no recording of this call" in other["error"]
    assert "ask a provider that records first" in other["error"]


def test_an_answer_with_much_thought_is_a_recording_of_its_own(tmp_path: Path) -> None:
    model = RecordingModel(Script(said("fast"), said("slow")), tmp_path)
    for params in ({}, {"thinking": "high"}):
        model.generate(prompt="Hi", params=params)
    again = RecordedModel(tmp_path)
    assert again.generate(prompt="Hi", params={"thinking": "high"})["content"] == "slow"
    assert again.generate(prompt="Hi", params={})["content"] == "fast"


def test_the_same_words_about_two_pictures_are_two_recordings(tmp_path: Path) -> None:
    places = [tmp_path / name for name in ("1.png", "2.png", "copy.png")]
    for place, content in zip(places, (b"cat", b"dog", b"cat"), strict=True):
        place.write_bytes(content)
    recorder = RecordingModel(Script(said("A cat"), said("A dog"), said("Hello")), tmp_path / "kept")
    for media in ([str(places[0])], [str(places[1])], None):
        recorder.generate(prompt="What is it?", media=media)
    recorded = RecordedModel(tmp_path / "kept")
    answers = [recorded.generate(prompt="What is it?", media=[str(place)])["content"] for place in places]
    assert answers == ["A cat", "A dog", "A cat"], "a picture is known by what it shows, wherever it lies"
    assert recorded.generate(prompt="What is it?")["content"] == "Hello"


def test_an_agents_answer_has_the_shape_that_was_asked_for(client: Client) -> None:
    provide(client, kind="scripted")
    city = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
    schema = {**city, "required": ["city", "days"]}
    works = node(
        "agent",
        pins={"prompt": "Use calculate, please", "tools": ["calculate"]},
        agentConfig={"outputSchema": {"enabled": True, "jsonSchema": schema}},
    )
    nodes = {"start": start(), "work": works, "end": end("said", "data")}
    way = "start -> work, work -> end, work.response -> end.said, work.data -> end.data"
    done = outcome(client, flow("shaped", nodes, way))
    assert done["status"] == "completed", done["error"]
    data = done["output"]["data"]
    assert json.loads(done["output"]["said"]) == data
    assert isinstance(data["city"], str)
    assert isinstance(data["days"], int)


def test_no_flow_sends_a_file_of_the_server_to_a_model_by_its_path(client: Client, tmp_path: Path) -> None:
    picture = tmp_path / "private.png"
    picture.write_bytes(b"\x89PNG")
    provide(client, kind="scripted")
    asks = node("llm_call", pins={"prompt": "What is it?", "context": {"attachments": [str(picture)]}})
    nodes = {"start": start(), "ask": asks, "end": end("said")}
    done = outcome(client, flow("looking", nodes, "start -> ask, ask -> end, ask.response -> end.said"))
    assert (done["status"], done["failed_node"]) == ("failed", "ask")
    assert "is a path; this server takes files as artifacts" in done["error"]
    assert "Import Server File" in done["error"]
