"""The published names at work: a remote call with httpx alone, vectors of texts, a run's records on the bus."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from abstractruntime import (
    Effect,
    EffectType,
    InMemoryLedgerStore,
    InMemoryRunStore,
    Runtime,
    StepPlan,
    WorkflowSpec,
)
from abstractruntime.integrations.abstractcore import (
    AbstractCoreEmbeddingsClient,
    EmbeddingsResult,
    LocalAbstractCoreLLMClient,
    attach_global_event_bus_bridge,
)
from abstractruntime.integrations.abstractcore.llm_client import LLMCallFailed
from abstractruntime.storage.observable import ObservableLedgerStore
from integrations.abstractcore.optional import core
from integrations.abstractcore.test_doors import SERVER
from integrations.abstractcore.test_llm_remote import Server, server

__all__ = ["server"]  # the fixture

ALONE = """
import sys
for name in ("abstractcore", "mcp", "openai", "abstractmemory"):
    sys.modules[name] = None
from abstractruntime import Effect, EffectType, StepPlan, WorkflowSpec
from abstractruntime.integrations.abstractcore import create_remote_runtime
runtime = create_remote_runtime(server_base_url=sys.argv[1], model="m", timeout_s=20)
asks = Effect(EffectType.LLM_CALL, {"prompt": "Hello"}, "answer")
spec = WorkflowSpec(workflow_id="w", entry_node="ask", nodes={
    "ask": lambda run, ctx: StepPlan("ask", effect=asks, next_node="end"),
    "end": lambda run, ctx: StepPlan("end", complete_output={"said": run.vars["answer"]["content"]}),
})
run_id = runtime.start(workflow=spec)
print(runtime.tick(workflow=spec, run_id=run_id).output)
"""


def test_a_remote_call_needs_httpx_and_no_abstractcore(server: Server) -> None:
    server.says({"model": "m", "choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]})
    done = subprocess.run(
        [sys.executable, "-c", ALONE, server.url],
        env={"PYTHONPATH": SERVER},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "{'said': 'Hi'}"
    assert server.bodies[0]["messages"] == [{"role": "user", "content": "Hello"}]


def in_process(server: Server, model: str = "qwen3-4b") -> LocalAbstractCoreLLMClient:
    """AbstractCore's own client of that server; by this name it takes the model for one that knows tools."""
    core()
    options = {"base_url": f"{server.url}/v1", "api_key": "none", "validate_model": False, "timeout": 20}
    return LocalAbstractCoreLLMClient(provider="openai-compatible", model=model, llm_kwargs=options)


TOOL = {"name": "weather", "description": "Tells it.", "parameters": {"city": {"type": "string"}}}
EARLIER = [
    {"role": "user", "content": "Oslo?"},
    {"role": "assistant", "content": "", "tool_calls": [{"name": "weather", "arguments": {"city": "Oslo"}}]},
    {"role": "tool", "content": "cold", "name": "weather", "tool_call_id": "call_1"},
    {"role": "user", "content": "And Rome?"},
]


@pytest.mark.parametrize("mode", ["prompted", "schema"])
def test_in_process_tools_are_told_in_words_where_that_is_asked_for(server: Server, mode: str) -> None:
    call = '{"name": "weather", "arguments": {"city": "Rome"}}'
    text = call if mode == "schema" else f"<tool_call>{call}</tool_call>"
    server.says({"model": "m", "choices": [{"message": {"content": text}, "finish_reason": "stop"}]})
    answer = in_process(server).generate(
        prompt="", messages=EARLIER, system_prompt="Be brief.", tools=[TOOL], params={"tool_mode": mode}
    )
    [body] = server.bodies
    assert "tools" not in body
    assert ("response_format" in body) == (mode == "schema")
    first, *others = body["messages"]
    assert first["content"].startswith("Be brief.\n\nYou may use these tools:\n- weather: Tells it.")
    assert {each["role"] for each in others} == {"user", "assistant"}
    assert "Result of weather:\ncold" in others[-1]["content"]
    [made] = answer["tool_calls"]
    assert (made["name"], made["arguments"]) == ("weather", {"city": "Rome"})
    assert (answer["content"], answer["data"], answer["finish_reason"]) == ("", None, "tool_calls")


