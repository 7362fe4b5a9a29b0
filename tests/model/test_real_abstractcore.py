"""AbstractCore in this process, over the real small model."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from abstractruntime import Runtime
from abstractruntime.integrations.abstractcore import (
    LocalAbstractCoreLLMClient,
    create_local_runtime,
    create_remote_runtime,
)
from abstractruntime.integrations.abstractcore.llm_client import subscribe_llm_tokens
from integrations.abstractcore.optional import core
from model.asking import CITY, GREEDY, MODEL, WEATHER, asked
from model.conftest import ModelServer

pytestmark = [
    pytest.mark.model,
    # AbstractCore leaves its connections open.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(autouse=True)
def left_open() -> Iterator[None]:
    yield
    gc.collect()  # what AbstractCore leaves open is told here, not in another test


@pytest.fixture
def remote(model_server: ModelServer) -> Runtime:
    return create_remote_runtime(server_base_url=model_server.url, model=MODEL, timeout_s=120)


def local_runtime(server: ModelServer, model: str) -> Runtime:
    core()
    options = {"base_url": f"{server.url}/v1", "timeout": 120, "api_key": "none", "validate_model": False}
    return create_local_runtime(provider="openai-compatible", model=model, llm_kwargs=options)


@pytest.fixture
def local(model_server: ModelServer) -> Runtime:
    return local_runtime(model_server, MODEL)


def test_abstractcore_answers_in_the_same_shape(local: Runtime, remote: Runtime) -> None:
    question = {"prompt": "What is the capital of France?", "system_prompt": "Answer in one sentence."}
    ours, theirs = asked(remote, **question), asked(local, **question)
    assert "Paris" in theirs["content"]
    assert set(ours) == set(theirs)
    assert theirs["usage"]["input_tokens"] == ours["usage"]["input_tokens"]
    assert local.config.model_capabilities["max_tokens"] > 0


def test_abstractcore_keeps_usage_of_structured_answers(model_server: ModelServer) -> None:
    """By this name AbstractCore has the server force the schema; by the other it would only ask for it."""
    local = local_runtime(model_server, "qwen3-4b")
    answer = asked(local, prompt="Oslo is cold. Which city, and is it warm?", response_schema=CITY)
    assert set(answer["data"]) == {"city", "warm"}
    assert answer["usage"]["output_tokens"] > 0


def test_abstractcore_calls_a_tool_by_a_forced_schema(model_server: ModelServer) -> None:
    local = local_runtime(model_server, "qwen3-4b")  # by this name the server forces the schema, see above
    params = {**GREEDY, "tool_mode": "schema"}
    answer = asked(local, prompt="Weather in Oslo?", tools=[WEATHER], params=params)
    [made] = answer["tool_calls"]
    assert (made["name"], set(made["arguments"])) == ("get_weather", {"city"})
    assert made["call_id"]
    assert (answer["finish_reason"], answer["data"], answer["content"]) == ("tool_calls", None, "")
    assert answer["usage"]["output_tokens"] > 0


def test_abstractcore_streams(local: Runtime) -> None:
    heard: list[str] = []
    end = subscribe_llm_tokens(None, lambda run, delta: heard.append(delta["content"]))
    params = {**GREEDY, "stream": True}
    answer = asked(local, prompt="Count to three.", params=params, allow_truncation=True)
    end()
    assert "".join(heard) == answer["content"]
    assert answer["usage"]["output_tokens"] > 0


def test_a_missing_provider_is_told() -> None:
    core()
    with pytest.raises(Exception, match="no-such-provider"):
        LocalAbstractCoreLLMClient(provider="no-such-provider", model="m")
