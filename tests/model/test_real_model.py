"""Model calls and tool calls as durable steps, against a real model on a real server."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from abstractruntime import Effect, EffectType, RunState, RunStatus, Runtime, StepPlan, WorkflowSpec
from abstractruntime.integrations.abstractcore import (
    MappingToolExecutor,
    create_hybrid_runtime,
    create_remote_runtime,
)
from abstractruntime.integrations.abstractcore.llm_client import subscribe_llm_tokens
from abstractruntime.storage import open_stores
from model.asking import CITY, GREEDY, MODEL, WEATHER, asked, asking
from model.conftest import ModelServer
from model.relay import Relay

pytestmark = pytest.mark.model


@pytest.fixture
def remote(model_server: ModelServer) -> Runtime:
    return create_remote_runtime(server_base_url=model_server.url, model=MODEL, timeout_s=120)


def test_a_chat(remote: Runtime) -> None:
    answer = asked(remote, prompt="What is the capital of France?", system_prompt="Answer in one sentence.")
    assert "Paris" in answer["content"]
    assert answer["finish_reason"] == "stop"
    assert answer["usage"]["input_tokens"] > 10
    assert (
        answer["usage"]["total_tokens"] == answer["usage"]["input_tokens"] + answer["usage"]["output_tokens"]
    )
    again = asked(remote, prompt="What is the capital of France?", system_prompt="Answer in one sentence.")
    assert again["content"] == answer["content"]


def test_history_is_read(remote: Runtime) -> None:
    history = [
        {"role": "user", "content": "My name is Amelia."},
        {"role": "assistant", "content": "Hello Amelia!"},
        {"role": "user", "content": "What is my name?"},
    ]
    whole = asked(remote, messages=history, allow_truncation=True)
    last = asked(remote, messages=history[-1:], allow_truncation=True)
    assert whole["usage"]["input_tokens"] > last["usage"]["input_tokens"] + 10
    assert whole["content"].strip()


def test_structured_output_fits_its_schema(remote: Runtime) -> None:
    answer = asked(
        remote, prompt="Oslo is cold today. Which city is it, and is it warm?", response_schema=CITY
    )
    assert set(answer["data"]) == {"city", "warm"}
    assert isinstance(answer["data"]["warm"], bool)
    assert json.loads(answer["content"]) == answer["data"]
    assert answer["usage"]["output_tokens"] > 0


def test_a_stream_is_heard_and_whole(remote: Runtime) -> None:
    heard: list[str] = []
    end = subscribe_llm_tokens(None, lambda run, delta: heard.append(delta.get("content", "")))
    params = {**GREEDY, "stream": True}
    answer = asked(remote, prompt="Count to three.", params=params, allow_truncation=True)
    end()
    assert len(heard) > 3
    assert "".join(heard) == answer["content"]
    assert answer["ttft_ms"] <= answer["gen_time"]
    assert answer["usage"]["output_tokens"] > 0


def test_a_cut_answer_is_asked_for_again(remote: Runtime) -> None:
    answer = asked(remote, prompt="Say hello.", max_output_tokens=1, params={"temperature": 0, "seed": 1})
    assert answer["finish_reason"] == "stop"
    assert [each["max_output_tokens"] for each in answer["metadata"]["_truncation"]["attempts"]] == [1, 501]


def test_a_tool_is_called_by_a_server_that_knows_none(remote: Runtime) -> None:
    params = {**GREEDY, "tool_mode": "schema"}
    answer = asked(remote, prompt="Use get_weather for the city Oslo.", tools=[WEATHER], params=params)
    [call] = answer["tool_calls"]
    assert call["name"] == "get_weather"
    assert set(call["arguments"]) == {"city"}
    assert answer["finish_reason"] == "tool_calls"


def test_an_agent_with_a_tool(model_server: ModelServer) -> None:
    """LLM_CALL, TOOL_CALLS, LLM_CALL: three steps of the ledger, and an answer at the end."""
    seen: list[str] = []

    def get_weather(city: str) -> dict[str, str]:
        seen.append(city)
        return {"sky": "sunny"}

    runtime = create_hybrid_runtime(
        server_base_url=model_server.url,
        model=MODEL,
        timeout_s=60,
        tool_executor=MappingToolExecutor.from_tools([get_weather]),
    )
    question = "Use get_weather for the city Oslo."

    def think(run: RunState, ctx: Any) -> StepPlan:
        payload = {"prompt": question, "tools": [WEATHER], "params": {**GREEDY, "tool_mode": "schema"}}
        return StepPlan("think", effect=Effect(EffectType.LLM_CALL, payload, "thought"), next_node="act")

    def act(run: RunState, ctx: Any) -> StepPlan:
        payload = {"tool_calls": run.vars["thought"]["tool_calls"], "allowed_tools": ["get_weather"]}
        return StepPlan("act", effect=Effect(EffectType.TOOL_CALLS, payload, "done"), next_node="tell")

    def tell(run: RunState, ctx: Any) -> StepPlan:
        calls = run.vars["thought"]["tool_calls"]
        messages = [
            {"role": "user", "content": question},
            {"role": "assistant", "content": "", "tool_calls": calls},
            {
                "role": "tool",
                "content": json.dumps(run.vars["done"]["results"][0]["output"]),
                "tool_call_id": calls[0]["call_id"],
            },
        ]
        payload = {"messages": messages, "params": GREEDY, "allow_truncation": True}
        return StepPlan("tell", effect=Effect(EffectType.LLM_CALL, payload, "answer"), next_node="end")

    def end(run: RunState, ctx: Any) -> StepPlan:
        return StepPlan("end", complete_output={"answer": run.vars["answer"]["content"]})

    nodes = {"think": think, "act": act, "tell": tell, "end": end}
    spec = WorkflowSpec(workflow_id="agent", entry_node="think", nodes=nodes)
    run = runtime.tick(spec, runtime.start(spec))
    assert run.status is RunStatus.COMPLETED, run.error
    assert len(seen) == 1
    assert run.output
    assert run.output["answer"].strip()
    kinds = [each["effect"]["type"] for each in runtime.get_ledger(run.run_id) if each["status"] == "started"]
    assert kinds == ["llm_call", "tool_calls", "llm_call"]


# ---- what goes wrong -----------------------------------------------------------------------------


def test_a_run_that_is_cancelled_in_mid_call_ends_the_call(remote: Runtime) -> None:
    """The model is not left writing for nobody: the connection is closed, and the next call is answered."""
    most = 2_000
    spec = asking(
        prompt="Write a very long story.",
        params={"temperature": 1, "seed": 3, "max_tokens": most, "stream": True},
        allow_truncation=True,
    )
    run_id = remote.start(spec)
    begun, heard = threading.Event(), []

    def hears(run: str, delta: dict[str, Any]) -> None:
        heard.append(delta)
        begun.set()

    end = subscribe_llm_tokens(run_id, hears)
    thread = threading.Thread(target=remote.tick, args=(spec, run_id))
    thread.start()
    assert begun.wait(60)
    remote.cancel_run(run_id, reason="Enough")
    thread.join(60)
    end()
    assert not thread.is_alive()
    assert 0 < len(heard) < most
    run = remote.get_state(run_id)
    assert (run.status, run.error) == (RunStatus.CANCELLED, "Enough")
    told = [each for each in remote.get_ledger(run_id) if (each["effect"] or {}).get("type") == "llm_call"]
    assert [each["status"] for each in told] == ["started", "failed"]
    assert "in the middle of the model's answer" in told[1]["error"]
    assert asked(remote, prompt="Say hello.", allow_truncation=True)["content"]


def test_an_answer_that_is_damaged_on_its_way_is_told_and_asked_for_again(model_server: ModelServer) -> None:
    """A relay before the real server cuts its answers in half: the step fails, and succeeds without it."""
    relay = Relay(model_server.url)
    try:
        for broken, reason in (("cut", "no JSON object"), ("hung up", "cannot be reached")):
            relay.breaks = broken
            runtime = create_remote_runtime(server_base_url=relay.url, model=MODEL, timeout_s=120)
            spec = asking(prompt="Say hello.", allow_truncation=True)
            run = runtime.tick(spec, runtime.start(spec))
            assert run.status is RunStatus.FAILED
            assert reason in str(run.error)
        relay.breaks = ""
        assert asked(runtime, prompt="Say hello.", allow_truncation=True)["content"]
    finally:
        relay.close()


def test_an_answer_without_room_for_its_schema_is_told(remote: Runtime) -> None:
    spec = asking(
        prompt="Oslo is cold. Which city, and is it warm?",
        response_schema=CITY,
        retry_on_truncation=False,
        params={"temperature": 0, "seed": 1, "max_tokens": 4},
    )
    run = remote.tick(spec, remote.start(spec))
    assert run.status is RunStatus.FAILED
    assert "truncated" in str(run.error)
    assert "raise max_output_tokens" in str(run.error)


def test_a_server_that_is_not_there_is_told(model_server: ModelServer) -> None:
    runtime = create_remote_runtime(server_base_url="http://127.0.0.1:9", model=MODEL, timeout_s=5)
    spec = asking(prompt="Say hello.")
    run = runtime.tick(spec, runtime.start(spec))
    assert run.status is RunStatus.FAILED
    assert "is the model server running there" in str(run.error)


def test_a_slow_server_is_given_up(model_server: ModelServer) -> None:
    runtime = create_remote_runtime(server_base_url=model_server.url, model=MODEL, timeout_s=0.05)
    spec = asking(prompt="Write a long story.", params={"max_tokens": 400})
    run = runtime.tick(spec, runtime.start(spec))
    assert run.status is RunStatus.FAILED
    assert "did not answer within 0.05s" in str(run.error)


def test_a_server_that_dies_leaves_a_run_that_can_go_on(model_file: Path, tmp_path: Path) -> None:
    """The step that failed is taken again at another server; the one before is not paid for twice."""
    first, stores = ModelServer(model_file), open_stores(f"sqlite://{tmp_path}/runs.db")
    calls: list[str] = []

    def runtime_at(url: str) -> Runtime:
        return create_remote_runtime(
            server_base_url=url, model=MODEL, timeout_s=60, run_store=stores.runs, ledger_store=stores.ledger
        )

    def ask(key: str, next_node: str) -> Any:
        def node(run: RunState, ctx: Any) -> StepPlan:
            calls.append(key)
            payload = {"prompt": f"Say {key}.", "params": GREEDY, "allow_truncation": True}
            return StepPlan(key, effect=Effect(EffectType.LLM_CALL, payload, key), next_node=next_node)

        return node

    nodes = {
        "one": ask("one", "two"),
        "two": ask("two", "end"),
        "end": lambda run, ctx: StepPlan("end", complete_output={"one": run.vars["one"]["content"]}),
    }
    spec = WorkflowSpec(workflow_id="w", entry_node="one", nodes=nodes)
    runtime = runtime_at(first.url)
    run_id = runtime.start(spec)
    assert runtime.tick(spec, run_id, max_steps=1).current_node == "two"
    first.kill()
    failed = runtime.tick(spec, run_id)
    assert failed.status is RunStatus.FAILED
    assert "is the model server running there" in str(failed.error)

    second = ModelServer(model_file)
    runtime = runtime_at(second.url)
    run = runtime.get_state(run_id)
    run.status, run.error = RunStatus.RUNNING, None
    stores.runs.save(run)
    done = runtime.tick(spec, run_id)
    second.kill()
    assert done.status is RunStatus.COMPLETED, done.error
    assert calls == ["one", "two", "two"]


def test_four_runs_ask_at_once(remote: Runtime) -> None:
    spec = asking(prompt="Say hello.", allow_truncation=True)
    runs = [remote.start(spec) for _ in range(4)]
    threads = [threading.Thread(target=remote.tick, args=(spec, run_id)) for run_id in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {remote.get_state(run_id).status for run_id in runs} == {RunStatus.COMPLETED}