@pytest.mark.parametrize(("said", "effort"), [("off", "none"), ("high", "high")])
def test_in_process_a_model_is_told_how_much_to_think(server: Server, said: str, effort: str) -> None:
    server.says({"model": "m", "choices": [{"message": {"content": "Warm."}, "finish_reason": "stop"}]})
    in_process(server, "gpt-5.4").generate(prompt="Rome?", params={"thinking": said})
    assert server.bodies[0]["reasoning_effort"] == effort


def test_in_process_an_answer_in_words_is_one(server: Server) -> None:
    said = '{"answer": "It is warm."}'
    server.says({"model": "m", "choices": [{"message": {"content": said}, "finish_reason": "stop"}]})
    answer = in_process(server).generate(prompt="Rome?", tools=[TOOL], params={"tool_mode": "schema"})
    assert (answer["content"], answer["tool_calls"], answer["finish_reason"]) == ("It is warm.", None, "stop")


def test_in_process_an_unknown_way_to_call_tools_is_refused(server: Server) -> None:
    with pytest.raises(LLMCallFailed, match=r"params\.tool_mode must be one of native, schema, prompted"):
        in_process(server).generate(prompt="Rome?", tools=[TOOL], params={"tool_mode": "magic"})
    assert server.bodies == []


def test_texts_become_vectors_in_their_order(server: Server, tmp_path: Path) -> None:
    core("embeddings")
    vectors = [{"index": index, "embedding": [float(index), 0.5]} for index in range(2)]
    server.says({"data": vectors, "model": "e"}, {"data": vectors[:1], "model": "e"})
    options = {"provider_kwargs": {"base_url": f"{server.url}/v1"}, "cache_dir": str(tmp_path)}
    client = AbstractCoreEmbeddingsClient(provider="openai-compatible", model="e", manager_kwargs=options)
    found = client.embed_texts(["one", "two"])
    assert found == EmbeddingsResult("openai-compatible", "e", [[0.0, 0.5], [1.0, 0.5]], 2)
    assert server.bodies[0] == {"model": "e", "input": ["one", "two"]}
    assert client.embed_texts([]).embeddings == []


def test_the_records_of_runs_are_events_until_the_bridge_is_taken_away() -> None:
    events = core("events")
    heard: list[Any] = []
    kinds = ("STARTED", "COMPLETED", "WAITING", "FAILED")
    types = [getattr(events.EventType, f"WORKFLOW_STEP_{kind}") for kind in kinds]
    for each in types:
        events.GlobalEventBus.on(each, heard.append)
    runtime = Runtime(run_store=InMemoryRunStore(), ledger_store=ObservableLedgerStore(InMemoryLedgerStore()))

    unwired = Effect(EffectType.LLM_CALL, {"prompt": "Hello"}, "answer")
    good = WorkflowSpec(
        workflow_id="good",
        entry_node="end",
        nodes={"end": lambda run, ctx: StepPlan("end", complete_output={"a": 1})},
    )
    bad = WorkflowSpec(
        workflow_id="bad",
        entry_node="fail",
        nodes={"fail": lambda run, ctx: StepPlan("fail", effect=unwired, next_node="fail")},
    )
    try:
        first, second = runtime.start(good), runtime.start(bad)
        all_runs = attach_global_event_bus_bridge(runtime=runtime)
        one_run = attach_global_event_bus_bridge(runtime=runtime, run_id=first, source="mine")
        runtime.tick(good, first)
        runtime.tick(bad, second)
        all_runs()
        one_run()
        runtime.tick(good, runtime.start(good))
    finally:
        events.GlobalEventBus.clear()
    assert {each.data["run_id"] for each in heard} == {first, second}, "no event after the bridge is gone"
    mine = [each for each in heard if each.source == "mine"]
    assert {each.data["run_id"] for each in mine} == {first}
    assert {each.source for each in heard} == {"abstractruntime", "mine"}
    ended = next(each for each in mine if each.type is events.EventType.WORKFLOW_STEP_COMPLETED)
    assert {*ended.data} == {"run_id", "node_id", "step_id", "status", "record"}
    assert ended.data["record"]["step_id"] == ended.data["step_id"]
    failed = [each for each in heard if each.type is events.EventType.WORKFLOW_STEP_FAILED]
    assert "fail" in {each.data["node_id"] for each in failed}


def test_the_bridge_needs_a_ledger_that_can_be_watched() -> None:
    runtime = Runtime(run_store=InMemoryRunStore(), ledger_store=InMemoryLedgerStore())
    with pytest.raises(Exception, match=r"(?i)observable|subscri"):
        attach_global_event_bus_bridge(runtime=runtime)
