"""Our Agent node, from the browser's forms to a real small model: its tool, a person's word, a restart, a cancel."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from abstractruntime import RunStatus
from drive import end, flow, node, start
from flowstudio.settings import Settings
from model.asking import MODEL
from model.conftest import ModelServer
from web.conftest import PORT, TOKEN, Client, open_client

pytestmark = pytest.mark.model
TOOLS = Path(__file__).parents[1] / "integrations" / "mcp" / "tools_server.py"
SUM = {"expression": "17 * 3"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", flows=tmp_path / "flows", port=PORT, api_token=TOKEN, threads=2)


def provide(client: Client, server: ModelServer) -> None:
    """The small model is the one to ask, and is made to call tools by a schema."""
    given = {
        "kind": "openai",
        "name": "small",
        "base_url": f"{server.url}/v1",
        "model": MODEL,
        "tool_mode": "schema",
    }
    assert client.post("/settings/models", data=given, follow_redirects=False).status_code == 303


@pytest.fixture
def client(settings: Settings, model_server: ModelServer) -> Iterator[Client]:
    with open_client(settings) as client:
        provide(client, model_server)
        yield client


def save(client: Client, **pins: Any) -> None:
    """An agent that is to work something out; the model decides greedily, so it always does the same."""
    given = {"prompt": f"Use calculate for the expression {SUM['expression']}.", "tools": ["calculate"]}
    sampling = {"temperature": 0, "seed": 1, "max_out_tokens": 96, "max_iterations": 1}
    works = node("agent", pins={**given, **sampling, **pins}, agentConfig={"answerAtLimit": True})
    client.save(
        flow(
            "working",
            {"start": start(), "work": works, "end": end("said", "meta", "pad")},
            "start -> work, work -> end, work.response -> end.said, work.meta -> end.meta, work.scratchpad -> end.pad",
        )
    )


def kinds(client: Client, run_id: str) -> list[str]:
    """The effects of a tree that came to an end, in order."""
    told = [(each.get("effect") or {}).get("type") for each in client.records(run_id) if _is_done(each)]
    return [kind for kind in told if kind in ("llm_call", "tool_calls")]


def _is_done(record: dict[str, Any]) -> bool:
    return record["status"] == "completed"


def worked_out(client: Client, run_id: str) -> dict[str, Any]:
    done = client.until(run_id, "completed", "failed", seconds=120)
    assert done["status"] == "completed", done["error"]
    return dict(done["output"])


def test_the_agent_node_has_its_tool_used_by_a_model_whose_server_is_told_of_none(client: Client) -> None:
    save(client)
    run_id = client.launch("working")
    output = worked_out(client, run_id)
    [call] = output["pad"]["tool_calls"]
    assert (call["name"], call["arguments"]) == ("calculate", SUM)
    [result] = output["pad"]["tool_results"]
    assert (result["success"], result["output"]) == (True, 51)
    assert output["said"].strip()
    assert kinds(client, run_id) == ["llm_call", "tool_calls", "llm_call"]
    calls = [each for each in client.records(run_id) if (each["effect"] or {}).get("type") == "llm_call"]
    used = sum(each["result"]["usage"]["total_tokens"] for each in calls if _is_done(each))
    assert used > 100
    assert f"2 calls, {used} tokens" in client.get(f"/runs/{run_id}").text


def test_a_person_allows_the_tool_after_a_restart_and_the_model_is_not_asked_again(
    settings: Settings, model_server: ModelServer
) -> None:
    """The server ends while the agent waits; the one that begins then carries the changed call out."""
    with open_client(settings) as client:
        provide(client, model_server)
        given = {"id": "ours", "command": f"{sys.executable} {TOOLS} stdio", "timeout_s": "60"}
        assert client.post("/settings/tools", data=given, follow_redirects=False).status_code == 303
        save(client, prompt="Use ours__add for the number 40.", tools=["ours__add"])
        run_id = client.launch("working")
        prompt = client.asked(run_id, seconds=60)
        [call] = prompt["tool_calls"]
        assert (call["name"], call["arguments"]["a"]) == ("ours__add", 40)
        assert kinds(client, run_id) == ["llm_call"]
    with open_client(settings) as later:
        assert later.asked(run_id)["tool_calls"] == [call]
        answer = {"approved": True, "arguments": {call["id"]: {"a": 66, "b": 2}}}
        body = {"wait_key": prompt["wait_key"], "response": answer}
        later.post(f"/api/prompts/{prompt['run_id']}", json=body).raise_for_status()
        output = worked_out(later, run_id)
        [result] = output["pad"]["tool_results"]
        assert result["success"] is True
        assert "68" in str(result["output"])
        assert kinds(later, run_id) == ["llm_call", "tool_calls", "llm_call"]


def test_an_agent_that_is_cancelled_in_mid_call_ends_the_call(client: Client) -> None:
    """With its run, at once; what was said so far was paid for, and is in the record."""
    save(client, prompt="Write a very long story.", tools=[], temperature=1, seed=3, max_out_tokens=2000)
    run_id = client.launch("working")
    reader, words = client.studio.reader, client.studio.ai.models.words
    [child] = client.wait(lambda: reader.children(run_id), bool, 30)
    client.wait(lambda: words.said(child.run_id), bool, 60)
    client.post(f"/api/runs/{run_id}/cancel").raise_for_status()

    def ends() -> list[dict[str, Any]]:
        told = [each for each in client.records(run_id) if (each["effect"] or {}).get("type") == "llm_call"]
        return [each for each in told if each["status"] != "started"]

    [failed] = client.wait(ends, bool, 60)
    assert failed["status"] == "failed"
    assert "in the middle of the model's answer" in failed["error"]
    [attempt] = failed["result"]["metadata"]["attempts"]
    assert attempt["usage"] is None, "the server counts at the end"
    assert {each.status for each in reader.tree(run_id).runs} == {RunStatus.CANCELLED}
    assert client.studio.ai.models.generate(prompt="Say hello.", params={"max_tokens": 8})["content"]
