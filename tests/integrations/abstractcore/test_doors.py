"""The doors of the integration: what importing them costs, what is missing is told, how runtimes are put together."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from abstractruntime import InMemoryRunStore, Runtime
from abstractruntime.core.models import EffectType
from abstractruntime.integrations import abstractcore as door
from abstractruntime.integrations.abstractcore import factory, guard
from abstractruntime.integrations.abstractcore.guard import NotInstalled
from integrations.abstractcore.optional import core

SERVER = str(Path(__file__).resolve().parents[3] / "server")
NAMES = [
    "AbstractCoreLLMClient",
    "LocalAbstractCoreLLMClient",
    "RemoteAbstractCoreLLMClient",
    "AbstractCoreEmbeddingsClient",
    "EmbeddingsResult",
    "RuntimeConfig",
    "ToolExecutor",
    "MappingToolExecutor",
    "AbstractCoreToolExecutor",
    "PassthroughToolExecutor",
    "build_effect_handlers",
    "create_local_runtime",
    "create_remote_runtime",
    "create_hybrid_runtime",
    "create_local_file_runtime",
    "create_remote_file_runtime",
    "attach_global_event_bus_bridge",
    "emit_step_record",
]


def python(code: str) -> str:
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env={"PYTHONPATH": SERVER}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("name", NAMES)
def test_every_published_name_is_there(name: str) -> None:
    assert name in door.__all__
    assert getattr(door, name) is not None
    with pytest.raises(AttributeError, match="no attribute"):
        getattr(door, f"{name}X")


def test_opening_the_door_loads_neither_abstractcore_nor_a_client() -> None:
    code = "import sys, abstractruntime.integrations.abstractcore; print([m for m in ('abstractcore','httpx','pydantic','mcp') if m in sys.modules])"
    assert python(code) == "[]"


def test_a_remote_runtime_needs_no_abstractcore() -> None:
    code = (
        "import sys; sys.modules['abstractcore'] = None\n"
        "from abstractruntime.integrations.abstractcore import create_remote_runtime\n"
        "print(type(create_remote_runtime(server_base_url='http://x', model='m')).__name__)"
    )
    assert python(code) == "Runtime"


def test_what_is_missing_is_told_when_it_is_needed() -> None:
    code = (
        "import sys; sys.modules['abstractcore'] = None\n"
        "from abstractruntime.integrations.abstractcore import create_local_runtime\n"
        "try: create_local_runtime(provider='mlx', model='m')\n"
        "except ImportError as error: print(error.code, error)"
    )
    told = python(code)
    assert told.startswith("integration.not_installed")
    assert "pip install 'flowstudio[abstractcore-light]'" in told


def test_importing_abstractcore_leaves_logging_alone() -> None:
    core()
    code = (
        "import logging; root = logging.getLogger(); before = (root.level, list(root.handlers))\n"
        "from abstractruntime.integrations.abstractcore.guard import abstractcore\n"
        "abstractcore('tools.registry', wanted_for='x')\n"
        "print((root.level, list(root.handlers)) == before)"
    )
    assert python(code) == "True"


def test_a_module_that_does_not_exist_is_told(caplog: pytest.LogCaptureFixture) -> None:
    core()
    with caplog.at_level(logging.DEBUG), pytest.raises(NotInstalled, match="no_such_module"):
        guard.abstractcore("no_such_module", wanted_for="abstractcore.no_such_module")


class Local:
    """What the factory makes of a provider and a model."""

    made: dict[str, Any]
    _llm = "the engine"

    def __init__(self, *, provider: str, model: str, llm_kwargs: dict[str, Any] | None = None) -> None:
        type(self).made = {"provider": provider, "model": model, "llm_kwargs": llm_kwargs}

    def get_model_capabilities(self) -> dict[str, Any]:
        return {"max_tokens": 4096, "max_output_tokens": 512, "tool_support": "native"}


class Summarizer:
    made: dict[str, Any]

    def __init__(self, llm: Any, *, max_tokens: int = -1, max_output_tokens: int = -1) -> None:
        type(self).made = {"llm": llm, "max_tokens": max_tokens, "max_output_tokens": max_output_tokens}


class Executor:
    made: list[Any]

    def __init__(self, *, timeout_s: float | None = None) -> None:
        type(self).made = [timeout_s]

    def set_timeout_s(self, timeout_s: float | None) -> None:
        self.made.append(timeout_s)

    def execute(self, *, tool_calls: list[Any]) -> dict[str, Any]:
        return {"mode": "executed", "results": []}


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(factory, "MultiLocalAbstractCoreLLMClient", Local)
    monkeypatch.setattr(factory, "AbstractCoreChatSummarizer", Summarizer)
    monkeypatch.setattr(factory, "AbstractCoreToolExecutor", Executor)


@pytest.mark.usefixtures("fakes")
def test_a_local_runtime_knows_its_model() -> None:
    extra = {EffectType.MEMORY_KG_QUERY: lambda run, effect: None}
    runtime = factory.create_local_runtime(
        provider="p", model="m", tool_timeout_s=5, extra_effect_handlers=extra, llm_kwargs={"timeout": None}
    )
    assert isinstance(runtime, Runtime)
    assert Local.made == {"provider": "p", "model": "m", "llm_kwargs": {"timeout": None}}
    assert Executor.made == [5, 5]
    assert Summarizer.made == {"llm": "the engine", "max_tokens": -1, "max_output_tokens": -1}
    assert runtime.config.provider == "p"
    assert runtime.config.to_limits_dict()["max_tokens"] == 4096
    assert callable(runtime.subscribe_ledger(lambda record: None))
    assert {
        EffectType.LLM_CALL,
        EffectType.TOOL_CALLS,
        EffectType.MEMORY_KG_QUERY,
    } <= runtime._engine.handlers.types()


@pytest.mark.usefixtures("fakes")
def test_a_store_that_is_given_alone_is_used() -> None:
    runs = InMemoryRunStore()
    runtime = factory.create_local_runtime(provider="p", model="m", run_store=runs)
    assert runtime.run_store is runs
    assert Local.made["llm_kwargs"]["timeout"] > 0


def test_files_keep_everything_of_a_runtime(tmp_path: Path) -> None:
    runtime = factory.create_remote_file_runtime(base_dir=tmp_path, server_base_url="http://x", model="m")
    assert type(runtime.run_store).__name__ == "JsonFileRunStore"
    assert type(runtime.artifact_store).__name__ == "FileArtifactStore"


def test_ledger_records_are_events_on_the_bus() -> None:
    events = core("events")
    heard: list[Any] = []
    kinds = [events.EventType.WORKFLOW_STEP_COMPLETED, events.EventType.WORKFLOW_STEP_FAILED]
    for kind in kinds:
        events.GlobalEventBus.on(kind, heard.append)
    door.emit_step_record(
        {"run_id": "r", "node_id": "n", "step_id": "s", "status": "completed", "effect": None}
    )
    door.emit_step_record({"run_id": "r", "status": "unheard of"})
    events.GlobalEventBus.clear()
    [event] = heard
    assert event.type is events.EventType.WORKFLOW_STEP_COMPLETED
    assert {key: event.data[key] for key in ("run_id", "node_id", "step_id", "status")} == {
        "run_id": "r",
        "node_id": "n",
        "step_id": "s",
        "status": "completed",
    }
    assert event.source == "abstractruntime"
